"""The one place that seeds, builds, adapts, compiles and fits a network."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cifar10_cnn import device, models
from cifar10_cnn.common import files
from cifar10_cnn.data.batches import Batches, shrink
from cifar10_cnn.data.dataset import Dataset
from cifar10_cnn.device import keras
from cifar10_cnn.training.checkpoints import Resume, Seconds
from cifar10_cnn.training.recipes import Recipe


@dataclass(frozen=True)
class Training:
    """All that the weights of a training depend on: two of equal ``key`` are the same training."""

    recipe: Recipe
    epochs: int  # at most
    seed: int  # of the initial weights, the order of the images, dropout and augmentation
    fingerprint: str  # of the data set
    part: str = "train"  # which images are trained on; `train` is the training split
    precision: device.Precision = field(default_factory=device.precision)
    keep: Literal["best", "last"] = "best"  # the epoch whose model stays; best on validation images
    change: str = ""  # name of what `network` and `batches` of `fit` change

    def settings(self) -> dict[str, Any]:
        """Return the training as JSON can hold it."""
        own = {name: value for name, value in vars(self).items() if name != "recipe"}
        network = models.fingerprint(self.recipe.model)
        return {"recipe": self.recipe.settings(), "network": network, **own}

    def key(self) -> str:
        """Return 12 hexadecimal digits that change with any of the settings."""
        text = json.dumps(self.settings(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


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
        dataset: its validation split is evaluated after each epoch, if it is not empty.
        folder: gets ``model.keras``; until ``save_run`` also what a later call goes on from. None
            writes nothing: the model is then that of the last epoch.
        callbacks: more of them, such as a progress bar.
        network: changes the built and adapted network before it is compiled.
        batches: makes the training batches of recipes with ``sizes``.

    Returns:
        The model of the last epoch, and one number an epoch for each metric and for ``seconds``.

    Raises:
        CourseError: if something cannot be written, for example because the disk is full.
    """
    keras.utils.clear_session()  # or the networks of hours of training pile up in memory
    keras.utils.set_random_seed(training.seed)
    recipe, train, classes = training.recipe, dataset.train, len(dataset.class_names)
    images = resized = dataset.validation.images
    labels = dataset.validation.labels
    if recipe.one_hot:
        labels = keras.utils.to_categorical(labels, classes)
    keeps_best = training.keep == "best" and len(labels) > 0
    others = [Seconds(), *callbacks]
    if recipe.stops_on:
        others.append(keras.callbacks.EarlyStopping(recipe.stops_on, patience=recipe.patience))
    if folder and keeps_best:
        file = folder / "model.keras"
        others.append(keras.callbacks.ModelCheckpoint(file, "val_accuracy", save_best_only=True))
    resume: Resume | None = None
    history: dict[str, list[float]] = {}
    with device.computing_in(training.precision), _interrupts_and_full_disks(folder):
        model = models.build(recipe.model, classes)
        models.adapt(model, train.images)
        model = network(model)
        recipe.compile(model, len(train), training.epochs)
        for part in recipe.parts(
            train, classes, epochs=training.epochs, seed=training.seed, model=model, batches=batches
        ):
            if folder:
                resume = resume or Resume(folder, part.x, others, key=training.key())
                resume.batches = part.x
            # Validated at the size that is trained on.
            if isinstance(part.x, Batches) and len(labels):
                resized = shrink(images, part.x.size)
            numbers = model.fit(
                **vars(part),
                validation_data=(resized, labels) if len(labels) else None,
                validation_batch_size=500,
                callbacks=[*others, resume] if resume else others,
                verbose=0 if callbacks or not folder else 2,
            ).history
            for name, values in numbers.items():
                history.setdefault(name, []).extend(values)
        if folder and not keeps_best:
            models.save(model, folder / "model.keras")
    return model, resume.history if resume else history


@contextmanager
def _interrupts_and_full_disks(folder: Path | None) -> Iterator[None]:
    """Say in one sentence what a stopped training leaves."""
    try:
        with files.writing(folder or Path()):
            yield
    except KeyboardInterrupt:
        if folder:
            print("Stopped. The same call goes on after the last epoch that was finished.")
        raise
