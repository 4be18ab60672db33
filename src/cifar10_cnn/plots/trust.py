"""Figures of notebook 07: margins of error, and how far a model's confidence can be trusted."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.cluster.hierarchy import dendrogram
from sklearn.metrics import average_precision_score, precision_recall_curve

from cifar10_cnn.common import checks
from cifar10_cnn.evaluation import scores as evaluation
from cifar10_cnn.evaluation.calibration import Reliability
from cifar10_cnn.plots.style import (
    BLACK,
    BLUE,
    DASHES,
    MARKERS,
    SERIES,
    CourseFigure,
    class_colours,
    edge,
    in_points,
    listed,
    percent,
    percent_axis,
    powers_axis,
    series,
    styled,
)

#: Where a logarithmic axis of fractions ends: once in ten thousand images.
_NEVER = 1e-4


@styled
def intervals(
    shares: Mapping[str, float], ends: Mapping[str, Sequence[tuple[float, float]]], what: str
) -> CourseFigure:
    """Draw fractions with the 95 % intervals that they are known to, the highest on top.

    Used in notebook 07.

    Args:
        shares: 0 to 1, by name.
        ends: by method, such as ``Wilson``: the lower and upper end of each value's interval. The
            title tells how wide those of the first method are.
        what: what the values are, such as ``recall``.
    """
    names = list(shares)
    values = checks.shares(list(shares.values()), what)
    methods = list(ends)
    found = [_ends_around(values, each, what) for each in ends.values()]
    half = (found[0][1] - found[0][0]) / 2
    title = f"Each {what} is known to ±{in_points(half.min())} to ±{in_points(half.max())} points"
    if len(methods) > 1:
        apart = np.abs(np.subtract(found[1:], found[0])).max()
        title += f"; the methods differ by {in_points(apart)} at most"
    order = np.argsort(-values, kind="stable")
    texts = []
    for i in order:
        known = [
            f"{name} {percent(low[i])} to {percent(high[i])}"
            for name, (low, high) in zip(methods, found, strict=True)
        ]
        texts.append(f"{names[i]} {percent(values[i])} ({', '.join(known)})")
    alt = f"Dots with 95 % intervals, {what}: {listed(texts)}."
    figure = CourseFigure(title, alt, (0.2 + 0.1 * len(methods)) * len(names) + 0.9)
    axes = figure.add_subplot()
    for position, (name, (low, high)) in enumerate(zip(methods, found, strict=True)):
        axes.errorbar(
            values[order],
            np.arange(len(names)) + 0.28 * (position - (len(methods) - 1) / 2),
            xerr=np.stack([values - low, high - values])[:, order],
            fmt=MARKERS[position % len(MARKERS)],
            color=SERIES[position % len(SERIES)],
            capsize=4,
            label=name,
        )
    axes.set_yticks(range(len(names)), [names[i] for i in order])
    axes.invert_yaxis()
    axes.set(xlabel=f"{what}, with its 95 % interval", ylabel="class")
    axes.grid(axis="x")
    percent_axis(axes, "x")
    axes.legend(title="interval by", loc="best")
    return figure


def _ends_around(
    values: np.ndarray, ends: Sequence[tuple[float, float]], what: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and the upper ends of intervals, if they hold their values."""
    pairs = checks.array(ends, "ends of intervals", "(N, 2)")
    low, high = pairs.T
    if not ((low <= values) & (values <= high)).all():
        raise ValueError(f"Each {what} must lie between the ends of its interval.")
    return low, high


@styled
def reliability(found: Mapping[str, Reliability]) -> CourseFigure:
    """Draw how often a model is right against how sure it says it is; and how many images.

    Used in notebook 07.

    Args:
        found: of one model or more, by name.
    """
    errors = {name: each.error for name, each in found.items()}
    units = [" points", *[""] * (len(errors) - 1)]
    texts = [
        f"{in_points(error)}{unit} ({name})"
        for unit, (name, error) in zip(units, errors.items(), strict=True)
    ]
    title = f"Confidence misses accuracy by {listed(texts)}"
    alt = (
        f"Accuracy against confidence in bins, and the numbers of images in them. {title}, on "
        "average."
    )
    figure = CourseFigure(title, alt, 4.2)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    left.plot([0, 1], [0, 1], color=BLACK, linewidth=1, linestyle=":", label="calibrated")
    for position, (name, each) in enumerate(found.items()):
        style = series(position) | {"label": name}
        filled = each.counts > 0
        left.plot(each.confidence[filled], each.accuracy[filled], **style)
        right.plot(each.confidence[filled], each.counts[filled], **style)
    left.set(xlabel="confidence (mean of a bin)", ylabel="accuracy of the bin", ylim=(0, 1.02))
    right.set(xlabel="confidence", ylabel="images in the bin", yscale="log")
    for axes in (left, right):
        axes.set_xlim(0, 1.02)
        axes.grid()
        percent_axis(axes, "x")
    percent_axis(left)
    powers_axis(right.yaxis, "{x:,.0f}")
    left.legend(loc="upper left")
    return figure


@styled
def coverage(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]], goal: float = 0.99
) -> CourseFigure:
    """Draw a model's accuracy against the fraction of images that it classifies, the surest first.

    Used in notebook 07.

    Args:
        curves: what ``calibration.coverage`` returned, by the model's name.
        goal: an accuracy, 0 to 1; the title tells how many images may be classified for it.
    """
    texts = []
    for name, (shares, accuracy) in curves.items():
        enough = np.flatnonzero(accuracy >= goal)
        share = float(shares[enough[-1]]) if len(enough) else 0.0
        texts.append(f"{name} may classify {percent(share)}")
    title = f"To be {percent(goal)} right, {listed(texts)} of the images"
    ends = [f"{name} {percent(accuracy[-1])}" for name, (_, accuracy) in curves.items()]
    alt = f"Accuracy against the share of images classified. {title}. Of all: {listed(ends)}."
    figure = CourseFigure(title, alt, 3.6)
    axes = figure.add_subplot()
    axes.axhline(goal, color=BLACK, linewidth=1, linestyle=":", label=percent(goal))
    for position, (name, (shares, accuracy)) in enumerate(curves.items()):
        few = shares >= 0.02  # the first hundredths are the variance of a few images
        axes.plot(
            shares[few],
            accuracy[few],
            **series(position) | {"marker": ""},
            label=name,
        )
    axes.set(xlabel="images classified, the surest first", ylabel="accuracy on these", xlim=(0, 1))
    axes.grid()
    percent_axis(axes, "xy")
    axes.legend(loc="lower left")
    return figure


@styled
def precision_recall(
    labels: np.ndarray, probabilities: np.ndarray, class_names: Sequence[str]
) -> CourseFigure:
    """Draw, for each class, how precise a model is against how many of its images it finds.

    Used in notebook 07.
    """
    labels, probabilities = checks.labelled(labels, probabilities)
    missing = set(range(len(class_names))) - set(labels.tolist())
    if missing:
        raise ValueError(f"There is no image of class {min(missing)}: give some of each.")
    means = [
        float(average_precision_score(labels == number, probabilities[:, number]))
        for number in range(len(class_names))
    ]
    order = np.argsort(means)[::-1]
    best, worst = order[0], order[-1]
    title = (
        f"{class_names[best].capitalize()} is told apart best (average precision "
        f"{percent(means[best])}), {class_names[worst]} worst ({percent(means[worst])})"
    )
    texts = [f"{class_names[i]} {percent(means[i])}" for i in order]
    alt = f"Precision against recall, a curve a class. Average precision: {listed(texts)}."
    figure = CourseFigure(title, alt, 4.4)
    axes = figure.add_subplot()
    colours = class_colours(class_names)
    for number in order:
        precision, recall, _ = precision_recall_curve(labels == number, probabilities[:, number])
        axes.plot(
            recall,
            precision,
            color=colours[number],
            linestyle=DASHES[number % len(DASHES)],
            linewidth=2,
            path_effects=edge(colours[number]),
            label=f"{class_names[number]} {percent(means[number])}",
        )
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.02))
    axes.grid()
    percent_axis(axes, "xy")
    axes.legend(
        title="average precision", loc="center left", bbox_to_anchor=(1.01, 0.5), borderaxespad=0
    )
    return figure


@styled
def class_tree(matrix: np.ndarray, class_names: Sequence[str]) -> CourseFigure:
    """Draw classes as a tree: those that are often taken for each other join early.

    Their distances are those of ``evaluation.similarity``. Used in notebook 07.
    """
    joins = evaluation.similarity(matrix)
    tree = dendrogram(joins, no_plot=True)
    first, second = joins[0, :2].astype(int)
    if matrix[second][first] > matrix[first][second]:  # the more frequent direction is named
        first, second = second, first
    title = (
        f"{class_names[first].capitalize()} and {class_names[second]} join first: "
        f"{percent(1 - joins[0, 2])} of their images are taken for the other"
    )
    leaves = [class_names[leaf] for leaf in tree["leaves"]]
    alt = (
        f"A tree of {len(class_names)} classes, leaves at the right. {title}. Neighbours in the "
        f"tree: {listed(leaves)}."
    )
    figure = CourseFigure(title, alt, 0.33 * len(class_names) + 0.9)
    axes = figure.add_subplot()
    for y, x in zip(tree["icoord"], tree["dcoord"], strict=True):
        axes.plot(np.maximum(1 - np.array(x), _NEVER), y, color=BLUE, linewidth=1.8)
    axes.set_yticks(10 * np.arange(len(leaves)) + 5, leaves)
    ends = np.maximum(1 - joins[:, 2], _NEVER)
    axes.set(xscale="log", xlim=(ends.min() / 1.5, 1.5 * ends.max()))
    axes.set_xlabel(
        "← rarely confused     fraction of two classes' images that is confused     often →"
    )
    # The leaves stand at the right, where classes that are often confused join.
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    axes.set_ylabel("class")
    axes.grid(axis="x")
    powers_axis(axes.xaxis, lambda share, _: f"{100 * share:.3g} %")
    return figure
