"""Figures of single pictures and what a model says about them."""

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import confusion_matrix

from cifar10_cnn.common import checks
from cifar10_cnn.evaluation import scores as evaluation
from cifar10_cnn.plots.pictures import image_grid
from cifar10_cnn.plots.style import (
    CourseFigure,
    class_colours,
    listed,
    percent,
    share_axis,
    styled,
)
from cifar10_cnn.plots.tiles import as_pictures, plan


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
    images = checks.images(images)
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
    return image_grid(images[chosen], captions, title=title, columns=6, alt=alt)


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
    """Draw pictures of the classes that are mixed up most, one row for each direction.

    The pairs are those of ``evaluation.confused_pairs``, both directions counted together.

    Used in notebook 05.

    Args:
        images: (N, h, w, 3), 0 to 255.
        labels: true classes, (N,), 0 to k - 1.
        predictions: predicted classes, (N,), 0 to k - 1.
        class_names: k names.
        pairs: how many, two rows each; fewer if fewer were confused.
        count: pictures in a row, the first that there are; fewer where there are fewer.

    Raises:
        ValueError: if the shapes do not fit together.
    """
    images = checks.images(images)
    labels = checks.classes(labels, len(checks.names(class_names)))
    predictions = checks.classes(predictions, len(class_names), "predictions")
    checks.same_length(images=images, labels=labels, predictions=predictions)
    checks.count(count, "count")
    matrix = confusion_matrix(labels, predictions, labels=range(len(class_names)))
    found = evaluation.confused_pairs(matrix, class_names, pairs, symmetric=True)
    if not found:
        title = f"The model made no mistake on these {len(labels):,} pictures"
        return CourseFigure(title, f"{title}, so no pair is shown.", 0.1)
    place = {name: number for number, name in enumerate(class_names)}
    rows, texts = {}, []
    for first, second, *_ in found:
        for true, said in ((first, second), (second, first)):
            members = np.flatnonzero((labels == place[true]) & (predictions == place[said]))
            if len(members):
                rows[f"{true} → {said}"] = images[members[:count]]
            texts.append(f"{true} taken for {said} {len(members):,} times")
    columns = max(map(len, rows.values()))
    # White tiles fill a row that is short.
    shown = np.full((len(rows), columns, *images.shape[1:]), 255, dtype=np.uint8)
    for tiles_of_row, members in zip(shown, rows.values(), strict=True):
        tiles_of_row[: len(members)] = as_pictures(members)
    title = f"{texts[0][0].upper()}{', '.join(texts)[1:]}"
    flat = shown.reshape(-1, *images.shape[1:])
    tiles = plan(flat, columns, width=7.2, largest=0.85)
    drawn = [f"{name} {len(members)}" for name, members in rows.items()]
    figure = CourseFigure(title, f"{title}. Rows of pictures: {listed(drawn)}.", tiles.height)
    axes = figure.add_subplot()
    tiles.draw(axes, flat)
    middles = [tiles.corner(row * columns)[1] + tiles.size / 2 for row in range(len(rows))]
    axes.set_yticks(middles, list(rows), fontsize=11)
    axes.tick_params(length=0)
    axes.set_ylabel("true → predicted")
    return figure


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
