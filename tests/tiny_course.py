"""Courses of one-cell notebooks, so that the runner's tests take seconds."""

from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from cifar10_cnn.data import dataset as data
from cifar10_cnn.profiles import Profile

TIME_BLOCK = "Time: <!-- generated:time --><!-- /generated:time -->"


def write_notebook(home: Path, name: str, *cells: str) -> Path:
    """Write ``notebooks/<name>.ipynb``: a heading with its time, then code cells."""
    file = home / "notebooks" / f"{name}.ipynb"
    file.parent.mkdir(exist_ok=True)
    notebook = new_notebook(
        cells=[new_markdown_cell(f"# Title of {name}\n\n{TIME_BLOCK}"), *map(new_code_cell, cells)]
    )
    # What a student's JupyterLab leaves behind; no such kernel exists here.
    notebook.metadata.kernelspec = {
        "name": "student-env",
        "display_name": "My env",
        "language": "python",
    }
    nbformat.write(notebook, file)
    return file


def use(monkeypatch: pytest.MonkeyPatch, home: Path, fingerprint: str = "f" * 64) -> None:
    """Make ``home`` the course's home, and loading data take no time."""
    monkeypatch.setenv("CIFAR10_HOME", str(home))
    monkeypatch.delenv("CIFAR10_PROFILE", raising=False)
    monkeypatch.delenv("CIFAR10_DATA", raising=False)

    def load(profile: Profile, source: str) -> SimpleNamespace:
        origin = f"practice set · profile {profile.name} · seed 0"
        return SimpleNamespace(name="practice set", fingerprint=fingerprint, origin=origin)

    monkeypatch.setattr(data, "load", load)
