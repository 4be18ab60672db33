"""Every recipe trained side by side: as its author did, and honestly; one table of all runs.

A run is kept in ``runs/<profile>/compare/<data>/<recipe>/<protocol>-<precision>-seed<k>/`` and
never trained twice; ``<data>`` begins the data set's fingerprint, so that no table mixes two. All
runs on a data set make one tidy CSV, one row an epoch, from which notebook 06, the README and the
figures are made.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from rich.console import Console

from cifar10_cnn import device, models
from cifar10_cnn.common import checks, files
from cifar10_cnn.course.progress import TrainingProgress
from cifar10_cnn.data import dataset as data
from cifar10_cnn.data.dataset import Dataset, Split
from cifar10_cnn.device import keras
from cifar10_cnn.evaluation import scores as evaluation
from cifar10_cnn.profiles import Profile
from cifar10_cnn.studies import results
from cifar10_cnn.training import recipes
from cifar10_cnn.training import runs as training
from cifar10_cnn.training import trainer as fitting
from cifar10_cnn.training.recipes import Recipe

#: ``published``: the author's own split, the last epoch's model. ``honest``: our training and
#: validation splits, the epoch that validates best. The test split is opened once, at the end,
#: unless the author looked at it after each epoch.
Protocol = Literal["published", "honest"]


@dataclass(frozen=True)
class Run:
    """One training of the comparison."""

    recipe: Recipe
    protocol: Protocol
    seed: int
    precision: device.Precision

    @property
    def name(self) -> str:
        """The run in a few words."""
        return f"{self.recipe.name} · {self.protocol} · seed {self.seed} · {self.precision}"

    def folder(self, profile: Profile, dataset: Dataset) -> Path:
        """Return where the run is kept."""
        name = f"{self.protocol}-{self.precision}-seed{self.seed}"
        return results.folder(profile, dataset) / self.recipe.name / name

    def plan(self, profile: Profile, dataset: Dataset) -> fitting.Training:
        """Return what to train."""
        return fitting.Training(
            self.recipe,
            self.recipe.epochs_at(profile),
            self.seed,
            dataset.fingerprint,
            self.protocol,
            self.precision,
            "last" if self.protocol == "published" else "best",
        )

    def finished(self, profile: Profile, dataset: Dataset) -> bool:
        """Say whether this very training has been done on these pictures."""
        about = files.read_json(self.folder(profile, dataset) / "run.json")
        return about.get("plan") == self.plan(profile, dataset).settings()


def runs(names: Sequence[str], seeds: Sequence[int], precision: device.Precision) -> Iterator[Run]:
    """List the runs of some recipes, all of one seed before the next.

    A recipe whose author reports a figure is trained by both protocols, any other honestly.

    Raises:
        CourseError: if there is no such recipe or precision.
        ValueError: if a seed is no whole number from 0 on.
    """
    checks.chosen(precision, ("bf16", "fp32"), "precision")
    chosen = [recipes.get(name) for name in checks.rows(names, "recipes")]
    for seed in [checks.count(seed, "seed", 0) for seed in checks.rows(seeds, "seeds")]:
        for recipe in chosen:
            if recipe.published and recipe.published.figure():
                yield Run(recipe, "published", seed, precision)
            yield Run(recipe, "honest", seed, precision)


def prepare(run: Run, dataset: Dataset) -> Dataset:
    """Return the pictures that a run learns from, looks at after each epoch, and is tested on."""
    if run.recipe.classes:
        dataset = data.select_classes(dataset, run.recipe.classes)
    if run.protocol == "honest" or not run.recipe.published:
        return dataset
    whole = data.whole_training(dataset)
    match run.recipe.published.validates_on:
        case "test":
            return replace(dataset, train=whole, validation=dataset.test)
        case "last fifth":
            cut = int(0.8 * len(whole))  # where Keras' validation_split=0.2 cuts
            return replace(dataset, train=_part(whole, 0, cut), validation=_part(whole, cut, None))
        case _:
            return replace(dataset, train=whole, validation=_part(whole, 0, 0))


def _part(split: Split, start: int, stop: int | None) -> Split:
    return Split(split.images[start:stop], split.labels[start:stop])


def train(
    run: Run,
    dataset: Dataset,
    profile: Profile,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Train one run, test it once, and write its ``history.csv`` and ``run.json``.

    Killed, the same call goes on where it was.
    """
    folder = run.folder(profile, dataset)
    plan = run.plan(profile, dataset)
    pictures = prepare(run, dataset)
    _, history = fitting.fit(plan, pictures, folder=folder, callbacks=callbacks)
    model = keras.models.load_model(folder / "model.keras", compile=False)
    report = evaluation.evaluate(model, pictures.test, pictures.class_names)
    # Again, without the optimizer's state: a third of the size, and nothing of ours in it.
    models.save(models.plain(model), folder / "model.keras")
    epochs = len(history["loss"])
    kept = epochs if plan.keep == "last" else int(np.argmax(history["val_accuracy"])) + 1
    more = {
        "plan": plan.settings(),
        "parameters": model.count_params(),
        "kept_epoch": kept,
        "test_accuracy": report.accuracy,
        "test_loss": report.loss,
    }
    training.save_run(folder, pictures, profile, history, more)


class _OnEpoch(keras.callbacks.Callback):
    """Passes each finished epoch on to the progress bar."""

    def __init__(self, tell: Callable[[int, int, str], None]) -> None:
        super().__init__()
        self._tell = tell

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        numbers = logs or {}
        kind = "validation" if "val_accuracy" in numbers else "training"
        accuracy = numbers.get("val_accuracy", numbers["accuracy"])
        text = f"{kind} accuracy {accuracy:.1%}"
        self._tell(epoch + 1, self.params["epochs"], text)


def compare(wanted: Sequence[Run], dataset: Dataset, profile: Profile, console: Console) -> Path:
    """Train what is missing of some runs, show how far it is, and write the table of all runs.

    Used by the command ``compare``.

    Returns:
        The file of ``results.collect``; it is renewed after each run.
    """
    missing = [run for run in wanted if not run.finished(profile, dataset)]
    console.print(f"{len(wanted) - len(missing)} runs are there, {len(missing)} to train.")
    known = _seconds_an_epoch()
    usual = float(np.median(list(known.values())))
    share = len(dataset.train) / 45_000
    expected = [
        run.recipe.epochs_at(profile) * share * known.get(run.recipe.name, usual) for run in missing
    ]
    with TrainingProgress(console, expected) as progress:
        for run in missing:
            keras.utils.clear_session()  # or the networks of hours of training pile up in memory
            train(run, dataset, profile, [_OnEpoch(progress.start(run.name))])
            about = files.read_json(run.folder(profile, dataset) / "run.json")
            progress.end(
                f"{run.name}: test accuracy {100 * about['test_accuracy']:.2f} %, loss "
                f"{about['test_loss']:.4f}, epoch {about['kept_epoch']} of {about['epochs']}"
            )
            results.collect(profile, dataset)
    return results.collect(profile, dataset)


def _seconds_an_epoch() -> dict[str, float]:
    """Return how long an epoch of each recipe took in the full runs that the repository shows."""
    shown = pd.read_csv(results.shown_path()).groupby("recipe")["seconds"]
    return {str(name): float(epochs.median()) for name, epochs in shown}


def images_per_second(recipe: Recipe, pictures: Split, classes: int, precision: str) -> float:
    """Measure how fast a network trains: the second of two epochs, without the first's start-up.

    Compare numbers of one run only: another program on the machine changes them by half.
    Used in notebook 06.

    Args:
        recipe: what to train.
        pictures: on which pictures; 1,000 give a first idea.
        classes: number of classes, k.
        precision: ``auto``, ``bf16`` or ``fp32``, as ``device.precision`` takes it.
    """
    checks.count(classes, "classes", 2)
    with device.computing_in(device.precision(precision)):
        model = models.build(recipe.model, classes)
        models.adapt(model, pictures.images)
        replace(recipe, one_hot=False, label_smoothing=0.0).compile(model, len(pictures), 2)
        for _ in range(2):
            start = time.perf_counter()
            model.fit(pictures.images, pictures.labels, batch_size=recipe.batch_size, verbose=0)
    return len(pictures) / (time.perf_counter() - start)
