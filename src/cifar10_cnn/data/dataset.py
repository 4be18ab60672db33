"""CIFAR-10 as arrays: from the cache, an archive, class folders, the download or the practice set.

Used in every notebook.
"""

import hashlib
import os
import shutil
import textwrap
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from cifar10_cnn import __version__, profiles
from cifar10_cnn.common import checks, files, paths
from cifar10_cnn.common.errors import CourseError, DataError
from cifar10_cnn.data import download, practice
from cifar10_cnn.data import readers as sources
from cifar10_cnn.data import store as cache
from cifar10_cnn.data.readers import CLASS_NAMES, Arrays
from cifar10_cnn.data.store import Cached
from cifar10_cnn.profiles import Profile

#: `sources.fingerprint` of the 60,000 official pictures, the same whatever archive they came in.
FINGERPRINT = "c0868c1fa038204834060e3f86e91418137168961e51aa93734eab329f830eab"


@dataclass(frozen=True, eq=False)
class Split:
    """Pictures and their labels.

    Attributes:
        images: uint8, (N, 32, 32, 3), red-green-blue, 0 to 255.
        labels: int64, (N,), 0 to k - 1.
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"Split({len(self):,} pictures)"


@dataclass(frozen=True, eq=False)
class Dataset:
    """The three splits and where they came from.

    Attributes:
        train: what the model learns from.
        validation: what choices are made on; taken from the training pictures.
        test: opened once, in notebook 05.
        class_names: k names; label 3 is ``class_names[3]``.
        name: ``CIFAR-10``, ``practice set`` or ``own pictures``.
        fingerprint: SHA-256 over all pictures and labels, whatever their order.
        origin: data, profile and seed in one line, for figures and tables.
    """

    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...]
    name: str
    fingerprint: str
    origin: str


def whole_training(dataset: Dataset) -> Split:
    """Return training and validation pictures as one split, for when all choices are made."""
    return Split(
        np.concatenate([dataset.train.images, dataset.validation.images]),
        np.concatenate([dataset.train.labels, dataset.validation.labels]),
    )


def load(
    profile: Profile | None = None,
    source: str | None = None,
    classes: Sequence[str] | None = None,
) -> Dataset:
    """Load the pictures, split them, and print one line that says what they are.

    The validation split is drawn from the training pictures, stratified and seeded: every class
    has the same share in both, and the same seed gives the same split. Smaller profiles draw a
    stratified part of each split. Used in every notebook.

    Args:
        profile: how much to load; by default the one that ``CIFAR10_PROFILE`` names.
        source: ``auto`` (the cache, else the official download, else the practice set),
            ``cifar10`` (the real one or an error), ``practice``, or the path of an archive or
            folder; by default what ``CIFAR10_DATA`` names, else ``auto``.
        classes: only these classes, as ``select_classes`` takes them; by default all.

    Raises:
        DataError: if the source is unknown, missing or damaged.
        CourseError: if the profile is none.
        ValueError: if a class is unknown or named twice, or only one is named.
    """
    profile = profiles.current() if profile is None else profile
    if not isinstance(profile, Profile):
        raise CourseError(f"{profile!r} is no profile: give profiles.get('quick'), say.")
    arrays, name, mark = _cached(source or os.environ.get("CIFAR10_DATA", "auto"))
    dataset = split(arrays, profile, name, mark)
    if classes is not None:
        dataset = select_classes(dataset, classes, profile.seed)
    sizes = [len(part) for part in (dataset.train, dataset.validation, dataset.test)]
    print(
        f"Data: {dataset.origin} · {sizes[0]:,} training, {sizes[1]:,} validation and "
        f"{sizes[2]:,} test pictures"
    )
    return dataset


def split(arrays: Arrays, profile: Profile, name: str, mark: str) -> Dataset:
    """Split arrays into training, validation and test as ``profile`` says.

    At most a tenth of the training pictures is set aside for validation.

    Raises:
        DataError: if there are too few pictures of a class for a stratified split.
    """
    labels = arrays.train_labels
    validation = min(profile.validation_images, len(labels) // 10)
    train = min(profile.train_images or len(labels), len(labels) - validation)
    test = min(profile.test_images or len(arrays.test_labels), len(arrays.test_labels))
    try:
        validation_index, rest = _draw(np.arange(len(labels)), labels, validation, profile.seed)
        train_index, _ = _draw(rest, labels, train, profile.seed)
        test_index, _ = _draw(
            np.arange(len(arrays.test_labels)), arrays.test_labels, test, profile.seed
        )
    except ValueError as error:
        raise DataError(
            f"{len(labels)} training and {len(arrays.test_labels)} test pictures are too few for "
            f"stratified splits ({error}): give at least 20 pictures of each class."
        ) from error
    return Dataset(
        Split(arrays.train_images[train_index], labels[train_index]),
        Split(arrays.train_images[validation_index], labels[validation_index]),
        Split(arrays.test_images[test_index], arrays.test_labels[test_index]),
        CLASS_NAMES,
        name,
        mark,
        f"{name} · profile {profile.name} · seed {profile.seed}",
    )


def _draw(
    index: np.ndarray, labels: np.ndarray, count: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw ``count`` of ``index``, stratified by label; return the drawn ones and the rest."""
    if count == len(index):
        return np.random.default_rng(seed).permutation(index), index[:0]
    drawn, rest = train_test_split(
        index, train_size=count, stratify=labels[index], random_state=seed
    )
    return drawn, rest


def select_classes(dataset: Dataset, classes: Sequence[str], seed: int = 0) -> Dataset:
    """Keep only some classes, relabelled 0 to k - 1 in the order given, each split shuffled.

    Used in notebooks 01 and 06.

    Raises:
        ValueError: if a name is unknown or given twice, or fewer than two are given.
    """
    checks.rows(classes, "classes")
    checks.count(seed, "seed", 0)
    unknown = [name for name in classes if name not in dataset.class_names]
    if unknown or len(classes) < 2 or len(set(classes)) < len(classes):
        raise ValueError(
            f"Give two or more different names out of {', '.join(dataset.class_names)}, "
            f"not {tuple(classes)}."
        )
    old_labels = [dataset.class_names.index(name) for name in classes]
    new_label = np.full(len(dataset.class_names), -1)
    new_label[old_labels] = range(len(classes))
    rng = np.random.default_rng(seed)

    def part(whole: Split) -> Split:
        index = rng.permutation(np.flatnonzero(new_label[whole.labels] >= 0))
        return Split(whole.images[index], new_label[whole.labels[index]])

    return replace(
        dataset,
        train=part(dataset.train),
        validation=part(dataset.validation),
        test=part(dataset.test),
        class_names=tuple(classes),
        origin=f"{dataset.origin} · {len(classes)} classes",
    )


def cache_path() -> Path:
    """Return where the cache of the real CIFAR-10 is, or would be."""
    return paths.data_folder() / "cifar10.npz"


def import_path(path: str | Path) -> Path:
    """Read CIFAR-10 from an archive or folder, check that it is complete, and cache it.

    Returns:
        The cache file.

    Raises:
        DataError: if it cannot be read, is not the 60,000 official pictures, or cannot be stored.
    """
    arrays = sources.read(path)
    mark = sources.fingerprint(arrays)
    if mark != FINGERPRINT:
        raise DataError(
            f"{path} holds {len(arrays.train_labels):,} training and {len(arrays.test_labels):,} "
            f"test pictures with fingerprint {mark[:12]}…, but CIFAR-10 has 50,000 and 10,000 with "
            f"{FINGERPRINT[:12]}…: it was changed or is not CIFAR-10. To work on pictures of your "
            f"own, set CIFAR10_DATA={path} instead of importing them."
        )
    cache.store(cache_path(), Cached(arrays, "CIFAR-10", mark))
    return cache_path()


def fetch() -> Path:
    """Download the official archive (170 MB), check it, and cache the pictures, unless they are.

    Of several programs that call this at once, one downloads and the others wait for it. What a
    broken download has got is kept, and the next call goes on behind it.

    Returns:
        The cache file.

    Raises:
        DataError: if the download fails or the cache cannot be written.
    """
    if cache_path().exists():
        return cache_path()
    folder = paths.data_folder() / "download"
    failure = folder / "failed.txt"
    called = time.time()
    with _alone("cifar10"):
        if cache_path().exists():
            return cache_path()
        if failure.exists() and failure.stat().st_mtime > called:  # the one that was waited for
            raise DataError(failure.read_text(encoding="utf-8"))
        try:
            folder.mkdir(exist_ok=True)
            import_path(download.official_archive(folder))
        except DataError as error:
            with suppress(CourseError):  # on a full disk those who wait try themselves
                files.write(failure, str(error))
            raise
        shutil.rmtree(folder, ignore_errors=True)
    return cache_path()


def _alone(name: str) -> AbstractContextManager[None]:
    """Wait until no other program makes the same cache file, and keep others from it."""
    lock = paths.data_folder() / f".{name}.lock"
    return files.alone(lock, "Another program gets these pictures: waiting for it.", wait=True)


def verify() -> str:
    """Check every picture and label of the cache and return one line that says they are right.

    Raises:
        DataError: if there is no cache or it is not CIFAR-10, complete and unchanged.
    """
    _, _, mark = cache.read(_existing_cache())
    if mark != FINGERPRINT:
        raise DataError(
            f"{cache_path()} was changed (fingerprint {mark[:12]}…, not {FINGERPRINT[:12]}…): "
            "delete it and fetch or import CIFAR-10 again."
        )
    return f"{cache_path()} holds the 60,000 official pictures, fingerprint {mark[:12]}…"


def describe() -> str:
    """Return what the cache holds: numbers of pictures, classes, mean and spread of the pixels.

    Raises:
        DataError: if there is no cache or it is damaged.
    """
    arrays, name, mark = cache.read(_existing_cache())
    # One channel at a time: all 50,000 pictures as floats would take a gigabyte.
    channels = [arrays.train_images[..., channel] / np.float32(255) for channel in range(3)]
    lines = [
        f"{name}, fingerprint {mark[:12]}…, in {cache_path()}",
        f"training: {len(arrays.train_labels):,} pictures, {_counts(arrays.train_labels)}",
        f"test: {len(arrays.test_labels):,} pictures, {_counts(arrays.test_labels)}",
        f"classes: {', '.join(CLASS_NAMES)}",
        "red, green, blue of the training pictures (0 to 1): mean "
        + ", ".join(f"{channel.mean(dtype=float):.4f}" for channel in channels)
        + "; standard deviation "
        + ", ".join(f"{channel.std(dtype=float):.4f}" for channel in channels),
    ]
    return "\n".join(lines)


def _counts(labels: np.ndarray) -> str:
    counts = np.bincount(labels, minlength=10)
    return f"{counts.min():,} to {counts.max():,} a class"


def _existing_cache() -> Path:
    if not cache_path().exists():
        raise DataError(
            f"There is no CIFAR-10 in {cache_path().parent}: get it with `python -m cifar10_cnn "
            "data fetch`, or `python -m cifar10_cnn data import PATH` if you have a copy."
        )
    return cache_path()


def _cached(source: str) -> Cached:
    """Return all pictures of a source, its name and its fingerprint."""
    if source == "practice":
        return _practice()
    if source in ("auto", "cifar10"):
        try:
            return _kept(cache_path(), fetch, FINGERPRINT)
        except DataError as error:
            if source == "cifar10":
                raise
            print(_banner(str(error)))
            return _practice()
    return _own(files.path(source))


def _kept(file: Path, make: Callable[[], object], mark: str | None = None) -> Cached:
    """Return what a cache file holds; make it where it is missing, and again if it is damaged.

    Of CIFAR-10 the fingerprint is known: ``mark``.
    """
    if file.exists():
        try:
            kept = cache.read(file)
            if mark not in (None, kept.fingerprint):
                raise DataError(f"{file} holds other pictures than CIFAR-10.")
            return kept
        except DataError as error:
            print(f"{error} It is made again.")
            with files.writing(file):
                file.unlink(missing_ok=True)
    make()
    return cache.read(file)


def _practice() -> Cached:
    """Return the practice set, drawn at first use."""
    file = paths.data_folder() / f"practice-{__version__}.npz"

    def draw() -> None:
        with _alone("practice"):
            if not file.exists():
                arrays = practice.make()
                cache.store(file, Cached(arrays, "practice set", sources.fingerprint(arrays)))

    return _kept(file, draw)


def _own(path: Path) -> Cached:
    """Return the pictures of a path, cached until a file of it changes."""
    if not path.exists():
        raise DataError(
            f"CIFAR10_DATA={str(path)!r} is neither auto, cifar10, practice nor a path that exists."
        )
    members = [path, *(sources.inside(path) if path.is_dir() else ())]
    newest = max(file.lstat().st_mtime_ns for file in members)
    state = f"{path.resolve()}|{len(members)}|{newest}|{path.stat().st_size}"
    key = hashlib.sha256(state.encode()).hexdigest()[:12]
    file = paths.data_folder() / f"own-{key}.npz"

    def take() -> None:
        arrays = sources.read(path)
        mark = sources.fingerprint(arrays)
        name = "CIFAR-10" if mark == FINGERPRINT else "own pictures"
        cache.store(file, Cached(arrays, name, mark))

    return _kept(file, take)


def _banner(reason: str) -> str:
    """Return a frame that no one can miss: what follows is not CIFAR-10."""
    lines = [
        "PRACTICE SET: these pictures are drawings, NOT CIFAR-10.",
        "Results on them say nothing about CIFAR-10.",
        "",
        *textwrap.wrap(reason, 88),
    ]
    edge = "█" * 94
    return "\n".join([edge, *(f"██ {line:<88} ██" for line in lines), edge])
