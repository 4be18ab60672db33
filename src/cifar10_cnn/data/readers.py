"""Readers of the forms in which people have CIFAR-10: official files and class folders.

Every reader returns all images in memory. Nothing is ever unpacked to disk, so an archive cannot
write anywhere, whatever the names in it say.
"""

import hashlib
import io
import os
import pickle
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from PIL import Image

from cifar10_cnn.common import files
from cifar10_cnn.common.errors import DataError

CLASS_NAMES = (
    "airplane", "automobile", "bird", "cat", "deer",
    "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
#: MD5 of the official pickles, as torchvision lists them, too. A stranger's pickle could run any
#: code, so one with another digest is never opened. For MD5 two new files with one digest can be
#: made, but no second file with the digest of a given one: that would take 2**123 attempts.
OFFICIAL_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
_PIXELS = 3 * 32 * 32
_ARCHIVES = ("cifar-10-python.tar.gz", "cifar-10-binary.tar.gz")
_IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg"}
#: What PNG and JPEG files begin with.
_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff")
# An official member is at most 31 MB, all of them 184 MB: more is damage or a trap.
_MEMBER_LIMIT = 64 * 2**20
_ARCHIVE_LIMIT = 2**30
_MEMBERS_LIMIT = 200_000


class Arrays(NamedTuple):
    """All images of a data set, before any split.

    Attributes:
        train_images: uint8, (N, 32, 32, 3), red-green-blue, 0 to 255.
        train_labels: int64, (N,), 0 to 9, the index into ``CLASS_NAMES``.
        test_images: uint8, (M, 32, 32, 3).
        test_labels: int64, (M,).
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


_Batch = tuple[np.ndarray, np.ndarray]
_Images = dict[tuple[str, int, str], np.ndarray]


def read(path: str | Path) -> Arrays:
    """Read all images from an archive or a folder, whatever of these it is.

    * the official python archive (``cifar-10-python.tar.gz``) or its folder, as Keras and
      torchvision leave it behind,
    * the official binary archive (``cifar-10-binary.tar.gz``) or its folder,
    * ``train/<class>/*`` and ``test/<class>/*`` as png or jpg, in a folder, a tar or a zip.

    Official files keep their order. Images from class folders are sorted by class and name and
    then shuffled with a fixed seed, so that the result does not depend on the archive's order.

    Raises:
        DataError: if the path is missing, damaged, incomplete or of none of these forms; the
            message names the file at fault.
    """
    path = files.path(path)
    path = next((path / name for name in _ARCHIVES if (path / name).is_file()), path)
    if not path.exists():
        raise DataError(f"There is no file or folder {path}: check the path.")
    try:
        return _read_members(path)
    except (DataError, MemoryError):
        raise
    except Exception as error:  # a damaged archive makes its reader raise almost anything
        if isinstance(error, OSError) and error.errno:  # the system's, not a reader's
            raise files.unreadable(error.filename or path, error) from error
        raise DataError(
            f"{path} is damaged or incomplete ({error}): get it again and compare its SHA-256."
        ) from error


def inside(folder: Path) -> list[Path]:
    """Return all files in a folder and the folders in it, by name.

    Raises:
        DataError: if that is far more than CIFAR-10 is, as in a home folder.
    """
    paths: list[Path] = []
    for parent, _, names in os.walk(folder, followlinks=True):
        paths += [Path(parent, name) for name in names]
        if len(paths) > _MEMBERS_LIMIT:
            raise DataError(
                f"{folder} holds more than {_MEMBERS_LIMIT:,} files: name the folder that the "
                "images are in."
            )
    return sorted(paths)


def fingerprint(arrays: Arrays) -> str:
    """Return a SHA-256 of the images, labels and splits that does not depend on their order.

    So the official archives and class folders of the same images give the same fingerprint.

    Returns:
        64 hexadecimal digits.

    Raises:
        ValueError: if the arrays are not as ``Arrays`` says.
    """
    whole = hashlib.sha256()
    for images, labels in (arrays[:2], arrays[2:]):
        if images.dtype != np.uint8 or images.shape != (len(labels), 32, 32, 3):
            raise ValueError(f"{len(labels)} labels, images {images.dtype} {images.shape}")
        if labels.dtype.kind not in "iu" or not set(np.unique(labels)) <= set(range(10)):
            raise ValueError("labels must be whole numbers from 0 to 9")
        for digest in sorted(
            hashlib.sha256(bytes([label]) + image.tobytes()).digest()
            for image, label in zip(images, labels, strict=True)
        ):
            whole.update(digest)
        whole.update(b"|")
    return whole.hexdigest()


def _read_members(path: Path) -> Arrays:
    """Sort the files by what their names say they are, then join each kind."""
    batches: dict[str, _Batch] = {}
    images: _Images = {}
    total = others = 0
    for number, (name, size, contents) in enumerate(_members(path)):
        total += size
        if size > _MEMBER_LIMIT:
            raise DataError(f"{name} would take {size:,} bytes: no file of CIFAR-10 is so large.")
        if number >= _MEMBERS_LIMIT or total > _ARCHIVE_LIMIT:
            raise DataError(
                f"{path} holds more than {_MEMBERS_LIMIT:,} files or {_ARCHIVE_LIMIT:,} bytes: "
                "that is not CIFAR-10."
            )
        file = PurePosixPath(name)
        # What macOS and Jupyter leave beside the files meant.
        litter = any(part.startswith((".", "__MACOSX")) for part in file.parts)
        if file.name in OFFICIAL_MD5:
            batches[file.name] = _python_batch(contents(), name)
        elif file.suffix == ".bin" and file.stem in OFFICIAL_MD5:
            batches[file.stem] = _binary_batch(contents(), name)
        elif len(file.parts) >= 3 and not litter:
            content = contents()
            if file.suffix.lower() in _IMAGE_SUFFIXES or content.startswith(_SIGNATURES):
                images[*_split_and_label(file), file.name] = _image(content, name)
                continue
            others += 1
        else:
            others += litter
    if batches:
        return _join_batches(batches, path)
    if images:
        if others:
            print(f"{path}: {others:,} files that are no images were left out.")
        return _join_images(images, path)
    raise DataError(
        f"{path} holds no CIFAR-10: neither data_batch_1 … data_batch_5 and test_batch (official "
        "python or binary form) nor images in train/<class>/ and test/<class>/."
    )


def _members(path: Path) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    """Yield the files of a folder or archive: name, size when unpacked, function that reads it."""
    if path.is_dir():
        for file in inside(path):
            if file.is_file():
                yield file.relative_to(path).as_posix(), 0, file.read_bytes  # nothing to unpack
    elif not path.is_file():  # reading a device or a pipe may never end
        raise DataError(f"{path} is neither a file nor a folder: check the path.")
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as zipped:
            for entry in zipped.infolist():
                yield entry.filename, entry.file_size, partial(zipped.read, entry)
    else:
        # Not the streaming mode "r|*": that takes a cut-off archive for a short one.
        with _open_tar(path) as archive:
            for member in archive:
                # Links, devices and files with holes have nothing to read.
                regular = member.isreg() and not member.issparse()
                file_object = archive.extractfile(member) if regular else None
                yield (
                    member.name if file_object else "",
                    member.size,
                    file_object.read if file_object else bytes,
                )
            # Only the end of a compressed file tells whether all of it is right.
            while archive.fileobj and archive.fileobj.read(2**20):
                pass


def _open_tar(path: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(path, "r:*")
    except tarfile.ReadError as error:
        raise DataError(
            f"{path} is neither a folder nor a tar or zip archive that can be read ({error}): give "
            "the official archive or class folders."
        ) from error


def _python_batch(contents: bytes, name: str) -> _Batch:
    digest = hashlib.md5(contents, usedforsecurity=False).hexdigest()
    if digest != OFFICIAL_MD5[PurePosixPath(name).name]:
        raise DataError(
            f"{name} is not the official file (MD5 {digest[:12]}…) and is not opened, since a "
            "changed pickle could run any code: get it again, or give class folders."
        )
    batch = pickle.loads(contents, encoding="bytes")  # noqa: S301 - official bytes alone
    return _rows_to_images(batch[b"data"]), np.array(batch[b"labels"], dtype=np.int64)


def _binary_batch(contents: bytes, name: str) -> _Batch:
    if not contents or len(contents) % (_PIXELS + 1):
        raise DataError(
            f"{name} has {len(contents):,} bytes, which is no multiple of 3,073 (one label and "
            "3,072 pixel values an image): it is cut off; get it again."
        )
    records = np.frombuffer(contents, np.uint8).reshape(-1, _PIXELS + 1)
    labels = records[:, 0].astype(np.int64)
    if labels.max() > 9:
        raise DataError(f"{name} has labels from {labels.min()} to {labels.max()}, not 0 to 9.")
    return _rows_to_images(records[:, 1:]), labels


def _rows_to_images(rows: np.ndarray) -> np.ndarray:
    """Turn (N, 3072) rows, 1,024 red then green then blue values, into (N, 32, 32, 3) images."""
    return np.ascontiguousarray(rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))


def _join_batches(batches: dict[str, _Batch], path: Path) -> Arrays:
    missing = [name for name in OFFICIAL_MD5 if name not in batches]
    if missing:
        raise DataError(f"{path} lacks {', '.join(missing)}: it is incomplete; get it again.")
    *train, test = (batches[name] for name in OFFICIAL_MD5)
    images, labels = zip(*train, strict=True)
    return Arrays(np.concatenate(images), np.concatenate(labels), *test)


def _split_and_label(file: PurePosixPath) -> tuple[str, int]:
    split, name = file.parts[-3].lower(), file.parts[-2].lower()
    if split not in ("train", "test"):
        raise DataError(f"{file} lies in {split}/, where train/ or test/ is expected.")
    if name not in CLASS_NAMES:
        raise DataError(f"{file} is of class {name!r}: the classes are {', '.join(CLASS_NAMES)}.")
    return split, CLASS_NAMES.index(name)


def _image(contents: bytes, name: str) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(contents), formats=("PNG", "JPEG")) as image:
            if image.size == (32, 32):
                return np.asarray(image.convert("RGB"), dtype=np.uint8)
            width, height = image.size
    except Exception as error:  # Pillow raises many kinds for a damaged file
        raise DataError(f"{name} cannot be read as an image ({error}): replace it.") from error
    raise DataError(f"{name} has {width}×{height} pixels: resize it to 32×32.")


def _join_images(images: _Images, path: Path) -> Arrays:
    splits: list[np.ndarray] = []
    for split in ("train", "test"):
        keys = sorted(key for key in images if key[0] == split)
        missing = sorted(set(range(10)) - {label for _, label, _ in keys})
        if missing:
            folders = ", ".join(f"{split}/{CLASS_NAMES[label]}" for label in missing)
            raise DataError(f"{path} has no images in {folders}: all ten classes are needed.")
        order = np.random.default_rng(0).permutation(len(keys))
        splits.append(np.stack([images[keys[index]] for index in order]))
        splits.append(np.array([keys[index][1] for index in order], dtype=np.int64))
    return Arrays(*splits)
