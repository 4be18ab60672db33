"""Looks at everything the course needs on this machine, and says what is missing and why."""
# ruff: noqa: PLC0415 - a broken package must not hide all other findings

import os
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

import psutil
from packaging.requirements import InvalidRequirement, Requirement
from rich.console import Console
from rich.table import Table

from cifar10_cnn import __version__
from cifar10_cnn.common import paths
from cifar10_cnn.common.errors import CourseError

#: Memory and disk in gigabytes below which a full run is likely to fail.
NEEDED_MEMORY = 4
NEEDED_DISK = 2
_COLOURS = {"ok": "green", "note": "yellow", "broken": "red"}
_AGAIN = "run `pip install -r requirements.txt` again"


class Finding(NamedTuple):
    """One thing looked at.

    Attributes:
        what: such as ``Python``.
        state: ``ok``, ``note`` (the course runs all the same) or ``broken`` (it doesn't).
        text: what there is, and what to do if it is not right.
    """

    what: str
    state: str
    text: str


def doctor(console: Console | None = None) -> bool:
    """Print a table of what the course needs and what is there.

    Returns:
        Whether nothing prevents the course from running.
    """
    table = Table("what", "", "there is", title=f"cifar10-cnn {__version__} on this machine")
    findings = list(examine())
    for what, state, text in findings:
        table.add_row(what, f"[{_COLOURS[state]}]{state}[/]", text)
    (console or Console()).print(table)
    return all(finding.state != "broken" for finding in findings)


def examine() -> Iterator[Finding]:
    """Yield what there is, one thing after the other; the devices take seconds."""
    there = f"{sys.version.split()[0]} in {sys.prefix}"
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        yield Finding("Python", "ok", there)
    else:
        yield Finding("Python", "broken", f"{there}: the course needs Python 3.11, 3.12 or 3.13")
    yield from _packages()
    notebooks = sorted(file.stem for file in paths.notebooks_folder().glob("[0-9][0-9]_*.ipynb"))
    nowhere = f"none in {paths.notebooks_folder()}: set CIFAR10_HOME to a clone of the repository"
    yield Finding("notebooks", "ok" if notebooks else "broken", ", ".join(notebooks) or nowhere)
    yield from _devices()
    memory = psutil.virtual_memory()
    text = f"{memory.total / 2**30:.0f} GB, {memory.available / 2**30:.1f} GB of it free"
    if memory.available >= NEEDED_MEMORY * 2**30:
        yield Finding("memory", "ok", text)
    else:
        more = f"the full profile needs about {NEEDED_MEMORY} GB; close other programs"
        yield Finding("memory", "note", f"{text}: {more}")
    yield _disk()
    yield _data()


def requirements() -> list[Requirement]:
    """Return what ``requirements.txt`` asks for, with its bounds."""
    file = paths.home() / "requirements.txt"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    needed = []
    for line in lines:
        try:
            needed.append(Requirement(line.partition("#")[0].strip()))
        except InvalidRequirement:  # an empty line or an option, such as --editable
            continue
    return needed


def _packages() -> Iterator[Finding]:
    fitting = []
    for package in requirements():
        try:
            installed = version(package.name)
        except PackageNotFoundError:
            yield Finding(package.name, "broken", f"missing: {_AGAIN}")
            continue
        if installed in package.specifier:
            fitting.append(f"{package.name} {installed}")
        else:
            tested = f"{installed}, but {package.specifier} was tested: {_AGAIN}"
            yield Finding(package.name, "note", tested)
    nothing = f"no requirements.txt in {paths.home()} to compare with"
    yield Finding("packages", "ok" if fitting else "note", ", ".join(fitting) or nothing)


def _devices() -> Iterator[Finding]:
    """Load Keras and its backend: seconds, and the most likely thing to be broken."""
    try:
        from cifar10_cnn import device

        yield Finding("device", "ok", device.describe())
        yield Finding("GPU", "ok", device.gpu_hint())
    except Exception as error:  # whatever it is, the doctor reports it
        reason = f"Keras does not start ({type(error).__name__}: {error})"
        yield Finding("device", "broken", f"{reason}: {_AGAIN}")


def _disk() -> Finding:
    home = paths.home()
    for folder in (paths.data_folder(), paths.runs_folder()):
        place = folder if folder.exists() else home
        if not os.access(place, os.W_OK):
            return Finding("disk", "broken", f"{place} cannot be written to: check its rights")
    free = shutil.disk_usage(home).free / 2**30
    text = f"{free:.1f} GB free in {home}"
    if free < 0.5:
        return Finding("disk", "broken", f"{text}: a run needs about {NEEDED_DISK} GB")
    return Finding("disk", "ok" if free >= NEEDED_DISK else "note", text)


def _data() -> Finding:
    from cifar10_cnn.common import files
    from cifar10_cnn.data import dataset

    named = os.environ.get("CIFAR10_DATA", "auto")
    try:
        if named in ("auto", "cifar10"):
            return Finding("data", "ok", dataset.describe().splitlines()[0])
        there = named == "practice" or files.path(named).exists()
    except CourseError as error:
        if named == "auto" and not dataset.cache_path().exists():
            text = f"{error} Without it, the course draws a practice set."
            return Finding("data", "note", text)
        return Finding("data", "broken", str(error))
    text = f"CIFAR10_DATA={named}" + ("" if there else ", which does not exist")
    return Finding("data", "ok" if there else "broken", text)
