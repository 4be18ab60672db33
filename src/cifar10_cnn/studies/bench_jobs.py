"""What the benchmark measures, each in a process of its own: no job warms the next one up.

``python -m cifar10_cnn.studies.bench_jobs JOB …`` prints one line of JSON.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import psutil

from cifar10_cnn import device, models, profiles
from cifar10_cnn.data import batches
from cifar10_cnn.data import dataset as data
from cifar10_cnn.data.dataset import Split
from cifar10_cnn.device import keras
from cifar10_cnn.evaluation import scores as evaluation
from cifar10_cnn.studies import compare as comparison
from cifar10_cnn.studies import peer
from cifar10_cnn.training import recipes

#: Test accuracies whose time is told.
MARKS = (0.72, 0.80, 0.90)
_SPEED_PICTURES, _SPEEDS = 6_000, 3
_STEPS, _REPEATS = 8, 4


class _Clock(keras.callbacks.Callback):
    """Counts training time alone: it stands still while an epoch's end is tested."""

    def __init__(self, sizes: Sequence[int], test: Split) -> None:
        super().__init__()
        self._sizes, self._test = sizes, test
        self.seconds = 0.0
        self.curve: list[tuple[float, float]] = []

    def start(self) -> None:
        """Count from now on."""
        self._started = time.perf_counter()

    def stop(self) -> None:
        """Count no longer."""
        self.seconds += time.perf_counter() - self._started

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.stop()
        pictures = batches.shrink(self._test.images, self._sizes[epoch])
        answers = self.model.predict(pictures, batch_size=500, verbose=0).argmax(axis=1)
        self.curve.append((self.seconds, float(np.mean(answers == self._test.labels))))
        self.start()


def train(name: str, seed: str, profile: str, source: str) -> dict[str, Any]:
    """Train by a fast recipe on all training pictures and test it.

    Returns:
        ``start_seconds``: from the start of the process to the first batch; ``seconds``: of
        training, everything from the first batch to the last; ``seconds_to_…``: until an epoch
        ended with so many percent on the test pictures at the epoch's size (None if never);
        ``accuracy``: share of the test pictures named rightly; ``accuracy_views`` and
        ``views_seconds``: the same with six views of each picture, and how long that takes;
        ``peak_mib``: the most memory that the process held, and ``data_mib`` what the pictures
        take of it; ``parameters``; ``settings``, the recipe's.
    """
    dataset = data.load(profiles.get(profile), source)
    recipe = recipes.get(name)
    keras.utils.set_random_seed(int(seed))
    whole, classes = data.whole_training(dataset), len(dataset.class_names)
    epochs = recipe.epochs_at(profiles.get(profile))
    clock = _Clock(recipe.sizes[-epochs:], dataset.test)
    with device.computing_in(device.precision()):
        model = models.build(recipe.model, classes)
        models.adapt(model, whole.images)
        recipe.compile(model, len(whole), epochs)
        start_seconds = time.time() - psutil.Process().create_time()
        clock.start()
        for part in recipe.parts(whole, classes, epochs=epochs, seed=int(seed), model=model):
            model.fit(**vars(part), verbose=0, callbacks=[clock])
        clock.stop()
        plain = model.predict(dataset.test.images, batch_size=500, verbose=0)
        start = time.perf_counter()
        views = evaluation.predict_tta(model, dataset.test.images)
        views_seconds = time.perf_counter() - start
    times = {
        f"seconds_to_{mark:.0%}": next((s for s, share in clock.curve if share >= mark), None)
        for mark in MARKS
    }
    return {
        "start_seconds": start_seconds,
        "seconds": clock.seconds,
        **times,
        "accuracy": float(np.mean(plain.argmax(axis=1) == dataset.test.labels)),
        "accuracy_views": float(np.mean(views.argmax(axis=1) == dataset.test.labels)),
        "views_seconds": views_seconds,
        "peak_mib": _peak_mib(),
        "data_mib": (whole.images.nbytes + dataset.test.images.nbytes) / 2**20,
        "parameters": model.count_params(),
        "settings": recipe.identity(),
        "data": dataset.name,
    }


def speed(name: str) -> dict[str, Any]:
    """Measure how fast a recipe's network trains in Keras, at 32 by 32 pixels.

    Random pictures will do: how long a step takes does not depend on what they show.

    Returns:
        ``seconds`` that an epoch of 50,000 pictures would take, the median of some timings.
    """
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (_SPEED_PICTURES, 32, 32, 3), dtype=np.uint8)
    pictures = Split(images, rng.integers(0, 10, _SPEED_PICTURES))
    rates = [
        comparison.images_per_second(recipes.get(name), pictures, 10, "auto")
        for _ in range(_SPEEDS)
    ]
    return {"seconds": peer.EPOCH / statistics.median(rates)}


def step(name: str) -> dict[str, Any]:
    """Measure where the time of a training step goes, at 32 by 32 pixels.

    Returns:
        ``batch_seconds``: making a batch of pictures, which happens beside the step before it;
        ``forward_seconds``: the network's answers; ``backward_seconds``: the gradients;
        ``update_seconds``: what Muon takes more than plain SGD; ``seconds``: the whole step;
        ``share_of_peak``: multiplications a second in the step, as a share of those in large
        convolutions on this machine.
    """
    recipe = recipes.get(name)
    batch, rng = recipe.batch_size, np.random.default_rng(0)
    images = rng.integers(0, 256, (_STEPS * batch, 32, 32, 3), dtype=np.uint8)
    labels = keras.utils.to_categorical(rng.integers(0, 10, len(images)), 10)
    drawn = batches.Batches(images, labels, size=32, batch_size=batch, seed=0)
    batch_seconds = _best(lambda: [drawn[index] for index in range(_STEPS)]) / _STEPS
    with device.computing_in(device.precision()):
        model = models.build(recipe.model)
        models.adapt(model, images)
        recipe.compile(model, len(images), 1)
        forward = _best(lambda: model.evaluate(images, labels, batch, verbose=0)) / _STEPS
        whole = _best(lambda: model.fit(images, labels, batch, verbose=0)) / _STEPS
        replace(recipe, optimizer="sgd").compile(model, len(images), 1)
        gradients = _best(lambda: model.fit(images, labels, batch, verbose=0)) / _STEPS
        peak = _multiplications_a_second()
    return {
        "seconds": whole,
        "batch_seconds": batch_seconds,
        "forward_seconds": forward,
        "backward_seconds": gradients - forward,
        "update_seconds": whole - gradients,
        # Gradients of the weights and of the inputs take as many multiplications again, each.
        "share_of_peak": 3 * batch * models.multiplications(model, (32, 32, 3)) / whole / peak,
    }


def _best(call: Callable[[], Any]) -> float:
    """Return the seconds of the fastest of some calls; other programs only slow one down."""
    call()  # compiles
    durations = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        call()
        durations.append(time.perf_counter() - start)
    return min(durations)


def _multiplications_a_second() -> float:
    """Measure multiplications a second in large convolutions: as many as this machine gets to."""
    side, channels, number, convolutions = 16, 512, 64, 6
    layers = [
        keras.layers.Conv2D(channels, 3, padding="same", use_bias=False)
        for _ in range(convolutions)
    ]
    model = keras.Sequential([keras.Input((side, side, channels)), *layers])
    values = np.ones((number, side, side, channels), "float32")
    seconds = _best(lambda: model.predict_on_batch(values))
    return number * models.multiplications(model) / seconds


def _peak_mib() -> float:
    """Return the most memory that this process has held, MiB; not known on Windows."""
    try:
        import resource  # noqa: PLC0415 - Unix only
    except ModuleNotFoundError:
        return float("nan")
    unit = 1 if sys.platform == "darwin" else 1_024  # macOS counts bytes, Linux KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


JOBS: dict[str, Callable[..., dict[str, Any]]] = {job.__name__: job for job in (train, speed, step)}


def _main() -> None:
    job, *arguments = sys.argv[1:]
    result = JOBS[job](*arguments)
    print(json.dumps({**result, "device": device.describe()}))


if __name__ == "__main__":
    _main()
