"""Makes what the repository shows from the last full run: notebooks, figures and tables."""

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
from nbformat import NotebookNode

from cifar10_cnn.common import files, paths
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.course import kernel
from cifar10_cnn.course import summary as summaries
from cifar10_cnn.course.summary import GENERATED, NotebookRecord, Summary, duration, percent
from cifar10_cnn.profiles import names as profile_names

_AGAIN = "run `python -m cifar10_cnn run --profile full` and publish again."
#: The notebook whose model is shipped.
_TRAINS = "04_train"
_WIDGET = "application/vnd.jupyter.widget-view+json"


@dataclass
class Measured:
    """What is shown of a run of one profile; kept in ``figures/results.json``.

    Attributes:
        seconds: wall-clock time of each notebook, by its name.
        source_hashes: `summary.source_hash` of each notebook that was run.
    """

    data: str
    origin: str
    fingerprint: str
    seed: int
    device: str
    versions: dict[str, str]
    seconds: dict[str, float]
    result: dict[str, Any]
    source_hashes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, summary: Summary) -> "Measured":
        """Take from a run's summary what is shown."""
        finished = _finished(summary)
        return cls(
            summary.data,
            summary.origin,
            summary.fingerprint,
            summary.seed,
            summary.device,
            summary.versions,
            {name: record.seconds for name, record in finished.items()},
            summary.result,
            {name: record.source_hash for name, record in finished.items()},
        )

    def joined(self, newer: "Measured") -> "Measured":
        """Return what was measured newly, and of notebooks that were not run again this here.

        Nothing of this is taken over if it was measured on other data or with other software.
        """
        if self._ground() != newer._ground():
            return newer
        return replace(
            newer,
            seconds=dict(sorted({**self.seconds, **newer.seconds}.items())),
            result=newer.result or self.result,
            source_hashes=dict(sorted({**self.source_hashes, **newer.source_hashes}.items())),
        )

    def _ground(self) -> tuple[object, ...]:
        return self.fingerprint, self.seed, self.device, self.versions

    @property
    def conditions(self) -> str:
        """The data and device that a time holds for, such as ``CIFAR-10, CPU, 2 cores``."""
        return ", ".join(filter(None, (self.data, self.device.split(" · ")[0])))


def publish() -> list[Path]:
    """Write the outputs, figures and numbers of ``runs/full`` to where the repository shows them.

    Notebooks that were not run again keep what was published before, if their code is still the
    same, and the data and the software, too.

    * ``notebooks/*.ipynb`` get the outputs, cleaned, and their measured times,
    * ``figures/`` gets the same figures, and ``figures/results.json``,
    * ``README.md`` gets the tables between its ``<!-- generated:… -->`` marks,
    * the package gets notebook 04's model, if that was run: a fresh clone asks the same network.

    Everything is made before the first file is written, so an error changes nothing; publishing
    the same run twice changes nothing either.

    Returns:
        The files that were changed or removed.

    Raises:
        CourseError: if the full run is not there, not finished, not on CIFAR-10 or older than the
            notebooks, a mark or the model is missing.
    """
    folder = paths.runs_folder() / "full"
    summary = summaries.load(folder)
    measured = _measured()
    _check(summary, measured["full"])
    run = _finished(summary)
    contents: dict[Path, bytes] = {}
    kept: set[str] = set()
    for name, file in summaries.course_notebooks().items():
        notebook = nbformat.read(file, as_version=4)
        if name in run:
            _take_outputs(notebook, folder / file.name)
        else:
            kept |= _figures(notebook)
        opening = next((c for c in notebook.cells if c.cell_type == "markdown"), None)
        if opening is None:
            raise CourseError(f"{file.name} has no text cell to state its time in: add one.")
        opening.source = _fill(opening.source, {"time": _time_line(measured, name)}, file)
        contents[file] = (nbformat.writes(notebook) + "\n").encode()
    for record in run.values():
        for figure in record.figures:
            source = folder / "figures" / f"{figure}.png"
            contents[paths.figures_folder() / source.name] = source.read_bytes()
    numbers = json.dumps({key: vars(each) for key, each in measured.items()}, indent=1)
    contents[paths.figures_folder() / "results.json"] = (numbers + "\n").encode()
    readme = paths.home() / "README.md"
    blocks = {
        "results": _results_table(measured),
        "accuracy": _accuracy_table(measured["full"]),
        "compare": _comparison_table(),
        "bench": _bench_tables(),
        "ablation": _ablation_table(),
    }
    contents[readme] = _fill(readme.read_text(encoding="utf-8"), blocks, readme).encode()

    shipped = _ship(folder) if _TRAINS in run else []
    stale = [
        file
        for file in paths.figures_folder().glob("*.png")
        if file not in contents and file.stem not in kept
    ]
    changed = [
        file for file in contents if not file.exists() or file.read_bytes() != contents[file]
    ]
    for file in changed:
        files.write(file, contents[file])
    for file in stale:
        file.unlink()
    return changed + stale + shipped


def _ship(folder: Path) -> list[Path]:
    """Ship the model of a full run, and return its file if it was not shipped before."""
    from cifar10_cnn.training import runs as training  # noqa: PLC0415 - Keras takes seconds

    file = training.ship(folder / training.COURSE_RUN)
    return [file] if file else []


def _finished(summary: Summary) -> dict[str, NotebookRecord]:
    """Return the records of the notebooks that a run has finished, by name."""
    return {
        name: record for name, record in sorted(summary.notebooks.items()) if record.status == "ok"
    }


def _check(summary: Summary, shown: Measured) -> None:
    """Refuse a run that is not what the repository may show."""
    if summary.data != "CIFAR-10":
        raise CourseError(
            f"The full run was on the {summary.data}; only CIFAR-10 is published: get it with "
            f"`python -m cifar10_cnn data fetch`, {_AGAIN}"
        )
    missing = [name for name in summaries.course_notebooks() if name not in shown.source_hashes]
    if missing:
        raise CourseError(f"The full run has not finished ({', '.join(missing)} missing): {_AGAIN}")
    for name, file in summaries.course_notebooks().items():
        source_hash = summaries.source_hash(nbformat.read(file, as_version=4))
        if source_hash != shown.source_hashes[name]:
            raise CourseError(
                f"{name} has been changed since the full run: run `python -m cifar10_cnn run "
                "--profile full --resume` and publish again."
            )


def _measured() -> dict[str, Measured]:
    """Return the numbers of each profile: from its run here, else as published before."""
    file = paths.figures_folder() / "results.json"
    before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    measured = {name: Measured(**before[name]) for name in profile_names() if name in before}
    for name in profile_names():
        folder = paths.runs_folder() / name
        if (folder / "summary.json").exists():
            new = Measured.of(summaries.load(folder))
            whole = measured[name].joined(new) if name in measured else new
            if name == "full" or set(summaries.course_notebooks()) <= set(whole.seconds):
                measured[name] = whole
    return {name: measured[name] for name in profile_names() if name in measured}


def _figures(notebook: NotebookNode) -> set[str]:
    """Return the names of the figures that a notebook shows."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    told = [output.get("metadata", {}).get("figure", {}).get("name") for output in outputs]
    return {name for name in told if name}


def _take_outputs(notebook: NotebookNode, executed_file: Path) -> None:
    """Give a notebook its executed copy's outputs, cleaned of what varies by machine."""
    executed = nbformat.read(executed_file, as_version=4)
    number = 0
    code, runs = (
        [cell for cell in each.cells if cell.cell_type == "code"] for each in (notebook, executed)
    )
    for cell, run in zip(code, runs, strict=True):
        cell.metadata.pop("execution", None)
        cell.execution_count = None
        if run.execution_count:
            number += 1
            cell.execution_count = number
        cell.outputs = _clean(run.outputs, cell.execution_count)
    notebook.metadata.update(kernel.METADATA)


def _clean(outputs: list[NotebookNode], execution_count: int | None) -> list[NotebookNode]:
    """Drop standard error and widgets, join pieces of standard output, renumber results."""
    kept: list[NotebookNode] = []
    for output in outputs:
        if _WIDGET in output.get("data", {}):
            continue  # it lives in a kernel only: to others it would be an error message
        if output.output_type == "stream":
            if output.name == "stderr":
                continue
            if kept and kept[-1].output_type == "stream":
                kept[-1].text += output.text
                continue
        if output.output_type == "execute_result":
            output.execution_count = execution_count
        kept.append(output)
    return kept


def _fill(text: str, blocks: dict[str, str], file: Path) -> str:
    """Replace the content of each generated block.

    Raises:
        CourseError: if the text lacks one.
    """
    for name in blocks:
        if not any(found["name"] == name for found in GENERATED.finditer(text)):
            raise CourseError(
                f"{file.name} has no place for what is generated: add the line "
                f"<!-- generated:{name} --><!-- /generated:{name} -->"
            )
    return GENERATED.sub(
        lambda found: (
            f"{found['open']}{blocks[found['name']]}{found['close']}"
            if found["name"] in blocks
            else found[0]
        ),
        text,
    )


def _time_line(measured: dict[str, Measured], name: str) -> str:
    """Return the times of one notebook, each with what it was measured on, in one line."""
    known = {key: each for key, each in measured.items() if name in each.seconds}
    conditions = {each.conditions for each in known.values()}
    if len(conditions) == 1:
        times = " · ".join(f"{key} {duration(each.seconds[name])}" for key, each in known.items())
        return f"{times} ({conditions.pop()}, measured)"
    return " · ".join(
        f"{key} {duration(each.seconds[name])} ({each.conditions})" for key, each in known.items()
    )


def _results_table(measured: dict[str, Measured]) -> str:
    """Return the table of notebooks with their measured times, in Markdown."""
    heads = [f"`{key}`<br>{each.conditions}" for key, each in measured.items()]
    lines = [_row(["Notebook", "", *heads]), _row(["---"] * (2 + len(heads)))]
    for name, file in summaries.course_notebooks().items():
        times = [_time(each.seconds.get(name)) for each in measured.values()]
        lines.append(_row([f"[{name}](notebooks/{file.name})", _title(file), *times]))
    sums = [_time(sum(each.seconds.values())) for each in measured.values()]
    return "\n".join(["", *lines, _row(["together", "", *sums]), ""])


def _time(seconds: float | None) -> str:
    return "–" if seconds is None else duration(seconds)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _title(file: Path) -> str:
    """Return a notebook's first heading."""
    for cell in nbformat.read(file, as_version=4).cells:
        if found := re.search(r"^# +(.+)$", cell.source, re.MULTILINE):
            return found[1].replace("|", "\\|").strip()
    return ""


def _accuracy_table(full: Measured) -> str:
    """Return the test accuracies of the full run and all they came from, in Markdown.

    Raises:
        CourseError: if the run saved none.
    """
    rows = {
        "dense baseline": full.result.get("baseline_accuracy"),
        "CNN": full.result.get("test_accuracy"),
    }
    if None in rows.values():
        raise CourseError(f"The full run saved no test accuracy (notebook 05 does that): {_AGAIN}")
    # The device's line names the versions of Keras and its backend already.
    versions = ", ".join(
        f"{name} {number}" for name, number in full.versions.items() if name not in full.device
    )
    lines = [_row(["Network", "Test accuracy"]), _row(["---", "---"])]
    lines += [_row([name, percent(share)]) for name, share in rows.items() if share is not None]
    facts = f"Measured: {full.origin} · fingerprint {full.fingerprint[:12]}… · {full.device}"
    return "\n".join(["", *lines, "", f"{facts} · {versions}.", ""])


def _comparison_table() -> str:
    """Return the published networks beside ours, in Markdown, and why some stay below."""
    from cifar10_cnn.studies import results  # noqa: PLC0415 - Keras takes seconds

    rows = pd.read_csv(results.shown_path())
    below = [
        f"- `{name}` stays below its published figure. {reason}"
        for name, reason in results.shortfalls(rows).items()
    ]
    measured = f"Measured: {results.origin(rows)}."
    return "\n".join(["", *_markdown(results.table(rows)), "", *below, "", measured, ""])


def _bench_tables() -> str:
    """Return how long the fast recipes take, and how fast networks are, in Markdown."""
    from cifar10_cnn.studies import bench as benchmarks  # noqa: PLC0415 - Keras takes seconds
    from cifar10_cnn.studies import bench_tables as tables  # noqa: PLC0415

    rows = pd.read_csv(benchmarks.shown_path())
    found = [tables.trainings(rows), tables.speeds(rows), tables.steps(rows)]
    lines = [line for table in found for line in (*_markdown(table), "")]
    return "\n".join(["", *lines, f"Measured: {tables.origin(rows)}.", ""])


def _ablation_table() -> str:
    """Return what each ingredient of the sprint buys, in Markdown."""
    from cifar10_cnn.studies import ablate as ablation  # noqa: PLC0415 - Keras takes seconds

    rows = pd.read_csv(ablation.shown_path())
    measured = f"Measured: {ablation.origin(rows)}."
    return "\n".join(["", *_markdown(ablation.told(rows)), "", measured, ""])


def _markdown(table: pd.DataFrame) -> list[str]:
    """Return the lines of a table of texts, its index as the first column."""
    whole = table.reset_index()
    heads = [_row(list(whole.columns)), _row(["---"] * len(whole.columns))]
    return heads + [_row(list(cells)) for cells in whole.itertuples(index=False)]
