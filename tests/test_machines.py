"""Machines as people have them: settings of other projects, odd consoles, no home, no rights."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import filelock
import matplotlib as mpl
import numpy as np
import pytest
from nbconvert import ScriptExporter
from typer.testing import CliRunner

from cifar10_cnn import __main__, plots, profiles
from cifar10_cnn.common import files, paths, settings
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.course import doctor
from cifar10_cnn.data.batches import Shuffled
from cifar10_cnn.device import keras
from cifar10_cnn.training import Resume


def python(code: str, folder: Path, **env: str | None) -> SimpleNamespace:
    """Run a program in a folder, with variables set, or taken away by None."""
    whole = {**os.environ, **env}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={key: value for key, value in whole.items() if value is not None},
        capture_output=True,
        timeout=120,
        check=False,
    )
    return SimpleNamespace(code=done.returncode, out=done.stdout, err=done.stderr.decode())


def test_a_variable_set_to_nothing_is_as_good_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CIFAR10_DATA", "CIFAR10_PROFILE", "CIFAR10_HOME"):
        monkeypatch.setenv(name, "")
    assert settings.data() == "auto"
    assert profiles.current().name == "quick"
    assert paths.home() == Path(__file__).resolve().parents[1]


def test_a_relative_home_is_one_from_where_the_program_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CIFAR10_HOME", "home5")
    assert paths.home() == tmp_path / "home5"
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")  # as a kernel does, which inherits the variable
    assert paths.home() == tmp_path / "home5"


def test_own_images_are_named_by_their_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("images", "auto"):
        (tmp_path / name).mkdir()
    assert settings.data("images") == str(tmp_path / "images")
    assert settings.data("auto") == "auto"
    with pytest.raises(CourseError, match="home of an unknown user"):
        settings.data("~nobody-of-that-name/images")


def test_keras_settings_of_another_project_change_nothing(tmp_path: Path) -> None:
    settings = {"floatx": "float16", "image_data_format": "channels_first"}
    files.write_json(tmp_path / "keras.json", settings)
    code = (
        "from cifar10_cnn import models\n"
        "layer = models.build('plain_cnn').layers[1]\n"
        "print(layer.kernel.dtype, layer.output.shape)"
    )
    done = python(code, tmp_path, KERAS_HOME=str(tmp_path))
    assert done.out == b"float32 (None, 32, 32, 32)\n"


@pytest.mark.parametrize(
    ("backend", "words"), [("mxnet", "KERAS_BACKEND=mxnet names another backend"), ("", "")]
)
def test_a_missing_backend_is_one_sentence(tmp_path: Path, backend: str, words: str) -> None:
    code = "from cifar10_cnn.__main__ import app\napp(['train', 'plain_cnn', '--profile', 'x'])"
    done = python(code.replace("'x'", "'smoke'"), tmp_path, KERAS_BACKEND=backend, CIFAR10_DATA="x")
    assert done.code == 1
    assert len(done.err.splitlines()) == 1
    assert (words or "CIFAR10_DATA='x'") in done.err


def test_the_doctor_names_settings_of_other_projects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("CIFAR10_PROFILE", "full")
    files.write_json(tmp_path / "keras.json", {"floatx": "float16", "epsilon": 1e-7})
    found = {what: (state, text) for what, state, text in doctor._in_the_way()}
    assert found["keras.json"] == (
        "note",
        f"{tmp_path / 'keras.json'} says {{'floatx': 'float16'}}: of these the course takes "
        "backend alone",
    )
    assert "CIFAR10_PROFILE=full" in found["variables"][1]


def test_a_file_called_as_keras_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "keras.py").write_text("")
    done = python("from cifar10_cnn import models", tmp_path)
    assert f"{tmp_path / 'keras.py'} is found in Keras' place" in done.err.splitlines()[-1]
    monkeypatch.chdir(tmp_path)
    found = [text for what, state, text in doctor._in_the_way() if state == "broken"]
    assert found == [f"{tmp_path / 'keras.py'} is found before the package keras: rename it"]


def test_your_matplotlib_style_changes_no_figure() -> None:
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    before = plots.style.png(plots.channels(image))
    with mpl.rc_context(mpl.style.library["dark_background"]):
        mpl.rcParams.update({"image.origin": "lower", "text.usetex": True})
        assert plots.style.png(plots.channels(image)) == before


@pytest.mark.parametrize(
    "console",
    [
        {"PYTHONIOENCODING": "cp1252"},
        {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ],
)
def test_any_console_prints_all_in_letters_that_it_has(
    tmp_path: Path, console: dict[str, str]
) -> None:
    code = r"import cifar10_cnn; print('\u2588 a \u00b7 b', '\u00fc \u00d7 2 \u2026')"
    done = python(code, tmp_path, **{"PYTHONIOENCODING": None, **console})
    assert (done.code, done.err) == (0, "")
    assert done.out.decode("latin-1").split()[:2] == ["#", "a"]


def test_who_has_no_home_gets_one(tmp_path: Path) -> None:
    code = (
        "import cifar10_cnn, os\nfrom pathlib import Path\nprint(os.access(Path.home(), os.W_OK))"
    )
    assert python(code, tmp_path, HOME="/").out == b"True\n"


def refused(*_: object, **__: object) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


def without_locks(*_: object, **__: object) -> None:
    raise NotImplementedError("FileSystem does not appear to support flock")


def test_rights_and_locks_are_niceties(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "chmod", refused)
    files.write(tmp_path / "a", "text")
    assert (tmp_path / "a").read_text() == "text"
    monkeypatch.setattr(filelock.FileLock, "acquire", without_locks)
    with files.alone(tmp_path / "lock", "taken", wait=False):
        files.write(tmp_path / "b", "text")


def small_training(folder: Path, metric: str = "accuracy", monitor: str = "val_accuracy") -> None:
    images, labels = np.zeros((8, 2, 2, 3), np.uint8), np.arange(8) % 2
    layers = [keras.layers.Flatten(), keras.layers.Dense(2, "softmax")]
    model = keras.Sequential([keras.Input((2, 2, 3)), *layers])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=[metric])
    batches = Shuffled(images, labels, batch_size=4, seed=0)
    options = {"save_best_only": True, "mode": "max"}
    best = keras.callbacks.ModelCheckpoint(folder / "m.keras", monitor, **options)
    resume = Resume(folder, batches, [best])
    model.fit(batches, validation_data=(images, labels), callbacks=[best, resume], verbose=0)


def test_a_notebook_as_a_script_is_python_and_prints_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    notebook = Path(__file__).parents[1] / "notebooks" / "02_visualize.ipynb"
    _, resources = ScriptExporter().from_filename(str(notebook))
    assert resources["output_extension"] == ".py"
    figure = plots.channels(np.full((8, 8, 3), 9, np.uint8))
    plots.show(figure, "01_channels", "made up")  # there is no IPython here
    assert capsys.readouterr().out == f"01_channels: {figure.alt}\n"


def test_a_clone_on_windows_keeps_the_line_ends_that_bash_reads() -> None:
    lines = (Path(__file__).parents[1] / ".gitattributes").read_text(encoding="utf-8").splitlines()
    assert "* text=auto eol=lf" in lines


def test_a_metric_that_is_not_measured_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"watches 'val_accuracy', which .* one of .*val_acc"):
        small_training(tmp_path, "acc")
    small_training(tmp_path, "acc", "val_acc")


def test_of_two_programs_one_trains_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "04_train"
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom cifar10_cnn.common import files\n"
        f"with files.alone(Path({str(tmp_path / '.04_train.lock')!r}), '', wait=False):\n"
        "    print('held', flush=True)\n    time.sleep(100)"
    )
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    try:
        with pytest.raises(CourseError, match="Another program trains in"):
            small_training(folder)
    finally:
        other.kill()
        other.wait()
    small_training(folder)
    small_training(folder)  # and again, as a student runs a cell again


def test_a_full_memory_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        np.zeros(2**50, np.uint8)

    monkeypatch.setattr(__main__, "_load", full)
    done = CliRunner().invoke(__main__.app, ["train", "plain_cnn", "--profile", "smoke"])
    assert done.exit_code == 1
    assert done.stderr.startswith("The memory is full (Unable to allocate")
    assert len(done.stderr.splitlines()) == 1
