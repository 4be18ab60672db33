import json
import shutil
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_output
from tiny_course import TIME_BLOCK, use, write_notebook

from cifar10_cnn.common import files
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.course import kernel, publish, summary
from cifar10_cnn.device import keras
from cifar10_cnn.studies import ablate as ablation
from cifar10_cnn.studies import bench as benchmarks
from cifar10_cnn.studies import results
from cifar10_cnn.training import runs as training

README = """# Course

<!-- generated:results -->
old
<!-- /generated:results -->

By hand.

<!-- generated:accuracy --><!-- /generated:accuracy -->
<!-- generated:compare --><!-- /generated:compare -->
<!-- generated:bench --><!-- /generated:bench -->
<!-- generated:ablation --><!-- /generated:ablation -->
<!-- generated:other -->left alone<!-- /generated:other -->
"""
COMPARISON = """\
recipe,protocol,precision,seed,data,profile,device,parameters,epoch,loss,accuracy,val_loss,\
val_accuracy,seconds,test_loss,test_accuracy
strided_cnn,published,bf16,0,CIFAR-10,full,CPU,181162,1,1.1,0.6,,,4.25,1.05,0.6412
"""
BENCH = """\
job,profile,precision,recipe,seconds,device,seed,unit,accuracy,accuracy_views,seconds_to_72%,seconds_to_80%,\
seconds_to_90%,views_seconds,start_seconds,peak_mib,parameters,data
peer,full,bf16,airbench94,60.0,CPU,,,,,,,,,,,,
train,full,bf16,sprint,66.0,CPU,0,60.0,0.9012,0.9112,20,40,,5.0,9.0,2048,570296,CIFAR-10
"""
ABLATION = """\
recipe,ingredient,instead,seed,data,profile,device,precision,seconds,accuracy,accuracy_views
sprint,nothing,–,0,CIFAR-10,full,CPU,bf16,60,0.90,0.91
sprint,whitening,a first layer that learns,0,CIFAR-10,full,CPU,bf16,63,0.88,0.89
"""
RESULT = {"test_accuracy": 0.8123, "baseline_accuracy": 0.523}


def run_folder(home: Path, profile: str, data: str = "CIFAR-10", **changes: float) -> None:
    """Write what a finished run of the notebooks in ``home`` leaves behind."""
    folder = home / "runs" / profile
    made = summary.Summary(profile, 0, data, "f" * 64, f"{data} · profile {profile} · seed 0")
    made.device = "CPU, 2 cores · TensorFlow 2.21.0 · Keras 3.15.1"
    made.versions = {"Python": "3.11.7", "Keras": "3.15.1"}
    for name, file in summary.course_notebooks().items():
        notebook = nbformat.read(file, as_version=4)
        source_hash = summary.source_hash(notebook)
        for number, cell in enumerate(notebook.cells[1:], start=7):
            cell.execution_count = number
            cell.metadata["execution"] = {"iopub.status.busy": "2026-01-01T00:00:00Z"}
            cell.outputs = [
                new_output("stream", name="stdout", text="one\n"),
                new_output("stream", name="stderr", text="a warning\n"),
                new_output("stream", name="stdout", text="two\n"),
                new_output(
                    "display_data",
                    {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "FileUpload()"},
                ),
                new_output("execute_result", {"text/plain": "3"}, execution_count=number),
            ]
        if name == "01_first":
            shown = {"figure": {"name": "01_bars"}}
            drawn = new_output("display_data", {"text/plain": "<CourseFigure>"}, metadata=shown)
            notebook.cells[1].outputs.append(drawn)
        notebook.metadata.language_info = {"name": "python", "version": "3.11.7"}
        files.write(folder / file.name, nbformat.writes(notebook))
        record = summary.NotebookRecord("ok", changes.get(name, 61.0), 2, source_hash)
        made.notebooks[name] = record
    made.notebooks["01_first"].figures = {"01_bars": "Bars."}
    made.notebooks["02_second"].result = RESULT
    files.write(folder / "figures" / "01_bars.png", b"picture")
    made.save(folder)


@pytest.fixture
def home(tmp_path, monkeypatch):
    use(monkeypatch, tmp_path)
    write_notebook(tmp_path, "01_first", "print('one')", "1 + 2")
    file = write_notebook(tmp_path, "02_second", "print('one')")
    notebook = nbformat.read(file, as_version=4)
    notebook.cells[1].metadata["tags"] = ["nbval-check-output"]
    nbformat.write(notebook, file)
    (tmp_path / "README.md").write_text(README)
    (tmp_path / "figures").mkdir()
    for module, text in ((results, COMPARISON), (benchmarks, BENCH), (ablation, ABLATION)):
        file = tmp_path / f"{module.__name__}.csv"
        file.write_text(text)
        monkeypatch.setattr(module, "shown_path", lambda file=file: file)
    (tmp_path / "figures" / "01_old.png").write_bytes(b"no notebook makes this any more")
    monkeypatch.setattr(
        training, "shipped_path", lambda name, fast: tmp_path / "figures" / "shipped.keras"
    )
    monkeypatch.setattr(publish, "_TRAINS", "02_second")
    train(tmp_path, 0.5)
    run_folder(tmp_path, "full", **{"02_second": 650.0})
    run_folder(tmp_path, "smoke", "practice set", **{"01_first": 9.4})
    return tmp_path


def train(home: Path, weight: float) -> None:
    """Write what notebook 04 leaves behind: here, a network with one weight."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.full((1, 1), weight)])
    folder = home / "runs" / "full" / "04_train"
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / "model.keras")
    files.write_json(folder / "run.json", {"data": "CIFAR-10", "finished": f"with {weight}"})


def state(home: Path) -> dict[str, bytes]:
    """Return everything that publishing may change."""
    folders = (home / "notebooks", home / "figures")
    files = [home / "README.md", *(file for folder in folders for file in folder.iterdir())]
    return {file.relative_to(home).as_posix(): file.read_bytes() for file in files}


def test_notebooks_get_clean_outputs(home):
    file = home / "notebooks" / "01_first.ipynb"
    ids = [cell.id for cell in nbformat.read(file, as_version=4).cells]
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
    second = nbformat.read(home / "notebooks" / "02_second.ipynb", as_version=4)
    assert second.cells[1].metadata == {"tags": ["nbval-check-output"]}


def test_times_stand_in_each_notebook_with_what_they_were_measured_on(home):
    publish.publish()
    text = nbformat.read(home / "notebooks" / "01_first.ipynb", as_version=4).cells[0].source
    times = "smoke 9.4 s (practice set, CPU, 2 cores) · full 61 s (CIFAR-10, CPU, 2 cores)"
    assert f"-->{times}<!--" in text
    run_folder(home, "smoke")
    publish.publish()
    text = nbformat.read(home / "notebooks" / "02_second.ipynb", as_version=4).cells[0].source
    assert "-->smoke 61 s · full 11 min (CIFAR-10, CPU, 2 cores, measured)<!--" in text


def test_the_readme_shows_how_fast_the_recipes_are_and_what_each_ingredient_buys(home):
    publish.publish()
    text = (home / "README.md").read_text()
    row = "| sprint | bf16 | 570,296 | 91.12 % | 90.12 % | 1.10 U | 66 | 0.33 U | 0.67 U | – |"
    assert row in text
    assert "| airbench94, PyTorch (U) | bf16 | 833 | 60.0 | 1.00 |" in text
    assert "Measured: CIFAR-10 · profile full · CPU · U = 60.0 s in bf16." in text
    assert "| whitening | a first layer that learns | 89.00 % | +2.00 | 1 | 1.05 | – |" in text


def test_readme_gets_the_comparison(home):
    publish.publish()
    text = (home / "README.md").read_text()
    row = "| strided_cnn | P4a | 181,162 | 1 | – | 4.2 | 63.05 % | 64.12 % (n = 1) | – |"
    assert row in text.splitlines()
    assert "Measured: CIFAR-10 · profile full · seed 0 · CPU." in text


def test_readme_gets_tables_and_keeps_the_rest(home):
    publish.publish()
    text = (home / "README.md").read_text()
    heads = ("`smoke`<br>practice set, CPU, 2 cores", "`full`<br>CIFAR-10, CPU, 2 cores")
    for line in (
        f"| Notebook |  | {heads[0]} | {heads[1]} |",
        "| [01_first](notebooks/01_first.ipynb) | Title of 01_first | 9.4 s | 61 s |",
        "| together |  | 70 s | 12 min |",
        "| dense baseline | 52.3 % |",
        "| CNN | 81.2 % |",
        "By hand.",
        "<!-- generated:other -->left alone<!-- /generated:other -->",
    ):
        assert line in text.splitlines()
    assert "CIFAR-10 · profile full · seed 0" in text
    assert "TensorFlow 2.21.0" in text
    assert "old" not in text


def test_figures_are_those_that_notebooks_make(home):
    publish.publish()
    made = {file.name for file in (home / "figures").iterdir()}
    assert made == {"01_bars.png", "results.json", "shipped.keras", "shipped.json"}
    assert (home / "figures" / "01_bars.png").read_bytes() == b"picture"


def test_the_runs_network_is_shipped(home):
    publish.publish()
    train(home, 0.25)
    changed = publish.publish()
    assert changed == [home / "figures" / "shipped.keras"]
    assert keras.models.load_model(changed[0]).get_weights() == [np.array([[0.25]])]


def test_publishing_twice_changes_nothing(home):
    assert publish.publish()
    before = state(home)
    assert publish.publish() == []
    assert state(home) == before


def test_numbers_of_profiles_not_run_here_are_kept(home):
    publish.publish()
    (home / "runs" / "smoke" / "summary.json").unlink()
    assert publish.publish() == []
    kept = json.loads((home / "figures" / "results.json").read_text())
    assert kept["smoke"]["data"] == "practice set"
    assert kept["smoke"]["seconds"] == {"01_first": 9.4, "02_second": 61.0}


def forget(home: Path, name: str, **changes: object) -> None:
    """Let the full run be another one, in which a notebook was not run."""
    made = summary.load(home / "runs" / "full")
    del made.notebooks[name]
    for field, value in changes.items():
        setattr(made, field, value)
    made.save(home / "runs" / "full")


def test_what_was_not_run_again_stays_as_published(home):
    publish.publish()
    before = state(home)
    run_folder(home, "full", **{"02_second": 660.0})
    forget(home, "01_first")
    (home / "runs" / "full" / "01_first.ipynb").unlink()
    train(home, 0.25)
    publish.publish()
    after = state(home)
    # Its time is that of before; its figure and its outputs are, too.
    assert after["notebooks/01_first.ipynb"] == before["notebooks/01_first.ipynb"]
    assert after["figures/01_bars.png"] == before["figures/01_bars.png"]
    assert after["figures/shipped.keras"] != before["figures/shipped.keras"]
    shown = json.loads(after["figures/results.json"])["full"]
    assert shown["seconds"] == {"01_first": 61.0, "02_second": 660.0}


def test_the_network_stays_if_its_notebook_was_not_run_again(home):
    publish.publish()
    run_folder(home, "full")
    forget(home, "02_second")
    train(home, 0.25)
    publish.publish()
    shipped = keras.models.load_model(home / "figures" / "shipped.keras")
    assert shipped.get_weights() == [np.array([[0.5]])]
    assert json.loads(state(home)["figures/results.json"])["full"]["result"] == RESULT


@pytest.mark.parametrize(
    "other",
    [
        {"fingerprint": "e" * 64},
        {"seed": 1},
        {"device": "a GPU"},
        {"versions": {"Python": "3.13.0", "Keras": "3.15.1"}},
    ],
)
def test_what_was_published_does_not_mix_with_another_kind_of_run(home, other):
    publish.publish()
    run_folder(home, "full")
    forget(home, "01_first", **other)
    before = state(home)
    with pytest.raises(CourseError, match=r"has not finished \(01_first missing\)"):
        publish.publish()
    assert state(home) == before


def change_notebook(home: Path) -> None:
    write_notebook(home, "02_second", "print('other')")


def interrupt(home: Path) -> None:
    made = summary.load(home / "runs" / "full")
    made.notebooks["02_second"].status = "interrupted"
    made.save(home / "runs" / "full")


def forget_accuracy(home: Path) -> None:
    made = summary.load(home / "runs" / "full")
    made.notebooks["02_second"].result = {}
    made.save(home / "runs" / "full")


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
        (interrupt, r"has not finished \(02_second missing\)"),
        (forget_accuracy, "saved no test accuracy"),
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


def test_the_generated_time_does_not_make_a_run_stale(home):
    file = home / "notebooks" / "01_first.ipynb"
    before = summary.source_hash(nbformat.read(file, as_version=4))
    publish.publish()
    assert TIME_BLOCK not in nbformat.read(file, as_version=4).cells[0].source
    assert summary.source_hash(nbformat.read(file, as_version=4)) == before
