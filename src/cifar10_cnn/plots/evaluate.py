"""Figures of notebook 05: how often a network is right, what it confuses, and on which images."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from sklearn import metrics

from cifar10_cnn.common import checks
from cifar10_cnn.evaluation import scores as evaluation
from cifar10_cnn.plots.style import (
    BLUE,
    HATCHES,
    SERIES,
    CourseFigure,
    bars,
    class_colours,
    class_ticks,
    in_points,
    listed,
    named,
    percent,
    percent_axis,
    styled,
)
from cifar10_cnn.plots.tiles import as_images, in_rows, plan, tiled
from cifar10_cnn.plots.visualize import image_grid


@styled
def bar_scores(scores: Mapping[str, float], *, classes: int = 10) -> CourseFigure:
    """Draw a few named accuracies beside each other, with what guessing would give.

    Used in notebook 05.

    Args:
        scores: 0 to 1, by name.
        classes: k; who guesses is right once in k times.
    """
    checks.shares(list(scores.values()), "models")
    guess = percent(1 / classes)
    best, *others = sorted(scores, key=scores.__getitem__, reverse=True)
    rest = f"; guessing would reach {guess}"
    if others:
        rest = f", {in_points(scores[best] - scores[others[0]])} points more than {others[0]}"
    title = f"{best} reaches {percent(scores[best])} accuracy{rest}"
    alt = f"Bars of accuracy: {listed(named(scores))}; guessing gives {guess}."
    figure = CourseFigure(title, alt, 0.5 * len(scores) + 0.9)
    axes = figure.add_subplot()
    values = list(scores.values())
    drawn = bars(axes, list(scores), values, list(map(percent, values)), height=0.65)
    for position, bar in enumerate(drawn):
        style = position % len(SERIES)
        bar.set(facecolor=SERIES[style], hatch=HATCHES[style], edgecolor="white")
    axes.axvline(1 / classes, color="black", linestyle="--", linewidth=1.2)
    axes.set(xlim=(0, 1), xlabel=f"accuracy (dashed: guessing, {guess})", ylabel="model")
    percent_axis(axes, "x")
    return figure


@styled
def class_accuracy(
    labels: np.ndarray, predictions: np.ndarray, class_names: Sequence[str]
) -> CourseFigure:
    """Draw how many images of each class are classified correctly, the best class on top.

    Used in notebook 05.
    """
    fractions = evaluation.class_accuracy(labels, predictions, len(class_names))
    order = np.argsort(np.nan_to_num(-fractions, nan=1), kind="stable")
    present = [index for index in order if not np.isnan(fractions[index])]
    best, worst = present[0], present[-1]
    overall = float(np.mean(np.asarray(labels) == np.asarray(predictions)))
    title = (
        f"{class_names[best].capitalize()} is easiest ({percent(fractions[best])} right), "
        f"{class_names[worst]} hardest ({percent(fractions[worst])}); all classes: "
        f"{percent(overall)}"
    )
    texts = [f"{class_names[index]} {percent(fractions[index])}" for index in present]
    figure = CourseFigure(
        title,
        f"Bars of each class's accuracy: {listed(texts)}; all together {percent(overall)}.",
        0.33 * len(fractions) + 0.9,
    )
    axes = figure.add_subplot()
    colours = class_colours(class_names)
    bars(
        axes,
        [class_names[index] for index in order],
        np.nan_to_num(fractions[order]),
        ["no image" if np.isnan(each) else percent(each) for each in fractions[order]],
        color=[colours[index] for index in order],
        edgecolor="black",
        linewidth=0.6,
    )
    axes.axvline(overall, color="black", linestyle="--", linewidth=1.2)
    axes.set(xlim=(0, 1.1), xlabel=f"accuracy (dashed: all, {percent(overall)})", ylabel="class")
    axes.set_xticks(np.arange(0, 1.01, 0.2))
    percent_axis(axes, "x")
    return figure


@styled
def confusion_matrix(
    matrix: np.ndarray, class_names: Sequence[str], *, rates: bool = False
) -> CourseFigure:
    """Draw how often each class was taken for each other.

    The diagonal is grey, so that the colours are for the errors alone.
    Used in notebooks 05 and 07.

    Args:
        rates: write fractions of the true class in percent, in place of numbers of images.
    """
    worst = evaluation.confused_pairs(matrix, class_names, count=1)
    matrix = np.asarray(matrix)
    total, right = int(matrix.sum()), int(matrix.trace())
    if not total:
        raise ValueError("The confusion matrix counts no image.")
    classes = len(class_names)
    # A class without images has rates of 0.
    fractions = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    errors = np.ma.masked_array(fractions if rates else matrix, np.eye(classes, dtype=bool))
    most = float(errors.max()) if worst else 1.0
    title = f"{right:,} of {total:,} images are on the diagonal ({percent(right / total)})"
    if worst and rates:
        row, column = np.argwhere((errors == most).filled(False))[0]
        title = (
            f"{percent(most)} of the class {class_names[row]} are taken for {class_names[column]}: "
            "no confusion is more frequent"
        )
    elif worst:
        true, predicted, count, _ = worst[0]
        title += f"; the most frequent error is {true} taken for {predicted}, {count:,} times"
    what = "fraction of the true class" if rates else "number of images"
    alt = (
        f"A table of {classes} true by {classes} predicted classes, with the {what} in each field, "
        f"the errors in colour. {title}."
    )
    figure = CourseFigure(title, alt, min(7.0, 0.48 * classes + 1.6))
    axes = figure.add_subplot()
    colours = mpl.colormaps["Blues"].with_extremes(bad="#E0E0E0")
    drawn = axes.imshow(errors, cmap=colours, vmin=0, vmax=most, aspect="auto")
    font = float(np.clip(110 / classes, 6, 11))
    for (row, column), count in np.ndenumerate(matrix):
        text = f"{100 * fractions[row, column]:.1f}" if rates else f"{count:,}"
        dark = np.ma.filled(errors, 0)[row, column] > 0.6 * most
        colour = "white" if dark else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=font, color=colour)
    class_ticks(axes, "x", class_names)
    class_ticks(axes, "y", class_names)
    axes.set(xlabel="predicted class", ylabel="true class")
    label = f"errors: {what}\n(grey: correct)"
    bar = figure.colorbar(drawn, ax=axes, label=label, fraction=0.04)
    if rates:
        percent_axis(bar.ax)
    return figure


@styled
def confused_pairs(pairs: Sequence[evaluation.ConfusedPair]) -> CourseFigure:
    """Draw the pairs of classes that the model confuses most. Used in notebook 05.

    Args:
        pairs: what `evaluation.confused_pairs` returned.
    """
    if not len(pairs):
        raise ValueError("There is no confused pair to draw: the model made no mistake.")
    names = [f"{true} → {predicted}" for true, predicted, _, _ in pairs]
    true, predicted, count, rate = pairs[0]
    title = (
        f"Most often confused: {true} taken for {predicted}, {count:,} times ({percent(rate)} of "
        f"all {true} images)"
    )
    marks = [f"{count:,} ({percent(rate)})" for _, _, count, rate in pairs]
    texts = [f"{name} {mark}" for name, mark in zip(names, marks, strict=True)]
    alt = (
        "Bars of the numbers of confused images, with their fraction of the true class: "
        f"{listed(texts)}."
    )
    figure = CourseFigure(title, alt, 0.33 * max(len(pairs), 3) + 0.9)
    axes = figure.add_subplot()
    bars(axes, names, [pair[2] for pair in pairs], marks, color=BLUE)
    axes.margins(x=0.18)
    axes.locator_params("x", integer=True)
    xlabel = "images (in brackets: fraction of the true class)"
    axes.set(xlabel=xlabel, ylabel="true → predicted")
    return figure


@styled
def mistakes(
    images: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str],
    count: int = 12,
) -> CourseFigure:
    """Draw the wrong predictions that the model was surest of. Used in notebook 05.

    Args:
        count: how many to draw at most.
    """
    images = checks.images(images)
    labels, probabilities = checks.labelled(labels, probabilities)
    selected = evaluation.confident_mistakes(labels, probabilities, count)
    if not len(selected):
        title = f"The model made no mistake on these {len(labels):,} images"
        return CourseFigure(title, f"{title}, so none is shown.", 0.1)
    guesses = probabilities[selected].argmax(axis=1)
    sure = probabilities[selected].max(axis=1)
    names = [
        (class_names[labels[i]], class_names[p]) for i, p in zip(selected, guesses, strict=True)
    ]
    captions = [
        f"{predicted}?\n{percent(value)} sure\nis: {true}"
        for (true, predicted), value in zip(names, sure, strict=True)
    ]
    texts = [f"{true} taken for {predicted}" for true, predicted in names]
    title = (
        f"The {len(selected)} surest mistakes: the model gave the wrong class "
        f"{percent(sure.min())} or more"
    )
    alt = f"{title}. {listed(texts).capitalize()}, the first with {percent(sure.max())}."
    return image_grid(images[selected], captions, title=title, columns=6, alt=alt)


@styled
def confused_images(
    images: np.ndarray,
    labels: np.ndarray,
    predictions: np.ndarray,
    class_names: Sequence[str],
    *,
    pairs: int = 2,
    count: int = 8,
) -> CourseFigure:
    """Draw images of the classes that are mixed up most, one row for each direction.

    The pairs are those of ``evaluation.confused_pairs``, both directions counted together.

    Used in notebook 05.

    Args:
        pairs: how many, two rows each; fewer if fewer were confused.
        count: images in a row, the first that there are; fewer where there are fewer.
    """
    images = checks.images(images)
    labels = checks.classes(labels, len(class_names))
    predictions = checks.classes(predictions, len(class_names), "predictions")
    matrix = metrics.confusion_matrix(labels, predictions, labels=range(len(class_names)))
    matches = evaluation.confused_pairs(matrix, class_names, pairs, symmetric=True)
    if not matches:
        title = f"The model made no mistake on these {len(labels):,} images"
        return CourseFigure(title, f"{title}, so no pair is shown.", 0.1)
    place = {name: number for number, name in enumerate(class_names)}
    rows, texts = {}, []
    for first, second, *_ in matches:
        for true, guesses in ((first, second), (second, first)):
            members = np.flatnonzero((labels == place[true]) & (predictions == place[guesses]))
            if len(members):
                rows[f"{true} → {guesses}"] = images[members[:count]]
            texts.append(f"{true} taken for {guesses} {len(members):,} times")
    title = f"{texts[0][0].upper()}{', '.join(texts)[1:]}"
    drawn = [f"{name} {len(members)}" for name, members in rows.items()]
    tiles = plan(*in_rows(list(rows.values())), width=7.2, largest=0.85)
    figure, axes = tiled(tiles, title, f"{title}. Rows of images: {listed(drawn)}.")
    tiles.label_rows(axes, list(rows), fontsize=11)
    axes.set_ylabel("true → predicted")
    return figure


@styled
def predictions(
    images: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str],
) -> CourseFigure:
    """Draw a few images, each with the three classes that the model finds most probable.

    Used in notebooks 05 and 06.
    """
    images = as_images(images)
    labels, probabilities = checks.labelled(labels, probabilities)
    images, labels, probabilities = images[:6], labels[:6], probabilities[:6]
    best = probabilities.argmax(axis=1)
    hits = int((best == labels).sum())
    title = f"The most probable class is the true one for {hits} of {len(images)} images"
    texts = [
        f"{class_names[label]}: {class_names[guess]} with {percent(row[guess])}"
        for label, guess, row in zip(labels, best, probabilities, strict=True)
    ]
    alt = (
        f"{len(images)} images, each with bars of the three classes that the model finds most "
        f"probable. True class and first guess: {'; '.join(texts)}."
    )
    rows = -(-len(images) // 2)
    figure = CourseFigure(title, alt, 1.55 * rows + 0.3)
    grid = figure.subplots(rows, 4, squeeze=False, width_ratios=(1, 1.7, 1, 1.7))
    for axes in grid.flat[2 * len(images) :]:
        axes.set_axis_off()
    colours = class_colours(class_names)
    for position, (image, label) in enumerate(zip(images, labels, strict=True)):
        left, right = grid.flat[2 * position], grid.flat[2 * position + 1]
        left.imshow(image)
        left.set_axis_off()
        top = np.argsort(-probabilities[position], kind="stable")[:3]
        names = [f"{'✓ ' if index == label else ''}{class_names[index]}" for index in top]
        values = probabilities[position, top]
        drawn = bars(
            right, names, values, list(map(percent, values)), color=[colours[i] for i in top]
        )
        for index, patch in zip(top, drawn, strict=True):
            patch.set(edgecolor="black", linewidth=2 if index == label else 0.6)
        right.set(xlim=(0, 1.3), title=f"true class: {class_names[label]}")
        right.set_xticks([0, 0.5, 1])
        percent_axis(right, "x")
        if position >= len(images) - 2:
            right.set_xlabel("probability")
    return figure
