"""The course runner: executes the notebooks in order and keeps what they made under ``runs/``."""

import os
import re
import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from cifar10_cnn import profiles
from cifar10_cnn.common import files, paths, settings
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.common.formats import duration
from cifar10_cnn.course import kernel, pages
from cifar10_cnn.course import summary as summaries
from cifar10_cnn.course.summary import NotebookRecord, Summary
from cifar10_cnn.data import dataset as course_data

_COLOURS = {"ok": "green", "failed": "red", "interrupted": "yellow"}


def run(
    notebooks: Sequence[str] = (),
    *,
    profile: str | None = None,
    data: str | None = None,
    resume: bool = False,
) -> Summary:
    """Execute notebooks in order, each in a fresh kernel; stop at the first that fails.

    ``runs/<profile>/`` gets the executed notebooks, each as a self-contained HTML page, their
    figures, an index page and ``summary.json``; ``notebooks/`` and ``figures/`` stay as they are.

    Args:
        notebooks: which ones, as ``01``, ``01_load``, ``01_load.ipynb`` or a path; all by default.
        profile: by default the one that ``CIFAR10_PROFILE`` names.
        data: as `data.load` takes it; by default what ``CIFAR10_DATA`` names.
        resume: skip notebooks that finished on the same data and haven't changed since.

    Raises:
        CourseError: if a notebook stops, a name is unknown, or another run of the profile goes on.
        KeyboardInterrupt: if the user stops it; what has finished is kept.
    """
    selected = select(notebooks)
    size = profiles.get(profile) if profile else profiles.current()
    folder = paths.runs_folder() / size.name
    taken = f"Another run of profile {size.name} is going on: wait for it, or stop it first."
    with files.alone(folder.with_name(f".{size.name}.lock"), taken, wait=False):
        source = settings.data(data)
        # Once here, so that a download shows its bar and the kernels find the cache.
        dataset = course_data.load(size, source)
        summary = Summary(size.name, size.seed, dataset.name, dataset.fingerprint, dataset.origin)
        earlier = summaries.load(folder)
        if earlier and earlier.fingerprint == summary.fingerprint:
            summary.device = earlier.device
            for name in summaries.course_notebooks():
                if name in earlier.notebooks and (resume or name not in selected):
                    summary.notebooks[name] = earlier.notebooks[name]
        # After a download that failed, no kernel shall try another one.
        source = "practice" if dataset.name == "practice set" else source
        env = {**os.environ, "CIFAR10_PROFILE": size.name, "CIFAR10_DATA": source}
        env.pop("MPLBACKEND", None)  # Agg, which servers like to set, would remove every figure
        stopped = _run_all(selected, summary, folder, env, resume)
    if stopped:
        words = ["python", "-m", "cifar10_cnn", "run", *notebooks, "--profile", size.name]
        command = shlex.join([*words, *(["--data", data] if data else []), "--resume"])
        record, go_on = summary.notebooks[stopped], f"When it is mended, go on with: {command}"
        if record.status == "interrupted":
            raise KeyboardInterrupt(f"{record.error} {go_on}")
        raise CourseError(f"{record.error}\nTraceback: {folder / stopped}.html\n{go_on}")
    return summary


def select(names: Iterable[str]) -> dict[str, Path]:
    """Return the notebooks named, or all, in the order of the course.

    Raises:
        CourseError: if one is unknown, or there are none.
    """
    course = summaries.course_notebooks()
    if not course:
        raise CourseError(
            f"There are no notebooks in {paths.notebooks_folder()}: run this in a clone of the "
            "repository, or set CIFAR10_HOME to one."
        )
    selected: set[str] = set()
    for name in names:
        path = files.path(name)
        elsewhere = path.parent != Path() and path.parent.resolve() != paths.notebooks_folder()
        matches = {key for key in course if path.stem in (key, key[:2]) and not elsewhere}
        if not matches:
            raise CourseError(f"There is no notebook {name!r}: choose out of {', '.join(course)}.")
        selected |= matches
    return {key: file for key, file in course.items() if key in selected or not names}


def _run_all(
    selected: Mapping[str, Path], summary: Summary, folder: Path, env: dict[str, str], resume: bool
) -> str:
    """Run notebooks until one stops; return its name, empty if none does."""
    console = Console(soft_wrap=True, highlight=False)
    _save(summary, folder)
    stopped, new_model = "", False
    for name, file in selected.items():
        try:
            notebook = nbformat.read(file, as_version=4)
        except (OSError, ValueError, nbformat.ValidationError) as error:
            raise CourseError(f"{file} is no readable notebook ({error}): restore it.") from error
        before = summary.finished.get(name)
        # A model trained anew makes what later notebooks said about the old one stale.
        same_code = before and before.source_hash == summaries.source_hash(notebook)
        if resume and same_code and not new_model and (folder / file.name).exists():
            console.print(f"{name}: finished before, kept")
            continue
        models = _stamps(folder, "**/*.keras")
        record = _run_one(notebook, file, folder, env, console)
        new_model = new_model or _stamps(folder, "**/*.keras") != models
        summary.notebooks[name] = record
        printed = "".join(
            output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])
        )
        if device := re.search(r"^Device: (.+?)\s*$", printed, re.MULTILINE):
            summary.device = device[1]
        _save(summary, folder)
        if record.status != "ok":
            stopped = name
            break
    table = Table("notebook", "status", "time", title=f"The course, profile {summary.profile}")
    for name, status, seconds in summary.rows():
        table.add_row(name, f"[{_COLOURS.get(status, 'default')}]{status}[/]", seconds)
    console.print(table)
    for fact, value in {**summary.facts(), "All pages": f"{folder / 'index.html'}"}.items():
        console.print(f"{fact}: {value}", markup=False)
    return stopped


def _run_one(
    notebook: NotebookNode, file: Path, folder: Path, env: Mapping[str, str], console: Console
) -> NotebookRecord:
    """Execute one notebook and store its copy, page and figures, also if it fails."""
    name, source_hash = file.stem, summaries.source_hash(notebook)
    results = _stamps(folder, "result.json")
    begun = time.monotonic()
    total, quiet = len(kernel.code_cells(notebook)), not console.is_terminal
    console.print(f"{name}: {total} cells …")
    columns = (BarColumn(20), TextColumn("cell {task.completed}/{task.total}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet) as bars:
        bar = bars.add_task(name, total=total)
        status, cells, error = kernel.execute(
            notebook, name, file.parent, env, lambda number: bars.update(bar, completed=number)
        )
    seconds = round(time.monotonic() - begun, 1)
    console.print(f"{name}: {status} after {duration(seconds)}")
    figures = pages.figures_of(notebook)
    for figure, (png, _) in figures.items():
        files.write(folder / "figures" / f"{figure}.png", png)
    files.write(folder / file.name, nbformat.writes(notebook))
    files.write(folder / f"{name}.html", pages.notebook_page(notebook, name, file.parent))
    alts = {figure: alt for figure, (_, alt) in figures.items()}
    # Only a notebook that has just written its result has one.
    changed = _stamps(folder, "result.json") != results
    result = files.read_json(folder / "result.json") if changed else {}
    return NotebookRecord(status, seconds, cells, source_hash, error, alts, result)


def _stamps(folder: Path, pattern: str) -> dict[Path, int]:
    """Return when each file that matches was last written."""
    return {file: file.stat().st_mtime_ns for file in folder.glob(pattern)}


def _save(summary: Summary, folder: Path) -> None:
    files.write_json(folder / "summary.json", asdict(summary))
    files.write(folder / "index.html", pages.index_page(summary))
