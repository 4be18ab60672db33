"""Figures on where a network looks, what it puts near each other, and how it breaks."""

from collections.abc import Mapping, Sequence

import numpy as np

from cifar10_cnn.common import checks
from cifar10_cnn.plots.labels import label_points
from cifar10_cnn.plots.style import (
    BLACK,
    MARKERS,
    SERIES,
    CourseFigure,
    class_colours,
    in_points,
    listed,
    percent,
    share_axis,
    styled,
)
from cifar10_cnn.plots.tiles import as_pictures, plan


@styled
def heat(
    images: np.ndarray, maps: np.ndarray, captions: Sequence[object], *, title: str
) -> CourseFigure:
    """Draw pictures, and below each the same in grey with what counts in colour on it.

    Used in notebook 08.

    Args:
        images: (N, h, w, 3), 0 to 255, at most ten.
        maps: how much each pixel counts, (N, h, w); what is below 0 is not drawn.
        captions: a text below each.
        title: what the maps show.

    Raises:
        ValueError: if the numbers of pictures, maps and captions differ.
    """
    images = as_pictures(images)
    maps = checks.array(maps, "maps", "(N, h, w)")
    checks.same_length(images=images, maps=maps, captions=captions)
    if maps.shape != images.shape[:3]:
        raise ValueError(f"Maps of shape {maps.shape} do not fit pictures of {images.shape}.")
    white = np.full((len(images), 1, *images.shape[2:]), 255, dtype=np.uint8)
    both = np.concatenate([images, white, _overlaid(images, maps)], axis=1)
    tiles = plan(both, min(len(images), 10), captions, width=7.6)
    height, width = maps.shape[1:]
    peaks = [divmod(int(each.argmax()), width) for each in maps]
    places = [
        f"{caption}: most at {100 * (row + 0.5) / height:.0f} % of the height and "
        f"{100 * (column + 0.5) / width:.0f} % of the width"
        for caption, (row, column) in zip(captions, peaks, strict=True)
    ]
    figure = CourseFigure(
        title,
        f"{title}. Pictures above, what counts in them below; {listed(places)}.",
        tiles.height,
    )
    axes = figure.add_subplot()
    tiles.draw(axes, both)
    ticks = []
    for row in range(tiles.rows):
        top = tiles.corner(row * tiles.columns)[1]
        ticks += [top + tiles.size * tiles.ratio * share for share in (0.25, 0.75)]
    axes.set_yticks(ticks, ["picture", "what\ncounts"] * tiles.rows)
    axes.tick_params(length=0)
    return figure


def _overlaid(images: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Return pictures in light grey with their maps in yellow (much) and dark blue (little)."""
    heights = np.maximum(maps, 0)
    peaks = heights.max(axis=(1, 2), keepdims=True)
    shares = np.divide(heights, peaks, out=np.zeros(maps.shape), where=peaks > 0)
    # Along one line from blue to yellow: told apart in grey and by colour-blind eyes.
    colours = shares[..., None] * (255, 225, 60) + (1 - shares[..., None]) * (25, 35, 110)
    grey = images.mean(axis=-1, keepdims=True)
    return np.clip(0.6 * colours + 0.4 * grey, 0, 255).astype(np.uint8)


@styled
def prediction_card(
    picture: np.ndarray,
    places: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str],
    *,
    method: str,
    threshold: float | None = None,
) -> CourseFigure:
    """Draw one picture as the network sees it, what counts in it, and its probable classes.

    Used in notebook 09.

    Args:
        picture: (h, w, 3), 0 to 255.
        places: how much each pixel speaks for the most probable class, (h, w), from 0 on.
        probabilities: (k,), 0 to 1; the five largest are drawn.
        class_names: k names.
        method: what ``places`` were found by.
        threshold: a confidence, 0 to 1; with less the picture probably shows none of the classes.

    Raises:
        ValueError: if the shapes do not fit together.
    """
    picture = as_pictures(checks.array(picture, "pixels of a picture", "(h, w, 3)")[None])
    places = checks.array(places, "places", "(h, w)")
    shares = checks.shares(probabilities, "the classes")
    checks.names(class_names, len(shares))
    if places.shape != picture.shape[1:3]:
        raise ValueError(f"Places of {places.shape} do not fit a picture of {picture.shape[1:]}.")
    top = np.argsort(-shares, kind="stable")[:5]
    best, sure = class_names[top[0]], percent(shares[top[0]])
    height, width = places.shape
    texts = [f"{class_names[index]} {percent(shares[index])}" for index in top]
    title, line = f"{best.capitalize()}, {sure} sure", ""
    if threshold is not None:
        checks.number(threshold, "threshold", 0, 1)
        line = f" The threshold is {percent(threshold)}."
        if shares[top[0]] < threshold:
            title = f"Probably none of the {len(class_names)}: {best} at most, {sure} sure"
    alt = (
        f"{title}. The picture in {height}×{width} pixels, the places that speak for {best} by "
        f"{method}, and bars of the most probable classes: {listed(texts)}.{line}"
    )
    figure = CourseFigure(title, alt, 2.7)
    seen, counts, bars = figure.subplots(1, 3, width_ratios=(1, 1, 1.3))
    heads = (f"what the network sees: {height} × {width}", f"what speaks for {best}")
    drawn = (picture, _overlaid(picture, places[None]))
    for axes, pixels, head in zip((seen, counts), drawn, heads, strict=True):
        axes.imshow(pixels[0])
        axes.set(title=head, xlabel="column, pixels", ylabel="row, pixels")
    counts.set_xlabel(f"column, pixels (by {method})")
    colours = class_colours(class_names)
    rows = bars.barh(
        range(len(top)), shares[top], color=[colours[index] for index in top], edgecolor="black"
    )
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    bars.bar_label(rows, [percent(share) for share in shares[top]], padding=4, bbox=paper)
    bars.set_yticks(range(len(top)), [class_names[index] for index in top])
    bars.set_ylim(len(top), -0.6)  # below the last bar there is room for a word
    bars.set(xlim=(0, 1.25), xlabel="probability", title="its most probable classes")
    bars.set_xticks([0, 0.5, 1])
    share_axis(bars, "x")
    if threshold is not None:
        bars.axvline(threshold, color=BLACK, linestyle="--", linewidth=1.2)
        place = (threshold, len(top) - 0.05)
        bars.text(*place, "threshold", ha="center", va="bottom", fontsize=9, bbox=paper)
    return figure


@styled
def image_rows(
    rows: Mapping[str, np.ndarray],
    columns: Sequence[str],
    *,
    title: str,
    row_label: str,
    column_label: str,
    captions: Sequence[str] | None = None,
) -> CourseFigure:
    """Draw rows of pictures with a name before each row and a text above each column.

    Used in notebook 08.

    Args:
        rows: pictures by the row's name, (n, h, w, 3) each, 0 to 255.
        columns: n texts.
        title: what they show.
        row_label: what the rows' names are.
        column_label: what the columns' texts are.
        captions: a text below each picture, row by row.

    Raises:
        ValueError: if the rows differ in length, or there is another number of captions.
    """
    checks.mapping(rows, "row")
    pictures = {name: as_pictures(images) for name, images in rows.items()}
    for images in pictures.values():
        checks.same_length(columns=columns, images=images)
    flat = np.concatenate(list(pictures.values()))
    tiles = plan(flat, len(columns), captions, width=7.2, largest=0.9)
    alt = f"{title}. Rows of pictures: {listed(list(rows))}; columns: {listed(columns)}."
    if captions is not None:
        alt += f" Below the pictures: {listed([text for text in captions if text])}."
    figure = CourseFigure(title, alt, tiles.height + 0.5)
    axes = figure.add_subplot()
    tiles.draw(axes, flat)
    axes.set(xlabel=column_label, ylabel=row_label)
    middles = [tiles.corner(row * len(columns))[1] + tiles.size / 2 for row in range(len(rows))]
    axes.set_yticks(middles, list(rows))
    middles = [tiles.corner(column)[0] + tiles.size / 2 for column in range(len(columns))]
    axes.set_xticks(middles, columns)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.tick_params(length=0)
    return figure


@styled
def robustness(accuracies: Mapping[str, Sequence[float]], clean: float) -> CourseFigure:
    """Draw how accuracy falls as pictures get worse, a small panel for each corruption.

    Used in notebook 08.

    Args:
        accuracies: 0 to 1, one for each strength from 1 on, by the corruption's name.
        clean: accuracy on the pictures as they are.

    Raises:
        ValueError: if there is none, or one is no share.
    """
    checks.number(clean, "clean", 0, 1)
    curves = {
        name: checks.shares(each, name)
        for name, each in checks.mapping(accuracies, "corruption").items()
    }
    losses = {name: clean - curve[-1] for name, curve in curves.items()}
    worst, least = max(losses, key=losses.__getitem__), min(losses, key=losses.__getitem__)
    title = (
        f"At strength {len(curves[worst])} {worst} costs {in_points(losses[worst])} points, "
        f"{least} {in_points(losses[least])}"
    )
    texts = [
        f"{name} {listed([percent(value) for value in curve])}" for name, curve in curves.items()
    ]
    alt = f"Accuracy by strength of corruption, clean {percent(clean)}: {'; '.join(texts)}."
    columns = min(4, len(curves))
    rows = -(-len(curves) // columns)
    figure = CourseFigure(title, alt, 1.9 * rows + 0.4)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes in panels.flat[len(curves) :]:
        axes.set_visible(False)
    for position, (axes, (name, curve)) in enumerate(
        zip(panels.flat, curves.items(), strict=False)
    ):
        axes.axhline(clean, color=BLACK, linewidth=1, linestyle=":", label="clean pictures")
        axes.plot(range(1, len(curve) + 1), curve, color=SERIES[0], marker="o", markersize=5)
        axes.set_title(name)
        axes.grid()
        share_axis(axes)
        if position % columns == 0:
            axes.set_ylabel("accuracy")
        if position + columns >= len(curves):
            axes.set_xlabel("strength")
    panels[0, 0].set(ylim=(0, 1), xticks=range(1, 1 + max(map(len, curves.values()))))
    panels[0, 0].legend(loc="lower left", fontsize=9)
    return figure


@styled
def points_by_class(
    points: np.ndarray, labels: np.ndarray, class_names: Sequence[str], *, title: str
) -> CourseFigure:
    """Draw pictures as points in a plane, coloured by class, with each class's name at its middle.

    Used in notebook 08.

    Args:
        points: (N, 2).
        labels: their classes, (N,), 0 to k - 1.
        class_names: k names.
        title: what the neighbourhoods show.

    Raises:
        ValueError: if the shapes do not fit together.
    """
    points = checks.array(points, "points", "(N, 2)")
    labels = checks.classes(labels, len(checks.names(class_names)))
    checks.same_length(points=points, labels=labels)
    counts = [f"{name} {int((labels == i).sum())}" for i, name in enumerate(class_names)]
    alt = f"{title}. {len(points):,} pictures as points in a plane, by class: {listed(counts)}."
    figure = CourseFigure(title, alt, 5.2)
    axes = figure.add_subplot()
    axes.set(xlabel="first axis of the plane", ylabel="second axis of the plane")
    axes.set(xticks=[], yticks=[])
    colours, middles = class_colours(class_names), {}
    for number in np.unique(labels):
        mine, marker = points[labels == number], MARKERS[number % len(MARKERS)]
        axes.scatter(
            mine[:, 0],
            mine[:, 1],
            s=16,
            color=colours[number],
            marker=marker,
            edgecolors="black",
            linewidths=0.3,
        )
        middles[class_names[number]] = (np.median(mine[:, 0]), np.median(mine[:, 1]))
    label_points(figure, axes, middles)
    for text, number in zip(axes.texts, np.unique(labels), strict=True):
        text.set_bbox(
            {"facecolor": "white", "edgecolor": colours[number], "alpha": 0.9, "pad": 1.5}
        )
    return figure
