"""Makes what the repository shows from the last full run: notebooks, figures and tables."""

import json
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
from nbformat import NotebookNode

from cifar10_cnn.common import files, paths
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.common.formats import duration, markdown_table, percent
from cifar10_cnn.course import kernel
from cifar10_cnn.course import summary as summaries
from cifar10_cnn.course.summary import Summary
from cifar10_cnn.profiles import names as profile_names
from cifar10_cnn.studies import ablate, bench
from cifar10_cnn.training import runs

#: What each notebook teaches, for the README.
LESSONS = {
    "01_load": "arrays, labels, splits, and what is wrong with CIFAR-10",
    "02_visualize": "classes, colours, near-duplicates, augmentation",
    "03_build": "convolution and pooling by hand; every parameter counted",
    "04_train": "compile, fit, callbacks, overfitting, regularization",
    "05_evaluate": "accuracy, classification report, confusion matrix",
    "06_compare": "seven published networks, rebuilt; protocols, optimizers",
    "07_trust": "confidence intervals, calibration, reject option",
    "08_look_inside": "filters, Grad-CAM, embeddings, corruptions, attacks",
    "09_your_image": "images of your own; out-of-distribution inputs",
}
_AGAIN = "run `python -m cifar10_cnn run --profile full` and publish again."
_WIDGET = "application/vnd.jupyter.widget-view+json"


def publish() -> list[Path]:
    """Write the outputs, figures and numbers of ``runs/full`` to where the repository shows them.

    Notebooks get their outputs and times, ``figures/`` the figures and ``results.json``, the two
    READMEs the tables between ``<!-- generated:… -->`` marks, the package notebook 04's model.
    Everything is made before the first file is written: an error changes nothing. Returns the files
    that were changed or removed.

    Raises:
        CourseError: if the full run is not finished, not on CIFAR-10 or older than the notebooks, a
            mark or the model is missing.
    """
    folder, figures = paths.runs_folder() / "full", paths.figures_folder()
    full = _finished_run(folder)
    measured = _measured()
    numbers = json.dumps(measured, indent=1, ensure_ascii=False) + "\n"
    contents = {figures / "results.json": numbers.encode()}
    for name, file in summaries.course_notebooks().items():
        notebook = nbformat.read(file, as_version=4)
        _take_outputs(notebook, folder / file.name)
        for figure in full.notebooks[name].figures:
            source = folder / "figures" / f"{figure}.png"
            contents[figures / source.name] = source.read_bytes()
        times = " · ".join(f"{key} {time}" for key, time in _times(measured, name).items())
        times = f"{times} ({_conditions(measured['full'])}, measured)"
        notebook.cells[0].source = _fill(notebook.cells[0].source, {"time": times}, file)
        contents[file] = (nbformat.writes(notebook) + "\n").encode()
    blocks = {"results": _results(measured), "accuracy": _accuracy(measured["full"])}
    studies = {}
    for block, study in (("recipes", bench), ("components", ablate)):
        rows = study.rows()
        studies[block] = _block(study.table(rows), f"Measured: {study.origin(rows)}.")
    for file, tables in ((paths.home() / "README.md", blocks), (figures / "README.md", studies)):
        contents[file] = _fill(file.read_text(encoding="utf-8"), tables, file).encode()

    shipped = runs.ship(folder / runs.COURSE_RUN)
    changed = [
        file
        for file, content in contents.items()
        if not file.exists() or file.read_bytes() != content
    ]
    for file in changed:
        files.write(file, contents[file])
    stale = sorted(set(figures.glob("*.png")) - contents.keys())
    for file in stale:
        file.unlink()
    return [*changed, *stale, *([shipped] if shipped else [])]


def _finished_run(folder: Path) -> Summary:
    """Return the full run, if it is one that the repository may show."""
    full = summaries.load(folder)
    if full is None:
        raise CourseError(f"{folder} holds no run: {_AGAIN}")
    if full.data != "CIFAR-10":
        raise CourseError(
            f"The full run was on the {full.data}; only CIFAR-10 is published: get it with "
            f"`python -m cifar10_cnn data fetch`, {_AGAIN}"
        )
    course = summaries.course_notebooks()
    if missing := ", ".join(name for name in course if name not in full.finished):
        raise CourseError(f"The full run has not finished ({missing} missing): {_AGAIN}")
    for name, file in course.items():
        now = summaries.source_hash(nbformat.read(file, as_version=4))
        if now != full.notebooks[name].source_hash:
            raise CourseError(
                f"{name} has been changed since the full run: run `python -m cifar10_cnn run "
                "--profile full --resume` and publish again."
            )
    return full


def _measured() -> dict[str, dict[str, Any]]:
    """Return the numbers of each profile: of its run here, else of what was published before.

    No profile is shown beside a full run that was measured on other data or another device.
    """
    course = summaries.course_notebooks()
    measured = files.read_json(paths.figures_folder() / "results.json")
    for name in profile_names():
        run = summaries.load(paths.runs_folder() / name)
        if run and run.finished.keys() >= course.keys():
            fields = ("data", "origin", "fingerprint", "seed", "device", "versions", "result")
            seconds = {key: run.notebooks[key].seconds for key in course}
            measured[name] = {key: getattr(run, key) for key in fields} | {"seconds": seconds}
    where = _conditions(measured["full"])
    names = [name for name in profile_names() if name in measured]
    return {name: measured[name] for name in names if _conditions(measured[name]) == where}


def _take_outputs(notebook: NotebookNode, executed_file: Path) -> None:
    """Give a notebook its executed copy's outputs, but for standard error and widgets."""
    executed = nbformat.read(executed_file, as_version=4)
    code, runs = (
        [cell for cell in each.cells if cell.cell_type == "code"] for each in (notebook, executed)
    )
    for cell, run in zip(code, runs, strict=True):
        cell.metadata.pop("execution", None)
        cell.execution_count = run.execution_count
        cell.outputs = [
            output
            for output in run.outputs
            if _WIDGET not in output.get("data", {}) and output.get("name") != "stderr"
        ]
    notebook.metadata.update(kernel.METADATA)


def _fill(text: str, blocks: dict[str, str], file: Path) -> str:
    """Replace the content of each ``<!-- generated:NAME -->…<!-- /generated:NAME -->``."""
    for name, content in blocks.items():
        start, end = f"<!-- generated:{name} -->", f"<!-- /generated:{name} -->"
        before, opened, rest = text.partition(start)
        _, closed, after = rest.partition(end)
        if not opened or not closed:
            raise CourseError(
                f"{file.name} has no place for what is generated: add the line {start}{end}"
            )
        text = f"{before}{start}{content}{end}{after}"
    return text


def _conditions(numbers: dict[str, Any]) -> str:
    """Return the data and device that a time holds for, such as ``CIFAR-10, CPU, 2 cores``."""
    return f"{numbers['data']}, {numbers['device'].split(' · ')[0]}"


def _times(measured: dict[str, dict[str, Any]], name: str) -> dict[str, str]:
    """Return the time of one notebook, or of all ``together``, in each profile."""
    seconds = {
        profile: sum(each["seconds"].values()) if name == "together" else each["seconds"].get(name)
        for profile, each in measured.items()
    }
    return {profile: "–" if each is None else duration(each) for profile, each in seconds.items()}


def _results(measured: dict[str, dict[str, Any]]) -> str:
    """Return the table of notebooks with what they teach and their measured times."""
    course = summaries.course_notebooks()
    table = pd.DataFrame({name: _times(measured, name) for name in (*course, "together")}).T
    table = table.rename(columns=lambda profile: f"`{profile}`").rename_axis("Notebook")
    table.insert(0, "What it teaches", [LESSONS.get(name, "") for name in table.index])
    links = {name: f"[{name}](notebooks/{file.name})" for name, file in course.items()}
    facts = f"Each time is one run: {_conditions(measured['full'])}."
    return _block(table.rename(index=links), facts)


def _accuracy(full: dict[str, Any]) -> str:
    """Return the test accuracies of the full run and all they came from."""
    result = full["result"]
    if not {"baseline_accuracy", "test_accuracy"} <= result.keys():
        raise CourseError(f"The full run saved no test accuracy (notebook 05 does that): {_AGAIN}")
    rows = {"dense baseline": result["baseline_accuracy"], "CNN": result["test_accuracy"]}
    table = pd.DataFrame({"Test accuracy": {name: percent(rows[name]) for name in rows}})
    # The device's line names the versions of Keras and its backend already.
    versions = [f"{key} {n}" for key, n in full["versions"].items() if key not in full["device"]]
    where = f"{full['origin']} · fingerprint {full['fingerprint'][:12]}… · {full['device']}"
    return _block(table.rename_axis("Network"), f"Measured: {where} · {', '.join(versions)}.")


def _block(table: pd.DataFrame, facts: str) -> str:
    return f"\n{markdown_table(table)}\n\n{facts}\n"
