"""Files written whole or not at all, and JSON files."""

import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout

from cifar10_cnn.common.errors import CourseError

#: What numpy, zipfile and json raise on a file whose bytes are not those that were written; never
#: what the system raises on one that cannot be read just now, nor a full memory.
DAMAGE = (
    *(AttributeError, EOFError, LookupError, NotImplementedError, TypeError, ValueError),
    *(zipfile.BadZipFile, zlib.error),
)


def path(value: str | Path) -> Path:
    """Return a path that a person has named, ``~`` being the home folder.

    Raises:
        CourseError: if it is none.
    """
    try:
        possible = isinstance(value, (str, Path)) and b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        possible = False
    if not possible:
        raise CourseError(f"{value!r} is no path of a file or a folder.")
    try:
        found = Path(value).expanduser()
        found.stat()
    except RuntimeError as error:
        raise CourseError(f"{value} names the home of an unknown user: check the path.") from error
    except (FileNotFoundError, NotADirectoryError):
        pass  # whoever asked says what is missing
    except OSError as error:
        raise unreadable(value, error) from error
    return found


def unreadable(place: object, error: OSError) -> CourseError:
    """Return what to say of a file that the system does not let us read: it may be a good one."""
    reason = error.strerror or str(error)
    return CourseError(f"{place} cannot be read ({reason}): check its path and its rights.")


def write(file: Path, content: str | bytes) -> None:
    """Write a file whole or not at all: a reader never sees half of it.

    Raises:
        CourseError: if it cannot be written, for example because the disk is full.
    """
    raw = content.encode() if isinstance(content, str) else content
    part = None
    try:
        with writing(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".part", delete=False) as part:
                part.write(raw)
                sync(part.file)
            os.umask(mask := os.umask(0))
            # A temporary file is private; a result is as readable as any other file, where the
            # file system has rights at all.
            with suppress(OSError):
                Path(part.name).chmod(0o666 & ~mask)
            Path(part.name).replace(file)
            sync_names(file.parent)
    finally:
        if part is not None:
            Path(part.name).unlink(missing_ok=True)


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Say in one sentence what keeps a file or a folder from being written.

    Raises:
        CourseError: in place of an ``OSError``, such as that of a full disk.
    """
    try:
        yield
    except OSError as error:
        raise CourseError(
            f"{place} could not be written ({error.strerror or error}): check the free space and "
            "the rights of its folder."
        ) from error


def sync(opened: IO[bytes]) -> None:
    """Wait until what was written is on the disk: a power cut might leave the name without it."""
    opened.flush()
    os.fsync(opened.fileno())


def sync_names(folder: Path) -> None:
    """Wait until the names in a folder are on the disk: a power cut might leave the old ones."""
    with suppress(OSError):  # Windows and some network disks do not open a folder for this
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def write_json(file: Path, content: Mapping[str, Any]) -> None:
    """Write ``content`` to ``file``, whole or not at all."""
    write(file, json.dumps(content, indent=1) + "\n")


def read_json(file: Path) -> dict[str, Any]:
    """Return what a JSON file holds, or an empty dict where there is none or it is damaged.

    Raises:
        CourseError: if there is one that may not be read.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    except OSError as error:
        raise unreadable(file, error) from error
    return content if isinstance(content, dict) else {}


@contextmanager
def alone(lock: Path, taken: str, *, wait: bool) -> Iterator[None]:
    """Keep other programs out of what stands inside.

    ``lock`` is a file for this purpose alone, which the operating system frees however a program
    ends; ``taken`` is said if one of them is there. Then this waits, or raises that as an error.

    Raises:
        CourseError: if the lock cannot be written, or is held and this does not ``wait``.
    """
    held = FileLock(lock, is_singleton=True)  # this program is not kept out by itself
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            held.acquire(blocking=False)
        except Timeout as error:
            if not wait:
                raise CourseError(taken) from error
            print(taken)
            held.acquire()
    except NotImplementedError:  # some network disks have no locks: then nothing is kept out
        pass
    except OSError as error:
        raise CourseError(
            f"{lock.parent} cannot be written to ({error.strerror or error}): name another folder "
            "with CIFAR10_HOME."
        ) from error
    try:
        yield
    finally:
        held.release()
