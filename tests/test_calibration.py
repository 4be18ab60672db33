"""Calibration against scikit-learn, scipy and cases counted by hand."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from cifar10_cnn.evaluation import calibration

#: Confidences 0.9, 0.8, 0.6, 0.55; right, right, wrong, right.
LABELS = np.array([0, 1, 0, 1])
PROBABILITIES = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.45, 0.55]])


def drawn(factor: float, images: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from honest probabilities, and what a model says whose logits are larger."""
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=1.5, size=(images, 10))
    honest = softmax(logits, axis=1)
    labels = (honest.cumsum(axis=1) < rng.random((images, 1))).sum(axis=1)
    return labels, softmax(factor * logits, axis=1)


def test_bins_counted_by_hand() -> None:
    result = calibration.reliability(LABELS, PROBABILITIES, bins=4)
    assert result.edges.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert result.counts.tolist() == [0, 0, 2, 2]
    assert result.confidence[2:] == pytest.approx([0.575, 0.85])
    assert result.accuracy[2:].tolist() == [0.5, 1]
    assert np.isnan(result.accuracy[:2]).all()
    assert result.error == pytest.approx((2 * 0.075 + 2 * 0.15) / 4)


def test_bins_are_scikit_learns() -> None:
    labels, probabilities = drawn(2.0)
    result = calibration.reliability(labels, probabilities, bins=12)
    right, confidence = probabilities.argmax(axis=1) == labels, probabilities.max(axis=1)
    accuracy, mean = calibration_curve(right, confidence, n_bins=12)
    filled = result.counts > 0
    assert result.accuracy[filled] == pytest.approx(accuracy)
    assert result.confidence[filled] == pytest.approx(mean)
    assert result.counts.sum() == len(labels)


def test_confidence_of_one_is_in_the_last_bin() -> None:
    result = calibration.reliability(np.array([0]), np.array([[1.0, 0.0]]), bins=10)
    assert result.counts.tolist() == [0] * 9 + [1]
    assert result.error == 0


def test_apply_temperature_is_the_softmax_of_smaller_logits() -> None:
    logits = np.random.default_rng(1).normal(size=(50, 7))
    expected = softmax(logits / 1.7, axis=1)
    assert calibration.apply_temperature(softmax(logits, axis=1), 1.7) == pytest.approx(expected)


def test_temperature_takes_certain_predictions() -> None:
    assert np.isfinite(calibration.apply_temperature(np.array([[1.0, 0.0, 0.0]]), 2.0)).all()


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.5])
def test_fit_temperature_finds_what_logits_were_multiplied_by(factor: float) -> None:
    labels, probabilities = drawn(factor)
    assert calibration.fit_temperature(labels, probabilities) == pytest.approx(factor, rel=0.03)


def test_fit_temperature_has_the_lowest_loss_of_many() -> None:
    labels, probabilities = drawn(2.0, 500)
    best = calibration.fit_temperature(labels, probabilities)
    losses = [
        log_loss(
            labels, calibration.apply_temperature(probabilities, temperature), labels=np.arange(10)
        )
        for temperature in [best, *np.geomspace(0.3, 10, 200)]
    ]
    assert losses[0] <= min(losses) + 1e-9


def test_coverage_counted_by_hand() -> None:
    shares, accuracy = calibration.coverage(LABELS, PROBABILITIES)
    assert shares.tolist() == [0.25, 0.5, 0.75, 1]
    assert accuracy == pytest.approx([1, 1, 2 / 3, 3 / 4])


def test_reject_option_counted_by_hand() -> None:
    """Of ten images the two least sure are rejected; the threshold lies between 2nd and 3rd."""
    confidence = np.array([0.55, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.92, 0.95, 0.99])
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    labels = np.zeros(10, int)
    labels[[0, 3]] = 1  # two are wrong, so there is a temperature
    ood = np.array([[0.5, 0.5], [0.999, 0.001], [0.02, 0.98], [0.45, 0.55]])
    option = calibration.reject_option(labels, probabilities, ood, rejected=0.2)
    assert option.temperature == calibration.fit_temperature(labels, probabilities)
    mild = softmax(np.log(probabilities) / option.temperature, axis=1).max(axis=1)
    assert mild[1] < option.threshold < mild[2]
    assert option.threshold == pytest.approx(mild[1] + 0.8 * (mild[2] - mild[1]))
    assert (option.rejected, option.accepted_ood) == (0.2, 0.5)
    assert option.rejects(probabilities).tolist() == [True, True] + 8 * [False]
    assert option.rejects(ood).tolist() == [True, False, False, True]
