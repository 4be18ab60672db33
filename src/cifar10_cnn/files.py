"""Files written whole or not at all, and JSON files."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from cifar10_cnn.errors import CourseError


def write(file: Path, content: str | bytes) -> None:
    """Write a file whole or not at all: a reader never sees half of it.

    Raises:
        CourseError: if it cannot be written, for example because the disk is full.
    """
    raw = content.encode() if isinstance(content, str) else content
    part = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".part", delete=False) as part:
            part.write(raw)
            part.flush()
            os.fsync(part.fileno())  # or a power cut might leave the name without the content
        # A temporary file is private; a result is as readable as any other file.
        Path(part.name).chmod(0o666 & ~_umask())
        Path(part.name).replace(file)
    except OSError as error:
        raise CourseError(
            f"{file} could not be written ({error.strerror or error}): check the free space and "
            "the rights of its folder."
        ) from error
    finally:
        if part is not None:
            Path(part.name).unlink(missing_ok=True)


def write_json(file: Path, content: Mapping[str, Any]) -> None:
    """Write ``content`` to ``file``, whole or not at all."""
    write(file, json.dumps(content, indent=1) + "\n")


def read_json(file: Path) -> dict[str, Any]:
    """Return what a JSON file holds, or an empty dict where there is none that can be read."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


@contextmanager
def alone(lock: Path, taken: str, *, wait: bool) -> Iterator[None]:
    """Keep other programs out of what stands inside.

    The operating system frees the lock if a program ends, however it ends.

    Args:
        lock: a file for this purpose alone.
        taken: what to say if one of them is there.
        wait: wait for it, or raise an error.

    Raises:
        CourseError: if the lock cannot be written, or is held and this does not ``wait``.
    """
    held = FileLock(lock)
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            held.acquire(blocking=False)
        except Timeout as error:
            if not wait:
                raise CourseError(taken) from error
            print(taken)
            held.acquire()
    except OSError as error:
        raise CourseError(
            f"{lock.parent} cannot be written to ({error.strerror or error}): name another folder "
            "with CIFAR10_HOME."
        ) from error
    try:
        yield
    finally:
        held.release()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
