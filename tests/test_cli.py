import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from packaging.requirements import Requirement
from PIL import Image
from rich.console import Console
from tiny_course import use, write_notebook
from typer.testing import CliRunner

from cifar10_cnn import __version__, device
from cifar10_cnn.__main__ import app
from cifar10_cnn.common import files, paths
from cifar10_cnn.common.errors import DataError
from cifar10_cnn.course import doctor
from cifar10_cnn.course import runner as course
from cifar10_cnn.data import dataset as data
from cifar10_cnn.data import practice
from cifar10_cnn.studies import bench as benchmarks
from cifar10_cnn.studies import compare as comparison
from cifar10_cnn.studies import tune as tuning
from cifar10_cnn.training import runs as training


def call(*words: str) -> SimpleNamespace:
    result = CliRunner().invoke(app, list(words))
    return SimpleNamespace(code=result.exit_code, out=result.stdout, err=result.stderr)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    use(monkeypatch, tmp_path)
    write_notebook(tmp_path, "01_first", "1 + 1")
    return tmp_path


def test_help_loads_nothing_heavy():
    script = (
        "import sys\nsys.argv[1:] = ['--help']\n"
        "from cifar10_cnn.__main__ import app\n"
        "try:\n    app()\nfinally:\n"
        "    heavy = {'keras', 'tensorflow', 'sklearn', 'nbclient', 'numpy'}\n"
        "    print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    for name in ("run", "train", "evaluate", "doctor", "publish", "data"):
        assert f" {name} " in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_version():
    assert call("--version").out == f"cifar10-cnn {__version__}\n"


def test_module_runs_as_a_command(home):
    words = [sys.executable, "-m", "cifar10_cnn", "run", "--profile", "tiny"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "There is no profile 'tiny': choose one of smoke, quick, full."
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "--profile", "tiny"], "smoke, quick, full"),
        (["run", "09"], "There is no notebook '09': choose out of 01_first"),
        (["train", "resnet"], "There is no recipe 'resnet': choose one of"),
        (["compare", "--models", "resnet"], "There is no recipe 'resnet': choose one of"),
        (["compare", "--seeds", "1,x"], "'1,x' is no list of seeds: write them as 0,1,2."),
        (["compare", "--precision", "fp8"], "There is no precision 'fp8'"),
        (["train", "plain_cnn", "--profile", "tiny"], "smoke, quick, full"),
        (
            ["bench", "--recipes", "plain_cnn"],
            "plain_cnn is no fast recipe: choose of dash",
        ),
        (["bench", "--seeds", "zero"], "'zero' is no list of seeds"),
        (["ablate", "--seeds", ""], "'' is no list of seeds"),
        (["ablate", "--recipe", "marathon"], "There is no recipe to take apart 'marathon'"),
        (["ablate", "--without", "luck"], "There is no ingredient of sprint 'luck'"),
        (["evaluate", "none.keras"], "There is no model file none.keras"),
        (["predict", "none.png"], "There is no file none.png"),
        (["predict", "a.png", "--model", "none.keras"], "There is no model file none.keras"),
        (["publish"], "holds no run"),
        (["data", "import", "none.tar"], "none.tar"),
        (["data", "verify"], "data fetch"),
        (["data", "describe"], "data fetch"),
    ],
)
def test_a_mistake_gives_one_message_and_exit_code_1(words, message):
    done = call(*words)
    assert done.code == 1
    assert message in done.err
    assert "Traceback" not in done.err
    assert len(done.err.splitlines()) == 1


def test_run_passes_its_options_on(monkeypatch):
    got = []
    monkeypatch.setattr(course, "run", lambda *words, **options: got.append((words, options)))
    assert call("run", "01", "02", "--profile", "smoke", "--data", "auto", "--resume").code == 0
    assert got == [((["01", "02"],), {"profile": "smoke", "data": "auto", "resume": True})]


def test_compare_trains_the_recipes_and_seeds_asked_for(monkeypatch, tmp_path):
    got = []

    def compare(runs, dataset, profile, console):
        got.extend((run.recipe.name, run.protocol, run.seed, run.precision) for run in runs)
        return tmp_path / "compare.csv"

    monkeypatch.setattr(comparison, "compare", compare)
    monkeypatch.setattr(data, "load", lambda profile, source: None)
    words = ("--models", "intro_cnn,strided_cnn_30", "--seeds", "0,2", "--precision", "fp32")
    done = call("compare", *words)
    assert done.out.splitlines()[-1] == f"All runs are in {tmp_path / 'compare.csv'}"
    assert got == [
        (name, protocol, seed, "fp32")
        for seed in (0, 2)
        for name, protocol in (
            ("intro_cnn", "published"),
            ("intro_cnn", "honest"),
            ("strided_cnn_30", "honest"),
        )
    ]


def test_tune_names_the_best_rate_of_each_optimizer(monkeypatch, tmp_path):
    study = SimpleNamespace(best_params={"learning_rate": 0.0005}, best_value=0.6123)
    asked = []
    monkeypatch.setattr(data, "load", lambda profile, source: None)
    monkeypatch.setattr(tuning, "search", lambda *words: asked.append(words) or study)
    monkeypatch.setattr(tuning, "collect", lambda *words: tmp_path / "tune.csv")
    done = call("tune", "--optimizers", "adam,sgd", "--profile", "smoke")
    assert done.out.splitlines()[1:] == [
        "adam: learning rate 0.0005, validation accuracy 61.23%",
        "sgd: learning rate 0.0005, validation accuracy 61.23%",
        f"All trials are in {tmp_path / 'tune.csv'}",
    ]
    assert [(words[0], words[2].name) for words in asked] == [("adam", "smoke"), ("sgd", "smoke")]


def test_bench_measures_the_recipes_and_seeds_asked_for(monkeypatch, tmp_path):
    got = []

    def bench(names, seeds, source, profile, console):
        got.append((names, seeds, source, profile.name))
        (tmp_path / "bench.csv").write_text(
            "job,recipe,precision,seconds,profile,device,data\nspeed,standard,fp32,50,smoke,CPU,\n"
        )
        return tmp_path / "bench.csv"

    monkeypatch.setattr(benchmarks, "bench", bench)
    words = ("--recipes", "dash,sprint", "--seeds", "0,2", "--profile", "smoke")
    done = call("bench", *words)
    assert got == [(["dash", "sprint"], [0, 2], "auto", "smoke")]
    assert "`standard`, Keras" in done.out
    assert done.out.splitlines()[-1] == f"All measurements are in {tmp_path / 'bench.csv'}"


def test_an_interrupt_gives_exit_code_130(monkeypatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt("01_first.ipynb was interrupted")

    monkeypatch.setattr(course, "run", interrupted)
    done = call("run")
    assert done.code == 130
    assert done.err == "01_first.ipynb was interrupted\n"


def test_data_commands(monkeypatch, tmp_path):
    monkeypatch.setattr(data, "fetch", lambda: tmp_path / "cifar10.npz")
    monkeypatch.setattr(data, "import_path", lambda path: tmp_path / path.name)
    monkeypatch.setattr(data, "verify", lambda: "60,000 pictures")
    monkeypatch.setattr(data, "describe", lambda: "CIFAR-10\nclasses")
    assert call("data", "fetch").out == f"CIFAR-10 is in {tmp_path / 'cifar10.npz'}\n"
    assert call("data", "import", "a.tar").out == f"CIFAR-10 is in {tmp_path / 'a.tar'}\n"
    assert call("data", "verify").out == "60,000 pictures\n"
    assert call("data", "describe").out == "CIFAR-10\nclasses\n"


def test_evaluate_says_what_is_no_model(tmp_path, monkeypatch):
    file = tmp_path / "text.keras"
    file.write_text("no model")
    monkeypatch.setattr(data, "load", lambda *_: SimpleNamespace(test=None))
    done = call("evaluate", str(file), "--profile", "smoke")
    assert done.code == 1
    assert "is no Keras model" in done.err
    assert len(done.err.splitlines()) <= 3


@pytest.fixture
def quick_devices(monkeypatch):
    """Finding the real devices takes seconds."""
    monkeypatch.setattr(device, "describe", lambda: "CPU, 2 cores · X")
    monkeypatch.setattr(device, "gpu_hint", lambda: "No driver.")


def findings() -> dict[str, tuple[str, str]]:
    return {found.what: (found.state, found.text) for found in doctor.examine()}


def test_predict_says_what_is_on_each_picture_and_what_cannot_be_read(tmp_path, home):
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (50, 80, 3), dtype=np.uint8))
    noise.save(tmp_path / "a.png")
    noise.convert("L").save(tmp_path / "b.jpg")
    (tmp_path / "c.png").write_bytes(b"no picture")
    done = call("predict", str(tmp_path))
    assert done.code == 0
    lines = done.out.splitlines()
    for line, name in zip(lines, ("a.png", "b.jpg"), strict=False):
        assert re.search(rf"{name}: (probably none of these: )?(\w+ \d+%, ){{2}}\w+ \d+%$", line)
    assert re.match(r'"Probably none of these": below \d+%\. So it calls \d+% of', lines[2])
    assert lines[3:] == [f"Drawn: {home / 'runs' / 'predictions'}"]
    for name in ("a.png", "b.jpg"):
        assert Image.open(home / "runs" / "predictions" / f"{name}.png").width == 900
    assert "c.png is no picture that can be read" in done.err
    alone = call("predict", str(tmp_path / "c.png"))
    assert alone.code == 1


def test_predict_doubts_below_the_models_threshold_alone(tmp_path, monkeypatch):
    """The same picture, the same model, and a record that asks for more or for less."""
    Image.fromarray(practice.draw(8, np.random.default_rng(0))).save(tmp_path / "ship.png")
    model = tmp_path / "own.keras"
    shutil.copy(training.shipped_path("practice set"), model)

    def told(**about):
        files.write_json(tmp_path / "own.json", about)
        return call("predict", str(tmp_path / "ship.png"), "--model", str(model)).out

    numbers = {"temperature": 1.0, "silenced": 0.1, "passed": 0.5}
    sure, unsure = (told(caution=numbers | {"threshold": at}) for at in (0.2, 1.0))
    assert "none of these: ship" not in sure
    assert "ship.png: probably none of these: ship" in unsure
    assert "it calls 10% of pictures that do show one of its classes, and 50%" in unsure
    assert "none of these" not in told()
    assert "ship.png: zebra" in told(classes=[*"abcdefgh", "zebra", "j"])


def test_doctor_finds_all_well(quick_devices):
    done = call("doctor")
    assert done.code == 0
    for shown in ("Python", "notebooks", "CPU, 2 cores", "No driver.", "memory", "disk", "data"):
        assert shown in done.out
    state, text = findings()["data"]
    assert state == "note"
    assert "practice set" in text


def test_doctor_compares_with_the_requirements(quick_devices, home):
    (home / "requirements.txt").write_text(
        "# all\nnumpy>=2,<3  # arrays\nrich>=900\nno-such-package>=1\n--editable .\n"
    )
    found = findings()
    assert found["no-such-package"] == (
        "broken",
        "missing: run `pip install -r requirements.txt` again",
    )
    assert found["rich"][0] == "note"
    assert ">=900" in found["rich"][1]
    assert found["packages"][1].startswith("numpy 2")
    assert call("doctor").code == 1


def test_doctor_reads_this_repositorys_requirements(monkeypatch):
    monkeypatch.delenv("CIFAR10_HOME")
    assert (paths.home() / "requirements.txt").exists()
    names = {requirement.name for requirement in doctor.requirements()}
    assert {"tensorflow", "keras", "nbval"} <= names
    assert all(isinstance(each, Requirement) and each.specifier for each in doctor.requirements())


@pytest.mark.parametrize(
    ("source", "state"),
    [
        ("practice", "ok"),
        ("/no/such/path", "broken"),
        ("~nobody-of-that-name", "broken"),
        ("cifar10", "broken"),
    ],
)
def test_doctor_looks_for_the_data_that_is_asked_for(quick_devices, monkeypatch, source, state):
    monkeypatch.setenv("CIFAR10_DATA", source)
    assert findings()["data"][0] == state


def test_doctor_says_what_is_broken(quick_devices, monkeypatch, home):
    (home / "notebooks" / "01_first.ipynb").unlink()

    def fails() -> str:
        raise ImportError("no keras")

    monkeypatch.setattr(device, "describe", fails)
    found = findings()
    assert found["notebooks"][0] == "broken"
    assert "ImportError: no keras" in found["device"][1]
    assert not doctor.doctor(Console(quiet=True))


def test_doctor_names_a_damaged_cache(quick_devices, monkeypatch, home):
    data.cache_path().parent.mkdir()
    data.cache_path().write_bytes(b"damaged")
    monkeypatch.setattr(data, "describe", lambda: (_ for _ in ()).throw(DataError("It is damaged")))
    assert findings()["data"] == ("broken", "It is damaged")
