"""Search for each optimizer's learning rate on the validation split, after a third of the epochs.

One row a rate; ``validation_accuracy`` is the best epoch's, 0 to 1. The test split stays closed.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pandas as pd

from cifar10_cnn.common import checks
from cifar10_cnn.common.formats import percent
from cifar10_cnn.data.dataset import Dataset
from cifar10_cnn.profiles import Profile
from cifar10_cnn.studies import engine
from cifar10_cnn.studies.engine import Callbacks, Case, Names, Rows, Study
from cifar10_cnn.training import recipes, trainer
from cifar10_cnn.training.trainer import Training

#: Learning rates that are tried, about twice as large from one to the next.
RATES = {
    "sgd": (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
    "momentum": (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05),
    "rmsprop": (0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005),
    "adam": (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01),
    "adamw": (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01),
    "muon": (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02),
}


def cases(optimizers: Sequence[str] = ()) -> list[Names]:
    """Return the trainings of a search: each rate of some optimizers, of all if none is named.

    Raises:
        CourseError: if there is no such optimizer.
    """
    names = [checks.chosen(name, RATES, "optimizer") for name in optimizers or RATES]
    # Small enough for hundreds of epochs on a laptop.
    return [
        {"recipe": "strided_cnn", "optimizer": name, "learning_rate": rate}
        for name in names
        for rate in RATES[name]
    ]


def _plan(
    dataset: Dataset, profile: Profile, *, recipe: str, optimizer: str, learning_rate: float
) -> Training:
    base = recipes.get(recipe)
    settings = replace(base, optimizer=optimizer, learning_rate=learning_rate)
    epochs = max(1, base.epochs_at(profile) // 3)  # enough to rank the rates
    return Training(settings, epochs, profile.seed, dataset.fingerprint, keep="last")


def _measure(case: Case, callbacks: Callbacks) -> Rows:
    _, history = trainer.fit(case.training, case.dataset, callbacks=callbacks)
    facts = {"epochs": case.training.epochs, "seed": case.training.seed}
    return [{**facts, "validation_accuracy": max(history["val_accuracy"])}]


STUDY = Study("tune", ("recipe", "optimizer", "learning_rate"), _plan)
run = partial(engine.run, STUDY, _measure)
rows = partial(engine.rows, "tune")
origin = engine.origin


def trials(results: pd.DataFrame | None = None) -> tuple[dict[str, list[tuple[float, float]]], str]:
    """Return the rates that were tried, of the shipped table if none is given.

    Used in notebook 06. By optimizer (learning rate, validation accuracy, 0 to 1) of each trial,
    and one line on where they came from.
    """
    every = rows() if results is None else results
    columns = ["learning_rate", "validation_accuracy"]
    pairs = {
        str(name): list(group[columns].itertuples(index=False, name=None))
        for name, group in every.groupby("optimizer", sort=False)
    }
    return pairs, origin(every)


def table(results: pd.DataFrame) -> pd.DataFrame:
    """Return the best rate of each optimizer, as text."""
    best = {name: max(each, key=lambda pair: pair[1]) for name, each in trials(results)[0].items()}
    lines = {name: (f"{rate:g}", percent(accuracy, 2)) for name, (rate, accuracy) in best.items()}
    columns = ["learning rate", "validation accuracy"]
    return pd.DataFrame.from_dict(lines, "index", columns=columns).rename_axis("optimizer")
