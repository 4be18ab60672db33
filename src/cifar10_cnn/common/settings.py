"""What the environment sets: each variable is read here, and set to nothing is as good as unset."""

import os
from pathlib import Path

from cifar10_cnn.common import files


def get(name: str, default: str = "") -> str:
    """Return what the variable ``CIFAR10_<name>`` says."""
    return os.environ.get(f"CIFAR10_{name}", "").strip() or default


def home(default: Path) -> Path:
    """Return the folder that ``CIFAR10_HOME`` names.

    A relative path is one from where the program was started: the kernels that it starts, which
    work elsewhere, are told the absolute one.
    """
    if named := get("HOME"):
        os.environ["CIFAR10_HOME"] = str(files.path(named).resolve())
    return Path(get("HOME", str(default)))


def data(given: str | None = None) -> str:
    """Return the data source that was given, else what ``CIFAR10_DATA`` says; paths absolute."""
    source = given or get("DATA", "auto")
    path = files.path(source)
    is_path = source not in ("auto", "cifar10", "practice") and path.exists()
    return str(path.resolve()) if is_path else source
