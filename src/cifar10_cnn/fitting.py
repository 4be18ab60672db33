"""One training by a recipe: its plan, and what it does after each epoch."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cifar10_cnn import checks, device, files, models
from cifar10_cnn.batches import Batches, Shuffled, shrink
from cifar10_cnn.checkpoints import Checkpoints
from cifar10_cnn.data import Dataset, Split
from cifar10_cnn.device import keras
from cifar10_cnn.errors import CourseError
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
    """Adds each epoch's duration to its logs and to the history, in seconds.

    Used in notebook 04.
    """

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Start the clock."""
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add what it says."""
        if logs is not None:
            logs["seconds"] = round(time.perf_counter() - self._start, 3)


def fit(
    plan: Plan,
    folder: Path,
    dataset: Dataset,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, list[float]]:
    """Train a network in ``folder``, going on where a killed call with the same plan ended.

    Args:
        plan: what to train and how.
        folder: gets ``model.keras``; until ``training.record`` also what a later call goes on from.
        dataset: its training split is learnt from, its validation split looked at after each
            epoch; an empty validation split is left out.
        callbacks: more of them, such as a progress bar.

    Returns:
        One number an epoch for each metric and for ``seconds``.
    """
    keras.utils.set_random_seed(plan.seed)
    recipe = plan.recipe
    train, classes = dataset.train, len(dataset.class_names)
    with device.computing_in(plan.precision):
        model = models.build(recipe.model, classes)
        models.adapt(model, train.images)
        recipe.compile(model, len(train), plan.epochs)
        checkpoints = Checkpoints(folder, plan.told(), model, plan.keeps)
        stoppers = []
        if recipe.stops_on:
            stoppers = [keras.callbacks.EarlyStopping(recipe.stops_on, patience=recipe.patience)]
        for part in recipe.parts(train, classes, epochs=plan.epochs, seed=plan.seed, model=model):
            checkpoints.fit(
                part.x,
                epochs=part.epochs,
                validation_data=_seen(
                    dataset.validation, part, classes if recipe.one_hot else None
                ),
                verbose=0 if callbacks else 2,
                callbacks=[Seconds(), *stoppers, *callbacks],
            )
    return checkpoints.history()


def fit_model(
    model: keras.Model,
    pictures: Shuffled,
    folder: Path,
    *,
    epochs: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    **options: Any,
) -> dict[str, list[float]]:
    """Do what ``model.fit`` does; stopped at any moment, the same call goes on where it was.

    ``folder`` gets ``model.keras``, the network of the epoch that validated best.
    Used in notebook 04.

    Args:
        model: compiled.
        pictures: to learn from.
        folder: of ``training.new_run``.
        epochs: how many there will have been.
        callbacks: called after each epoch.
        options: what else ``model.fit`` takes, such as ``validation_data``.

    Returns:
        One number an epoch for each metric.

    Raises:
        CourseError: if the model is not compiled, or nothing can be written.
        ValueError: if there is no epoch, or the pictures come in another way.
    """
    checks.count(epochs, "epochs", 1, 100_000)
    if not isinstance(pictures, Shuffled):
        raise ValueError(f"Pictures come as batches.Shuffled, not as {type(pictures).__name__}.")
    if not getattr(model, "compiled", False):
        raise CourseError(f"{model!r} cannot be trained yet: compile it first.")
    folder = files.path(folder)
    plan = {
        "model": models.digest(model),
        "loss": str(model.loss),
        "pictures": pictures.told(),
        "epochs": epochs,
    }
    checkpoints = Checkpoints(folder, plan, model)
    checkpoints.fit(pictures, epochs=epochs, callbacks=callbacks, **options)
    return checkpoints.history()


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
