"""Runs as folders: what they hold, which model is found, and what is reported of it."""

import csv
import json
from pathlib import Path

import numpy as np
import official
import pytest

from cifar10_cnn import models
from cifar10_cnn.common import files, paths
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data import dataset as data
from cifar10_cnn.device import keras
from cifar10_cnn.profiles import Profile
from cifar10_cnn.training import runs as training

PROFILE = Profile("tiny", 100, 20, 20, epochs=2, experiment_images=50, experiment_epochs=1)


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> data.Dataset:
    monkeypatch.setenv("CIFAR10_HOME", str(tmp_path))
    return data.split(official.expected(), PROFILE, "own images", "f" * 64)


def test_a_run_leaves_model_history_and_where_it_came_from(
    dataset: data.Dataset, tmp_path: Path
) -> None:
    folder = training.train("dense_baseline", dataset, PROFILE)
    assert folder == tmp_path / "runs" / "tiny" / "dense_baseline"
    assert sorted(file.name for file in folder.iterdir()) == [
        "history.csv",
        "model.keras",
        "run.json",
    ]
    with (folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    about = json.loads((folder / "run.json").read_text())
    assert about["fingerprint"] == dataset.fingerprint
    assert about["origin"] == "own images · profile tiny · seed 0"
    assert about["epochs"] == 2
    best = max(float(row["val_accuracy"]) for row in rows)
    assert about["best_validation_accuracy"] == best
    model = keras.models.load_model(folder / "model.keras")
    predicted = model.predict(dataset.validation.images, verbose=0).argmax(axis=1)
    assert (predicted == dataset.validation.labels).mean() == pytest.approx(best, abs=1e-6)
    option = about["reject_option"]
    assert option["rejected"] == pytest.approx(0.1, abs=1 / len(predicted))
    assert 0 <= option["accepted_ood"] <= 1


def course_run(dataset: data.Dataset) -> Path:
    folder = training.new_run(PROFILE, training.COURSE_RUN)
    model = models.build("dense_baseline", len(dataset.class_names))
    model.save(folder / "model.keras")
    training.save_run(folder, dataset, PROFILE, {"accuracy": [0.1], "val_accuracy": [0.2]})
    return folder


def test_notebook_04s_model_comes_first(dataset: data.Dataset) -> None:
    course_run(dataset)
    model, sentence = training.trained_model(PROFILE, dataset)
    assert model.name == "dense_baseline"
    assert sentence.startswith("The model is notebook 04's: trained on own images")


@pytest.mark.parametrize("change", [{"fingerprint": "0" * 64}, {"format": 0}, None])
def test_a_run_on_other_data_of_another_version_or_unfinished_is_left_alone(
    dataset: data.Dataset, change: dict | None
) -> None:
    folder = course_run(dataset)
    about = files.read_json(folder / "run.json") | (change or {})
    (folder / "run.json").unlink()
    if change:
        files.write_json(folder / "run.json", about)
    _, sentence = training.trained_model(PROFILE, dataset)
    assert sentence.startswith(
        "The model is the one that the repository ships: trained on CIFAR-10"
    )


def test_a_new_run_keeps_what_a_stopped_one_goes_on_from(dataset: data.Dataset) -> None:
    folder = course_run(dataset)
    (folder / "run.json").unlink()
    (folder / "checkpoint.npz").touch()
    training.new_run(PROFILE, training.COURSE_RUN)
    assert (folder / "checkpoint.npz").exists()


def test_shipped_model_refuses_other_numbers_of_classes(dataset: data.Dataset) -> None:
    three = data.select_classes(dataset, ("cat", "dog", "frog"))
    with pytest.raises(
        CourseError, match=r"knows 10 classes, this data set has 3: run notebook 04"
    ):
        training.trained_model(PROFILE, three)


@pytest.mark.parametrize(
    ("name", "fast"), [("CIFAR-10", False), ("CIFAR-10", True), ("practice set", False)]
)
def test_shipped_models_are_small_complete_and_say_where_they_came_from(
    name: str, fast: bool
) -> None:
    file = training.shipped_path(name, fast=fast)
    assert file.stat().st_size < 5_000_000
    about = files.read_json(file.with_suffix(".json"))
    assert about["data"] == name
    assert about["profile"] == "full"
    if fast:  # the command predict needs it
        assert about["reject_option"]["rejected"] == pytest.approx(0.1, abs=0.005)
    plain_keras = keras.models.load_model(file)  # nothing of ours is needed to load it
    assert plain_keras.output_shape == (None, 10)


@pytest.mark.long
def test_shipped_practice_model_knows_the_practice_set() -> None:
    about = files.read_json(training.shipped_path("practice set").with_suffix(".json"))
    profile = Profile("tiny", None, 1000, 1000, 1, 10, 1)
    practice = data.load(profile, "practice")
    model = keras.models.load_model(training.shipped_path("practice set"))
    predicted = model.predict(practice.validation.images, verbose=0).argmax(axis=1)
    accuracy = (predicted == practice.validation.labels).mean()
    # The same validation split as in its training; other versions of Pillow draw a little
    # differently, so not to the last image.
    assert accuracy == pytest.approx(about["best_validation_accuracy"], abs=0.03)


@pytest.mark.filterwarnings("error")
def test_a_result_says_what_it_was_measured_on(dataset: data.Dataset) -> None:
    training.save_result(PROFILE, dataset, {"test_accuracy": np.float32(0.5)})
    result = files.read_json(paths.runs_folder() / PROFILE.name / "result.json")
    assert result["test_accuracy"] == 0.5
    assert result["data"] == "own images"
    assert result["device"]


@pytest.mark.parametrize(
    "history", [{}, {"loss": [1.0], "accuracy": []}, {"loss": ["a"]}, {"loss": [None, [1]]}]
)
def test_a_history_is_numbers_of_each_epoch(dataset: data.Dataset, history: dict) -> None:
    folder = training.new_run(PROFILE, "run")
    with pytest.raises(ValueError, match=r"history|metric|equally many"):
        training.save_run(folder, dataset, PROFILE, history)


def test_shipping_drops_the_optimizer_and_is_done_once(
    dataset: data.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        training, "shipped_path", lambda name, fast: tmp_path / "shipped" / "x.keras"
    )
    folder = training.train("dense_baseline", dataset, PROFILE)
    file = training.ship(folder)
    assert file is not None
    assert file.stat().st_size < 0.25 * (folder / "model.keras").stat().st_size
    images = dataset.validation.images
    np.testing.assert_allclose(
        keras.models.load_model(file).predict(images, verbose=0),
        keras.models.load_model(folder / "model.keras").predict(images, verbose=0),
        atol=0.02,
    )
    assert training.ship(folder) is None


@pytest.mark.parametrize("content", [None, b"half of it"])
def test_a_damaged_model_of_notebook_04_is_named(
    dataset: data.Dataset, content: bytes | None
) -> None:
    folder = training.new_run(PROFILE, training.COURSE_RUN)
    if content is not None:
        (folder / "model.keras").write_bytes(content)
    about = {"format": training.RUN_FORMAT, "fingerprint": dataset.fingerprint}
    files.write_json(folder / "run.json", about)
    with pytest.raises(CourseError, match=r"model\.keras is damaged: run notebook 04 again"):
        training.trained_model(PROFILE, dataset)


def test_a_run_that_is_deleted_is_unfinished_from_the_first_moment_on(
    dataset: data.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between two files, it would else be a finished run without a model."""
    folder = training.new_run(PROFILE, "killed")
    (folder / "run.json").write_text("{}")
    finished: list[bool] = []
    monkeypatch.setattr(
        training.shutil, "rmtree", lambda _: finished.append((folder / "run.json").exists())
    )
    training.new_run(PROFILE, "killed")
    assert finished == [False]
