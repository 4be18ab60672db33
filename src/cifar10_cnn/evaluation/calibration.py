"""How honest a model's probabilities are: of what it calls 80 % sure, four in five should be right.

Notation: N pictures, k classes. Labels are integers, 0 to k - 1; probabilities have the shape
(N, k). A model's confidence in a picture is the largest of its k probabilities.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from cifar10_cnn.common import checks

#: Probabilities below this count as this: a logarithm of zero would be the end of all sums.
_SMALLEST = 1e-12
#: The least and the highest temperature.
_TEMPERATURES = (0.01, 100)


@dataclass(frozen=True, eq=False)
class Reliability:
    """Pictures sorted into bins by confidence, and how often each bin is right.

    Attributes:
        edges: of the bins, (bins + 1,), from 0 to 1.
        counts: pictures in each bin, (bins,).
        confidence: mean confidence of each bin, (bins,), 0 to 1; NaN for an empty bin.
        accuracy: share of each bin that is right, (bins,), 0 to 1; NaN for an empty bin.
    """

    edges: np.ndarray
    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error, 0 to 1: mean distance of confidence from accuracy.

        Each bin counts by its pictures (Guo et al., 2017, https://arxiv.org/abs/1706.04599).
        """
        filled = self.counts > 0
        gaps = np.abs(self.confidence - self.accuracy)[filled]
        return float(np.average(gaps, weights=self.counts[filled]))


def reliability(labels: np.ndarray, probabilities: np.ndarray, bins: int = 15) -> Reliability:
    """Sort predictions into bins of equal width by confidence.

    A confidence on an edge belongs to the bin below it.

    Used in notebook 07.

    Args:
        labels: true classes, (N,), 0 to k - 1.
        probabilities: (N, k), 0 to 1.
        bins: how many.

    Raises:
        ValueError: if the shapes do not fit together.
    """
    labels, probabilities = checks.labelled(labels, probabilities)
    checks.count(bins, "bins", 1, 1_000)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    edges = np.linspace(0, 1, bins + 1)
    place = np.digitize(confidence, edges[1:-1], right=True)
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):  # an empty bin has no mean
        return Reliability(
            edges,
            counts,
            np.bincount(place, confidence, bins) / counts,
            np.bincount(place, right, bins) / counts,
        )


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Make probabilities less sure (temperature above 1) or surer (below 1); their order stays.

    The same as dividing the logits in front of the softmax by the temperature.

    Used in notebook 07.

    Args:
        probabilities: (N, k), 0 to 1.
        temperature: from 0.01 to 100.

    Returns:
        float64, (N, k), 0 to 1, each row adding up to 1.

    Raises:
        ValueError: if they are no probabilities, or the temperature is another number.
    """
    checks.number(temperature, "temperature", *_TEMPERATURES)
    return softmax(_logarithms(checks.probabilities(probabilities)) / temperature, axis=1)


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the temperature with the lowest cross-entropy (Guo et al., 2017).

    Found on validation pictures, it is used on others: those that the network learnt from would
    say that it is never wrong.

    Used in notebook 07.

    Args:
        labels: true classes, (N,), 0 to k - 1.
        probabilities: (N, k), 0 to 1.

    Raises:
        ValueError: if the shapes do not fit together.
    """
    labels, probabilities = checks.labelled(labels, probabilities)
    logits, rows = _logarithms(probabilities), np.arange(len(labels))

    def cross_entropy(log_temperature: float) -> float:
        return -log_softmax(logits / np.exp(log_temperature), axis=1)[rows, labels].mean()

    found = minimize_scalar(cross_entropy, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(found.x))


def coverage(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how right a model is if it may pass over the pictures it is least sure of.

    Used in notebook 07.

    Args:
        labels: true classes, (N,), 0 to k - 1.
        probabilities: (N, k), 0 to 1.

    Returns:
        Shares of the pictures that it answers, (N,), rising to 1, the surest first; and the
        accuracy on those, (N,), 0 to 1.

    Raises:
        ValueError: if the shapes do not fit together.
    """
    labels, probabilities = checks.labelled(labels, probabilities)
    surest = np.argsort(-probabilities.max(axis=1), kind="stable")
    right = (probabilities.argmax(axis=1) == labels)[surest]
    answered = np.arange(1, len(labels) + 1)
    return answered / len(labels), np.cumsum(right) / answered


@dataclass(frozen=True)
class RejectOption:
    """When a model should rather say "probably none of these".

    Attributes:
        temperature: what ``tempered`` makes its probabilities honest by.
        threshold: the confidence, 0 to 1, that a picture of one of the classes mostly reaches.
        silenced: share of pictures of the classes that stay below it, so that the model is silent
            though it should not be, 0 to 1.
        passed: share of pictures of something else that reach it, so that the model speaks though
            it should not, 0 to 1.
    """

    temperature: float
    threshold: float
    silenced: float
    passed: float

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense: they may come from a file.

        Raises:
            ValueError: if the temperature is none that ``tempered`` takes, or another is no share.
        """
        checks.number(self.temperature, "temperature", *_TEMPERATURES)
        for name in ("threshold", "silenced", "passed"):
            checks.number(getattr(self, name), name, 0, 1)

    def doubts(self, probabilities: np.ndarray) -> np.ndarray:
        """Return which pictures are probably of none of the classes, (N,) of booleans.

        Args:
            probabilities: what the model said, (N, k), 0 to 1.

        Raises:
            ValueError: if they are no probabilities.
        """
        return apply_temperature(probabilities, self.temperature).max(axis=1) < self.threshold


def reject_option(
    labels: np.ndarray, probabilities: np.ndarray, strange: np.ndarray, silenced: float = 0.1
) -> RejectOption:
    """Choose when a model should be silent: by the confidence that it has in validation pictures.

    The threshold is a quantile of confidence, after a temperature was fitted (the baseline of
    Hendrycks and Gimpel, 2017, https://arxiv.org/abs/1610.02136). How often strange pictures reach
    it is counted, not promised: others may do so more often. Used in notebook 09.

    Args:
        labels: true classes of validation pictures, (N,), 0 to k - 1.
        probabilities: what the model says of them, (N, k), 0 to 1.
        strange: what it says of pictures of none of the classes, (M, k), 0 to 1.
        silenced: share of the validation pictures that it may be silent about, 0 to 1.

    Raises:
        ValueError: if the shapes do not fit together.
    """
    labels, probabilities = checks.labelled(labels, probabilities)
    checks.number(silenced, "silenced", 0, 1)
    temperature = fit_temperature(labels, probabilities)
    confidence = apply_temperature(probabilities, temperature).max(axis=1)
    threshold = float(np.quantile(confidence, silenced))
    others = apply_temperature(strange, temperature).max(axis=1)
    return RejectOption(
        temperature,
        threshold,
        float((confidence < threshold).mean()),
        float((others >= threshold).mean()),
    )


def _logarithms(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(probabilities.astype(np.float64), _SMALLEST))
