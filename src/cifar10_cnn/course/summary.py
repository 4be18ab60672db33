"""What a run of the course leaves on record: ``runs/<profile>/summary.json`` and what it says."""

import hashlib
import json
import platform
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from rich.table import Table

from cifar10_cnn import __version__
from cifar10_cnn.common import files, paths
from cifar10_cnn.common.errors import CourseError

#: Number of this form of run folder; raise it when an older one can no longer be read.
FORMAT = 1
#: What `publish` writes: ``<!-- generated:NAME -->`` … ``<!-- /generated:NAME -->``.
GENERATED = re.compile(
    r"(?P<open><!-- generated:(?P<name>[\w-]+) -->).*?(?P<close><!-- /generated:(?P=name) -->)",
    re.DOTALL,
)


def _versions() -> dict[str, str]:
    return {
        "Python": platform.python_version(),
        "cifar10-cnn": __version__,
        "Keras": version("keras"),
        "TensorFlow": version("tensorflow"),
    }


@dataclass
class NotebookRecord:
    """How one notebook went.

    Attributes:
        status: ``ok``, ``failed`` or ``interrupted``.
        seconds: wall-clock time from the kernel's start to its end.
        cells: number of code cells executed.
        source_hash: `source_hash` of the notebook that was run.
        error: what stopped it, in a few lines; empty if nothing did.
        figures: name of each figure and its alt text.
        result: numbers that the notebook saved with `training.save_result`; empty if none.
    """

    status: str
    seconds: float
    cells: int
    source_hash: str
    error: str = ""
    figures: dict[str, str] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)


@dataclass
class Summary:
    """How a run of the course went, and what it ran on.

    Attributes:
        profile: ``smoke``, ``quick`` or ``full``.
        seed: the profile's seed.
        data: ``CIFAR-10``, ``practice set`` or ``own pictures``.
        fingerprint: the data's fingerprint.
        origin: data, profile and seed in one line.
        device: what Keras computed on; empty until a notebook has said it.
        versions: of Python, this package, Keras and TensorFlow.
        started: when, in UTC, as ISO 8601.
        notebooks: one record for each notebook that has been run, by its name.
    """

    profile: str
    seed: int
    data: str
    fingerprint: str
    origin: str
    device: str = ""
    versions: dict[str, str] = field(default_factory=_versions)
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    notebooks: dict[str, NotebookRecord] = field(default_factory=dict)

    @property
    def result(self) -> dict[str, Any]:
        """The numbers that the last notebook with numbers saved."""
        for _, record in sorted(self.notebooks.items(), reverse=True):
            if record.result:
                return record.result
        return {}

    @property
    def test_accuracy(self) -> float | None:
        """Share of test pictures named rightly, 0 to 1; None before notebook 05 has run."""
        return self.result.get("test_accuracy")

    def complete(self) -> bool:
        """Return whether every notebook of the course has finished in this run."""
        return all(
            name in self.notebooks and self.notebooks[name].status == "ok"
            for name in course_notebooks()
        )

    def save(self, folder: Path) -> None:
        """Write ``summary.json`` into a run folder, atomically."""
        content = {"format": FORMAT, **asdict(self)}
        files.write(
            folder / "summary.json", json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        )

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Yield name, status and time of every notebook of the course, then of all together."""
        for name in course_notebooks():
            record = self.notebooks.get(name)
            yield (name, record.status, duration(record.seconds)) if record else (name, "–", "–")
        yield "together", "", duration(sum(record.seconds for record in self.notebooks.values()))

    def facts(self) -> dict[str, str]:
        """Return what is said under the table: accuracy, data, device, versions, start."""
        accuracy = self.test_accuracy
        return {
            "Test accuracy": "not measured" if accuracy is None else percent(accuracy),
            "Data": f"{self.origin} · fingerprint {self.fingerprint[:12]}…",
            "Device": self.device or "not reported",
            "Versions": ", ".join(f"{name} {number}" for name, number in self.versions.items()),
            "Started": self.started,
        }

    def table(self) -> Table:
        """Return the table of notebooks that ends a run on the screen."""
        table = Table(title=f"The course, profile {self.profile}")
        for heading in ("notebook", "status", "time"):
            table.add_column(heading, justify="right" if heading == "time" else "left")
        colours = {"ok": "green", "failed": "red", "interrupted": "yellow"}
        for name, status, time in self.rows():
            table.add_row(name, f"[{colours.get(status, 'default')}]{status}[/]", time)
        return table


def load(folder: Path) -> Summary:
    """Read the summary of a run folder.

    Raises:
        CourseError: if there is none, or it was written by another version.
    """
    file = folder / "summary.json"
    if not file.exists():
        raise CourseError(f"{folder} holds no run: there is no summary.json in it.")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content.pop("format") != FORMAT:
            raise ValueError("another format")
        records = content.pop("notebooks")
        known = {each.name for each in fields(Summary)}
        return Summary(
            **{key: value for key, value in content.items() if key in known},
            notebooks={name: NotebookRecord(**record) for name, record in records.items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CourseError(
            f"{folder} comes from another version of the course (this one reads format {FORMAT}): "
            "run again without --resume; the old folder is kept beside it."
        ) from error


def course_notebooks() -> dict[str, Path]:
    """Return the course's notebooks in order: name, such as ``01_load``, and file."""
    return {file.stem: file for file in sorted(paths.notebooks_folder().glob("[0-9][0-9]_*.ipynb"))}


def source_hash(notebook: NotebookNode) -> str:
    """Return a SHA-256 of what a notebook computes: its code cells.

    Words, outputs and metadata don't count: a sentence put better does not make a run stale.
    """
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def duration(seconds: float) -> str:
    """Return a time as people say it: ``21 s``, ``2 min``, ``1.5 h``."""
    if seconds < 99.5:
        return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5970 else f"{seconds / 3600:.1f} h"


def percent(share: float) -> str:
    """Return a share, 0 to 1, as ``81.2 %``."""
    return f"{share:.1%}".replace("%", " %")
