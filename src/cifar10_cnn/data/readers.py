"""Readers of the forms in which people have CIFAR-10: official archives and class folders.

Every reader returns all pictures in memory. Nothing is ever unpacked to disk, so an archive
cannot write anywhere.
"""

import hashlib
import io
import lzma
import pickle
import pickletools
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, Self

import numpy as np
from PIL import Image

from cifar10_cnn.common import checks, files
from cifar10_cnn.common.errors import DataError

CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
_PIXELS = 3 * 32 * 32
_TRAIN_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
_PICTURE_SUFFIXES = {".png", ".jpg", ".jpeg"}
# An official member is at most 31 MB, a 32x32 picture a few kilobytes: more is damage or a trap.
_MEMBER_LIMIT = 64 * 2**20
# All of CIFAR-10 unpacked is 184 MB.
_ARCHIVE_LIMIT = 2**30
_MEMBERS_LIMIT = 200_000
# Members of a tar that describe the next one, and the bytes that they may take.
_DESCRIBING = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
_DESCRIPTION_LIMIT = 2**16
# What the readers of tar, zip, gzip, bzip2 and xz raise for damage, and zip for a password.
_DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
    MemoryError,
)
_Member = tuple[str, Callable[[], bytes]]


class Arrays(NamedTuple):
    """All pictures of a data set, before any split.

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


def read(path: str | Path) -> Arrays:
    """Read all pictures from an archive or a folder, whatever of these it is.

    * the official python archive (``cifar-10-python.tar.gz``) or its folder,
    * the official binary archive (``cifar-10-binary.tar.gz``) or its folder,
    * ``train/<class>/*`` and ``test/<class>/*`` as png or jpg, in a folder, a tar or a zip.

    Official files keep their order. Pictures from class folders are sorted by class and name and
    then shuffled with a fixed seed, so that the result does not depend on the archive's order.

    Raises:
        DataError: if the path is missing, damaged, incomplete or of none of these forms; the
            message names the file at fault.
    """
    path = files.path(path)
    if not path.exists():
        raise DataError(f"There is no file or folder {path}: check the path.")
    try:
        with _opened(path) as members:
            return _read_members(members, path)
    except _TrapError as error:
        raise DataError(f"{path} is not read: {error}") from error
    except _DAMAGE as error:
        raise DataError(
            f"{path} is damaged or incomplete ({error}): get it again and compare its SHA-256."
        ) from error


def inside(folder: Path) -> list[Path]:
    """Return all that is in a folder and the folders in it, by name.

    Raises:
        DataError: if that is far more than CIFAR-10 is, as in a home folder.
    """
    found = list(islice(folder.rglob("*"), _MEMBERS_LIMIT + 1))
    if len(found) > _MEMBERS_LIMIT:
        raise DataError(
            f"{folder} holds more than {_MEMBERS_LIMIT:,} files: name the folder that the pictures "
            "are in."
        )
    return sorted(found)


class _TrapError(Exception):
    """What no archive of pictures holds, but one that is made to harm."""


class _Header(tarfile.TarInfo):
    """A member of a tar, but none that might keep tarfile busy for ever or fill the memory.

    Tarfile reads whole what describes a member: a name of gigabytes takes megabytes in an archive.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.type in _DESCRIBING and header.size > _DESCRIPTION_LIMIT:
            raise _TrapError(
                f"{header.size:,} bytes describe a single file, and CIFAR-10 needs few."
            )
        if header.type == tarfile.GNUTYPE_SPARSE:
            cls._proc_gnusparse_10()
        return header

    def _block(self, count: int) -> int:
        """Refuse the way back: older Pythons would go round in it (CVE-2025-8194)."""
        if count < 0:
            raise _TrapError(f"a file in it claims to have {count} bytes.")
        return super()._block(count)  # type: ignore[misc]

    @staticmethod
    def _proc_gnusparse_10(*_: object) -> None:
        """Refuse files with holes: the list of these has no bound."""
        raise _TrapError("a file in it has holes, and CIFAR-10 has none.")


class _opened:  # noqa: N801 - reads as a function: `with _opened(path) as members`
    """Context of the files in a folder or archive, each a name and a function that reads it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.members = self.bytes = 0
        self.archive: tarfile.TarFile | zipfile.ZipFile | None = None

    def __enter__(self) -> Iterator[_Member]:
        if self.path.is_dir():
            return self._from_folder()
        if not self.path.is_file():  # reading a device or a pipe may never end
            raise DataError(f"{self.path} is neither a file nor a folder: check the path.")
        if zipfile.is_zipfile(self.path):
            self.archive = zipfile.ZipFile(self.path)
            return self._from_zip(self.archive)
        try:
            # Not the streaming mode "r|*": that takes a cut-off archive for a short one.
            self.archive = tarfile.open(self.path, "r:*", tarinfo=_Header)
        except tarfile.ReadError as error:
            raise DataError(
                f"{self.path} is neither a folder nor a tar or zip archive that can be read "
                f"({error}): give the official archive or class folders."
            ) from error
        return self._from_tar(self.archive)

    def __exit__(self, *details: object) -> None:
        if self.archive is not None:
            self.archive.close()

    def _from_folder(self) -> Iterator[_Member]:
        for file in inside(self.path):
            if file.is_file():
                yield file.relative_to(self.path).as_posix(), partial(self._content, file)

    def _content(self, file: Path) -> bytes:
        self._count(str(file), file.stat().st_size)
        return file.read_bytes()

    def _from_zip(self, archive: zipfile.ZipFile) -> Iterator[_Member]:
        for info in archive.infolist():
            self._count(info.filename, info.file_size)
            # Asking a nameless one whether it is a folder is an IndexError.
            if info.filename and not info.is_dir():
                yield info.filename, partial(archive.read, info)

    def _from_tar(self, archive: tarfile.TarFile) -> Iterator[_Member]:
        for info in archive:
            self._count(info.name, info.size)
            if info.isreg() and not info.issparse():
                file = archive.extractfile(info)
                assert file is not None  # noqa: S101 - true for every regular member
                yield info.name, file.read

    def _count(self, name: str, size: int) -> None:
        """Refuse what would unpack to far more than CIFAR-10 is."""
        self.members, self.bytes = self.members + 1, self.bytes + size
        if size > _MEMBER_LIMIT:
            raise DataError(f"{name} would take {size:,} bytes: no file of CIFAR-10 is so large.")
        if self.members > _MEMBERS_LIMIT or self.bytes > _ARCHIVE_LIMIT:
            raise DataError(
                f"{self.path} holds more than {_MEMBERS_LIMIT:,} files or {_ARCHIVE_LIMIT:,} "
                "bytes: that is not CIFAR-10."
            )


def _read_members(members: Iterator[_Member], path: Path) -> Arrays:
    """Sort the files by what their names say they are, then join each kind."""
    batches: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    pictures: dict[tuple[str, int, str], np.ndarray] = {}
    for name, contents in members:
        file = PurePosixPath(name)
        if file.name in (*_TRAIN_BATCHES, "test_batch"):
            batches[file.name] = _python_batch(contents(), name)
        elif file.suffix == ".bin" and file.stem in (*_TRAIN_BATCHES, "test_batch"):
            batches[file.stem] = _binary_batch(contents(), name)
        elif file.suffix.lower() in _PICTURE_SUFFIXES and len(file.parts) >= 3:
            split, label = _split_and_label(file)
            pictures[split, label, file.name] = _picture(contents(), name)
    if batches:
        return _join_batches(batches, path)
    if pictures:
        return _join_pictures(pictures, path)
    raise DataError(
        f"{path} holds no CIFAR-10: neither data_batch_1 … data_batch_5 and test_batch (official "
        "python or binary form) nor pictures in train/<class>/ and test/<class>/."
    )


class _Stored:
    """What a pickle says of an array or of a type of numbers.

    It stands in for numpy's own, which ends the whole process on some of what a pickle may say.
    """

    state: tuple = ()

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments

    def __setstate__(self, state: tuple) -> None:
        self.state = state

    def bytes(self) -> np.ndarray:
        """Return the array, uint8 of any shape.

        Raises:
            ValueError: if it is one of other numbers, or of another length than its shape.
        """
        _, shape, kind, columns_first, content = self.state
        code = kind.arguments[0]
        if code not in ("u1", b"u1"):
            raise ValueError(f"numbers of type {code!r} and shape {shape}, not uint8")
        return np.frombuffer(content, np.uint8).reshape(shape, order="F" if columns_first else "C")


class _BatchUnpickler(pickle.Unpickler):
    """Builds what tells of arrays, and nothing else: a stranger's pickle could run any code."""

    def find_class(self, module: str, name: str) -> Any:
        match f"{module}.{name}":
            case (
                "numpy.core.multiarray._reconstruct"
                | "numpy._core.multiarray._reconstruct"
                | "numpy.dtype"
            ):
                return _Stored
            case "numpy.ndarray":
                return None  # an argument of the first
            case "_codecs.encode":
                return _latin_bytes
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no batch needs")


def _latin_bytes(text: str, _codec: str) -> bytes:
    """Return bytes that Python 3 has pickled as a text."""
    return text.encode("latin-1")


def _python_batch(contents: bytes, name: str) -> tuple[np.ndarray, np.ndarray]:
    try:
        _check_memory(contents)
        batch = _BatchUnpickler(io.BytesIO(contents), encoding="bytes").load()
        rows, labels = batch[b"data"].bytes(), _whole_numbers(batch[b"labels"])
    except Exception as error:  # a damaged pickle can raise almost anything
        raise DataError(f"{name} is no official python batch ({error}): get it again.") from error
    return _rows_to_images(rows, labels, name)


def _whole_numbers(labels: object) -> np.ndarray:
    """Return a list as an array; lists within lists might be few bytes of a pickle, and endless."""
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):
        raise ValueError("its labels are no list of whole numbers")
    return np.array(labels, dtype=np.int64)


def _check_memory(contents: bytes) -> None:
    """Refuse a pickle that numbers its objects so high that Python's list of them fills memory."""
    for code, argument, _ in pickletools.genops(contents):
        numbered = argument if code.name in ("PUT", "BINPUT", "LONG_BINPUT") else None
        if numbered is not None and numbered > len(contents):
            raise pickle.UnpicklingError(f"it numbers an object {argument}")


def _binary_batch(contents: bytes, name: str) -> tuple[np.ndarray, np.ndarray]:
    if not contents or len(contents) % (_PIXELS + 1):
        raise DataError(
            f"{name} has {len(contents):,} bytes, which is no multiple of 3,073 (one label and "
            "3,072 pixel values a picture): it is cut off; get it again."
        )
    records = np.frombuffer(contents, np.uint8).reshape(-1, _PIXELS + 1)
    return _rows_to_images(records[:, 1:], records[:, 0], name)


def _rows_to_images(
    rows: np.ndarray, labels: np.ndarray, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Turn (N, 3072) rows, 1,024 red then green then blue values, into (N, 32, 32, 3) pictures."""
    if rows.dtype != np.uint8 or rows.ndim != 2 or rows.shape[1] != _PIXELS:
        raise DataError(f"{name} holds {rows.dtype} of shape {rows.shape}, not uint8 (N, 3072).")
    if labels.shape != (len(rows),) or labels.dtype.kind not in "iu":
        raise DataError(f"{name} has {len(rows)} pictures but labels of shape {labels.shape}.")
    if len(labels) and (labels.min() < 0 or labels.max() > 9):
        raise DataError(f"{name} has labels from {labels.min()} to {labels.max()}, not 0 to 9.")
    images = rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), labels.astype(np.int64)


def _join_batches(batches: dict[str, tuple[np.ndarray, np.ndarray]], path: Path) -> Arrays:
    missing = [name for name in (*_TRAIN_BATCHES, "test_batch") if name not in batches]
    if missing:
        raise DataError(f"{path} lacks {', '.join(missing)}: it is incomplete; get it again.")
    images, labels = zip(*(batches[name] for name in _TRAIN_BATCHES), strict=True)
    return Arrays(np.concatenate(images), np.concatenate(labels), *batches["test_batch"])


def _split_and_label(file: PurePosixPath) -> tuple[str, int]:
    split, name = file.parts[-3].lower(), file.parts[-2].lower()
    if split not in ("train", "test"):
        raise DataError(f"{file} lies in {split}/, where train/ or test/ is expected.")
    if name not in CLASS_NAMES:
        raise DataError(f"{file} is of class {name!r}: the classes are {', '.join(CLASS_NAMES)}.")
    return split, CLASS_NAMES.index(name)


def _picture(contents: bytes, name: str) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(contents), formats=("PNG", "JPEG")) as picture:
            if picture.size == (32, 32):
                return np.asarray(picture.convert("RGB"), dtype=np.uint8)
            width, height = picture.size
    except Exception as error:  # Pillow raises many kinds for a damaged file
        raise DataError(f"{name} cannot be read as a picture ({error}): replace it.") from error
    raise DataError(f"{name} has {width}×{height} pixels: resize it to 32×32.")


def _join_pictures(pictures: dict[tuple[str, int, str], np.ndarray], path: Path) -> Arrays:
    splits: list[np.ndarray] = []
    for split in ("train", "test"):
        keys = sorted(key for key in pictures if key[0] == split)
        missing = sorted(set(range(10)) - {label for _, label, _ in keys})
        if missing:
            lacking = ", ".join(f"{split}/{CLASS_NAMES[label]}" for label in missing)
            raise DataError(f"{path} has no pictures in {lacking}: all ten classes are needed.")
        order = np.random.default_rng(0).permutation(len(keys))
        splits.append(np.stack([pictures[keys[index]] for index in order]))
        splits.append(np.array([keys[index][1] for index in order], dtype=np.int64))
    return Arrays(*splits)


def fingerprint(arrays: Arrays) -> str:
    """Return a SHA-256 of the pictures, labels and splits that does not depend on their order.

    So the official archives and class folders of the same pictures give the same fingerprint.

    Returns:
        64 hexadecimal digits.

    Raises:
        ValueError: if the arrays are not as ``Arrays`` says.
    """
    whole = hashlib.sha256()
    for images, labels in (arrays[:2], arrays[2:]):
        checks.array(images, "images", "(N, 32, 32, 3)", kinds="u", bytes_each=1)
        checks.classes(labels, len(CLASS_NAMES))
        checks.same_length(images=images, labels=labels)
        for digest in sorted(_digests(images, labels)):
            whole.update(digest)
        whole.update(b"|")
    return whole.hexdigest()


def _digests(images: np.ndarray, labels: np.ndarray) -> Iterable[bytes]:
    for image, label in zip(images, labels, strict=True):
        yield hashlib.sha256(bytes([label]) + image.tobytes()).digest()
