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

from cifar10_cnn import profiles
from cifar10_cnn.common import checks, files, paths, settings
from cifar10_cnn.common.errors import CourseError, DataError
from cifar10_cnn.data import download, practice, readers, store
from cifar10_cnn.data.readers import CLASS_NAMES, Arrays
from cifar10_cnn.data.store import Cached
from cifar10_cnn.profiles import Profile

#: ``readers.fingerprint`` of the 60,000 official images, the same whatever archive they came in.
FINGERPRINT = "c0868c1fa038204834060e3f86e91418137168961e51aa93734eab329f830eab"


@dataclass(frozen=True, eq=False)
class Split:
    """Images and their labels.

    Attributes:
        images: uint8, (N, 32, 32, 3), red-green-blue, 0 to 255.
        labels: int64, (N,), 0 to k - 1.
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"Split({len(self):,} images)"


@dataclass(frozen=True, eq=False)
class Dataset:
    """The three splits and where they came from.

    Attributes:
        train: training data.
        validation: what choices are made on; taken from the training images.
        test: opened once, in notebook 05.
        class_names: k names; label 3 is ``class_names[3]``.
        name: ``CIFAR-10``, ``practice set`` or ``own images``.
        fingerprint: SHA-256 over all images and labels, whatever their order.
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
    """Return training and validation images as one split, for when all choices are made."""
    return Split(
        np.concatenate([dataset.train.images, dataset.validation.images]),
        np.concatenate([dataset.train.labels, dataset.validation.labels]),
    )


def load(profile: Profile | None = None, source: str | None = None) -> Dataset:
    """Load the images, split them, and print one line that says what they are.

    Used in every notebook.

    Args:
        profile: how much to load; by default the one that ``CIFAR10_PROFILE`` names.
        source: ``auto`` (the cache, a copy of Keras or torchvision, the official download, else
            the practice set), ``cifar10`` (the real one or an error), ``practice``, or the path of
            an archive or folder; by default what ``CIFAR10_DATA`` names, else ``auto``.

    Raises:
        DataError: if the source is unknown, missing or damaged.
        CourseError: if the profile is none.
    """
    profile = profiles.current() if profile is None else profile
    if not isinstance(profile, Profile):
        raise CourseError(f"{profile!r} is no profile: give profiles.get('quick'), say.")
    arrays, name, fingerprint = _all_images(settings.data(source))
    dataset = split(arrays, profile, name, fingerprint)
    sizes = [len(part) for part in (dataset.train, dataset.validation, dataset.test)]
    print(
        f"Data: {dataset.origin} · {sizes[0]:,} training, {sizes[1]:,} validation and "
        f"{sizes[2]:,} test images"
    )
    return dataset


def split(arrays: Arrays, profile: Profile, name: str, fingerprint: str) -> Dataset:
    """Split arrays into training, validation and test as ``profile`` says.

    The validation split is drawn from the training images, a tenth of them at most, stratified and
    seeded: every class has the same fraction in both, and the same seed gives the same split.
    Smaller profiles draw a stratified part of each split.

    Raises:
        DataError: if there are too few images of a class for a stratified split.
    """
    labels, test_labels = arrays.train_labels, arrays.test_labels
    validation = min(profile.validation_images, len(labels) // 10)
    train = min(profile.train_images or len(labels), len(labels) - validation)
    test = min(profile.test_images or len(test_labels), len(test_labels))
    try:
        validation_index, rest = _draw(np.arange(len(labels)), labels, validation, profile.seed)
        train_index, _ = _draw(rest, labels, train, profile.seed)
        test_index, _ = _draw(np.arange(len(test_labels)), test_labels, test, profile.seed)
    except ValueError as error:
        raise DataError(
            f"{len(labels)} training and {len(test_labels)} test images are too few for "
            f"stratified splits ({error}): give at least 20 images of each class."
        ) from error
    return Dataset(
        Split(arrays.train_images[train_index], labels[train_index]),
        Split(arrays.train_images[validation_index], labels[validation_index]),
        Split(arrays.test_images[test_index], test_labels[test_index]),
        CLASS_NAMES,
        name,
        fingerprint,
        f"{name} · profile {profile.name} · seed {profile.seed}",
    )


def _draw(
    index: np.ndarray, labels: np.ndarray, count: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw ``count`` of ``index``, stratified by label; return these and the rest."""
    if count == len(index):
        return np.random.default_rng(seed).permutation(index), index[:0]
    sample, rest = train_test_split(
        index, train_size=count, stratify=labels[index], random_state=seed
    )
    return sample, rest


def select_classes(dataset: Dataset, classes: Sequence[str], seed: int = 0) -> Dataset:
    """Keep only some classes, relabelled 0 to k - 1 in the order given, each split shuffled.

    Used in notebooks 01 and 06.

    Raises:
        ValueError: if a name is unknown or given twice, or fewer than two are given.
    """
    checks.count(seed, "seed", 0)
    unknown = [name for name in checks.rows(classes, "classes") if name not in dataset.class_names]
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
        DataError: if it cannot be read, is not the 60,000 official images, or cannot be stored.
    """
    arrays = _read(files.path(path))
    fingerprint = readers.fingerprint(arrays)
    if fingerprint != FINGERPRINT:
        raise DataError(
            f"{path} holds {len(arrays.train_labels):,} training and {len(arrays.test_labels):,} "
            f"test images with fingerprint {fingerprint[:12]}…, but CIFAR-10 has 50,000 and 10,000 "
            f"with {FINGERPRINT[:12]}…: it was changed or is not CIFAR-10. To work on images of "
            f"your own, set CIFAR10_DATA={path} instead of importing them."
        )
    store.store(cache_path(), arrays, "CIFAR-10")
    return cache_path()


def fetch() -> Path:
    """Get CIFAR-10 and cache it, unless it is: from another library's copy, else by download.

    Of several programs that call this at once, one downloads (170 MB) and the others wait for it.

    Returns:
        The cache file.

    Raises:
        DataError: if the download fails or the cache cannot be written.
    """
    folder = paths.data_folder() / "download"
    failure = folder / "failed.txt"
    called = time.time()
    with _lock("cifar10"):
        if cache_path().exists():
            return cache_path()
        if failure.exists() and failure.stat().st_mtime > called:  # the one that was waited for
            raise DataError(failure.read_text(encoding="utf-8"))
        for copy in filter(Path.exists, _copies()):
            with suppress(DataError):  # half a copy: the download has the whole
                import_path(copy)
                print(f"CIFAR-10 was taken from {copy}.")
                return cache_path()
        try:
            folder.mkdir(exist_ok=True)
            import_path(download.official_archive(folder))
        except DataError as error:
            with suppress(CourseError):  # on a full disk those who wait try themselves
                files.write(failure, str(error))
            raise
        shutil.rmtree(folder, ignore_errors=True)
    return cache_path()


def _copies() -> list[Path]:
    """Return where Keras leaves CIFAR-10, and torchvision if its root is our ``data/``."""
    keras = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "datasets"
    names = ("cifar-10-batches-py", "cifar-10-batches-py-target", "cifar-10-python.tar.gz")
    return [folder / name for folder in (paths.data_folder(), keras) for name in names]


def _lock(name: str) -> AbstractContextManager[None]:
    """Wait until no other program makes the same cache file, and keep others from it."""
    lock = paths.data_folder() / f".{name}.lock"
    return files.alone(lock, "Another program gets these images: waiting for it.", wait=True)


def verify() -> str:
    """Check every image and label of the cache and return one line that says they are right.

    Raises:
        DataError: if there is no cache or it is not CIFAR-10, complete and unchanged.
    """
    fingerprint = _existing_cache().fingerprint
    if fingerprint != FINGERPRINT:
        raise DataError(
            f"{cache_path()} was changed (fingerprint {fingerprint[:12]}…, not "
            f"{FINGERPRINT[:12]}…): delete it and fetch or import CIFAR-10 again."
        )
    return f"{cache_path()} holds the 60,000 official images, fingerprint {fingerprint[:12]}…"


def describe() -> str:
    """Return what the cache holds: numbers of images, classes, mean and deviation of the pixels.

    Raises:
        DataError: if there is no cache or it is damaged.
    """
    arrays, name, fingerprint = _existing_cache()
    lines = [f"{name}, fingerprint {fingerprint[:12]}…, in {cache_path()}"]
    for part, labels in (("training", arrays.train_labels), ("test", arrays.test_labels)):
        counts = np.bincount(labels, minlength=10)
        lines.append(
            f"{part}: {len(labels):,} images, {counts.min():,} to {counts.max():,} a class"
        )
    # One channel at a time: all 50,000 images as floats would take a gigabyte.
    channels = [arrays.train_images[..., channel] / np.float32(255) for channel in range(3)]
    means = ", ".join(f"{channel.mean(dtype=float):.4f}" for channel in channels)
    deviations = ", ".join(f"{channel.std(dtype=float):.4f}" for channel in channels)
    lines += [
        f"classes: {', '.join(CLASS_NAMES)}",
        f"red, green, blue of the training images (0 to 1): mean {means}; standard deviation "
        f"{deviations}",
    ]
    return "\n".join(lines)


def _existing_cache() -> Cached:
    if not cache_path().exists():
        raise DataError(
            f"There is no CIFAR-10 in {cache_path().parent}: get it with `python -m cifar10_cnn "
            "data fetch`, or `python -m cifar10_cnn data import PATH` if you have a copy."
        )
    return store.read(cache_path())


def _all_images(source: str) -> Cached:
    """Return all images of a source, its name and its fingerprint."""
    if source in ("auto", "cifar10"):
        try:
            return _cached(cache_path(), fetch, FINGERPRINT)
        except DataError as error:
            if source == "cifar10":
                raise
            print(_banner(str(error)))
    if source in ("auto", "practice"):
        return _practice()
    return _own(files.path(source))


def _cached(file: Path, make: Callable[[], object], fingerprint: str | None = None) -> Cached:
    """Return what a cache file holds; make it where it is missing, and again if it is damaged.

    Of CIFAR-10 the fingerprint is known.
    """
    if file.exists():
        try:
            cached = store.read(file)
            if fingerprint not in (None, cached.fingerprint):
                raise DataError(f"{file} holds other images than CIFAR-10.")
            return cached
        except DataError as error:
            print(f"{error} It is made again.")
            with files.writing(file):
                file.unlink(missing_ok=True)
    make()
    return store.read(file)


def _practice() -> Cached:
    """Return the practice set, drawn at first use."""
    file = paths.data_folder() / f"practice-{practice.EDITION}.npz"

    def draw() -> None:
        with _lock("practice"):
            if not file.exists():
                store.store(file, practice.make(), "practice set")

    return _cached(file, draw)


def _own(path: Path) -> Cached:
    """Return the images of a path, cached until a file of it changes."""
    if not path.exists():
        raise DataError(
            f"CIFAR10_DATA={str(path)!r} is neither auto, cifar10, practice nor a path that exists."
        )
    members = [path, *(readers.inside(path) if path.is_dir() else ())]
    newest = max(file.lstat().st_mtime_ns for file in members)
    state = f"{path.resolve()}|{len(members)}|{newest}|{path.stat().st_size}"
    key = hashlib.sha256(state.encode()).hexdigest()[:12]
    file = paths.data_folder() / f"own-{key}.npz"

    def take() -> None:
        arrays = _read(path)
        official = readers.fingerprint(arrays) == FINGERPRINT
        store.store(file, arrays, "CIFAR-10" if official else "own images")

    return _cached(file, take)


def _read(path: Path) -> Arrays:
    """Return all images of a path, which may be another clone's cache, too."""
    return store.read(path).arrays if store.is_cache(path) else readers.read(path)


def _banner(reason: str) -> str:
    """Return a frame that no one can miss: what follows is not CIFAR-10."""
    lines = [
        "PRACTICE SET: these images are drawings, NOT CIFAR-10.",
        "Results on them say nothing about CIFAR-10.",
        "",
        *textwrap.wrap(reason, 88),
    ]
    edge = "█" * 94
    return "\n".join([edge, *(f"██ {line:<88} ██" for line in lines), edge])
