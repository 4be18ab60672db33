"""CIFAR-10 as arrays: from the cache, an archive, class folders, the download or the practice set.

Used in every notebook.
"""

import hashlib
import os
import tempfile
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from cifar10_cnn import __version__, cache, download, paths, practice, profiles, sources
from cifar10_cnn.cache import Cached
from cifar10_cnn.errors import DataError
from cifar10_cnn.profiles import Profile
from cifar10_cnn.sources import CLASS_NAMES, Arrays

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
        ValueError: if a class is unknown or named twice, or only one is named.
    """
    profile = profile or profiles.current()
    arrays, name, mark = _cached(source or os.environ.get("CIFAR10_DATA", "auto"))
    dataset = split(arrays, profile, name, mark)
    if classes:
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

    Returns:
        The cache file.

    Raises:
        DataError: if the download fails or the cache cannot be written; nothing half-written stays.
    """
    if cache_path().exists():
        return cache_path()
    with tempfile.TemporaryDirectory(prefix="cifar10-") as folder:
        return import_path(download.official_archive(folder))


def verify() -> str:
    """Check every picture and label of the cache and return one line that says they are right.

    Raises:
        DataError: if there is no cache or it is not CIFAR-10, complete and unchanged.
    """
    arrays, _, _ = cache.read(_existing_cache())
    mark = sources.fingerprint(arrays)
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
            file = fetch()
        except DataError as error:
            if source == "cifar10":
                raise
            print(_banner(str(error)))
            return _practice()
        return cache.read(file)
    return _own(Path(source).expanduser())


def _practice() -> Cached:
    """Return the practice set, drawn at first use."""
    file = paths.data_folder() / f"practice-{__version__}.npz"
    if not file.exists():
        arrays = practice.make()
        cache.store(file, Cached(arrays, "practice set", sources.fingerprint(arrays)))
    return cache.read(file)


def _own(path: Path) -> Cached:
    """Return the pictures of a path, cached until a file of it changes."""
    if not path.exists():
        raise DataError(
            f"CIFAR10_DATA={str(path)!r} is neither auto, cifar10, practice nor a path that exists."
        )
    files = [path, *path.rglob("*")] if path.is_dir() else [path]
    newest = max(file.stat().st_mtime_ns for file in files)
    state = f"{path.resolve()}|{len(files)}|{newest}|{path.stat().st_size}"
    key = hashlib.sha256(state.encode()).hexdigest()[:12]
    file = paths.data_folder() / f"own-{key}.npz"
    if not file.exists():
        arrays = sources.read(path)
        mark = sources.fingerprint(arrays)
        name = "CIFAR-10" if mark == FINGERPRINT else "own pictures"
        cache.store(file, Cached(arrays, name, mark))
    return cache.read(file)


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
