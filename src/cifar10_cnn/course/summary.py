"""What a run of the course leaves on record: ``runs/<profile>/summary.json`` and what it says."""

import hashlib
import json
import platform
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from cifar10_cnn import __version__
from cifar10_cnn.common import files, paths
from cifar10_cnn.common.formats import duration, percent


def _versions() -> dict[str, str]:
    packages = {"Keras": version("keras"), "TensorFlow": version("tensorflow")}
    return {"Python": platform.python_version(), "cifar10-cnn": __version__, **packages}


@dataclass
class NotebookRecord:
    """How one notebook went."""

    status: str  # ok, failed or interrupted
    seconds: float  # from the kernel's start to its end
    cells: int  # code cells executed
    source_hash: str  # of the notebook that was run
    error: str = ""  # what stopped it, in a few lines
    figures: dict[str, str] = field(default_factory=dict)  # name → alt text
    result: dict[str, Any] = field(default_factory=dict)  # saved with training.save_result


@dataclass
class Summary:
    """How a run of the course went, and what it ran on."""

    profile: str
    seed: int
    data: str  # the data set's name, such as CIFAR-10
    fingerprint: str
    origin: str  # data, profile and seed in one line
    device: str = ""  # what Keras computed on; empty until a notebook has said it
    versions: dict[str, str] = field(default_factory=_versions)
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    notebooks: dict[str, NotebookRecord] = field(default_factory=dict)

    @property
    def result(self) -> dict[str, Any]:
        """The numbers that the last notebook with numbers saved."""
        results = (each.result for _, each in sorted(self.notebooks.items(), reverse=True))
        return next(filter(None, results), {})

    @property
    def finished(self) -> dict[str, NotebookRecord]:
        """The records of the notebooks that this run has finished, by name."""
        return {key: each for key, each in sorted(self.notebooks.items()) if each.status == "ok"}

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Yield name, status and time of every notebook of the course, then of all together."""
        for name in course_notebooks():
            record = self.notebooks.get(name)
            yield (name, record.status, duration(record.seconds)) if record else (name, "–", "–")
        yield "together", "", duration(sum(record.seconds for record in self.notebooks.values()))

    def facts(self) -> dict[str, str]:
        """Return what is said under the table: accuracy, data, device, versions, start."""
        accuracy = self.result.get("test_accuracy")
        return {
            "Test accuracy": "not measured" if accuracy is None else percent(accuracy),
            "Data": f"{self.origin} · fingerprint {self.fingerprint[:12]}…",
            "Device": self.device or "not reported",
            "Versions": ", ".join(f"{name} {number}" for name, number in self.versions.items()),
            "Started": self.started,
        }


def load(folder: Path) -> Summary | None:
    """Read the summary of a run folder; None if there is none that this version can read."""
    content = files.read_json(folder / "summary.json")
    try:
        records = content.pop("notebooks").items()
        return Summary(**content, notebooks={key: NotebookRecord(**each) for key, each in records})
    except (KeyError, TypeError, AttributeError):
        return None


def course_notebooks() -> dict[str, Path]:
    """Return the course's notebooks in order: name, such as ``01_load``, and file."""
    return {file.stem: file for file in sorted(paths.notebooks_folder().glob("[0-9][0-9]_*.ipynb"))}


def source_hash(notebook: NotebookNode) -> str:
    """Return a SHA-256 of a notebook's code: a sentence put better does not make a run stale."""
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()
