"""The cache: one file with all images of a data set, written whole, read in a moment."""

import json
import os
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cifar10_cnn.common import files
from cifar10_cnn.common.errors import DataError
from cifar10_cnn.data.readers import Arrays, fingerprint

_FORMAT = 1
#: That a file may unpack to; CIFAR-10 takes 184 MB.
_MOST_BYTES = 2**31


class Cached(NamedTuple):
    """A data set with what it is.

    Attributes:
        arrays: all images and labels.
        name: ``CIFAR-10``, ``practice set`` or ``own images``.
        fingerprint: as ``readers.fingerprint`` gives it.
    """

    arrays: Arrays
    name: str
    fingerprint: str


def store(file: Path, arrays: Arrays, name: str) -> None:
    """Write a cache file whole or not at all.

    Raises:
        DataError: if the disk is full or the folder may not be written to.
    """
    about = {"format": _FORMAT, "name": name, "fingerprint": fingerprint(arrays)}
    partial = file.with_name(f"{file.stem}-{os.getpid()}.partial.npz")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as opened:
            np.savez(opened, about=np.array(json.dumps(about)), **arrays._asdict())
            files.sync(opened)
        partial.replace(file)
        files.sync_names(file.parent)
    except OSError as error:
        needed = sum(array.nbytes for array in arrays) / 1e6
        raise DataError(
            f"{file} cannot be written ({error.strerror or error}): it needs {needed:.0f} MB in a "
            "folder you may write to; free some space, or name another folder with CIFAR10_HOME."
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def is_cache(path: Path) -> bool:
    """Say whether a path is a cache file, whatever its name."""
    if not path.is_file() or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return "about.npy" in archive.namelist()


def read(file: Path) -> Cached:
    """Read a cache file, and check its images and labels against its fingerprint.

    Raises:
        DataError: if it is damaged, was changed or is of another version.
        CourseError: if it cannot be read just now; it may be a good one.
    """
    try:
        with np.load(file, allow_pickle=False) as cache:
            if sum(part.file_size for part in cache.zip.infolist()) > _MOST_BYTES:
                raise ValueError(f"it would unpack to more than {_MOST_BYTES:,} bytes")
            about = json.loads(str(cache["about"]))
            if about["format"] != _FORMAT:
                raise ValueError(f"format {about['format']}, not {_FORMAT}")
            arrays = Arrays(*(cache[field] for field in Arrays._fields))
        mark = fingerprint(arrays)
        if mark != about["fingerprint"]:
            raise ValueError(f"fingerprint {mark[:12]}…, not {about['fingerprint'][:12]}…")
        return Cached(arrays, about["name"], mark)
    except OSError as error:
        raise files.unreadable(file, error) from error
    except files.DAMAGE as error:
        raise DataError(f"{file} is damaged or of another version ({error}).") from error
