"""What more than one notebook needs."""

import json
import os
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import tensorflow as tf
from scipy import optimize

from cifar10_cnn.common import paths
from cifar10_cnn.device import keras

#: How many images a network predicts at once.
AT_ONCE = 500
#: A printed line, or a figure's name, further values of its title, and the values of its alt text.
Line = str | tuple[str, str, str]


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a network predicts for images.

    Attributes:
        labels: the true classes, (N,).
        probabilities: the network's, (N, k).
        classes: the names of the k classes.
    """

    labels: np.ndarray
    probabilities: np.ndarray
    classes: Sequence[str]

    @property
    def predicted(self) -> np.ndarray:
        """The most probable class of each image, (N,)."""
        return self.probabilities.argmax(axis=1)

    @property
    def right(self) -> np.ndarray:
        """Which images are classified correctly, (N,)."""
        return self.predicted == self.labels

    @property
    def confidence(self) -> np.ndarray:
        """The probability of the most probable class, (N,)."""
        return self.probabilities.max(axis=1)

    def surest_mistakes(self, count: int) -> list[int]:
        """Return the images classified wrongly with the highest probabilities."""
        wrong = np.flatnonzero(~self.right).tolist()
        return sorted(wrong, key=lambda i: -self.confidence[i])[:count]

    def pair(self, i: int) -> str:
        """Return the true class of an image and the predicted one."""
        return f"{self.classes[self.labels[i]]} {self.classes[self.predicted[i]]}"


def on_test(names: dict[str, Any]) -> Predictions:
    """Return what a notebook's network predicts for its test split."""
    dataset = names["dataset"]
    probabilities = predict(names["model"], dataset.test.images)
    return Predictions(dataset.test.labels, probabilities, dataset.class_names)


def predict(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return a network's probabilities, float64, (N, k); each row adds up to 1 once more."""
    probabilities = outputs(model, images).astype(float)
    return probabilities / probabilities.sum(axis=1, keepdims=True)


def outputs(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return what a network, or a part of it, makes of images."""
    parts = [
        np.asarray(model(images[start : start + AT_ONCE].astype("float32"), training=False))
        for start in range(0, len(images), AT_ONCE)
    ]
    return np.concatenate(parts)


def first_twelve(texts: Sequence[str]) -> str:
    """Return the texts that an alt text lists, and the number of the others."""
    return values(texts[:12]) + (f" {len(texts) - 12}" if len(texts) > 12 else "")


def values(each: Iterable[object]) -> str:
    return " ".join(map(str, each))


def opening(names: dict[str, Any]) -> Iterator[Line]:
    """Yield what each notebook starts with: the device, the data and the network."""
    facts = tf.config.experimental.get_device_details
    gpus = [facts(gpu)["device_name"] for gpu in tf.config.list_physical_devices("GPU")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    where = ", ".join(gpus) or f"CPU, {cores} cores"
    yield f"{where} · {version('tensorflow')} · {version('keras')}"
    dataset, profile = names["dataset"], names["profile"]
    sizes = [len(part.images) for part in (dataset.train, dataset.validation, dataset.test)]
    yield f"{dataset.name} {profile.seed} {values(sizes)}"
    shipped = "practice" if dataset.name == "practice set" else "cifar10"
    about = json.loads((paths.shipped_models() / f"{shipped}.json").read_text(encoding="utf-8"))
    yield f"{about['origin']}, {about['epochs']} epochs, {about['device']}"


def confusions(test: Predictions) -> list[tuple[int, int, int, float]]:
    """Return (true class, predicted class, images, rate of the true class), most first."""
    pairs = zip(test.labels.tolist(), test.predicted.tolist(), strict=True)
    sizes = Counter(test.labels.tolist())
    counts = [
        (true, predicted, count, count / sizes[true])
        for (true, predicted), count in sorted(Counter(pairs).items())
        if true != predicted
    ]
    return sorted(counts, key=lambda row: (-row[2], -row[3]))


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities whose logits are divided by a temperature: roots, adding up to 1."""
    roots = np.maximum(probabilities, 1e-12) ** (1 / temperature)
    return roots / roots.sum(axis=1, keepdims=True)


def best_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return where the slope of the cross-entropy by 1 / temperature is zero."""
    logits = np.log(np.maximum(probabilities, 1e-12))
    true = logits[np.arange(len(labels)), labels]

    def slope(cold: float) -> float:
        return float(((tempered(probabilities, 1 / cold) * logits).sum(axis=1) - true).mean())

    return 1 / optimize.brentq(slope, 0.05, 20)


def nine_in_ten_reach(numbers: np.ndarray) -> float:
    """Return the number that a tenth of the numbers stays below."""
    return statistics.quantiles(numbers.tolist(), n=10, method="inclusive")[0]
