"""The lines of notebook 05."""

import math
import statistics
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn import metrics

from recounts.shared import Answers, ask, confusion_matrix, confusions, listed, on_test, opening


def evaluate(names: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the notebook."""
    yield from opening(names)
    yield from _before_the_test(names)
    test = on_test(names)
    share, loss = float(test.right.mean()), cross_entropy(test)
    yield f"probabilities: {test.odds.shape}"
    yield f"predictions: [{' '.join(map(str, test.said[:10]))}]"
    yield f"true labels: [{' '.join(map(str, test.labels[:10]))}]"
    yield f"accuracy {share}, loss {loss}"
    simple = metrics.accuracy_score(
        test.labels, ask(names["baseline"], names["dataset"].test.images).argmax(axis=1)
    )
    yield from _beside_the_baseline(test, simple)
    yield from _report(test)
    yield from _class_accuracy(test)
    yield from confusion_matrix("05_confusion_matrix", "number of pictures", test)
    yield from _pairs(test)
    yield from _mistakes(test)
    yield from _certainty(test)
    yield from _first_pictures(test)
    yield f"{{'test_accuracy': {share}, 'test_loss': {loss}, 'baseline_accuracy': {simple}}}"


def cross_entropy(test: Answers) -> float:
    """Return the mean of -ln(probability of the true class)."""
    pairs = zip(test.odds, test.labels, strict=True)
    return statistics.fmean(-math.log(row[label]) for row, label in pairs)


def _before_the_test(names: dict[str, Any]) -> Iterator[str]:
    """Yield how the baseline learnt, and what validation says of both networks.

    The baseline's accuracy in its last epoch Keras counted while it learnt; the network of that
    time is gone. But it is a count of whole pictures, and not far from what the network, once
    learnt, says of the same ones.
    """
    baseline, dataset = names["baseline"], names["dataset"]
    total = len(dataset.train.labels)
    share = names["history"].history["accuracy"][-1]
    again = ask(baseline, dataset.train.images).argmax(axis=1) == dataset.train.labels
    assert abs(share * total - round(share * total)) < 0.01
    assert abs(share - again.mean()) < 0.15
    epochs = int(baseline.optimizer.iterations) / math.ceil(total / 128)
    yield f"training accuracy after {epochs:g} epochs: {100 * share}%"
    for network in (baseline, names["model"]):
        said = ask(network, dataset.validation.images).argmax(axis=1)
        share = metrics.accuracy_score(dataset.validation.labels, said)
        yield f"{network.name} validation accuracy {100 * share}%"


def _beside_the_baseline(test: Answers, simple: float) -> Iterator[str]:
    right, total = int(test.right.sum()), len(test.labels)
    shares = {"guessing": 0.1, "dense baseline": simple, "CNN": right / total}
    best, second, _ = sorted(shares, key=lambda name: -shares[name])
    yield (
        f"05_accuracy: {best} reaches {100 * shares[best]} % accuracy, "
        f"{100 * (shares[best] - shares[second])} points more than {second}"
    )
    bars = listed([f"{name} {100 * share} %" for name, share in shares.items()])
    yield f"05_accuracy: Bars of accuracy: {bars}; guessing gives 10 %."
    spread = statistics.pstdev([1] * right + [0] * (total - right))
    margin = 2 * spread / math.sqrt(total)
    yield f"{total} test pictures: accuracy {100 * right / total}% ± {100 * margin} points"


def _each_class(test: Answers) -> dict[str, tuple[float, float, float, int]]:
    """Return precision, recall, F1 and support by class."""
    rows = {}
    for number, name in enumerate(test.classes):
        of_it, named = test.labels == number, test.said == number
        found, support = int((of_it & named).sum()), int(of_it.sum())
        precision = found / named.sum() if named.any() else 0.0
        rows[name] = (precision, found / support, 2 * found / (named.sum() + support), support)
    return rows


def _report(test: Answers) -> Iterator[str]:
    rows = _each_class(test)
    yield "precision recall f1-score support"
    for name, row in rows.items():
        yield " ".join([name, *map(str, row)])
    total = len(test.labels)
    yield f"accuracy {test.right.mean()} {total}"
    columns = np.array(list(rows.values()))
    for name, weights in (("macro", None), ("weighted", columns[:, 3])):
        means = np.average(columns[:, :3], axis=0, weights=weights)
        yield " ".join([f"{name} avg", *map(str, means), str(total)])
    precision, recall, f1, _ = rows["cat"]
    yield f"precision {precision}, recall {recall}"
    yield f"F1 {f1}"


def _class_accuracy(test: Answers) -> Iterator[str]:
    shares = {name: 100 * row[1] for name, row in _each_class(test).items()}
    order = sorted(shares, key=lambda name: -shares[name])
    best, worst, overall = order[0], order[-1], 100 * test.right.mean()
    yield (
        f"05_class_accuracy: {best.capitalize()} is easiest ({shares[best]} % right), {worst} "
        f"hardest ({shares[worst]} %); all classes: {overall} %"
    )
    bars = listed([f"{name} {shares[name]} %" for name in order])
    yield (
        "05_class_accuracy: Bars of the share of each class's pictures that is named rightly: "
        f"{bars}; all together {overall} %."
    )


def _pairs(test: Answers) -> Iterator[str]:
    pairs = confusions(test)[:8]
    true, said, count, share = pairs[0]
    first, second = test.classes[true], test.classes[said]
    yield (
        f"05_confused_pairs: Most often confused: {first} taken for {second}, {count} times "
        f"({100 * share} % of all {first} pictures)"
    )
    bars = [
        f"{test.classes[true]} → {test.classes[said]} {count} ({100 * share} %)"
        for true, said, count, share in pairs
    ]
    yield (
        "05_confused_pairs: Bars of the numbers of confused pictures, with their share of the true "
        f"class: {listed(bars)}."
    )
    yield from _both_sides(test)


def _both_sides(test: Answers) -> Iterator[str]:
    """Yield the two pairs that are mixed up most, both directions counted together."""
    matrix = metrics.confusion_matrix(test.labels, test.said)
    both, sizes = np.triu(matrix + matrix.T, 1), matrix.sum(axis=1)
    shares = both / (sizes[:, None] + sizes)
    ranked = sorted(np.argwhere(both).tolist(), key=lambda ij: (-both[*ij], -shares[*ij]))
    ways = []
    for pair in ranked[:2]:
        ways += sorted((pair, pair[::-1]), key=lambda ij: -matrix[*ij])
    texts = [
        f"{test.classes[true]} taken for {test.classes[said]} {matrix[true, said]} times"
        for true, said in ways
    ]
    title = f"05_confused_pictures: {', '.join(texts).capitalize()}"
    yield title
    rows = [
        f"{test.classes[true]} → {test.classes[said]} {min(8, matrix[true, said])}"
        for true, said in ways
        if matrix[true, said]
    ]
    yield f"{title}. Rows of pictures: {listed(rows)}."


def _mistakes(test: Answers) -> Iterator[str]:
    wrong = test.surest_mistakes(12)
    shares = 100 * test.sure[wrong]
    title = (
        f"05_mistakes: The {len(wrong)} surest mistakes: the model gave the wrong class "
        f"{min(shares)} % or more"
    )
    yield title
    taken = listed(
        [f"{test.classes[test.labels[i]]} taken for {test.classes[test.said[i]]}" for i in wrong]
    )
    yield f"{title}. {taken.capitalize()}, the first with {max(shares)} %."


def _certainty(test: Answers) -> Iterator[str]:
    yield f"mean confidence when right: {statistics.fmean(test.sure[test.right])}"
    yield f"mean confidence when wrong: {statistics.fmean(test.sure[~test.right])}"
    surer = test.sure >= statistics.median(test.sure)
    yield f"accuracy on the surer half of the pictures: {100 * test.right[surer].mean()}%"
    yield f"accuracy on the other half: {100 * test.right[~surer].mean()}%"


def _first_pictures(test: Answers) -> Iterator[str]:
    right = int(test.right[:6].sum())
    yield f"05_predictions: The most probable class is the true one for {right} of 6 pictures"
    texts = [
        f"{test.classes[test.labels[i]]}: {test.classes[test.said[i]]} with {100 * test.sure[i]} %"
        for i in range(6)
    ]
    yield (
        "05_predictions: 6 pictures, each with bars of the three classes that the model finds most "
        f"probable. True class and first guess: {'; '.join(texts)}."
    )
    right = int(test.right[:20].sum())
    title = f"05_first_twenty: {right} of the first 20 test pictures are right"
    yield title
    said = listed([test.classes[number] for number in test.said[:20]])
    yield f"{title}. 20 pictures: {said}; {right} of 20 are marked as right."
