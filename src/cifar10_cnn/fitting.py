"""One training: its plan, its callbacks, and what lets it go on after it was killed."""

import csv
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cifar10_cnn import device, files, models
from cifar10_cnn.batches import Batches, shrink
from cifar10_cnn.data import Dataset, Split
from cifar10_cnn.device import keras
from cifar10_cnn.recipes import Part, Recipe


@dataclass(frozen=True)
class Plan:
    """What the weights of a training depend on, but for the pictures' split.

    Attributes:
        recipe: how to train.
        epochs: the most epochs.
        seed: seed of the initial weights, the order of the pictures, dropout and augmentation.
        fingerprint: of the data set.
        precision: what convolutions and matrix products compute in; this machine's by default.
        keeps: the model that stays: of the epoch with the ``best`` validation accuracy, or of the
            ``last`` epoch.
    """

    recipe: Recipe
    epochs: int
    seed: int
    fingerprint: str
    precision: device.Precision = field(default_factory=device.precision)
    keeps: Literal["best", "last"] = "best"

    def told(self) -> dict[str, Any]:
        """Return the plan as JSON can hold it; two trainings of equal plans are the same."""
        return {
            "recipe": self.recipe.settings(),
            "network": models.fingerprint(self.recipe.model),
            "epochs": self.epochs,
            "seed": self.seed,
            "fingerprint": self.fingerprint,
            "precision": self.precision,
            "keeps": self.keeps,
        }


class Seconds(keras.callbacks.Callback):
    """Adds each epoch's duration to its logs and to the history, in seconds."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Start the clock."""
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add what it says."""
        if logs is not None:
            logs["seconds"] = round(time.perf_counter() - self._start, 3)


class _InStep(keras.callbacks.Callback):
    """Lets drawn pictures begin with the epoch with which the training goes on."""

    def __init__(self, pictures: Batches) -> None:
        super().__init__()
        self._pictures = pictures

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._pictures.go_to(epoch)


class _Keeper(keras.callbacks.ModelCheckpoint):
    """Saves the network alone, without what only its training needs."""

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model.network if isinstance(model, models.Watched) else model)


class _Stopper(keras.callbacks.EarlyStopping):
    """Early stopping that remembers the epochs before a training was killed."""

    def __init__(self, recipe: Recipe, before: Sequence[dict[str, str]]) -> None:
        super().__init__(recipe.stops_on, patience=recipe.patience)
        self._before = [float(row[self.monitor]) for row in before]

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        super().on_train_begin(logs)
        for epoch, value in enumerate(self._before):
            self.on_epoch_end(epoch, {self.monitor: value})

    def has_stopped(self) -> bool:
        """Say whether the training had stopped before it was killed."""
        best = self._before.index(min(self._before)) if self._before else 0
        return len(self._before) - 1 - best >= self.patience


def fit(
    plan: Plan,
    folder: Path,
    dataset: Dataset,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, list[float]]:
    """Train a network in ``folder``, going on where a killed call with the same plan ended.

    Args:
        plan: what to train and how.
        folder: gets ``model.keras``; until ``finish`` also what a later call needs to go on.
        dataset: its training split is learnt from, its validation split looked at after each
            epoch; an empty validation split is left out.
        callbacks: more of them, such as a progress bar.

    Returns:
        One number an epoch for each metric and for ``seconds``.
    """
    backup, log = folder / "backup", folder / "epochs.csv"
    if files.read_json(folder / "plan.json") != plan.told():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        files.write_json(folder / "plan.json", plan.told())
    keras.utils.set_random_seed(plan.seed)
    recipe = plan.recipe
    # A training that goes on must not take its first epoch for the best one.
    best_before = None
    if plan.keeps == "best":
        best_before = max((float(row["val_accuracy"]) for row in _rows(log)), default=None)
    keeper = _Keeper(
        folder / "model.keras",
        monitor="val_accuracy",
        mode="max",
        save_best_only=plan.keeps == "best",
        initial_value_threshold=best_before,
    )
    stoppers = [_Stopper(recipe, _rows(log))] if recipe.stops_on else []
    if any(stopper.has_stopped() for stopper in stoppers):
        return _history(log)
    train, classes = dataset.train, len(dataset.class_names)
    with device.computing_in(plan.precision):
        model = models.build(recipe.model, classes)
        models.adapt(model, train.images)
        learner = recipe.learner(model, len(train), plan.epochs)
        for part in recipe.parts(
            train, classes, epochs=plan.epochs, seed=plan.seed, learner=learner
        ):
            learner.fit(
                **vars(part),
                validation_data=_seen(
                    dataset.validation, part, classes if recipe.one_hot else None
                ),
                verbose=0 if callbacks else 2,
                callbacks=[
                    Seconds(),
                    keras.callbacks.BackupAndRestore(backup, delete_checkpoint=False),
                    keras.callbacks.CSVLogger(log, append=True),
                    keeper,
                    *stoppers,
                    *([_InStep(part.x)] if isinstance(part.x, Batches) else []),
                    *callbacks,
                ],
            )
    return _history(log)


def finish(folder: Path) -> None:
    """Delete what only a killed training needs; call it when all else has been written."""
    shutil.rmtree(folder / "backup", ignore_errors=True)
    (folder / "plan.json").unlink()
    (folder / "epochs.csv").unlink()


def _seen(split: Split, part: Part, classes: int | None) -> tuple[np.ndarray, np.ndarray] | None:
    """Return validation pictures and labels of the sizes and forms that a part learns from."""
    if not len(split):
        return None
    images, labels = split.images, split.labels
    if isinstance(part.x, Batches):
        images = shrink(images, part.x.size)
    if classes is not None:
        labels = keras.utils.to_categorical(labels, classes)
    return images, labels


def _history(log: Path) -> dict[str, list[float]]:
    """Return one number an epoch for each metric."""
    rows = _rows(log)
    # Without validation pictures CSVLogger still writes its columns, each number as "NA".
    told = [key for key in rows[0] if key != "epoch" and rows[0][key] != "NA"]
    return {key: [float(row[key]) for row in rows] for key in told}


def _rows(log: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file, none if there is no file."""
    if not log.exists():
        return []
    with log.open(newline="") as file:
        return list(csv.DictReader(file))
