"""Files written whole or not at all, and JSON files."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
