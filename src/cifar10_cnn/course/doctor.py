"""Looks at everything the course needs on this machine, and says what is missing and why."""
# ruff: noqa: PLC0415 - a broken package must not hide all other findings

import os
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
from packaging.requirements import Requirement
from rich.console import Console
from rich.table import Table

from cifar10_cnn import __version__
from cifar10_cnn.common import files, paths, settings
from cifar10_cnn.common.errors import CourseError

#: Memory and disk in gigabytes below which a full run is likely to fail.
NEEDED_MEMORY = 4
NEEDED_DISK = 2
_COLOURS = {"ok": "green", "note": "yellow", "broken": "red"}
_AGAIN = "run `pip install -r requirements.txt` again"
#: What was looked at; ok, note (the course runs all the same) or broken; what to do about it.
Finding = tuple[str, str, str]


def doctor(console: Console | None = None) -> bool:
    """Print a table of what the course needs; return whether nothing keeps it from running."""
    table = Table("what", "", "there is", title=f"cifar10-cnn {__version__} on this machine")
    findings = list(examine())
    for what, state, text in findings:
        table.add_row(what, f"[{_COLOURS[state]}]{state}[/]", text)
    (console or Console()).print(table)
    return all(state != "broken" for _, state, _ in findings)


def examine() -> Iterator[Finding]:
    """Yield one finding after the other; the devices take seconds."""
    fits = (3, 11) <= sys.version_info[:2] <= (3, 13)
    needs = "" if fits else ": the course needs Python 3.11, 3.12 or 3.13"
    yield "Python", "ok" if fits else "broken", f"{sys.version.split()[0]} in {sys.prefix}{needs}"
    yield from _packages()
    notebooks = sorted(file.stem for file in paths.notebooks_folder().glob("[0-9][0-9]_*.ipynb"))
    nowhere = f"none in {paths.notebooks_folder()}: set CIFAR10_HOME to a clone of the repository"
    yield "notebooks", "ok" if notebooks else "broken", ", ".join(notebooks) or nowhere
    try:
        from cifar10_cnn import device  # what is most likely to be broken

        yield "device", "ok", device.describe()
        yield "GPU", "ok", device.gpu_hint()
    except CourseError as error:
        yield "device", "broken", str(error)
    except Exception as error:  # whatever it is, the doctor reports it
        reason = f"Keras does not start ({type(error).__name__}: {error})"
        yield "device", "broken", f"{reason}: {_AGAIN}"
    memory = psutil.virtual_memory().available / 2**30
    text = f"{memory:.1f} GB free; the full profile needs about {NEEDED_MEMORY} GB"
    yield "memory", "ok" if memory >= NEEDED_MEMORY else "note", text
    home = paths.home()
    for folder in (paths.data_folder(), paths.runs_folder()):
        if not os.access(place := folder if folder.exists() else home, os.W_OK):
            yield "disk", "broken", f"{place} cannot be written to: check its rights"
    free = shutil.disk_usage(home).free / 2**30
    state = "ok" if free >= NEEDED_DISK else "note" if free >= 0.5 else "broken"
    yield "disk", state, f"{free:.1f} GB free in {home}; a run needs about {NEEDED_DISK} GB"
    yield _data()
    yield from _in_the_way()


def requirements() -> list[Requirement]:
    """Return what ``requirements.txt`` asks for, with its bounds."""
    file = paths.home() / "requirements.txt"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    texts = [line.partition("#")[0].strip() for line in lines]
    return [Requirement(text) for text in texts if text and not text.startswith("-")]


def _packages() -> Iterator[Finding]:
    fitting = []
    for package in requirements():
        try:
            installed = version(package.name)
        except PackageNotFoundError:
            yield package.name, "broken", f"missing: {_AGAIN}"
            continue
        if installed in package.specifier:
            fitting.append(f"{package.name} {installed}")
        else:
            yield package.name, "note", f"{installed}, but {package.specifier} was tested: {_AGAIN}"
    nothing = f"no requirements.txt in {paths.home()} to compare with"
    yield "packages", "ok" if fitting else "note", ", ".join(fitting) or nothing


def _in_the_way() -> Iterator[Finding]:
    """Look for settings and files of other projects that Python finds before those meant."""
    named = {
        key: value for key, value in os.environ.items() if key.startswith(("CIFAR10_", "KERAS_"))
    }
    yield "variables", "ok", ", ".join(f"{key}={value}" for key, value in named.items()) or "none"
    keras_json = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "keras.json"
    usual = {"floatx": "float32", "image_data_format": "channels_last", "backend": "tensorflow"}
    said = files.read_json(keras_json)
    if odd := {key: said[key] for key in usual if said.get(key, usual[key]) != usual[key]}:
        yield (
            "keras.json",
            "note",
            f"{keras_json} says {odd}: of these the course takes backend alone",
        )
    packages = {package.name for package in requirements()} | {"keras", "sklearn"}
    for folder in (Path.cwd(), paths.notebooks_folder()):
        for file in sorted(folder.glob("*.py")):
            if file.stem in packages:
                yield (
                    "files",
                    "broken",
                    f"{file} is found before the package {file.stem}: rename it",
                )


def _data() -> Finding:
    from cifar10_cnn.data import dataset

    named = settings.get("DATA", "auto")
    try:
        if named in ("auto", "cifar10"):
            return "data", "ok", dataset.describe().splitlines()[0]
        there = named == "practice" or files.path(named).exists()
    except CourseError as error:
        if named == "auto" and not dataset.cache_path().exists():
            return "data", "note", f"{error} Without it, the course draws a practice set."
        return "data", "broken", str(error)
    text = f"CIFAR10_DATA={named}" + ("" if there else ", which does not exist")
    return "data", "ok" if there else "broken", text
