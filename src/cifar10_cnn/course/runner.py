"""The course runner: executes the notebooks in order and keeps what they made under ``runs/``."""

import json
import os
import re
import shlex
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from rich.console import Console

from cifar10_cnn import profiles
from cifar10_cnn.common import checks, files, paths
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.course import kernel, pages
from cifar10_cnn.course import summary as summaries
from cifar10_cnn.course.progress import CourseProgress
from cifar10_cnn.course.summary import NotebookRecord, Summary
from cifar10_cnn.data import dataset as course_data
from cifar10_cnn.profiles import Profile

#: Seconds that one cell may take: as much as a whole full run may on two slow cores.
CELL_TIMEOUT = 3600


class NotebookError(CourseError):
    """A notebook that stopped: at which cell, why, and how to go on."""


def run(
    notebooks: Sequence[str] = (),
    *,
    profile: str | None = None,
    data: str | None = None,
    resume: bool = False,
    cell_timeout: int = CELL_TIMEOUT,
) -> Summary:
    """Execute notebooks in order, each in a fresh kernel; stop at the first that fails.

    ``runs/<profile>/`` gets the executed notebooks, each as a self-contained HTML page, their
    figures, an index page and ``summary.json``; ``notebooks/`` and ``figures/`` stay as they are.

    Args:
        notebooks: which ones, as ``01``, ``01_load``, ``01_load.ipynb`` or a path; all by default.
        profile: ``smoke``, ``quick`` or ``full``; by default what ``CIFAR10_PROFILE`` names.
        data: as `data.load` takes it; by default what ``CIFAR10_DATA`` names.
        resume: skip notebooks that finished on the same data and haven't changed since.
        cell_timeout: seconds that one cell may take.

    Returns:
        The summary, also printed as a table.

    Raises:
        NotebookError: if a notebook stops.
        CourseError: if a notebook, profile or data source is unknown, ``resume`` meets a run
            folder of another version, or another run of the profile is going on.
        ValueError: if ``cell_timeout`` is no number of seconds.
        KeyboardInterrupt: if the user stops it; what has finished is kept.
    """
    chosen = select(notebooks)
    checks.number(cell_timeout, "cell_timeout", 1e-3, 1e9)
    size = profiles.get(profile) if profile else profiles.current()
    lock = paths.runs_folder() / f".{size.name}.lock"
    taken = f"Another run of profile {size.name} is going on: wait for it, or stop it first."
    with files.alone(lock, taken, wait=False):
        source = data or os.environ.get("CIFAR10_DATA", "auto")
        summary, stopped = _run_all(chosen, size, source, resume, cell_timeout)
    if stopped:
        record = summary.notebooks[stopped]
        go_on = f"When it is mended, go on with: {_command(notebooks, size.name, data)}"
        if record.status == "interrupted":
            raise KeyboardInterrupt(f"{record.error} {go_on}")
        page = paths.runs_folder() / size.name / f"{stopped}.html"
        raise NotebookError(f"{record.error}\nTraceback: {page}\n{go_on}")
    return summary


def _run_all(
    chosen: Mapping[str, Path], size: Profile, source: str, resume: bool, cell_timeout: int
) -> tuple[Summary, str]:
    """Run the chosen notebooks; return the summary and the one that stopped, empty if none."""
    folder = paths.runs_folder() / size.name
    console = Console()
    earlier = _earlier(folder, resume, console)
    source = _absolute(source)
    # Once here, so that a download shows its bar and the kernels find the cache.
    dataset = course_data.load(size, source)
    summary = Summary(size.name, size.seed, dataset.name, dataset.fingerprint, dataset.origin)
    if earlier:
        _take_over(earlier, summary, folder, again=() if resume else chosen)
    # After a download that failed, no kernel shall try another one.
    env = _environment(size.name, "practice" if dataset.name == "practice set" else source)

    _save(summary, folder)
    stopped = ""
    new_model = False
    with CourseProgress(console) as progress:
        for name, file in chosen.items():
            notebook = _read(file)
            # A model trained anew makes what later notebooks said about the old one stale.
            if resume and not new_model and _finished(summary, folder, name, notebook):
                progress.skip(name)
                continue
            models = _stamps(folder, "**/*.keras")
            on_cell = progress.start(name, notebook)
            record = _run_one(
                notebook, file, folder, env=env, cell_timeout=cell_timeout, on_cell=on_cell
            )
            progress.end(name, record)
            new_model = new_model or _stamps(folder, "**/*.keras") != models
            summary.notebooks[name] = record
            summary.device = _device(notebook) or summary.device
            _save(summary, folder)
            if record.status != "ok":
                stopped = name
                break
    console.print(summary.table())
    for fact, value in {**summary.facts(), "All pages": f"{folder / 'index.html'}"}.items():
        console.print(f"{fact}: {value}", soft_wrap=True, highlight=False, markup=False)
    return summary, stopped


def select(names: Sequence[str]) -> dict[str, Path]:
    """Return the notebooks named, or all, in the order of the course.

    Raises:
        CourseError: if one is unknown, or there are none.
    """
    for name in checks.rows(names, "notebooks"):
        if not isinstance(name, (str, Path)):
            raise CourseError(f"There is no notebook {name!r}: name it like 01 or 01_load.")
    course = summaries.course_notebooks()
    if not course:
        raise CourseError(
            f"There are no notebooks in {paths.notebooks_folder()}: run this in a clone of the "
            "repository, or set CIFAR10_HOME to one."
        )
    chosen = set()
    for name in names:
        path = Path(name)
        found = [key for key in course if path.stem in (key, key[:2])]
        elsewhere = path.parent != Path() and bool(found) and not _same(path, course[found[0]])
        if not found or elsewhere:
            raise CourseError(f"There is no notebook {name!r}: choose out of {', '.join(course)}.")
        chosen.update(found)
    return {key: file for key, file in course.items() if key in chosen or not names}


def _same(path: Path, file: Path) -> bool:
    return path.resolve() == file.resolve()


def _earlier(folder: Path, resume: bool, console: Console) -> Summary | None:
    """Read the run that is there; without ``resume``, set one of another version aside."""
    if not (folder / "summary.json").exists():
        return None
    try:
        return summaries.load(folder)
    except CourseError:
        if resume:
            raise
        aside = folder.with_name(f"{folder.name}-before-{datetime.now():%Y%m%d-%H%M%S}")
        folder.rename(aside)
        console.print(f"A run of another version was there; it is now in {aside}", soft_wrap=True)
        return None


def _take_over(earlier: Summary, summary: Summary, folder: Path, *, again: Collection[str]) -> None:
    """Keep earlier records of the same data; remove the files of those that are run again."""
    same_data = earlier.fingerprint == summary.fingerprint
    course = summaries.course_notebooks()
    for name, record in earlier.notebooks.items():
        if same_data and name in course and name not in again:
            summary.notebooks[name] = record
            summary.device = earlier.device
            continue
        figures = [f"figures/{figure}.png" for figure in record.figures]
        for file in (f"{name}.ipynb", f"{name}.html", *figures):
            (folder / file).unlink(missing_ok=True)


def _absolute(source: str) -> str:
    """Return a data source as the kernels find it, whose working directory is another one."""
    path = files.path(source)
    named = source in ("auto", "cifar10", "practice")
    return str(path.resolve()) if path.exists() and not named else source


def _environment(profile: str, source: str) -> dict[str, str]:
    env = {**os.environ, "CIFAR10_PROFILE": profile, "CIFAR10_DATA": source}
    env.pop("MPLBACKEND", None)  # Agg, which servers like to set, would remove every figure
    return env


def _read(file: Path) -> NotebookNode:
    try:
        return nbformat.read(file, as_version=4)
    except (OSError, ValueError, nbformat.ValidationError) as error:
        raise CourseError(f"{file} is no readable notebook ({error}): restore it.") from error


def _finished(summary: Summary, folder: Path, name: str, notebook: NotebookNode) -> bool:
    record = summary.notebooks.get(name)
    return (
        record is not None
        and record.status == "ok"
        and record.source_hash == summaries.source_hash(notebook)
        and (folder / f"{name}.ipynb").exists()
    )


def _run_one(
    notebook: NotebookNode,
    file: Path,
    folder: Path,
    *,
    env: Mapping[str, str],
    cell_timeout: int,
    on_cell: Callable[[int, str], None],
) -> NotebookRecord:
    """Execute one notebook and store its copy, page and figures, also if it fails."""
    name = file.stem
    source_hash = summaries.source_hash(notebook)
    results = _stamps(folder, "result.json")
    begun = time.monotonic()
    outcome = kernel.execute(
        notebook, name, folder=file.parent, env=env, cell_timeout=cell_timeout, on_cell=on_cell
    )
    seconds = round(time.monotonic() - begun, 1)
    figures = pages.figures_of(notebook)
    for figure, (picture, _) in figures.items():
        files.write(folder / "figures" / f"{figure}.png", picture)
    files.write(folder / f"{name}.ipynb", nbformat.writes(notebook))
    files.write(folder / f"{name}.html", pages.notebook_page(notebook, name, file.parent))
    return NotebookRecord(
        outcome.status,
        seconds,
        outcome.cells,
        source_hash,
        outcome.error,
        {figure: alt for figure, (_, alt) in figures.items()},
        # Only a notebook that has just written its result has one.
        {} if _stamps(folder, "result.json") == results else _read_result(folder),
    )


def _read_result(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def _stamps(folder: Path, pattern: str) -> dict[Path, int]:
    """Return when each file that matches was last written."""
    return {file: file.stat().st_mtime_ns for file in folder.glob(pattern)}


def _device(notebook: NotebookNode) -> str:
    """Return what `device.start` printed in a notebook, or nothing."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if found := re.search(r"^Device: (.+)$", output.get("text", ""), re.MULTILINE):
                return found[1].strip()
    return ""


def _save(summary: Summary, folder: Path) -> None:
    summary.save(folder)
    files.write(folder / "index.html", pages.index_page(summary))


def _command(notebooks: Sequence[str], profile: str, data: str | None) -> str:
    """Return the command that goes on with this run."""
    words = ["python", "-m", "cifar10_cnn", "run", *notebooks, "--profile", profile]
    return shlex.join([*words, *(["--data", data] if data else []), "--resume"])
