"""How fast the fast recipes are, beside a peer that is measured in the same minutes.

Machines differ, and one machine differs from hour to hour. So times are given in U, the seconds
that an epoch of airbench94's network takes in plain PyTorch (``peer``), measured before and after
each training. Each is a process of its own, so that none warms the next one up: ``python -m
cifar10_cnn.studies.bench RECIPE SEED PROFILE SOURCE`` prints one line of JSON. One row a training:
``precision`` is ``device.arithmetic``; ``unit``, U in the same minutes, and the ``peer`` that
measured it; and what the training tells of accuracy, time and memory.
"""

import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from rich.console import Console

from cifar10_cnn import device, profiles
from cifar10_cnn.common import checks, settings
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.common.formats import duration, mean_and_sd
from cifar10_cnn.data import batches
from cifar10_cnn.data import dataset as data
from cifar10_cnn.data.dataset import Dataset, Split
from cifar10_cnn.device import keras
from cifar10_cnn.evaluation import scores
from cifar10_cnn.profiles import Profile
from cifar10_cnn.studies import engine
from cifar10_cnn.studies.engine import Callbacks, Case, Names, Rows, Study
from cifar10_cnn.training import recipes, trainer
from cifar10_cnn.training.trainer import Training

#: Test accuracies whose time is measured, and the columns of these times.
MARKS = {f"seconds_to_{mark:.0%}": mark for mark in (0.72, 0.80, 0.90)}


def cases(names: Sequence[str], seeds: Sequence[int]) -> list[Names]:
    """Return the trainings of some fast recipes, all of one seed before the next.

    Raises:
        CourseError: if a recipe is no fast one.
        ValueError: if a seed is no whole number from 0 on.
    """
    for name in names:
        if not recipes.get(name).sizes:
            raise CourseError(f"{name} is no fast recipe: choose of {', '.join(recipes.fast())}.")
    here = device.arithmetic()
    return [
        {"recipe": name, "precision": here, "seed": checks.count(seed, "seed", 0)}
        for seed in seeds
        for name in names
    ]


def _plan(
    dataset: Dataset, profile: Profile, *, recipe: str, precision: str, seed: int
) -> Training:
    settings = recipes.get(recipe)
    kind: device.Precision = "fp32" if precision == "fp32" else "bf16"
    part, epochs = "train and validation", settings.epochs_at(profile)
    return Training(settings, epochs, seed, dataset.fingerprint, part, kind, "last")


class _Clock(keras.callbacks.Callback):
    """Counts a training's seconds; stands still while an epoch's end is tested at its size."""

    def __init__(self, sizes: Sequence[int], test: Split) -> None:
        super().__init__()
        self._sizes, self._test = sizes, test
        self.curve: list[tuple[float, float]] = []

    def start(self, model: keras.Model) -> keras.Model:
        self.start_seconds = time.time() - psutil.Process().create_time()
        self._zero = time.perf_counter()
        return model

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        now = time.perf_counter()
        images = batches.shrink(self._test.images, self._sizes[epoch])
        predictions = self.model.predict(images, batch_size=500, verbose=0).argmax(axis=1)
        self.curve.append((now - self._zero, float(np.mean(predictions == self._test.labels))))
        self._zero += time.perf_counter() - now


def _train(training: Training, dataset: Dataset) -> dict[str, Any]:
    """Train by a fast recipe on all training images, and test without and with TTA.

    Times in seconds: ``start_seconds`` from the start of the process to the built network;
    ``seconds_to_…`` until an epoch ended with so many percent on the test images at the epoch's
    size, None if never; ``tta_seconds`` of predicting with TTA. ``peak_mib``: the process's memory.
    """
    test = dataset.test
    clock = _Clock(training.recipe.sizes[-training.epochs :], test)
    nothing = Split(test.images[:0], test.labels[:0])
    whole = replace(dataset, train=data.whole_training(dataset), validation=nothing)
    model, _ = trainer.fit(training, whole, callbacks=[clock], network=clock.start)
    with device.computing_in(training.precision):
        plain = model.predict(test.images, batch_size=500, verbose=0)
        start = time.perf_counter()
        views = scores.predict_tta(model, test.images)
        tta_seconds = time.perf_counter() - start
    return {
        "start_seconds": clock.start_seconds,
        "seconds": clock.curve[-1][0],
        **{
            name: next((seconds for seconds, accuracy in clock.curve if accuracy >= mark), None)
            for name, mark in MARKS.items()
        },
        "accuracy": float(np.mean(plain.argmax(axis=1) == test.labels)),
        "accuracy_tta": float(np.mean(views.argmax(axis=1) == test.labels)),
        "tta_seconds": tta_seconds,
        "peak_mib": _peak_mib(),
        "parameters": model.count_params(),
    }


def _peak_mib() -> float:
    """Return the most memory that this process has held, MiB; not known on Windows."""
    try:
        import resource  # noqa: PLC0415 - Unix only
    except ModuleNotFoundError:
        return math.nan
    unit = 1 if sys.platform == "darwin" else 1_024  # macOS counts bytes, Linux KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


STUDY = Study("bench", ("recipe", "precision", "seed"), _plan)
rows = partial(engine.rows, "bench")


def run(cases: Sequence[Names], dataset: Dataset, profile: Profile, console: Console) -> Path:
    """Measure what is missing. Nothing else should run on the machine meanwhile.

    The trainings load the data set by themselves, from what ``CIFAR10_DATA`` names.

    Raises:
        CourseError: if one fails.
    """
    if find_spec("torch") is None:
        text = "PyTorch is not there, so there is no U: install it by `pip install -e '.[bench]'`."
        console.print(text, markup=False)
    place = settings.data()
    units: list[dict[str, Any]] = []

    def measure(case: Case, callbacks: Callbacks) -> Rows:
        if not units:
            units.append(_peer())
        name, seed = (str(case.names[column]) for column in ("recipe", "seed"))
        row = _output("-m", __name__, name, seed, profile.name, place)
        units.append(_peer())
        unit = statistics.mean(each["seconds"] for each in units[-2:])
        return [row | {"unit": unit, "peer": units[-1]["device"]}]

    return engine.run(STUDY, measure, cases, dataset, profile, console)


def _peer() -> dict[str, Any]:
    """Return seconds and device of an epoch in PyTorch; no number where it is not installed."""
    if find_spec("torch") is None:
        return {"seconds": math.nan, "device": ""}
    return _output("-P", str(Path(__file__).with_name("peer.py")))


def _output(*arguments: str) -> dict[str, Any]:
    """Return the JSON that a Python process prints last."""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise CourseError(f"The benchmark's process {' '.join(arguments[1:])} failed: {last}")
    return json.loads(done.stdout.splitlines()[-1])


def table(results: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each fast recipe and precision, the shortest training first, as text.

    Times are in U, each divided by the U of its own minutes, in seconds where there was no peer;
    mean ± standard deviation over n seeds. Used in notebook 06.
    """
    trained = results.sort_values("seconds", kind="stable")
    lines = [
        {
            "recipe": recipe,
            "precision": precision,
            "parameters": f"{runs['parameters'].iloc[0]:,.0f}",
            "test accuracy (TTA)": mean_and_sd(100 * runs["accuracy_tta"], ".2f", "%"),
            "without TTA": mean_and_sd(100 * runs["accuracy"], ".2f", "%"),
            "time": _in_units(runs, "seconds"),
            "seconds": mean_and_sd(runs["seconds"], ".0f"),
            **{f"to {100 * mark:.0f} %": _in_units(runs, name) for name, mark in MARKS.items()},
            "TTA": duration(runs["tta_seconds"].mean()),
            "start": duration(runs["start_seconds"].mean()),
            "memory": f"{runs['peak_mib'].max() / 1024:.1f} GiB",
            "n": str(len(runs)),
            "note": runs["note"].fillna("").iloc[0] if "note" in runs else "",
        }
        for (recipe, precision), runs in trained.groupby(["recipe", "precision"], sort=False)
    ]
    return pd.DataFrame(lines).set_index("recipe")


def origin(results: pd.DataFrame) -> str:
    """Return data, profile, seeds, device and U of some rows in one line."""
    units = [
        f" · U = {mean_and_sd(group['unit'], '.1f', 's')} ({group['peer'].iloc[0]})"
        for _, group in results.dropna(subset="unit").groupby("precision")
    ]
    return engine.origin(results) + "".join(units)


def _in_units(runs: pd.DataFrame, column: str) -> str:
    """Return a time in U, in seconds where there was no peer, or a dash if not all got there."""
    if runs[column].isna().any():
        return "–"
    if runs["unit"].isna().any():
        return mean_and_sd(runs[column], ".1f", "s")
    return mean_and_sd(runs[column] / runs["unit"], ".2f", "U")


def _main() -> None:
    name, seed, profile_name, source = sys.argv[1:]
    profile = profiles.get(profile_name)
    dataset = data.load(profile, source)
    training = _plan(dataset, profile, recipe=name, precision=device.arithmetic(), seed=int(seed))
    print(json.dumps(_train(training, dataset)))


if __name__ == "__main__":
    _main()
