"""The lines of notebook 05."""

import math
import statistics
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn import metrics

from recounts.shared import (
    Line,
    Predictions,
    confusions,
    first_twelve,
    on_test,
    opening,
    predict,
    values,
)


def evaluate(names: dict[str, Any]) -> Iterator[Line]:
    """Yield the lines of the notebook."""
    yield from opening(names)
    yield from _before_the_test(names)
    test = on_test(names)
    accuracy, loss = float(test.right.mean()), cross_entropy(test)
    yield values(test.probabilities.shape)
    yield values(test.predicted[:10])
    yield values(test.labels[:10])
    yield f"{accuracy} {loss}"
    of_baseline = predict(names["baseline"], names["dataset"].test.images).argmax(axis=1)
    simple = metrics.accuracy_score(test.labels, of_baseline)
    lead = 100 * (accuracy - max(simple, 0.1))
    yield "05_accuracy", f"{lead}", f"10 {100 * simple} {100 * accuracy}"
    deviation = statistics.pstdev(test.right.astype(float))
    margin = 200 * deviation / math.sqrt(len(test.labels))
    yield f"{len(test.labels)} {100 * accuracy} {margin}"
    yield from _report(test)
    yield from _confusions(test)
    yield from _mistakes(test)
    first = values(f"{test.pair(i)} {100 * test.confidence[i]}" for i in range(6))
    yield "05_predictions", f"{test.right[:6].sum()} 6", first
    right = test.right[:20].sum()
    classes = first_twelve([test.classes[number] for number in test.predicted[:20]])
    yield "05_first_twenty", f"{right} 20", f"{classes} {right} 20"
    yield f"{accuracy} {loss} {simple}"


def cross_entropy(test: Predictions) -> float:
    """Return the mean of -ln(probability of the true class)."""
    pairs = zip(test.probabilities, test.labels, strict=True)
    return statistics.fmean(-math.log(row[label]) for row, label in pairs)


def _before_the_test(names: dict[str, Any]) -> Iterator[Line]:
    """Yield how the baseline was trained, and what validation says of both networks.

    The baseline's accuracy in its last epoch Keras counted while it trained; the network of that
    time is gone. But it is a count of whole images, and not far from what the trained network
    predicts for the same ones.
    """
    baseline, dataset = names["baseline"], names["dataset"]
    total = len(dataset.train.labels)
    accuracy = names["history"].history["accuracy"][-1]
    again = predict(baseline, dataset.train.images).argmax(axis=1) == dataset.train.labels
    assert abs(accuracy * total - round(accuracy * total)) < 0.01
    assert abs(accuracy - again.mean()) < 0.15
    yield f"{int(baseline.optimizer.iterations) / math.ceil(total / 128):g} {100 * accuracy}"
    for network in (baseline, names["model"]):
        predicted = predict(network, dataset.validation.images).argmax(axis=1)
        yield f"{100 * metrics.accuracy_score(dataset.validation.labels, predicted)}"


def _report(test: Predictions) -> Iterator[Line]:
    """Yield precision, recall, F1 and support by class, as a table, by hand and as a figure."""
    rows = {}
    for number, name in enumerate(test.classes):
        of_it, as_it = test.labels == number, test.predicted == number
        hits, support = int((of_it & as_it).sum()), int(of_it.sum())
        precision = hits / as_it.sum() if as_it.any() else 0.0
        rows[name] = (precision, hits / support, 2 * hits / (as_it.sum() + support), support)
    yield "f1-score"
    for name, row in rows.items():
        yield f"{name} {values(row)}"
    total, accuracy = len(test.labels), test.right.mean()
    yield f"{accuracy} {total}"
    columns = np.array(list(rows.values()))
    for weights in (None, columns[:, 3]):
        yield f"{values(np.average(columns[:, :3], axis=0, weights=weights))} {total}"
    precision, recall, f1, _ = rows["cat"]
    yield f"{precision} {recall}"
    yield f"F1 {f1}"
    order = sorted(rows, key=lambda name: -rows[name][1])
    bars = values(f"{name} {100 * rows[name][1]}" for name in order)
    yield "05_class_accuracy", "", f"{bars} {100 * accuracy}"


def _confusions(test: Predictions) -> Iterator[Line]:
    """Yield the confusion matrix, its largest entries, and the two pairs confused most."""
    right, total = int(test.right.sum()), len(test.labels)
    ranked = [
        (f"{test.classes[true]} {test.classes[predicted]}", count, 100 * rate)
        for true, predicted, count, rate in confusions(test)
    ]
    worst, most, _ = ranked[0]
    yield "05_confusion_matrix", "", f"{right} {total} {100 * right / total} {worst} {most}"
    bars = values(f"{pair} {count} {rate}" for pair, count, rate in ranked[:8])
    yield "05_confused_pairs", "", bars

    matrix = metrics.confusion_matrix(test.labels, test.predicted)
    both, sizes = np.triu(matrix + matrix.T, 1), matrix.sum(axis=1)
    rates = both / (sizes[:, None] + sizes)
    pairs = sorted(np.argwhere(both).tolist(), key=lambda ij: (-both[*ij], -rates[*ij]))
    ways = []
    for pair in pairs[:2]:
        ways += sorted((pair, pair[::-1]), key=lambda ij: -matrix[*ij])
    texts = [
        (f"{test.classes[true]} {test.classes[predicted]}", matrix[true, predicted])
        for true, predicted in ways
    ]
    rows = values(f"{pair} {min(8, count)}" for pair, count in texts if count)
    yield "05_confused_images", "", f"{values(f'{pair} {count}' for pair, count in texts)} {rows}"


def _mistakes(test: Predictions) -> Iterator[Line]:
    """Yield the surest mistakes, and how sure the network is when it is right or wrong."""
    wrong, sure = test.surest_mistakes(12), 100 * test.confidence
    pairs = values(test.pair(i) for i in wrong)
    yield "05_mistakes", "", f"{len(wrong)} {min(sure[wrong])} {pairs} {max(sure[wrong])}"
    yield f"{statistics.fmean(test.confidence[test.right])}"
    yield f"{statistics.fmean(test.confidence[~test.right])}"
    surer = test.confidence >= statistics.median(test.confidence)
    yield f"{100 * test.right[surer].mean()}"
    yield f"{100 * test.right[~surer].mean()}"
