"""Figures of single pictures and what a model says about them."""

from collections.abc import Sequence

import numpy as np

from cifar10_cnn import checks, evaluation
from cifar10_cnn.plots.pictures import pictures
from cifar10_cnn.plots.style import (
    CourseFigure,
    class_colours,
    listed,
    percent,
    share_axis,
    styled,
)
from cifar10_cnn.plots.tiles import as_pictures


@styled
def mistakes(
    images: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str],
    count: int = 12,
) -> CourseFigure:
    """Draw the wrong predictions that the model was surest of.

    Used in notebook 05.

    Args:
        images: (N, h, w, 3), 0 to 255.
        labels: true classes, (N,), 0 to k - 1.
        probabilities: (N, k), 0 to 1.
        class_names: k names.
        count: how many to draw at most.

    Raises:
        ValueError: if the shapes do not fit together.
    """
    images = checks.pictures(images)
    labels, probabilities = checks.labelled(labels, probabilities)
    checks.names(class_names, probabilities.shape[1])
    checks.same_length(images=images, labels=labels)
    chosen = evaluation.confident_mistakes(labels, probabilities, count)
    if not len(chosen):
        title = f"The model made no mistake on these {len(labels):,} pictures"
        return CourseFigure(title, f"{title}, so none is shown.", 0.1)
    said = probabilities[chosen].argmax(axis=1)
    sure = probabilities[chosen].max(axis=1)
    names = [(class_names[labels[i]], class_names[p]) for i, p in zip(chosen, said, strict=True)]
    captions = [
        f"{predicted}?\n{percent(share)} sure\nis: {true}"
        for (true, predicted), share in zip(names, sure, strict=True)
    ]
    texts = [f"{true} taken for {predicted}" for true, predicted in names]
    title = (
        f"The {len(chosen)} surest mistakes: the model gave the wrong class {percent(sure.min())} "
        "or more"
    )
    alt = f"{title}. {listed(texts).capitalize()}, the first with {percent(sure.max())}."
    return pictures(images[chosen], captions, title=title, columns=6, alt=alt)


@styled
def predictions(
    images: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str],
) -> CourseFigure:
    """Draw a few pictures, each with the three classes that the model finds most probable.

    Used in notebook 05.

    Args:
        images: (N, h, w, 3), 0 to 255; the first six are drawn.
        labels: true classes, (N,), 0 to k - 1.
        probabilities: (N, k), 0 to 1.
        class_names: k names.

    Raises:
        ValueError: if the shapes do not fit together, or there is no picture.
    """
    images = as_pictures(images)
    labels, probabilities = checks.labelled(labels, probabilities)
    checks.names(class_names, probabilities.shape[1])
    checks.same_length(images=images, labels=labels)
    images, labels, probabilities = images[:6], labels[:6], probabilities[:6]
    best = probabilities.argmax(axis=1)
    right = int((best == labels).sum())
    title = f"The most probable class is the true one for {right} of {len(images)} pictures"
    texts = [
        f"{class_names[label]}: {class_names[guess]} with {percent(row[guess])}"
        for label, guess, row in zip(labels, best, probabilities, strict=True)
    ]
    alt = (
        f"{len(images)} pictures, each with bars of the three classes that the model finds most "
        f"probable. True class and first guess: {'; '.join(texts)}."
    )
    rows = -(-len(images) // 2)
    figure = CourseFigure(title, alt, 1.55 * rows + 0.3)
    grid = figure.subplots(rows, 4, squeeze=False, width_ratios=(1, 1.7, 1, 1.7))
    for axes in grid.flat[2 * len(images) :]:
        axes.set_axis_off()
    colours = class_colours(class_names)
    for position, (image, label) in enumerate(zip(images, labels, strict=True)):
        picture, bars = grid.flat[2 * position], grid.flat[2 * position + 1]
        picture.imshow(image)
        picture.set_axis_off()
        top = np.argsort(-probabilities[position], kind="stable")[:3]
        shares = probabilities[position, top]
        drawn = bars.barh(range(len(top)), shares, color=[colours[index] for index in top])
        bars.bar_label(drawn, [percent(share) for share in shares], padding=3, fontsize=9)
        for index, patch in zip(top, drawn, strict=True):
            true = index == label
            patch.set(edgecolor="black", linewidth=2 if true else 0.6)
        names = [f"{'✓ ' if index == label else ''}{class_names[index]}" for index in top]
        bars.set_yticks(range(len(top)), names)
        bars.invert_yaxis()
        bars.set(xlim=(0, 1.3), title=f"true class: {class_names[label]}")
        bars.set_xticks([0, 0.5, 1])
        share_axis(bars, "x")
        if position >= len(images) - 2:
            bars.set_xlabel("probability")
    return figure
