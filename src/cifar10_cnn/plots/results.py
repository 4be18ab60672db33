"""Figures on how often a model is right, and which classes it confuses."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np

from cifar10_cnn.common import checks
from cifar10_cnn.evaluation import scores as evaluation
from cifar10_cnn.plots.style import (
    BLUE,
    HATCHES,
    SERIES,
    CourseFigure,
    class_colours,
    class_ticks,
    listed,
    percent,
    share_axis,
    styled,
)


@styled
def bar_scores(
    scores: Mapping[str, float],
    *,
    title_prefix: str = "",
    metric: str = "accuracy",
    classes: int = 10,
) -> CourseFigure:
    """Draw a few named accuracies beside each other, with what guessing would give.

    Used in notebooks 04 and 05.

    Args:
        scores: 0 to 1, by name.
        title_prefix: what the title starts with.
        metric: what the scores are, such as ``test accuracy``.
        classes: k; who guesses is right once in k times.

    Raises:
        ValueError: if there is no score, or one is outside 0 to 1.
    """
    for name, score in checks.mapping(scores, "score").items():
        checks.number(score, name, 0, 1)
    checks.count(classes, "classes")
    best, *others = sorted(scores, key=scores.__getitem__, reverse=True)
    if others:
        lead = 100 * (scores[best] - scores[others[0]])
        rest = f", {lead:.1f} points more than {others[0]}"
    else:
        rest = f"; guessing would reach {percent(1 / classes)}"
    title = f"{title_prefix} {best} reaches {percent(scores[best])} {metric}{rest}".strip()
    texts = [f"{name} {percent(score)}" for name, score in scores.items()]
    alt = f"Bars of {metric}: {listed(texts)}; guessing gives {percent(1 / classes)}."
    figure = CourseFigure(title, alt, 0.5 * len(scores) + 0.9)
    axes = figure.add_subplot()
    for position, (name, score) in enumerate(scores.items()):
        style = position % len(SERIES)
        colour, hatch = SERIES[style], HATCHES[style]
        bar = axes.barh(name, score, 0.65, color=colour, hatch=hatch, edgecolor="white")
        axes.bar_label(bar, [percent(score)], padding=4)
    axes.axvline(1 / classes, color="black", linestyle="--", linewidth=1.2)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel=f"{metric} (dashed: guessing, {percent(1 / classes)})")
    axes.set_ylabel("model")
    share_axis(axes, "x")
    return figure


@styled
def class_accuracy(
    labels: np.ndarray, predictions: np.ndarray, class_names: Sequence[str]
) -> CourseFigure:
    """Draw how many pictures of each class are named rightly, the best class on top.

    Used in notebook 05.

    Args:
        labels: true classes, (N,), 0 to k - 1.
        predictions: predicted classes, (N,), 0 to k - 1.
        class_names: k names.

    Raises:
        ValueError: if the shapes differ or a class is outside 0 to k - 1.
    """
    classes = len(checks.names(class_names))
    shares = evaluation.class_accuracy(labels, predictions, classes)
    order = np.argsort(np.nan_to_num(-shares, nan=1), kind="stable")
    present = [index for index in order if not np.isnan(shares[index])]
    best, worst = present[0], present[-1]
    overall = float(np.mean(np.asarray(labels) == np.asarray(predictions)))
    title = (
        f"{class_names[best].capitalize()} is easiest ({percent(shares[best])} right), "
        f"{class_names[worst]} hardest ({percent(shares[worst])}); all classes: {percent(overall)}"
    )
    texts = [f"{class_names[index]} {percent(shares[index])}" for index in present]
    figure = CourseFigure(
        title,
        f"Bars of the share of each class's pictures that is named rightly: {listed(texts)}; "
        f"all together {percent(overall)}.",
        0.33 * len(shares) + 0.9,
    )
    axes = figure.add_subplot()
    colours = class_colours(class_names)
    bars = axes.barh(
        range(len(order)),
        np.nan_to_num(shares[order]),
        color=[colours[index] for index in order],
        edgecolor="black",
        linewidth=0.6,
    )
    marks = ["no picture" if np.isnan(share) else percent(share) for share in shares[order]]
    background = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    axes.bar_label(bars, marks, padding=4, bbox=background)
    axes.axvline(overall, color="black", linestyle="--", linewidth=1.2)
    axes.set_yticks(range(len(order)), [class_names[index] for index in order])
    axes.invert_yaxis()
    axes.set(xlim=(0, 1.1), xlabel=f"pictures named rightly (dashed: all, {percent(overall)})")
    axes.set_xticks(np.arange(0, 1.01, 0.2))
    axes.set_ylabel("class")
    share_axis(axes, "x")
    return figure


@styled
def confusion_matrix(
    matrix: np.ndarray, class_names: Sequence[str], *, rates: bool = False
) -> CourseFigure:
    """Draw how often each class was taken for each other.

    Used in notebooks 05 and 07.

    Args:
        matrix: numbers of pictures, (k, k), row the true class, column the predicted one.
        class_names: k names.
        rates: write shares of the true class in percent, in place of numbers of pictures; the
            diagonal is grey, so that the colours are for the confusions alone.

    Raises:
        ValueError: if the matrix is not (k, k) for k names, or empty.
    """
    worst = evaluation.confused_pairs(matrix, class_names, count=1)
    matrix = np.asarray(matrix)
    total, right = int(matrix.sum()), int(matrix.trace())
    if not total:
        raise ValueError("The confusion matrix counts no picture.")
    classes = len(class_names)
    # A class without pictures has shares of 0.
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    coloured = np.ma.masked_array(shares, np.eye(classes, dtype=bool) & rates)
    most = float(coloured.max()) if rates and worst else 1.0
    share = percent(right / total)
    title = f"{right:,} of {total:,} pictures are on the diagonal ({share})"
    if worst and rates:
        row, column = np.argwhere((coloured == most).filled(False))[0]
        title = (
            f"{percent(most)} of the class {class_names[row]} are taken for {class_names[column]}: "
            "no confusion is more frequent"
        )
    elif worst:
        true, predicted, count, _ = worst[0]
        title += f"; the most frequent error is {true} taken for {predicted}, {count:,} times"
    figure = CourseFigure(
        title,
        f"A table of {classes} true by {classes} predicted classes, with the "
        f"{'share of the true class' if rates else 'number of pictures'} in each field. {title}.",
        min(7.0, 0.48 * classes + 1.6),
    )
    axes = figure.add_subplot()
    colours = mpl.colormaps["Blues"].with_extremes(bad="#E0E0E0")
    drawn = axes.imshow(coloured, cmap=colours, vmin=0, vmax=most, aspect="auto")
    font = float(np.clip(110 / classes, 6, 11))
    for (row, column), count in np.ndenumerate(matrix):
        axes.text(
            column,
            row,
            f"{100 * shares[row, column]:.1f}" if rates else f"{count:,}",
            ha="center",
            va="center",
            fontsize=font,
            color="white" if np.ma.filled(coloured, 0)[row, column] > 0.7 * most else "black",
        )
    class_ticks(axes, "x", class_names)
    class_ticks(axes, "y", class_names)
    axes.set(xlabel="predicted class", ylabel="true class")
    label = "share of the true class"
    if rates:
        label += " in percent\n(grey: what is right)"
    bar = figure.colorbar(drawn, ax=axes, label=label, fraction=0.04)
    share_axis(bar.ax)
    return figure


@styled
def confused_pairs(
    pairs: Sequence[evaluation.ConfusedPair], symmetric: bool = False
) -> CourseFigure:
    """Draw the pairs of classes that the model confuses most.

    Used in notebook 05.

    Args:
        pairs: what `evaluation.confused_pairs` returned.
        symmetric: whether it counted both directions together.

    Raises:
        ValueError: if there is no pair, or one is something else.
    """
    for pair in checks.rows(pairs, "pairs"):
        if len(checks.rows(pair, "parts of a pair")) != 4 or not all(
            isinstance(name, str) for name in pair[:2]
        ):
            raise ValueError(
                f"A pair is (true class, predicted class, number, share), not {pair!r}."
            )
        checks.count(pair[2], "number of pictures", 0)
        checks.number(pair[3], "share", 0, 1)
    if not len(pairs):
        raise ValueError("There is no confused pair to draw: the model made no mistake.")
    arrow = "↔" if symmetric else "→"
    names = [f"{true} {arrow} {predicted}" for true, predicted, _, _ in pairs]
    whole = "both classes" if symmetric else "the true class"
    true, predicted, count, rate = pairs[0]
    joint = "and" if symmetric else "taken for"
    title = (
        f"Most often confused: {true} {joint} {predicted}, {count:,} times ({percent(rate)} of "
        f"{'the pictures of both' if symmetric else f'all {true} pictures'})"
    )
    marks = [f"{count:,} ({percent(rate)})" for _, _, count, rate in pairs]
    texts = [f"{name} {mark}" for name, mark in zip(names, marks, strict=True)]
    figure = CourseFigure(
        title,
        f"Bars of the numbers of confused pictures, with their share of {whole}: {listed(texts)}.",
        0.33 * max(len(pairs), 3) + 0.9,
    )
    axes = figure.add_subplot()
    bars = axes.barh(range(len(pairs)), [pair[2] for pair in pairs], color=BLUE)
    axes.bar_label(bars, marks, padding=4)
    axes.set_yticks(range(len(pairs)), names)
    axes.invert_yaxis()
    axes.margins(x=0.18)
    axes.locator_params("x", integer=True)
    between = "two classes" if symmetric else "true → predicted"
    axes.set(xlabel=f"pictures (in brackets: share of {whole})", ylabel=between)
    return figure
