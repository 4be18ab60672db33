"""The lines of notebook 07."""

import csv
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from scipy import spatial, stats
from scipy.cluster import hierarchy
from sklearn import metrics

from cifar10_cnn.common import paths
from cifar10_cnn.data.corruptions import shuffled_tiles
from cifar10_cnn.device import keras
from cifar10_cnn.training import recipes
from recounts.evaluate import cross_entropy
from recounts.shared import (
    Line,
    Predictions,
    best_temperature,
    confusions,
    nine_in_ten_reach,
    on_test,
    opening,
    predict,
    tempered,
    values,
)


def trust(names: dict[str, Any]) -> Iterator[Line]:
    """Yield the lines of the notebook."""
    yield from opening(names)
    test, dataset = on_test(names), names["dataset"]
    yield from _margins(test, names["repeated"])
    yield _class_margins(test, names["ends"]["bootstrap"])
    yield from _views(test, names["model"], dataset.test.images)
    yield from _two_seeds(test, names["pair"], dataset.test.images)
    yield from _seeds()
    yield from _first_k(test)
    yield from _confusions(test)
    means = {
        name: _mean_precision(test.probabilities[test.labels == k, k], test.probabilities[:, k])
        for k, name in enumerate(test.classes)
    }
    order = sorted(means, key=lambda name: -means[name])
    yield "07_precision_recall", "", values(f"{name} {100 * means[name]}" for name in order)

    validation = predict(names["model"], dataset.validation.images)
    temperature = best_temperature(dataset.validation.labels, validation)
    calibrated = replace(test, probabilities=tempered(test.probabilities, temperature))
    yield from _calibration(test, calibrated, temperature, names["chance"])
    yield _coverage(calibrated)
    threshold = nine_in_ten_reach(tempered(validation, temperature).max(axis=1))
    accepted, right = calibrated.confidence >= threshold, calibrated.right
    yield f"{100 * threshold} {100 * accepted.mean()}"
    yield f"{100 * right[accepted].mean()} {100 * right[~accepted].mean()}"
    ood = tempered(predict(names["model"], shuffled_tiles(dataset.test.images[:1000])), temperature)
    rate = 100 * (ood.max(axis=1) >= threshold).mean()
    yield f"{len(ood)} {rate}"
    tiles = values(f"{test.classes[row.argmax()]} {100 * row.max()}" for row in ood[:10])
    yield "07_mixed", f"{rate}", tiles


def _wilson(right: int, total: int) -> tuple[float, float]:
    """Return the two accuracies from which ours is 1.96 of their standard errors away."""
    accuracy, by = right / total, stats.norm.isf(0.025) ** 2 / total
    low, high = sorted(np.roots([1 + by, -2 * accuracy - by, accuracy**2]).real)
    return low, high


def _margins(test: Predictions, repeated: Sequence[float]) -> Iterator[Line]:
    """Yield the intervals; the bootstrap's draws must look like those of a binomial law."""
    right, total = int(test.right.sum()), len(test.labels)
    yield f"{right} {total} {100 * right / total}"
    low, high = _wilson(right, total)
    yield f"{100 * low} {100 * high}"
    low, high = _wilson(85, 100)
    yield f"85 100 {100 * low} {100 * high}"
    low, *_, high = statistics.quantiles(repeated, n=40, method="inclusive")
    yield f"{100 * low} {100 * high}"
    law, error = stats.binom(total, right / total), math.sqrt(0.025 * 0.975 / len(repeated))
    assert law.cdf(total * low - 1) - 4 * error < 0.025 < law.cdf(total * low) + 4 * error
    assert law.sf(total * high) - 4 * error < 0.025 < law.sf(total * high - 1) + 4 * error


def _class_margins(test: Predictions, drawn: Sequence[tuple[float, float]]) -> Line:
    """Return each class's intervals; the bootstrap's ends must be those of a binomial law."""
    rows = []
    for number, (name, ends) in enumerate(zip(test.classes, drawn, strict=True)):
        hits = test.right[test.labels == number]
        law, error = stats.binom(len(hits), hits.mean()), math.sqrt(0.025 * 0.975 / 1000)
        low, high = (math.floor(len(hits) * ends[0]), math.ceil(len(hits) * ends[1] - 1e-9))
        assert law.cdf(low - 1) - 5 * error < 0.025 < law.cdf(low + 1) + 5 * error
        assert law.sf(high) - 5 * error < 0.025 < law.sf(high - 2) + 5 * error
        wilson = 100 * np.array(_wilson(hits.sum(), len(hits)))
        rows.append((100 * hits.mean(), wilson, 100 * np.array(ends), name))
    rows.sort(key=lambda row: -row[0])
    halves = [np.ptp(wilson) / 2 for _, wilson, *_ in rows]
    apart = max(abs(wilson - ends).max() for _, wilson, ends, _ in rows)
    dots = values(
        f"{name} {recall} {values(wilson)} {values(ends)}" for recall, wilson, ends, name in rows
    )
    return "07_intervals", f"{min(halves)} {max(halves)} {apart}", f"95 {dots}"


def _views(test: Predictions, model: keras.Model, images: np.ndarray) -> Iterator[Line]:
    """Yield what 6 views change: their weighted geometric mean, and McNemar's exact test."""
    still, up, down = np.arange(32), abs(np.arange(-1, 31)), 31 - abs(np.arange(30, -2, -1))
    views = [images[:, way][:, :, way] for way in (still, up, down)]
    views += [np.flip(view, axis=2) for view in views]
    each = np.maximum([predict(model, view) for view in views], 1e-12)
    weights = np.broadcast_to(np.array([2, 1, 1] * 2)[:, None, None], each.shape)
    tta = replace(test, probabilities=stats.gmean(each, axis=0, weights=weights)).right
    yield f"{100 * test.right.mean()} {100 * tta.mean()}"
    (_, only_with), (only_without, _) = metrics.confusion_matrix(test.right, tta)
    yield f"{only_without} {only_with}"
    yield _mcnemar(only_without, only_with)
    gains = 100 * (tta.astype(int) - test.right)
    yield f"{gains.mean()} {1.96 * stats.sem(gains, ddof=0)}"


def _mcnemar(one: int, other: int) -> str:
    """Return the exact test's p, in whole numbers: 2 to the power of thousands is no float."""
    tosses = int(one + other)
    few = sum(math.comb(tosses, k) for k in range(min(one, other) + 1))
    return f"{float(min(1, Fraction(2 * few, 2**tosses))):.2g}"


def _two_seeds(
    test: Predictions, pair: Sequence[keras.Model], images: np.ndarray
) -> Iterator[Line]:
    """Yield how right two networks are, and whether one of them is better."""
    first, second = (replace(test, probabilities=predict(each, images)).right for each in pair)
    yield f"1 {100 * first.mean()} 2 {100 * second.mean()}"
    (_, only_second), (only_first, _) = metrics.confusion_matrix(first, second)
    yield f"1 {only_first} 2 {only_second}"
    yield _mcnemar(only_first, only_second)


def _seeds() -> Iterator[Line]:
    """Yield mean and standard deviation over seeds of the shipped runs, read row by row."""
    with (paths.shipped_tables() / "compare.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    data, profile, device = (
        " and ".join(dict.fromkeys(row[of] for row in rows)) for of in ("data", "profile", "device")
    )
    yield f"{data} {profile} {values(sorted({int(row['seed']) for row in rows}))} {device}"
    tested = [row for row in rows if row["test_accuracy"]]
    (usual, _), *_ = Counter(row["precision"] for row in tested).most_common()
    accuracies = defaultdict(list)
    for row in tested:
        recipe = recipes.get(row["recipe"])
        compared = not recipe.follows and not recipe.classes
        if compared and (row["protocol"], row["precision"]) == ("honest", usual):
            accuracies[row["recipe"]].append(100 * float(row["test_accuracy"]))
    for each in accuracies.values():
        if len(each) >= 3:
            yield f"{len(each)} {statistics.mean(each)} {statistics.stdev(each)}"


def _first_k(test: Predictions) -> Iterator[Line]:
    true = test.probabilities[np.arange(len(test.labels)), test.labels]
    better = (test.probabilities > true[:, None]).sum(axis=1)
    for k in (1, 2, 3):
        yield f"{k} {100 * (better < k).mean()}"
    yield f"{100 * (better[~test.right] == 1).mean()}"


def _confusions(test: Predictions) -> Iterator[Line]:
    """Yield the tree of classes (scipy's), the most frequent confusion, the tree's two halves."""
    matrix = metrics.confusion_matrix(test.labels, test.predicted)
    sizes = matrix.sum(axis=1)
    rates = (matrix + matrix.T) / (sizes[:, None] + sizes)
    np.fill_diagonal(rates, 1)
    joins = hierarchy.linkage(spatial.distance.squareform(1 - rates), "average")
    first, second = joins[0, :2].astype(int)
    if matrix[second, first] > matrix[first, second]:
        first, second = second, first
    pair = f"{test.classes[first]} {test.classes[second]} {100 * rates[first, second]}"
    leaves = values(test.classes[leaf] for leaf in hierarchy.leaves_list(joins))
    yield "07_class_tree", "", f"{pair} {leaves}"
    true, predicted, _, rate = max(confusions(test), key=lambda pair: pair[3])
    most = f"{100 * rate} {test.classes[true]} {test.classes[predicted]}"
    yield "07_ordered_matrix", "", most
    half = hierarchy.fcluster(joins, 2, "maxclust")
    same = half[test.labels] == half[test.predicted]
    members = [[name for name, h in zip(test.classes, half, strict=True) if h == n] for n in (1, 2)]
    yield from map(values, sorted(members))
    yield f"{100 * same[~test.right].mean()}"


def _mean_precision(own: np.ndarray, everyone: np.ndarray) -> float:
    """Return the mean, over the images of a class, of the precision at each one's probability."""
    own, everyone = np.sort(own), np.sort(everyone)
    hits = len(own) - np.searchsorted(own, own)
    above = len(everyone) - np.searchsorted(everyone, own)
    return float(np.mean(hits / above))


def _calibration(
    test: Predictions, calibrated: Predictions, temperature: float, chance: Sequence[float]
) -> Iterator[Line]:
    yield f"{100 * test.confidence.mean()} {100 * test.right.mean()}"
    plain, scaled = (100 * _calibration_error(each) for each in (test, calibrated))
    yield f"{plain}"
    yield f"{temperature}"
    yield "07_reliability", "", f"{plain} {scaled}"
    yield _by_chance(calibrated, chance)
    yield f"{scaled}"
    truth = np.eye(len(test.classes))[test.labels]
    for each in (test, calibrated):
        brier = ((each.probabilities - truth) ** 2).sum(axis=1).mean()
        yield f"{cross_entropy(each)} {brier}"


def _by_chance(calibrated: Predictions, chance: Sequence[float]) -> str:
    """Return a calibrated network's error, if our own draws of right and wrong give such ones."""
    rng, ours, sure = np.random.default_rng(57), [], calibrated.confidence
    bins = np.ceil(15 * sure).astype(int)
    for _ in range(400):
        gaps = np.bincount(bins, sure - (rng.random(len(bins)) < sure))
        ours.append(abs(gaps).sum() / len(bins))
    assert len(chance) == 200
    assert stats.ks_2samp(chance, ours).pvalue > 1e-4
    low, *_, high = statistics.quantiles(chance, n=40, method="inclusive")
    return f"{100 * statistics.fmean(chance)} {100 * low} {100 * high}"


def _calibration_error(test: Predictions) -> float:
    """Return by how many images, in each of 15 bins, confidence and accuracy differ; a fraction."""
    gaps = []
    for number in range(15):
        inside = (test.confidence > number / 15) & (test.confidence <= (number + 1) / 15)
        gaps.append(abs(test.confidence[inside].sum() - test.right[inside].sum()))
    return sum(gaps) / len(test.labels)


def _coverage(calibrated: Predictions) -> Line:
    """Return the largest fraction of images, the surest first, of which 98 % are right."""
    order = np.argsort(-calibrated.confidence, kind="stable")
    right = np.cumsum(calibrated.right[order]).tolist()
    enough = [number for number, count in enumerate(right, 1) if 100 * count >= 98 * number]
    fraction = 100 * max(enough, default=0) / len(right)
    return "07_coverage", "", f"98 {fraction} {100 * calibrated.right.mean()}"
