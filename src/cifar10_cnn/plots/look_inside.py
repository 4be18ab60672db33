"""Figures of notebook 08: where a network looks, what it puts together, and how it breaks."""

from collections.abc import Mapping, Sequence

import numpy as np

from cifar10_cnn.common import checks
from cifar10_cnn.plots.labels import label_outer, label_points
from cifar10_cnn.plots.style import (
    BLACK,
    MARKERS,
    SERIES,
    CourseFigure,
    class_colours,
    in_points,
    listed,
    percent,
    percent_axis,
    styled,
)
from cifar10_cnn.plots.tiles import above, as_images, plan, tiled


@styled
def heat(
    images: np.ndarray, maps: np.ndarray, captions: Sequence[object], *, title: str
) -> CourseFigure:
    """Draw images, and below each the same in grey with its heat map in colour on it.

    A value of 0 has no colour, above 0 it is yellow, below 0 blue. Used in notebook 08.

    Args:
        maps: how much each pixel speaks for a class, (N, h, w).
    """
    images = as_images(images)
    maps = checks.array(maps, "maps", "(N, h, w)")
    if maps.shape != images.shape[:3]:
        raise ValueError(f"Maps of shape {maps.shape} do not fit images of {images.shape}.")
    height, width = maps.shape[1:]
    peaks = [divmod(int(each.argmax()), width) for each in maps]
    places = [
        f"{caption}: most at {100 * (row + 0.5) / height:.0f} % of the height and "
        f"{100 * (column + 0.5) / width:.0f} % of the width"
        for caption, (row, column) in zip(captions, peaks, strict=True)
    ]
    tiles = plan(above(images, overlaid(images, maps)), 10, captions, width=7.6)
    alt = f"{title}. Images above, their heat maps below; {listed(places)}."
    figure, axes = tiled(tiles, title, alt)
    tiles.label_rows(axes, ["image", "heat\nmap"] * tiles.rows, (0.25, 0.75))
    return figure


def overlaid(images: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Return images in grey with their maps in colour: yellow above 0, blue below, none at 0.

    Each map is drawn by its own largest value; yet one whose values are tiny beside those of the
    others (below a twentieth) stays pale, as it shows next to nothing.
    """
    peaks = np.abs(maps).max(axis=(1, 2), keepdims=True)
    peaks = np.maximum(peaks, peaks.max() / 20)
    strength = np.divide(maps, peaks, out=np.zeros(maps.shape), where=peaks > 0)[..., None]
    grey = 0.6 * images.mean(axis=-1, keepdims=True) * np.ones(3)
    # Yellow is lighter than every grey here, and blue is darker: grey print tells them apart, too.
    colours = np.where(strength > 0, (255, 225, 60), (20, 60, 160))
    amount = 0.85 * np.abs(strength)
    return np.clip((1 - amount) * grey + amount * colours, 0, 255).astype(np.uint8)


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
    """Draw rows of images with a name before each row and a text above each column.

    Used in notebook 08.

    Args:
        rows: images by the row's name, (n, h, w, 3) each, 0 to 255.
        columns: n texts.
        row_label: what the rows' names are.
        column_label: what the columns' texts are.
    """
    flat = np.concatenate([as_images(images) for images in rows.values()])
    tiles = plan(flat, len(columns), captions, width=7.2, largest=0.9)
    alt = f"{title}. Rows of images: {listed(rows)}; columns: {listed(columns)}."
    if captions is not None:
        alt += f" Below the images: {listed([text for text in captions if text])}."
    figure = CourseFigure(title, alt, tiles.height + 0.5)
    axes = figure.add_subplot()
    tiles.draw(axes)
    axes.set(xlabel=column_label, ylabel=row_label)
    tiles.label_rows(axes, [name.replace(", ", ",\n") for name in rows])  # long ones
    middles = [column * tiles.pitch[0] + tiles.size / 2 for column in range(len(columns))]
    axes.set_xticks(middles, columns)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.tick_params(length=0)
    return figure


@styled
def robustness(accuracies: Mapping[str, Sequence[float]], clean: float) -> CourseFigure:
    """Draw how accuracy falls as images get worse, a small panel for each corruption.

    Used in notebook 08.

    Args:
        accuracies: 0 to 1, one for each strength from 1 on, by the corruption's name.
        clean: accuracy on the images as they are.
    """
    curves = {name: checks.shares(each, name) for name, each in accuracies.items()}
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
    for axes, (name, curve) in zip(panels.flat, curves.items(), strict=False):
        axes.axhline(clean, color=BLACK, linewidth=1, linestyle=":", label="clean images")
        axes.plot(range(1, len(curve) + 1), curve, color=SERIES[0], marker="o", markersize=5)
        axes.set_title(name)
        axes.grid()
    percent_axis(panels[0, 0])
    label_outer(panels, len(curves), "strength", "accuracy")
    panels[0, 0].set(ylim=(0, 1), xticks=range(1, 1 + max(map(len, curves.values()))))
    panels[0, 0].legend(loc="lower left", fontsize=9)
    return figure


@styled
def points_by_class(
    points: np.ndarray, labels: np.ndarray, class_names: Sequence[str], *, title: str
) -> CourseFigure:
    """Draw images as points in a plane, coloured by class, with each class's name at its middle.

    Used in notebook 08.

    Args:
        points: (N, 2).
    """
    points = checks.array(points, "points", "(N, 2)")
    labels = checks.classes(labels, len(class_names))
    counts = [f"{name} {int((labels == i).sum())}" for i, name in enumerate(class_names)]
    alt = f"{title}. {len(points):,} images as points in a plane, by class: {listed(counts)}."
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
