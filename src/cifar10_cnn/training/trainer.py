"""The one place that seeds, builds, adapts, compiles and fits a network."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cifar10_cnn import device, models
from cifar10_cnn.common import checks, files
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data.batches import Batches, Shuffled, shrink
from cifar10_cnn.data.dataset import Dataset, Split
from cifar10_cnn.device import keras
from cifar10_cnn.training.checkpoints import Checkpoints
from cifar10_cnn.training.recipes import Part, Recipe


@dataclass(frozen=True)
class Training:
    """All that the weights of a training depend on: two of equal ``key`` are the same training.

    Attributes:
        recipe: how to train.
        epochs: the most epochs.
        seed: seed of the initial weights, the order of the images, dropout and augmentation.
        fingerprint: of the data set.
        part: which images are trained on; ``train`` is the training split.
        precision: what convolutions and matrix products compute in; this machine's by default.
        keep: the model that stays: of the epoch with the ``best`` validation accuracy, or of the
            ``last`` epoch.
        change: name of what ``fit`` is told to do otherwise (``network``, ``batches``); empty if
            nothing.
    """

    recipe: Recipe
    epochs: int
    seed: int
    fingerprint: str
    part: str = "train"
    precision: device.Precision = field(default_factory=device.precision)
    keep: Literal["best", "last"] = "best"
    change: str = ""

    def settings(self) -> dict[str, Any]:
        """Return the training as JSON can hold it."""
        own = {name: value for name, value in vars(self).items() if name != "recipe"}
        network = models.fingerprint(self.recipe.model)
        return {"recipe": self.recipe.settings(), "network": network, **own}

    def key(self) -> str:
        """Return 12 hexadecimal digits that change with any of the settings."""
        text = json.dumps(self.settings(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


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
    training: Training,
    dataset: Dataset,
    *,
    folder: Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    network: Callable[[keras.Model], keras.Model] = lambda model: model,
    batches: type[Batches] = Batches,
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Train a network; in a folder, go on where a killed call with the same training ended.

    Args:
        training: what to train and how.
        dataset: its training split is trained on, its validation split evaluated after each epoch;
            an empty validation split is left out.
        folder: gets ``model.keras``; until ``save_run`` also what a later call goes on from. None
            writes nothing: the model is then that of the last epoch.
        callbacks: more of them, such as a progress bar.
        network: changes the built and adapted network before it is compiled.
        batches: makes the training batches of recipes with ``sizes``.

    Returns:
        The model of the last epoch, and one number an epoch for each metric and for ``seconds``.
    """
    keras.utils.clear_session()  # or the networks of hours of training pile up in memory
    keras.utils.set_random_seed(training.seed)
    recipe, train, classes = training.recipe, dataset.train, len(dataset.class_names)
    history: dict[str, list[float]] = {}
    with device.computing_in(training.precision):
        model = models.build(recipe.model, classes)
        models.adapt(model, train.images)
        model = network(model)
        recipe.compile(model, len(train), training.epochs)
        stoppers = []
        if recipe.stops_on:
            stoppers = [keras.callbacks.EarlyStopping(recipe.stops_on, patience=recipe.patience)]
        checkpoints = (
            Checkpoints(folder, training.settings(), model, training.keep) if folder else None
        )
        for part in recipe.parts(
            train, classes, epochs=training.epochs, seed=training.seed, model=model, batches=batches
        ):
            options: dict[str, Any] = {
                "validation_data": _validation_data(
                    dataset.validation, part, classes if recipe.one_hot else None
                ),
                "verbose": 0 if callbacks or not folder else 2,
                "callbacks": [Seconds(), *stoppers, *callbacks],
            }
            if checkpoints:
                checkpoints.fit(part.x, epochs=part.epochs, **options)
                continue
            numbers = model.fit(**vars(part), validation_batch_size=500, **options).history
            for name, values in numbers.items():
                history.setdefault(name, []).extend(values)
    return model, checkpoints.history() if checkpoints else history


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


def _validation_data(
    split: Split, part: Part, classes: int | None
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return validation images and labels of the sizes and forms that a part is trained on."""
    if not len(split):
        return None
    images, labels = split.images, split.labels
    if isinstance(part.x, Batches):
        images = shrink(images, part.x.size)
    if classes is not None:
        labels = keras.utils.to_categorical(labels, classes)
    return images, labels
