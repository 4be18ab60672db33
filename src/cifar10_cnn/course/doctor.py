"""Looks at everything the course needs on this machine, and says what is missing and why."""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

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


@dataclass
class Finding:
    """One thing looked at.

    Attributes:
        what: such as ``Python``.
        state: ``ok``, ``note`` (the course runs all the same) or ``broken`` (it doesn't).
        text: what was found, and what to do if it is not right.
    """

    what: str
    state: str
    text: str


def doctor(console: Console | None = None) -> bool:
    """Print a table of what the course needs and what is there.

    Returns:
        Whether nothing prevents the course from running.
    """
    console = console or Console()
    table = Table(title=f"cifar10-cnn {__version__} on this machine")
    for heading in ("what", "", "found"):
        table.add_column(heading)
    sound = True
    for finding in examine():
        colour = _COLOURS[finding.state]
        table.add_row(finding.what, f"[{colour}]{finding.state}[/]", finding.text)
        sound = sound and finding.state != "broken"
    console.print(table)
    return sound


def examine() -> Iterator[Finding]:
    """Yield what is found, one thing after the other; the devices take seconds to find."""
    yield _python()
    yield from _packages()
    yield _notebooks()
    yield from _devices()
    yield _memory()
    yield _disk()
    yield _data()


def _python() -> Finding:
    found = f"{sys.version.split()[0]} in {sys.prefix}"
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding("Python", "ok", found)
    return Finding("Python", "broken", f"{found}: the course needs Python 3.11, 3.12 or 3.13")


def requirements() -> list[Requirement]:
    """Return what ``requirements.txt`` asks for, with its bounds."""
    file = paths.home() / "requirements.txt"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    found = []
    for line in lines:
        try:
            found.append(Requirement(line.partition("#")[0].strip()))
        except InvalidRequirement:  # an empty line or an option, such as --editable
            continue
    return found


def _packages() -> Iterator[Finding]:
    asked = requirements()
    again = "run `pip install -r requirements.txt` again"
    if not asked:
        yield Finding("packages", "note", f"no requirements.txt in {paths.home()} to compare with")
    fine = []
    for package in asked:
        try:
            found = version(package.name)
        except PackageNotFoundError:
            yield Finding(package.name, "broken", f"missing: {again}")
            continue
        if found in package.specifier:
            fine.append(f"{package.name} {found}")
        else:
            asked_for = f"{found}, but {package.specifier} was tested: {again}"
            yield Finding(package.name, "note", asked_for)
    if fine:
        yield Finding("packages", "ok", ", ".join(fine))


def _notebooks() -> Finding:
    found = sorted(file.stem for file in paths.notebooks_folder().glob("[0-9][0-9]_*.ipynb"))
    if found:
        return Finding("notebooks", "ok", ", ".join(found))
    missing = f"none in {paths.notebooks_folder()}: set CIFAR10_HOME to a clone of the repository"
    return Finding("notebooks", "broken", missing)


def _devices() -> Iterator[Finding]:
    # Loads Keras and its backend: seconds, and the most likely thing to be broken.
    from cifar10_cnn import device  # noqa: PLC0415

    try:
        yield Finding("device", "ok", device.describe())
        yield Finding("GPU", "ok", device.gpu_hint())
    except Exception as error:  # whatever it is, the doctor reports it
        reason = f"Keras does not start ({type(error).__name__}: {error})"
        yield Finding("device", "broken", f"{reason}: run `pip install -r requirements.txt` again")


def _memory() -> Finding:
    total = psutil.virtual_memory().total / 2**30
    free = psutil.virtual_memory().available / 2**30
    text = f"{total:.0f} GB, {free:.1f} GB of it free"
    if free < NEEDED_MEMORY:
        text += f": the full profile needs about {NEEDED_MEMORY} GB; close other programs"
    return Finding("memory", "ok" if free >= NEEDED_MEMORY else "note", text)


def _disk() -> Finding:
    folder = paths.home()
    free = shutil.disk_usage(folder).free / 2**30
    text = f"{free:.1f} GB free in {folder}"
    for needed in (paths.data_folder(), paths.runs_folder()):
        place = needed if needed.exists() else folder
        if not os.access(place, os.W_OK):
            return Finding("disk", "broken", f"{place} cannot be written to: check its rights")
    if free < 0.5:
        return Finding("disk", "broken", f"{text}: a run needs about {NEEDED_DISK} GB")
    return Finding("disk", "ok" if free >= NEEDED_DISK else "note", text)


def _data() -> Finding:
    # Not at the top: a broken package would hide all other findings.
    from cifar10_cnn.common import files  # noqa: PLC0415
    from cifar10_cnn.data import dataset as data  # noqa: PLC0415

    named = os.environ.get("CIFAR10_DATA", "auto")
    if named not in ("auto", "cifar10"):
        try:
            there = named == "practice" or files.path(named).exists()
        except CourseError as error:
            return Finding("data", "broken", f"CIFAR10_DATA: {error}")
        text = f"CIFAR10_DATA={named}" + ("" if there else ", which does not exist")
        return Finding("data", "ok" if there else "broken", text)
    try:
        return Finding("data", "ok", data.describe().splitlines()[0])
    except CourseError as error:
        state = "broken" if named == "cifar10" or data.cache_path().exists() else "note"
        if state == "note":
            return Finding("data", state, f"{error} Without it, the course draws a practice set.")
        return Finding("data", state, str(error))
