"""Comparisons: what is trained, what is kept, what a kill costs, what the user sees."""

import io
import re
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import official
import pandas as pd
import pytest
from rich.console import Console

from cifar10_cnn import models
from cifar10_cnn.common import files
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data import dataset as data
from cifar10_cnn.profiles import Profile
from cifar10_cnn.studies import compare as comparison
from cifar10_cnn.studies import results
from cifar10_cnn.studies.compare import Run
from cifar10_cnn.training import recipes
from cifar10_cnn.training import trainer as fitting

PROFILE = Profile(
    "tiny", 160, 20, 40, 2, experiment_images=50, experiment_epochs=1, recipe_epochs=2
)


class KilledError(Exception):
    pass


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> data.Dataset:
    monkeypatch.setenv("CIFAR10_HOME", str(tmp_path))
    return data.split(official.expected(), PROFILE, "own pictures", "f" * 64)


def a_run(protocol: comparison.Protocol = "honest", seed: int = 0) -> Run:
    return Run(recipes.get("strided_cnn"), protocol, seed, "fp32")


def compare(runs: list[Run], dataset: data.Dataset) -> str:
    """Train what is missing and return what a user sees where output is no terminal."""
    screen = io.StringIO()
    comparison.compare(runs, dataset, PROFILE, Console(file=screen, width=200))
    return screen.getvalue()


def test_a_run_is_tested_once_and_tells_all_it_came_from(dataset: data.Dataset) -> None:
    run = a_run()
    comparison.train(run, dataset, PROFILE)
    folder = run.folder(PROFILE, dataset)
    assert sorted(file.name for file in folder.iterdir()) == [
        "history.csv",
        "model.keras",
        "run.json",
    ]
    about = files.read_json(folder / "run.json")
    model = keras.models.load_model(folder / "model.keras")
    predicted = model.predict(dataset.test.images, verbose=0).argmax(axis=1)
    assert about["test_accuracy"] == pytest.approx((predicted == dataset.test.labels).mean())
    assert about["parameters"] == 181_162
    history = pd.read_csv(folder / "history.csv")
    assert about["kept_epoch"] == history["val_accuracy"].argmax() + 1
    assert (history["seconds"] > 0).all()
    assert run.finished(PROFILE, dataset)


def test_the_published_protocol_keeps_the_last_epoch(dataset: data.Dataset) -> None:
    run = a_run("published")
    comparison.train(run, dataset, PROFILE)
    about = files.read_json(run.folder(PROFILE, dataset) / "run.json")
    assert about["kept_epoch"] == about["epochs"] == 2
    assert "val_accuracy" not in pd.read_csv(run.folder(PROFILE, dataset) / "history.csv")


def test_finished_runs_are_not_trained_again(dataset: data.Dataset) -> None:
    runs = [a_run(seed=0), a_run(seed=1)]
    assert "0 runs are there, 2 to train." in compare(runs, dataset)
    model = runs[0].folder(PROFILE, dataset) / "model.keras"
    written = model.stat().st_mtime_ns
    assert "2 runs are there, 0 to train." in compare(runs, dataset)
    assert model.stat().st_mtime_ns == written


def test_another_seed_gives_other_weights_and_the_same_seed_the_same(
    dataset: data.Dataset,
) -> None:
    compare([a_run(seed=0), a_run(seed=1)], dataset)
    rows = pd.read_csv(results.results_path(PROFILE, dataset))
    losses = rows.groupby("seed")["loss"].apply(list)
    assert losses[0] != losses[1]
    again = a_run(seed=0).folder(PROFILE, dataset)
    (again / "run.json").unlink()
    comparison.train(a_run(seed=0), dataset, PROFILE)
    assert pd.read_csv(again / "history.csv")["loss"].tolist() == pytest.approx(losses[0], rel=1e-5)


def test_a_run_of_other_settings_or_other_pictures_does_not_count(
    dataset: data.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = a_run()
    comparison.train(run, dataset, PROFILE)
    file = run.folder(PROFILE, dataset) / "run.json"
    about = files.read_json(file)
    about["plan"]["recipe"]["learning_rate"] = 0.5
    files.write_json(file, about)
    assert not run.finished(PROFILE, dataset)


def test_a_killed_comparison_goes_on_after_its_last_epoch(
    dataset: data.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killer(fitting.Seconds):
        """Dies in the second epoch, after the first has been backed up."""

        def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
            super().on_epoch_begin(epoch, logs)
            if epoch == 1:
                raise KilledError

    runs = [a_run("published"), a_run()]
    comparison.train(runs[0], dataset, PROFILE)
    with monkeypatch.context() as patch:
        patch.setattr(fitting, "Seconds", Killer)
        with pytest.raises(KilledError):
            comparison.train(runs[1], dataset, PROFILE)
    began: list[int] = []
    counter = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: began.append(epoch))
    comparison.train(runs[1], dataset, PROFILE, [counter])
    assert began == [1]
    assert runs[1].finished(PROFILE, dataset)
    assert len(pd.read_csv(runs[1].folder(PROFILE, dataset) / "history.csv")) == 2


def falling_then_rising(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the validation loss of epoch 1, 2, … be 2, 1, 3, 3, 3, whatever the network does."""
    timed = fitting.Seconds.on_epoch_end

    def told(self: fitting.Seconds, epoch: int, logs: dict | None = None) -> None:
        logs["val_loss"] = (2.0, 1.0, 3.0)[min(epoch, 2)]  # all callbacks behind it see this one
        timed(self, epoch, logs)

    monkeypatch.setattr(fitting.Seconds, "on_epoch_end", told)


@pytest.mark.parametrize("killed_in", [None, 2, 4, "after the end"])
def test_early_stopping_remembers_what_was_before_a_kill(
    dataset: data.Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, killed_in: object
) -> None:
    """Best in epoch 2 and a patience of 3: the training ends with epoch 5, killed or not."""

    class Killer(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
            if epoch + 1 == killed_in:
                raise KilledError

        def on_train_end(self, logs: dict | None = None) -> None:
            if killed_in == "after the end":
                raise KilledError

    falling_then_rising(monkeypatch)
    recipe = replace(recipes.get("strided_cnn"), stops_on="val_loss", patience=3)
    plan = fitting.Plan(recipe, 9, 0, dataset.fingerprint, "fp32")
    if killed_in:
        with pytest.raises(KilledError):
            fitting.fit(plan, tmp_path / "run", dataset, [Killer()])
    history = fitting.fit(plan, tmp_path / "run", dataset)
    assert history["val_loss"] == [2, 1, 3, 3, 3]


def test_killed_between_training_and_test_nothing_is_trained_again(
    dataset: data.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(comparison.evaluation, "evaluate", killed)
        with pytest.raises(KilledError):
            comparison.train(a_run(), dataset, PROFILE)
    began: list[int] = []
    counter = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: began.append(epoch))
    comparison.train(a_run(), dataset, PROFILE, [counter])
    assert began == []
    assert a_run().finished(PROFILE, dataset)


def test_one_row_an_epoch_and_the_test_figures_at_the_kept_one(dataset: data.Dataset) -> None:
    compare([a_run("published"), a_run()], dataset)
    rows = pd.read_csv(results.results_path(PROFILE, dataset))
    assert list(rows.columns) == results.COLUMNS
    assert list(rows["epoch"]) == [1, 2, 1, 2]
    tested = rows.dropna(subset="test_accuracy").set_index("protocol")
    about = files.read_json(a_run().folder(PROFILE, dataset) / "run.json")
    assert tested.loc["honest", "test_accuracy"] == pytest.approx(about["test_accuracy"])
    assert tested.loc["honest", "epoch"] == about["kept_epoch"]
    assert tested.loc["published", "epoch"] == 2
    assert set(rows["data"]) == {"own pictures"}


def test_runs_of_a_recipe_that_was_changed_are_left_out(
    dataset: data.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare([a_run(), Run(recipes.get("intro_cnn"), "honest", 0, "fp32")], dataset)
    changed = replace(recipes.get("strided_cnn"), batch_size=16)
    monkeypatch.setitem(recipes._RECIPES, "strided_cnn", changed)
    results.collect(PROFILE, dataset)
    assert set(pd.read_csv(results.results_path(PROFILE, dataset))["recipe"]) == {"intro_cnn"}
    monkeypatch.setattr(models, "fingerprint", lambda name: "0" * 12)  # its network, too
    with pytest.raises(CourseError, match="no finished run"):
        results.collect(PROFILE, dataset)


def test_progress_tells_each_run_and_when_the_end_is(dataset: data.Dataset) -> None:
    lines = compare([a_run("published"), a_run()], dataset).splitlines()
    assert re.fullmatch(
        r"1 of 2: strided_cnn · published · seed 0 · fp32 … about [\d.]+ s to the end", lines[1]
    )
    assert re.fullmatch(
        r"   strided_cnn · honest · seed 0 · fp32: test accuracy [\d.]+ %, loss [\d.]+, "
        r"epoch [12] of 2",
        lines[4],
    )


def test_three_classes_are_taken_from_all_splits(dataset: data.Dataset) -> None:
    run = Run(recipes.get("block_cnn"), "honest", 0, "fp32")
    comparison.train(run, dataset, PROFILE)
    model = keras.models.load_model(run.folder(PROFILE, dataset) / "model.keras")
    assert model.output_shape == (None, 3)
    three = comparison.prepare(run, dataset)
    assert three.class_names == ("cat", "dog", "frog")
    for part, whole in ((three.train, dataset.train), (three.test, dataset.test)):
        assert set(part.labels) == {0, 1, 2}
        assert len(part) == np.isin(whole.labels, [3, 5, 6]).sum()


@pytest.mark.parametrize("name", ["strided_cnn", "batchnorm_cnn", "sprint"])
def test_speed_is_measured_in_pictures_a_second(name: str, dataset: data.Dataset) -> None:
    recipe = recipes.get(name)
    assert comparison.images_per_second(recipe, dataset.train, 10, "fp32") > 1


def test_in_a_terminal_a_bar_shows_the_epoch_and_the_time_to_the_end(
    dataset: data.Dataset,
) -> None:
    screen = io.StringIO()
    console = Console(file=screen, width=160, force_terminal=True, force_interactive=True)
    comparison.compare([a_run()], dataset, PROFILE, console)
    text = re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", screen.getvalue())
    assert re.search(
        r"1 of 1: strided_cnn · honest · seed 0 · fp32 .*epoch 2/2 · validation accuracy "
        r"[\d.]+% · about [\d.]+ (m?s|min) to the end",
        text,
    )
