"""The search for learning rates: what is tried, on what, and what the shipped one found."""

from dataclasses import replace

import pandas as pd
import pytest
from rich.console import Console
from test_engine import PROFILE, dataset, small  # noqa: F401 - dataset is a fixture

from cifar10_cnn.data import dataset as data
from cifar10_cnn.studies import engine, tune
from cifar10_cnn.training import optimizers, recipes


def test_every_optimizer_has_rates() -> None:
    # The fast recipes' optimizer suits networks of their kind alone.
    assert set(tune.RATES) == set(optimizers.names()) - {"unit_muon"}
    for rates in tune.RATES.values():
        assert list(rates) == sorted(set(rates))
        assert rates[-1] >= 50 * rates[0]
    assert len(tune.cases()) == sum(map(len, tune.RATES.values()))


def test_the_search_never_sees_the_test_split(
    dataset: data.Dataset,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tune, "RATES", {"adam": (0.001,), "muon": (0.001,)})
    closed = data.Split(dataset.test.images[:0], dataset.test.labels[:0])
    cases = tune.cases()
    file = tune.run(cases, replace(dataset, test=closed), PROFILE, Console(quiet=True))
    rows = tune.rows(file)
    assert rows["optimizer"].tolist() == ["adam", "muon"]
    assert rows["validation_accuracy"].between(0, 1).all()
    assert (rows["epochs"] == 1).all()
    assert set(rows["data"]) == {"own images"}
    plan = engine.missing(tune.STUDY, [cases[0] | {"learning_rate": 0.5}], dataset, PROFILE)[0]
    assert (plan.training.recipe.optimizer, plan.training.recipe.learning_rate) == ("adam", 0.5)


def test_trials_and_the_best_by_optimizer() -> None:
    facts = {"data": "CIFAR-10", "profile": "full", "seed": 0, "device": "CPU"}
    trials = pd.DataFrame(
        {
            "optimizer": ["sgd", "sgd", "adam"],
            "learning_rate": [0.1, 0.2, 0.001],
            "validation_accuracy": [0.5, 0.4, 0.6],
            **facts,
        }
    )
    pairs, line = tune.trials(trials)
    assert pairs == {"sgd": [(0.1, 0.5), (0.2, 0.4)], "adam": [(0.001, 0.6)]}
    assert line == "CIFAR-10 · profile full · seed 0 · CPU"
    assert tune.table(trials).loc["sgd"].tolist() == ["0.1", "50.00 %"]


def test_learning_rates_are_the_best_that_the_search_found() -> None:
    trials, _ = tune.trials()
    assert set(trials) == set(recipes.TUNED)
    for optimizer, rate in recipes.TUNED.items():
        best = max(trials[optimizer], key=lambda trial: trial[1])[0]
        assert rate == best, optimizer
