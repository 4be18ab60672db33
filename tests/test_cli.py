import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from tiny_course import use, write_notebook
from typer.testing import CliRunner

from cifar10_cnn import __version__, device
from cifar10_cnn.__main__ import app
from cifar10_cnn.common import files
from cifar10_cnn.common.errors import DataError
from cifar10_cnn.course import doctor, runner
from cifar10_cnn.data import dataset, practice
from cifar10_cnn.studies import engine
from cifar10_cnn.training import runs


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
        "    heavy = {'keras', 'numpy', 'tensorflow', 'sklearn', 'pandas', 'nbclient'}\n"
        "    print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    for name in ("run", "train", "evaluate", "doctor", "publish", "data"):
        assert f" {name} " in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_module_runs_as_a_command_and_has_a_version():
    assert call("--version").out == f"cifar10-cnn {__version__}\n"
    words = [sys.executable, "-m", "cifar10_cnn", "run", "--profile", "tiny"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "There is no profile 'tiny': choose one of smoke, quick, full.\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "09"], "There is no notebook '09': choose out of 01_first"),
        (["train", "resnet"], "There is no recipe 'resnet': choose one of"),
        (["train", "plain_cnn", "--profile", "tiny"], "smoke, quick, full"),
        (["compare", "--models", "resnet"], "'resnet'"),
        (["compare", "--seeds", "1,x"], "'1,x' is no list of seeds: write them as 0,1,2."),
        (["compare", "--precision", "fp8"], "'fp8'"),
        (["bench", "--recipes", "plain_cnn"], "plain_cnn"),
        (["ablate", "--seeds", ""], "'' is no list of seeds"),
        (["ablate", "--recipe", "marathon"], "marathon"),
        (["ablate", "--without", "luck"], "luck"),
        (["tune", "--optimizers", "luck"], "luck"),
        (["evaluate", "none.keras"], "There is no model file none.keras"),
        (["predict", "none.png"], "There is no file none.png"),
        (["predict", "a.png", "--model", "none.keras"], "There is no model file none.keras"),
        (["publish"], "holds no run"),
        (["data", "import", "none.tar"], "none.tar"),
        (["data", "verify"], "data fetch"),
        (["data", "describe"], "data fetch"),
    ],
)
def test_a_mistake_gives_one_message_and_exit_code_1(words, message, home, monkeypatch):
    monkeypatch.chdir(home)
    Image.new("RGB", (40, 40)).save(home / "a.png")
    done = call(*words)
    assert done.code == 1
    assert message in done.err
    assert len(done.err.splitlines()) == 1


def test_run_passes_its_options_on(monkeypatch):
    calls = []
    monkeypatch.setattr(runner, "run", lambda *words, **options: calls.append((words, options)))
    assert call("run", "01", "02", "--profile", "smoke", "--data", "auto", "--resume").code == 0
    assert calls == [((["01", "02"],), {"profile": "smoke", "data": "auto", "resume": True})]


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        (
            "compare --models intro_cnn,two_conv_cnn --seeds 0,2 --precision fp32",
            (["intro_cnn", "two_conv_cnn"], [0, 2], "fp32"),
        ),
        ("ablate --recipe dash --seeds 1", ("dash", [], [1])),
        ("bench --recipes dash,sprint --seeds 0,2", (["dash", "sprint"], [0, 2])),
        ("tune --optimizers adam,sgd", (["adam", "sgd"],)),
    ],
)
def test_a_study_runs_the_cases_asked_for(words, arguments, monkeypatch, tmp_path):
    name = words.split()[0]
    study = f"cifar10_cnn.studies.{name}"
    calls = []
    monkeypatch.setattr(dataset, "load", lambda profile: "images")
    monkeypatch.setattr(f"{study}.cases", lambda *given: calls.append(given) or "cases")

    def run(cases, images, profile, console, **_):
        calls.append((cases, images, profile.name))
        return tmp_path / "rows.csv"

    table = SimpleNamespace(to_string=lambda: "the table")
    monkeypatch.setattr(f"{study}.run", run)
    for function in ("rows", "table"):
        monkeypatch.setattr(f"{study}.{function}", lambda *_: table)
    monkeypatch.setattr(engine, "ship", lambda study, file: file.with_name("shipped.csv"))
    done = call(*words.split(), "--profile", "smoke")
    assert calls == [arguments, ("cases", "images", "smoke")]
    assert "the table" in done.out
    assert done.out.splitlines()[-1] == f"All rows are in {tmp_path / 'rows.csv'}"
    shipped = call(*words.split(), "--profile", "smoke", "--ship")
    assert shipped.out.splitlines()[-1] == f"All rows are in {tmp_path / 'shipped.csv'}"


def test_an_interrupt_gives_exit_code_130(monkeypatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt("01_first.ipynb was interrupted")

    monkeypatch.setattr(runner, "run", interrupted)
    done = call("run")
    assert done.code == 130
    assert done.err == "01_first.ipynb was interrupted\n"


def test_data_commands(monkeypatch, tmp_path):
    monkeypatch.setattr(dataset, "fetch", lambda: tmp_path / "cifar10.npz")
    monkeypatch.setattr(dataset, "import_path", lambda path: tmp_path / path.name)
    monkeypatch.setattr(dataset, "verify", lambda: "60,000 images")
    monkeypatch.setattr(dataset, "describe", lambda: "CIFAR-10\nclasses")
    assert call("data", "fetch").out == f"CIFAR-10 is in {tmp_path / 'cifar10.npz'}\n"
    assert call("data", "import", "a.tar").out == f"CIFAR-10 is in {tmp_path / 'a.tar'}\n"
    assert call("data", "verify").out == "60,000 images\n"
    assert call("data", "describe").out == "CIFAR-10\nclasses\n"


def test_evaluate_says_what_is_no_model(tmp_path):
    file = tmp_path / "text.keras"
    file.write_text("no model")
    done = call("evaluate", str(file), "--profile", "smoke")
    assert done.code == 1
    assert "is no Keras model" in done.err
    assert len(done.err.splitlines()) <= 3


def test_predict_says_what_is_on_each_image_and_what_cannot_be_read(tmp_path, home):
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (50, 80, 3), dtype=np.uint8))
    noise.save(tmp_path / "a.png")
    noise.convert("L").save(tmp_path / "b.jpg")
    (tmp_path / "c.png").write_bytes(b"no image")
    done = call("predict", str(tmp_path))
    assert done.code == 0
    lines = done.out.splitlines()
    for line, name in zip(lines, ("a.png", "b.jpg"), strict=False):
        assert re.search(rf"{name}: (probably none of these: )?(\w+ \d+%, ){{2}}\w+ \d+%$", line)
    assert re.match(r'"Probably none of these": below \d+%\. So it rejects \d+% of', lines[2])
    assert lines[3:] == [f"Drawn: {home / 'runs' / 'predictions'}"]
    for name in ("a.png", "b.jpg"):
        assert Image.open(home / "runs" / "predictions" / f"{name}.png").width == 900
    assert "c.png" in done.err
    assert call("predict", str(tmp_path / "c.png")).code == 1


def test_predict_rejects_below_the_models_threshold_alone(tmp_path, monkeypatch):
    """The same image, the same model, and metadata that asks for more or for less."""
    Image.fromarray(practice.draw(8, np.random.default_rng(0))).save(tmp_path / "ship.png")
    model = tmp_path / "own.keras"
    shutil.copy(runs.shipped_path("practice set"), model)

    def printed(**metadata):
        files.write_json(tmp_path / "own.json", metadata)
        return call("predict", str(tmp_path / "ship.png"), "--model", str(model)).out

    numbers = {"temperature": 1.0, "rejected": 0.1, "accepted_ood": 0.5}
    unsure = printed(reject_option=numbers | {"threshold": 1.0})
    assert "ship.png: probably none of these: ship" in unsure
    assert "it rejects 10% of images that do show one of its classes, and accepts 50%" in unsure
    sure = printed(reject_option=numbers | {"threshold": 0.2}, classes=[*"abcdefgh", "zebra", "j"])
    assert "probably none of these" not in sure
    assert "ship.png: zebra" in sure


@pytest.fixture
def quick_devices(monkeypatch):
    """Finding the real devices takes seconds."""
    monkeypatch.setattr(device, "describe", lambda: "CPU, 2 cores · X")
    monkeypatch.setattr(device, "gpu_hint", lambda: "No driver.")


def findings() -> dict[str, tuple[str, str]]:
    return {what: (state, text) for what, state, text in doctor.examine()}


def test_doctor_compares_with_the_requirements(quick_devices, home):
    done = call("doctor")
    assert done.code == 0
    for what in ("Python", "notebooks", "CPU, 2 cores", "No driver.", "memory", "disk", "data"):
        assert what in done.out
    (home / "requirements.txt").write_text(
        "# all\nnumpy>=2,<3  # arrays\nrich>=900\nno-such-package>=1\n--editable .\n"
    )
    lines = findings()
    missing = "missing: run `pip install -r requirements.txt` again"
    assert lines["no-such-package"] == ("broken", missing)
    assert lines["rich"][0] == "note"
    assert ">=900" in lines["rich"][1]
    assert lines["packages"][1].startswith("numpy 2")
    assert call("doctor").code == 1


def test_doctor_reads_this_repositorys_requirements(monkeypatch):
    monkeypatch.delenv("CIFAR10_HOME")
    needed = doctor.requirements()
    assert {"tensorflow", "keras", "nbval"} <= {requirement.name for requirement in needed}
    assert all(requirement.specifier for requirement in needed)


@pytest.mark.parametrize(
    ("source", "state"),
    [
        ("auto", "note"),
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
    dataset.cache_path().parent.mkdir()
    dataset.cache_path().write_bytes(b"damaged")

    def fails(error: Exception) -> str:
        raise error

    monkeypatch.setattr(device, "describe", lambda: fails(ImportError("no keras")))
    monkeypatch.setattr(dataset, "describe", lambda: fails(DataError("It is damaged")))
    lines = findings()
    assert lines["notebooks"][0] == "broken"
    assert "ImportError: no keras" in lines["device"][1]
    assert lines["data"] == ("broken", "It is damaged")
    assert not doctor.doctor(Console(quiet=True))
