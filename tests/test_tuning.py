"""The search for learning rates: what is tried, what is kept, what a kill costs."""

from dataclasses import replace
from pathlib import Path

import keras
import official
import optuna
import pandas as pd
import pytest

from cifar10_cnn import models
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data import dataset as data
from cifar10_cnn.profiles import Profile
from cifar10_cnn.studies import tune as tuning
from cifar10_cnn.training import optimizers

PROFILE = Profile(
    "tiny", 160, 20, 40, 2, experiment_images=50, experiment_epochs=1, recipe_epochs=1
)


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> data.Dataset:
    monkeypatch.setenv("CIFAR10_HOME", str(tmp_path))
    return data.split(official.expected(), PROFILE, "own pictures", "f" * 64)


@pytest.fixture(autouse=True)
def few_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "RATES", {"adam": (0.0001, 0.001, 0.01), "muon": (0.001,)})


def rates(study: optuna.Study) -> list[float]:
    """The rates that were tried to the end, in order."""
    return [trial.params["learning_rate"] for trial in study.trials if trial.values]


def test_every_optimizer_has_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    # The fast recipes' optimizer suits networks of their kind alone.
    assert set(tuning.RATES) == set(optimizers.names()) - {"unit_muon"}
    for tried in tuning.RATES.values():
        assert list(tried) == sorted(set(tried))
        assert tried[-1] >= 50 * tried[0]


def test_every_rate_is_tried_once(dataset: data.Dataset) -> None:
    assert sorted(rates(tuning.search("adam", dataset, PROFILE))) == [0.0001, 0.001, 0.01]


@pytest.mark.parametrize("killed_at", [1, 2])
def test_a_killed_search_goes_on_where_it_ended(
    dataset: data.Dataset, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    built, build = [], models.build

    def killed(name: str, classes: int) -> keras.Model:
        built.append(name)
        if len(built) == killed_at:
            raise KeyboardInterrupt
        return build(name, classes)

    with monkeypatch.context() as patch:
        patch.setattr(models, "build", killed)
        with pytest.raises(KeyboardInterrupt):
            tuning.search("adam", dataset, PROFILE)
    before = rates(tuning._study("adam", dataset, PROFILE))
    assert len(before) == killed_at - 1
    after = rates(tuning.search("adam", dataset, PROFILE))
    assert after[: len(before)] == before
    assert sorted(after) == [0.0001, 0.001, 0.01]


def test_a_finished_search_trains_nothing(
    dataset: data.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = tuning.search("adam", dataset, PROFILE).best_params
    monkeypatch.setattr(models, "build", lambda *_: pytest.fail("trained again"))
    assert tuning.search("adam", dataset, PROFILE).best_params == best


def test_the_search_never_sees_the_test_split(dataset: data.Dataset) -> None:
    closed = data.Split(dataset.test.images[:0], dataset.test.labels[:0])
    study = tuning.search("muon", replace(dataset, test=closed), PROFILE)
    assert 0 <= study.best_value <= 1


def test_the_table_holds_every_trial(dataset: data.Dataset) -> None:
    study = tuning.search("adam", dataset, PROFILE)
    table = pd.read_csv(tuning.collect(["adam", "muon"], dataset, PROFILE))
    assert set(table["optimizer"]) == {"adam"}
    best = table.sort_values("validation_accuracy").iloc[-1]
    assert best["validation_accuracy"] == pytest.approx(study.best_value)
    assert set(table["data"]) == {"own pictures"}
    assert (table["epochs"] == 1).all()


def test_an_unknown_optimizer_is_named(dataset: data.Dataset) -> None:
    with pytest.raises(CourseError, match="no optimizer 'nadam': choose one of adam, muon"):
        tuning.search("nadam", dataset, PROFILE)


def small(_: str, classes: int) -> keras.Model:
    """A network that learns in no time."""
    layers = [keras.layers.Flatten(), keras.layers.Dense(classes, "softmax")]
    return keras.Sequential([keras.Input((32, 32, 3)), *layers])


@pytest.mark.faults
def test_a_damaged_journal_goes_on_from_its_last_whole_line(
    dataset: data.Dataset, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, tally
) -> None:
    monkeypatch.setattr(models, "build", small)
    tuning.search("adam", dataset, PROFILE)
    file = tuning._journal(PROFILE, dataset)
    whole = file.read_bytes()
    tenths = [whole[: len(whole) * tenth // 10] for tenth in range(2, 11, 2)]
    cuts = [tenth.removesuffix(b"\n") for tenth in tenths]
    for damaged in (*cuts, whole[:200] + bytes(50) + whole[250:]):
        file.write_bytes(damaged)
        for _ in range(2):  # and the start after that
            assert sorted(rates(tuning.search("adam", dataset, PROFILE))) == [0.0001, 0.001, 0.01]
        assert f"{file} is damaged at line" in capsys.readouterr().out
        tally("searches' journals damaged", 1)
