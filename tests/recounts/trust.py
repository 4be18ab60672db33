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
from cifar10_cnn.device import keras
from cifar10_cnn.training import recipes
from recounts.evaluate import cross_entropy
from recounts.shared import (
    Answers,
    ask,
    best_temperature,
    confusions,
    listed,
    mixed,
    nine_in_ten_reach,
    on_test,
    opening,
    tempered,
)


def trust(names: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the notebook."""
    yield from opening(names)
    test = on_test(names)
    yield from _margins(test, names["repeated"])
    yield from _class_margins(test, names["ends"]["bootstrap"])
    yield from _six_views(test, names["model"], names["dataset"].test.images)
    yield from _two_seeds(test, names["pair"], names["dataset"].test.images)
    yield from _seeds()
    yield from _first_k(test)
    yield from _tree(test)
    yield from _rates(test)
    yield from _precision_recall(test)
    dataset = names["dataset"]
    validation = ask(names["model"], dataset.validation.images)
    temperature = best_temperature(dataset.validation.labels, validation)
    calm = replace(test, odds=tempered(test.odds, temperature))
    yield from _honesty(test, calm, temperature, names["honest"])
    yield from _coverage(calm)
    threshold = nine_in_ten_reach(tempered(validation, temperature).max(axis=1))
    sure, right = calm.sure >= threshold, calm.right
    yield f"threshold {100 * threshold}%: answers {100 * sure.mean()}% of the test pictures"
    yield (
        f"accuracy on these {100 * right[sure].mean()}%, on the others {100 * right[~sure].mean()}%"
    )
    odds = tempered(ask(names["model"], mixed(dataset.test.images[:1000])), temperature)
    passed = 100 * (odds.max(axis=1) >= threshold).mean()
    yield f"{len(odds)} mixed pictures, {passed}% reach the threshold"
    title = f"{passed} % of the mixed pictures pass as real"
    yield f"07_mixed: {title} ones"
    said = [f"{test.classes[row.argmax()]} {100 * row.max()} %" for row in odds[:10]]
    yield f"07_mixed: {title} ones. 10 pictures: {listed(said)}."


def _wilson(right: int, total: int) -> tuple[float, float]:
    """Return the two shares from which ours is 1.96 of their standard errors away."""
    share, by = right / total, stats.norm.isf(0.025) ** 2 / total
    low, high = sorted(np.roots([1 + by, -2 * share - by, share**2]).real)
    return low, high


def _margins(test: Answers, repeated: Sequence[float]) -> Iterator[str]:
    """Yield the intervals; the bootstrap's draws must look like those of a binomial law."""
    right, total = int(test.right.sum()), len(test.labels)
    yield f"{right} of {total} test pictures are named rightly: {100 * right / total}%"
    low, high = _wilson(right, total)
    yield f"Wilson: {100 * low}% to {100 * high}%"
    low, high = _wilson(85, 100)
    yield f"85 of 100 right: {100 * low}% to {100 * high}%"
    low, *_, high = statistics.quantiles(repeated, n=40, method="inclusive")
    yield f"bootstrap: {100 * low}% to {100 * high}%"
    law, error = stats.binom(total, right / total), math.sqrt(0.025 * 0.975 / len(repeated))
    assert law.cdf(total * low - 1) - 4 * error < 0.025 < law.cdf(total * low) + 4 * error
    assert law.sf(total * high) - 4 * error < 0.025 < law.sf(total * high - 1) + 4 * error


def _class_margins(test: Answers, drawn: Sequence[tuple[float, float]]) -> Iterator[str]:
    """Yield each class's intervals; the bootstrap's ends must be those of a binomial law."""
    rows = []
    for number, (name, ends) in enumerate(zip(test.classes, drawn, strict=True)):
        mine = test.right[test.labels == number]
        law, error = stats.binom(len(mine), mine.mean()), math.sqrt(0.025 * 0.975 / 1000)
        low, high = (math.floor(len(mine) * ends[0]), math.ceil(len(mine) * ends[1] - 1e-9))
        assert law.cdf(low - 1) - 5 * error < 0.025 < law.cdf(low + 1) + 5 * error
        assert law.sf(high) - 5 * error < 0.025 < law.sf(high - 2) + 5 * error
        rows.append((100 * mine.mean(), 100 * np.array(_wilson(mine.sum(), len(mine))), ends, name))
    rows.sort(key=lambda row: -row[0])
    halves = [np.ptp(wilson) / 2 for _, wilson, *_ in rows]
    apart = max(abs(wilson - 100 * np.array(ends)).max() for _, wilson, ends, _ in rows)
    yield (
        f"07_intervals: Each recall is known to ±{min(halves)} to ±{max(halves)} points; the "
        f"methods differ by {apart} at most"
    )
    texts = [
        f"{name} {share} % (Wilson {low} % to {high} %, bootstrap {100 * least} % to "
        f"{100 * most} %)"
        for share, (low, high), (least, most), name in rows
    ]
    yield f"07_intervals: Dots with 95 % intervals, recall: {listed(texts)}."


def _six_views(test: Answers, model: keras.Model, images: np.ndarray) -> Iterator[str]:
    """Yield what six views change: their weighted geometric mean, and McNemar's exact test."""
    still, up, down = np.arange(32), abs(np.arange(-1, 31)), 31 - abs(np.arange(30, -2, -1))
    views = [images[:, way][:, :, way] for way in (still, up, down)]
    views += [np.flip(view, axis=2) for view in views]
    odds = np.maximum([ask(model, view) for view in views], 1e-12)
    weights = np.broadcast_to(np.array([2, 1, 1] * 2)[:, None, None], odds.shape)
    six = replace(test, odds=stats.gmean(odds, axis=0, weights=weights)).right
    yield f"one view {100 * test.right.mean()}%, six views {100 * six.mean()}%"
    (_, only_six), (only_one, _) = metrics.confusion_matrix(test.right, six)
    yield f"right with one view only: {only_one}, with six views only: {only_six}"
    yield _mcnemar(only_one, only_six)
    gains = 100 * (six.astype(int) - test.right)
    yield f"six views bring {gains.mean():+} ± {1.96 * stats.sem(gains, ddof=0)} points"


def _mcnemar(one: int, other: int) -> str:
    """Return the exact test's line, in whole numbers: 2 to the power of thousands is no float."""
    tosses = int(one + other)
    few = sum(math.comb(tosses, k) for k in range(min(one, other) + 1))
    return f"McNemar's test: p = {float(min(1, Fraction(2 * few, 2**tosses))):.2g}"


def _two_seeds(test: Answers, pair: Sequence[keras.Model], images: np.ndarray) -> Iterator[str]:
    """Yield how right two networks are, and whether one of them is better."""
    first, second = (replace(test, odds=ask(network, images)).right for network in pair)
    yield f"seed 1 {100 * first.mean()}%, seed 2 {100 * second.mean()}%"
    (_, only_second), (only_first, _) = metrics.confusion_matrix(first, second)
    yield f"right with seed 1 only: {only_first}, with seed 2 only: {only_second}"
    yield _mcnemar(only_first, only_second)


def _seeds() -> Iterator[str]:
    """Yield how far seeds spread in the runs that the repository ships, read row by row."""
    with (paths.shipped_tables() / "compare.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kinds = [list(dict.fromkeys(row[of] for row in rows)) for of in ("data", "profile", "device")]
    data, profile, device = (" and ".join(kind) for kind in kinds)
    seeds = ", ".join(sorted({row["seed"] for row in rows}, key=int))
    yield f"the repository's runs on {data} · profile {profile} · seed {seeds} · {device}"
    tested = [row for row in rows if row["test_accuracy"]]
    (usual, _), *_ = Counter(row["precision"] for row in tested).most_common()
    found = defaultdict(list)
    for row in tested:
        recipe = recipes.get(row["recipe"])
        compared = not recipe.follows and not recipe.classes
        if compared and (row["protocol"], row["precision"]) == ("honest", usual):
            found[row["recipe"]].append(100 * float(row["test_accuracy"]))
    for name, shares in found.items():
        if len(shares) >= 3:
            mean, spread = statistics.mean(shares), statistics.stdev(shares)
            yield f"{name} {len(shares)} seeds: {mean}% ± {spread}%"


def _first_k(test: Answers) -> Iterator[str]:
    mine = test.odds[np.arange(len(test.labels)), test.labels]
    better = (test.odds > mine[:, None]).sum(axis=1)
    for k in (1, 2, 3):
        yield f"true class among the first {k}: {100 * (better < k).mean()}%"
    yield f"true class second, of the mistakes: {100 * (better[~test.right] == 1).mean()}%"


def _tree(test: Answers) -> Iterator[str]:
    """Yield the tree of classes; the joins and the order of its leaves are scipy's."""
    matrix = metrics.confusion_matrix(test.labels, test.said)
    shares, joins = _joins(test)
    first, second = joins[0, :2].astype(int)
    if matrix[second, first] > matrix[first, second]:
        first, second = second, first
    title = (
        f"{test.classes[first].capitalize()} and {test.classes[second]} join first: "
        f"{100 * shares[first, second]} % of their pictures are taken for the other"
    )
    leaves = listed([test.classes[leaf] for leaf in hierarchy.leaves_list(joins)])
    yield f"07_class_tree: {title}"
    yield (
        f"07_class_tree: A tree of {len(test.classes)} classes. {title}. Neighbours in the tree: "
        f"{leaves}."
    )


def _joins(test: Answers) -> tuple[np.ndarray, np.ndarray]:
    """Return which share of two classes' pictures is mixed up, (k, k), and how classes join."""
    matrix = metrics.confusion_matrix(test.labels, test.said)
    sizes = matrix.sum(axis=1)
    shares = (matrix + matrix.T) / (sizes[:, None] + sizes)
    np.fill_diagonal(shares, 1)
    return shares, hierarchy.linkage(spatial.distance.squareform(1 - shares), "average")


def _rates(test: Answers) -> Iterator[str]:
    """Yield the most frequent confusion as a rate, and what stays within the tree's two halves."""
    true, said, _, share = max(confusions(test), key=lambda pair: pair[3])
    title = (
        f"{100 * share} % of the class {test.classes[true]} are taken for {test.classes[said]}: no "
        "confusion is more frequent"
    )
    yield f"07_ordered_matrix: {title}"
    size = len(test.classes)
    yield (
        f"07_ordered_matrix: A table of {size} true by {size} predicted classes, with the share of "
        f"the true class in each field. {title}."
    )
    half = hierarchy.fcluster(_joins(test)[1], 2, "maxclust")
    same = half[test.labels] == half[test.said]
    yield f"mistakes within a group: {100 * same[~test.right].mean()}%"


def _precision_recall(test: Answers) -> Iterator[str]:
    means = {
        name: 100 * _mean_precision(test.odds[test.labels == number, number], test.odds[:, number])
        for number, name in enumerate(test.classes)
    }
    order = sorted(means, key=lambda name: -means[name])
    best, worst = order[0], order[-1]
    yield (
        f"07_precision_recall: {best.capitalize()} is told from all others best (average precision "
        f"{means[best]} %), {worst} worst ({means[worst]} %)"
    )
    texts = listed([f"{name} {means[name]} %" for name in order])
    yield (
        "07_precision_recall: Precision against recall, a curve a class. Average precision: "
        f"{texts}."
    )


def _mean_precision(mine: np.ndarray, everyone: np.ndarray) -> float:
    """Return the mean, over the pictures of a class, of the precision at each one's probability."""
    mine, everyone = np.sort(mine), np.sort(everyone)
    found = len(mine) - np.searchsorted(mine, mine)
    named = len(everyone) - np.searchsorted(everyone, mine)
    return float(np.mean(found / named))


def _honesty(
    test: Answers, calm: Answers, temperature: float, honest: Sequence[float]
) -> Iterator[str]:
    yield f"mean confidence {100 * test.sure.mean()}%, accuracy {100 * test.right.mean()}%"
    plain, mended = (100 * _calibration_error(each) for each in (test, calm))
    yield f"expected calibration error: {plain}%"
    yield f"temperature: {temperature}"
    title = (
        f"Confidence misses accuracy by {plain} points (as trained) and {mended} (with temperature)"
    )
    yield f"07_reliability: {title}"
    yield (
        "07_reliability: Accuracy against confidence in bins, and the numbers of pictures in them. "
        f"{title}, on average."
    )
    yield _by_chance(calm, honest)
    yield f"error with temperature: {mended}%"
    truth = np.eye(len(test.classes))[test.labels]
    for name, each in {"as trained": test, "with temperature": calm}.items():
        brier = ((each.odds - truth) ** 2).sum(axis=1).mean()
        yield f"{name} log loss {cross_entropy(each)}, Brier score {brier}"


def _by_chance(calm: Answers, honest: Sequence[float]) -> str:
    """Return an honest network's error, if our own draws of right and wrong give such ones, too."""
    rng, ours = np.random.default_rng(57), []
    bins = np.ceil(15 * calm.sure).astype(int)
    for _ in range(400):
        gaps = np.bincount(bins, calm.sure - (rng.random(len(bins)) < calm.sure))
        ours.append(abs(gaps).sum() / len(bins))
    assert len(honest) == 200
    assert stats.ks_2samp(honest, ours).pvalue > 1e-4
    low, *_, high = statistics.quantiles(honest, n=40, method="inclusive")
    mean = statistics.fmean(honest)
    return f"error of an honest network: {100 * mean}%, mostly {100 * low}% to {100 * high}%"


def _calibration_error(test: Answers) -> float:
    """Return by how many pictures, in each of 15 bins, promised and kept differ; as a share."""
    gaps = []
    for number in range(15):
        inside = (test.sure > number / 15) & (test.sure <= (number + 1) / 15)
        gaps.append(abs(test.sure[inside].sum() - test.right[inside].sum()))
    return sum(gaps) / len(test.labels)


def _coverage(calm: Answers) -> Iterator[str]:
    """Yield the largest share of pictures, the surest first, of which 98 % are right."""
    right = np.cumsum(calm.right[np.argsort(-calm.sure, kind="stable")]).tolist()
    enough = [number for number, count in enumerate(right, 1) if 100 * count >= 98 * number]
    share = 100 * max(enough, default=0) / len(right)
    title = f"To be 98 % right, the network may answer {share} % of the pictures"
    yield f"07_coverage: {title}"
    yield (
        f"07_coverage: Accuracy against the share of pictures answered. {title}. Of all: the "
        f"network {100 * calm.right.mean()} %."
    )
