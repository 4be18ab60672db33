import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_output
from tiny_course import TIME_BLOCK, use, write_notebook

from cifar10_cnn.common import files
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.course import kernel, publish, summary
from cifar10_cnn.training import runs

README = """# Course

<!-- generated:results -->
old
<!-- /generated:results -->

By hand.

<!-- generated:accuracy --><!-- /generated:accuracy -->
<!-- generated:other -->left alone<!-- /generated:other -->
"""
FIGURES_README = (
    "<!-- generated:recipes --><!-- /generated:recipes -->\n"
    "<!-- generated:components --><!-- /generated:components -->\n"
)
RESULT = {"test_accuracy": 0.8123, "baseline_accuracy": 0.523}
PNG = "iVBORw0KGgo="


def run_folder(home: Path, profile: str, data: str = "CIFAR-10", **changes: float) -> None:
    """Write what a finished run of the notebooks in ``home`` leaves behind."""
    folder = home / "runs" / profile
    made = summary.Summary(profile, 0, data, "f" * 64, f"{data} · profile {profile} · seed 0")
    made.device = "CPU, 2 cores · TensorFlow 2.21.0 · Keras 3.15.1"
    made.versions = {"Python": "3.11.7", "Keras": "3.15.1"}
    for name, file in summary.course_notebooks().items():
        notebook = nbformat.read(file, as_version=4)
        source_hash = summary.source_hash(notebook)
        for number, cell in enumerate(notebook.cells[1:], start=1):
            cell.execution_count = number
            widget = {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "FileUpload()"}
            cell.outputs = [
                new_output("stream", name="stdout", text="one\ntwo\n"),
                new_output("stream", name="stderr", text="a warning\n"),
                new_output("display_data", widget),
                new_output("execute_result", {"text/plain": "3"}, execution_count=number),
            ]
        if name == "01_first":
            metadata = {"figure": {"name": "01_bars"}}
            figure = new_output("display_data", {"image/png": PNG}, metadata=metadata)
            notebook.cells[1].outputs.append(figure)
        notebook.metadata.language_info = {"name": "python", "version": "3.11.7"}
        files.write(folder / file.name, nbformat.writes(notebook))
        record = summary.NotebookRecord("ok", changes.get(name, 61.0), 2, source_hash)
        made.notebooks[name] = record
    made.notebooks["01_first"].figures = {"01_bars": "Bars."}
    made.notebooks["02_second"].result = RESULT
    files.write(folder / "figures" / "01_bars.png", b"image")
    files.write_json(folder / "summary.json", asdict(made))


def train(home: Path, weights: str) -> None:
    """Write what notebook 04 leaves behind."""
    files.write(home / "runs" / "full" / "04_train" / "model.keras", weights)


def ship(folder: Path) -> Path | None:
    """Stand in for `training.runs.ship`: tests of it are elsewhere."""
    model, shipped = folder / "model.keras", folder.parents[2] / "figures" / "shipped.keras"
    if not model.exists():
        raise CourseError(f"There is no finished training in {folder}: train first.")
    if shipped.exists() and shipped.read_bytes() == model.read_bytes():
        return None
    shutil.copy(model, shipped)
    return shipped


@pytest.fixture
def home(tmp_path, monkeypatch):
    use(monkeypatch, tmp_path)
    write_notebook(tmp_path, "01_first", "print('one')", "1 + 2")
    file = write_notebook(tmp_path, "02_second", "print('one')")
    notebook = nbformat.read(file, as_version=4)
    notebook.cells[1].metadata["tags"] = ["nbval-check-output"]
    nbformat.write(notebook, file)
    (tmp_path / "README.md").write_text(README)
    files.write(tmp_path / "figures" / "README.md", FIGURES_README)
    (tmp_path / "figures" / "01_old.png").write_bytes(b"no notebook makes this any more")
    for name in ("bench", "ablate"):
        table = pd.DataFrame({"accuracy": {"sprint": f"90.1 % of {name}"}}).rename_axis("recipe")
        study = f"cifar10_cnn.studies.{name}"
        monkeypatch.setattr(f"{study}.rows", lambda: "rows", raising=False)
        monkeypatch.setattr(f"{study}.table", lambda rows, table=table: table, raising=False)
        monkeypatch.setattr(f"{study}.origin", lambda rows: f"by {rows}", raising=False)
    monkeypatch.setattr(runs, "ship", ship)
    monkeypatch.setitem(publish.LESSONS, "01_first", "reading")
    train(tmp_path, "first")
    run_folder(tmp_path, "full", **{"02_second": 650.0})
    run_folder(tmp_path, "smoke", **{"01_first": 9.4})
    run_folder(tmp_path, "quick", "practice set")
    return tmp_path


def state(home: Path) -> dict[str, bytes]:
    """Return everything that publishing may change."""
    folders = (home / "notebooks", home / "figures")
    paths = [home / "README.md", *(file for folder in folders for file in folder.iterdir())]
    return {file.relative_to(home).as_posix(): file.read_bytes() for file in paths}


def test_notebooks_get_clean_outputs_and_their_times(home):
    file = home / "notebooks" / "01_first.ipynb"
    notebook = nbformat.read(file, as_version=4)
    ids = [cell.id for cell in notebook.cells]
    notebook.cells[1].metadata["execution"] = {"iopub.status.busy": "2026-01-01T00:00:00Z"}
    nbformat.write(notebook, file)
    publish.publish()
    notebook = nbformat.read(file, as_version=4)
    nbformat.validate(notebook)
    assert [cell.id for cell in notebook.cells] == ids
    assert [cell.execution_count for cell in notebook.cells[1:]] == [1, 2]
    printed, value = notebook.cells[2].outputs
    assert (printed.name, printed.text) == ("stdout", "one\ntwo\n")
    assert value.execution_count == 2
    assert notebook.metadata == kernel.METADATA
    assert notebook.cells[1].metadata == {}
    times = "smoke 9.4 s · full 61 s (CIFAR-10, CPU, 2 cores, measured)"  # none on other data
    assert f"-->{times}<!--" in notebook.cells[0].source
    second = nbformat.read(home / "notebooks" / "02_second.ipynb", as_version=4)
    assert second.cells[1].metadata == {"tags": ["nbval-check-output"]}


def test_readmes_get_tables_and_keep_the_rest(home):
    publish.publish()
    text = (home / "README.md").read_text()
    for line in (
        "| Notebook | What it teaches | `smoke` | `full` |",
        "| [01_first](notebooks/01_first.ipynb) | reading | 9.4 s | 61 s |",
        "| together |  | 70 s | 12 min |",
        "Each time is one run: CIFAR-10, CPU, 2 cores.",
        "| dense baseline | 52.3 % |",
        "| CNN | 81.2 % |",
        "By hand.",
        "<!-- generated:other -->left alone<!-- /generated:other -->",
    ):
        assert line in text.splitlines()
    assert "CIFAR-10 · profile full · seed 0" in text
    assert "TensorFlow 2.21.0" in text
    assert "old" not in text
    studies = (home / "figures" / "README.md").read_text()
    assert "| sprint | 90.1 % of bench |\n\nMeasured: by rows.\n<!-- /generated:recipes" in studies
    assert "| sprint | 90.1 % of ablate |" in studies


def test_publishing_twice_changes_nothing_and_a_new_network_is_shipped(home):
    assert publish.publish()
    before = state(home)
    made = {"01_bars.png", "README.md", "results.json", "shipped.keras"}
    assert {file.name for file in (home / "figures").iterdir()} == made
    assert publish.publish() == []
    (home / "runs" / "smoke" / "summary.json").unlink()  # as published before
    assert publish.publish() == []
    assert state(home) == before
    train(home, "second")
    assert publish.publish() == [home / "figures" / "shipped.keras"]
    assert state(home)["figures/shipped.keras"] == b"second"


def change_notebook(home: Path) -> None:
    write_notebook(home, "02_second", "print('other')")


def change_record(**values: object) -> Callable[[Path], None]:
    def change(home: Path) -> None:
        made = summary.load(home / "runs" / "full")
        vars(made.notebooks["02_second"]).update(values)
        files.write_json(home / "runs" / "full" / "summary.json", asdict(made))

    return change


def lose_summary(home: Path) -> None:
    (home / "runs" / "full" / "summary.json").unlink()


def lose_network(home: Path) -> None:
    shutil.rmtree(home / "runs" / "full" / "04_train")


def lose_mark(home: Path) -> None:
    (home / "README.md").write_text(README.replace("generated:results", "x"))


def lose_time_mark(home: Path) -> None:
    file = home / "notebooks" / "01_first.ipynb"
    notebook = nbformat.read(file, as_version=4)
    notebook.cells[0].source = "# Title of 01_first"
    nbformat.write(notebook, file)
    run_folder(home, "full")


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (change_notebook, "02_second has been changed since the full run"),
        (change_record(status="interrupted"), r"has not finished \(02_second missing\)"),
        (change_record(result={}), "saved no test accuracy"),
        (lose_summary, "holds no run"),
        (lambda home: run_folder(home, "full", "practice set"), "only CIFAR-10 is published"),
        (lose_network, "no finished training in .*04_train: train first"),
        (lose_mark, "README.md has no place .* <!-- generated:results -->"),
        (lose_time_mark, "01_first.ipynb has no place .* <!-- generated:time -->"),
    ],
)
def test_what_may_not_be_published_changes_nothing(home, harm, message):
    harm(home)
    before = state(home)
    with pytest.raises(CourseError, match=message):
        publish.publish()
    assert state(home) == before


def test_words_and_the_generated_time_do_not_make_a_run_stale(home):
    file = home / "notebooks" / "01_first.ipynb"
    before = summary.source_hash(nbformat.read(file, as_version=4))
    publish.publish()
    assert TIME_BLOCK not in nbformat.read(file, as_version=4).cells[0].source
    assert summary.source_hash(nbformat.read(file, as_version=4)) == before
