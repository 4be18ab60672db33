"""What more than one notebook needs."""

import json
import os
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import tensorflow as tf
from scipy import optimize

from cifar10_cnn.common import paths
from cifar10_cnn.device import keras

#: How many pictures a network is asked about at once.
AT_ONCE = 500


@dataclass(frozen=True, eq=False)
class Answers:
    """What a network says about pictures.

    Attributes:
        labels: the true classes, (N,).
        odds: the network's probabilities, (N, k).
        classes: the names of the k classes.
    """

    labels: np.ndarray
    odds: np.ndarray
    classes: Sequence[str]

    @property
    def said(self) -> np.ndarray:
        """The most probable class of each picture, (N,)."""
        return self.odds.argmax(axis=1)

    @property
    def right(self) -> np.ndarray:
        """Which pictures are named rightly, (N,)."""
        return self.said == self.labels

    @property
    def sure(self) -> np.ndarray:
        """The probability of the most probable class, (N,)."""
        return self.odds.max(axis=1)

    def surest_mistakes(self, count: int) -> list[int]:
        """Return the pictures named wrongly with the highest probabilities."""
        return sorted(np.flatnonzero(~self.right).tolist(), key=lambda i: -self.sure[i])[:count]


def on_test(names: dict[str, Any]) -> Answers:
    """Return what a notebook's network says about its test split."""
    dataset = names["dataset"]
    odds = ask(names["model"], dataset.test.images)
    return Answers(dataset.test.labels, odds, dataset.class_names)


def ask(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return a network's probabilities, float64, (N, k); each row adds up to 1 once more."""
    odds = outputs(model, images).astype(float)
    return odds / odds.sum(axis=1, keepdims=True)


def outputs(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return what a network, or a part of it, makes of pictures."""
    parts = [
        np.asarray(model(images[start : start + AT_ONCE].astype("float32"), training=False))
        for start in range(0, len(images), AT_ONCE)
    ]
    return np.concatenate(parts)


def listed(texts: Sequence[str]) -> str:
    """Return texts as ``a, b and c``; from the thirteenth on their number."""
    shown = [*texts[:12], *([f"{len(texts) - 12} more"] if len(texts) > 12 else [])]
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]


def opening(names: dict[str, Any]) -> Iterator[str]:
    """Yield what each notebook starts with: the device, the data and the network."""
    facts = tf.config.experimental.get_device_details
    gpus = [facts(gpu)["device_name"] for gpu in tf.config.list_physical_devices("GPU")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    where = ", ".join(gpus) or f"CPU, {cores} cores"
    yield f"Device: {where} · TensorFlow {version('tensorflow')} · Keras {version('keras')}"
    dataset, profile = names["dataset"], names["profile"]
    sizes = [len(part.images) for part in (dataset.train, dataset.validation, dataset.test)]
    yield (
        f"Data: {dataset.name} · profile {profile.name} · seed {profile.seed} · {sizes[0]} "
        f"training, {sizes[1]} validation and {sizes[2]} test pictures"
    )
    shipped = "practice" if dataset.name == "practice set" else "cifar10"
    about = json.loads((paths.shipped_models() / f"{shipped}.json").read_text(encoding="utf-8"))
    yield (
        f"The model is the one that the repository ships: trained on {about['origin']}, "
        f"{about['epochs']} epochs, {about['device']}."
    )


def confusions(test: Answers) -> list[tuple[int, int, int, float]]:
    """Return (true class, class said, number of pictures, share of the true class); most first."""
    pairs = zip(test.labels.tolist(), test.said.tolist(), strict=True)
    sizes = Counter(test.labels.tolist())
    counts = [
        (true, said, count, count / sizes[true])
        for (true, said), count in sorted(Counter(pairs).items())
        if true != said
    ]
    return sorted(counts, key=lambda row: (-row[2], -row[3]))


def confusion_matrix(figure: str, fields: str, test: Answers) -> Iterator[str]:
    """Yield title and alt text of a confusion matrix."""
    right, total, size = int(test.right.sum()), len(test.labels), len(test.classes)
    title = f"{right} of {total} pictures are on the diagonal ({100 * right / total} %)"
    for true, said, count, _ in confusions(test)[:1]:
        title += f"; the most frequent error is {test.classes[true]} taken for "
        title += f"{test.classes[said]}, {count} times"
    yield f"{figure}: {title}"
    yield (
        f"{figure}: A table of {size} true by {size} predicted classes, with the {fields} in each "
        f"field. {title}."
    )


def tempered(odds: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities whose logits are divided by a temperature: roots, adding up to 1."""
    roots = np.maximum(odds, 1e-12) ** (1 / temperature)
    return roots / roots.sum(axis=1, keepdims=True)


def best_temperature(labels: np.ndarray, odds: np.ndarray) -> float:
    """Return where the slope of the cross-entropy by 1 / temperature is zero."""
    logits = np.log(np.maximum(odds, 1e-12))
    mine = logits[np.arange(len(labels)), labels]

    def slope(cold: float) -> float:
        return float(((tempered(odds, 1 / cold) * logits).sum(axis=1) - mine).mean())

    return 1 / optimize.brentq(slope, 0.05, 20)


def nine_in_ten_reach(values: np.ndarray) -> float:
    """Return the number that a tenth of the values stays below."""
    return statistics.quantiles(values.tolist(), n=10, method="inclusive")[0]


def mixed(images: np.ndarray) -> np.ndarray:
    """Return pictures cut into 16 tiles, these in another order."""
    corners = [(8 * row, 8 * column) for row in range(4) for column in range(4)]
    order = np.random.default_rng(0).permutation(16)
    result = np.empty_like(images)
    for (top, left), (y, x) in zip(corners, [corners[number] for number in order], strict=True):
        result[:, top : top + 8, left : left + 8] = images[:, y : y + 8, x : x + 8]
    return result
