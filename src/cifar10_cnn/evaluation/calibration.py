"""How well a model's probabilities are calibrated: of what it calls 80 %, four in five are right.

Notation: N images, k classes. Labels (N,) are the true classes, 0 to k - 1; probabilities (N, k), 0
to 1. A model's confidence in an image is the largest of its k probabilities. What does not fit
together raises ``ValueError``.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from cifar10_cnn.common import checks

#: Probabilities below this count as this, so that their logarithm is finite.
_SMALLEST = 1e-12
#: The lowest and the highest temperature.
_TEMPERATURES = (0.01, 100)


@dataclass(frozen=True, eq=False)
class Reliability:
    """Images sorted into bins by confidence, and the accuracy of each bin.

    Attributes:
        edges: of the bins, (bins + 1,), from 0 to 1.
        counts: images in each bin, (bins,).
        confidence: mean confidence of each bin, (bins,), 0 to 1; NaN for an empty bin.
        accuracy: of each bin, (bins,), 0 to 1; NaN for an empty bin.
    """

    edges: np.ndarray
    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error, 0 to 1: mean distance of confidence from accuracy.

        Each bin counts by its images (Guo et al., 2017, https://arxiv.org/abs/1706.04599).
        """
        filled = self.counts > 0
        gaps = np.abs(self.confidence - self.accuracy)[filled]
        return float(np.average(gaps, weights=self.counts[filled]))


def reliability(labels: np.ndarray, probabilities: np.ndarray, bins: int = 15) -> Reliability:
    """Sort predictions into bins of equal width by confidence.

    A confidence on an edge belongs to the bin below it. Used in notebook 07.

    Args:
        bins: how many.
    """
    labels, probabilities = checks.labelled(labels, probabilities)
    checks.count(bins, "bins", 1, 1_000)
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    edges = np.linspace(0, 1, bins + 1)
    place = np.digitize(confidence, edges[1:-1], right=True)
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):  # an empty bin has no mean
        return Reliability(
            edges,
            counts,
            np.bincount(place, confidence, bins) / counts,
            np.bincount(place, correct, bins) / counts,
        )


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Make probabilities less confident (temperature above 1) or more (below 1); in the same order.

    The same as dividing the logits before the softmax by the temperature. Used in notebooks 07
    and 09.

    Args:
        temperature: from 0.01 to 100.

    Returns:
        float64, (N, k), 0 to 1, each row adding up to 1.
    """
    checks.number(temperature, "temperature", *_TEMPERATURES)
    return softmax(_logarithms(checks.probabilities(probabilities)) / temperature, axis=1)


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the temperature with the lowest cross-entropy (Guo et al., 2017).

    Fitted on validation images, it is used on others: on the training images the network is
    overconfident. Used in notebook 07.
    """
    labels, probabilities = checks.labelled(labels, probabilities)
    logits, rows = _logarithms(probabilities), np.arange(len(labels))

    def cross_entropy(log_temperature: float) -> float:
        return -log_softmax(logits / np.exp(log_temperature), axis=1)[rows, labels].mean()

    best = minimize_scalar(cross_entropy, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(best.x))


def coverage(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the accuracy of a model that may reject the images it is least confident of.

    Used in notebook 07.

    Returns:
        Fraction of the images that it does not reject, (N,), rising to 1; and the accuracy on
        those, (N,), 0 to 1.
    """
    labels, probabilities = checks.labelled(labels, probabilities)
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    correct = (probabilities.argmax(axis=1) == labels)[order]
    accepted = np.arange(1, len(labels) + 1)
    return accepted / len(labels), np.cumsum(correct) / accepted


@dataclass(frozen=True)
class RejectOption:
    """When a model should rather say "probably none of these".

    Attributes:
        temperature: what ``apply_temperature`` calibrates its probabilities by.
        threshold: rejection threshold: the least confidence, 0 to 1, with which it answers.
        rejected: fraction of images of the classes that stay below it, 0 to 1.
        accepted_ood: fraction of out-of-distribution images that reach it, 0 to 1.
    """

    temperature: float
    threshold: float
    rejected: float
    accepted_ood: float

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense (``ValueError``): they may come from a file."""
        checks.number(self.temperature, "temperature", *_TEMPERATURES)
        for name in ("threshold", "rejected", "accepted_ood"):
            checks.number(getattr(self, name), name, 0, 1)

    def rejects(self, probabilities: np.ndarray) -> np.ndarray:
        """Return which images are probably of none of the classes, (N,) of booleans."""
        return apply_temperature(probabilities, self.temperature).max(axis=1) < self.threshold


def reject_option(
    labels: np.ndarray, probabilities: np.ndarray, ood: np.ndarray, rejected: float = 0.1
) -> RejectOption:
    """Choose a rejection threshold by the model's confidence in validation images.

    The threshold is a quantile of confidence, after a temperature was fitted (the baseline of
    Hendrycks and Gimpel, 2017, https://arxiv.org/abs/1610.02136). How often out-of-distribution
    images reach it is counted, not promised: others may do so more often. Used in notebook 09.

    Args:
        ood: what it predicts for images of none of the classes, (M, k), 0 to 1.
        rejected: fraction of the validation images that it may reject, 0 to 1.
    """
    labels, probabilities = checks.labelled(labels, probabilities)
    checks.number(rejected, "rejected", 0, 1)
    temperature = fit_temperature(labels, probabilities)
    confidence = apply_temperature(probabilities, temperature).max(axis=1)
    threshold = float(np.quantile(confidence, rejected))
    others = apply_temperature(ood, temperature).max(axis=1)
    return RejectOption(
        temperature,
        threshold,
        float((confidence < threshold).mean()),
        float((others >= threshold).mean()),
    )


def _logarithms(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(probabilities.astype(np.float64), _SMALLEST))
