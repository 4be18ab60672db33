"""Figures that show pictures as they are: grids, pixels, channels, pairs."""

from collections.abc import Sequence

import numpy as np
from matplotlib.patches import Rectangle

from cifar10_cnn.common import checks
from cifar10_cnn.plots.style import (
    NBSP,
    RIGHT_TEXT,
    VERMILLION,
    WRONG_TEXT,
    CourseFigure,
    listed,
    members_of_classes,
    styled,
)
from cifar10_cnn.plots.tiles import as_picture, as_pictures, plan

CHANNELS = ("red", "green", "blue")


@styled
def image_grid(
    images: np.ndarray,
    captions: Sequence[object] | None = None,
    *,
    title: str,
    columns: int = 10,
    correct: Sequence[bool] | np.ndarray | None = None,
    alt: str | None = None,
) -> CourseFigure:
    """Draw pictures in a grid.

    Used in every notebook.

    Args:
        images: (N, h, w, 3), 0 to 255.
        captions: a text below each picture.
        title: what the pictures show.
        columns: pictures in a row.
        correct: bool (N,): captions are marked ✓ or ✗, and green or red.
        alt: alternative text; by default the title, the number of pictures and their captions.

    Raises:
        ValueError: if the numbers of pictures, captions and marks differ, or there is no picture.
    """
    images = as_pictures(images)
    if captions is not None:
        checks.rows(captions, "captions")
    colours = None
    words = f"{len(images)} pictures" if len(images) != 1 else "One picture"
    alt_captions = "" if captions is None else f": {listed(captions)}".replace("\n", " ")
    if correct is not None:
        correct = checks.array(correct, "marks of what is correct", "(N,)", kinds="b")
        captions = [""] * len(images) if captions is None else captions
        checks.same_length(images=images, captions=captions, correct=correct)
        colours = [RIGHT_TEXT if right else WRONG_TEXT for right in correct]
        captions = [
            f"{'✓' if right else '✗'}{NBSP}{caption}"
            for right, caption in zip(correct, captions, strict=True)
        ]
        alt_captions += f"; {correct.sum()} of {len(correct)} are marked as right"
    tiles = plan(images, columns, captions)
    figure = CourseFigure(title, alt or f"{title}. {words}{alt_captions}.", tiles.height)
    tiles.draw(figure.add_subplot(), images, colours)
    return figure


@styled
def class_grid(
    images: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    per_class: int = 10,
    seed: int = 0,
) -> CourseFigure:
    """Draw random pictures of each class, one row a class.

    Used in notebook 02.

    Args:
        images: (N, h, w, 3), 0 to 255.
        labels: (N,), 0 to k - 1.
        class_names: k names.
        per_class: pictures of each class; fewer where a class has fewer.
        seed: the same seed chooses the same pictures.

    Raises:
        ValueError: if there are not as many labels as pictures, or a class has no picture.
    """
    rng = np.random.default_rng(checks.count(seed, "seed", 0))
    images = checks.images(images)
    members = members_of_classes(images, labels, class_names)
    rows = [rng.permutation(index)[: checks.count(per_class, "per_class")] for index in members]
    columns = max(len(row) for row in rows)
    # White tiles fill a row that is short.
    shown = np.full((len(rows), columns, *images.shape[1:]), 255, dtype=np.uint8)
    for row, chosen in enumerate(rows):
        shown[row, : len(chosen)] = as_pictures(images[chosen])
    flat = shown.reshape(-1, *images.shape[1:])
    tiles = plan(flat, columns, width=7.6, largest=0.9)
    title = f"{columns} random pictures of each of the {len(rows)} classes"
    alt = (
        f"A grid of pictures with one row for each of {len(rows)} classes, {listed(class_names)}; "
        f"each row shows {columns} random training pictures that differ in place, size and colour."
    )
    figure = CourseFigure(title, alt, tiles.height)
    axes = figure.add_subplot()
    tiles.draw(axes, flat)
    middles = [tiles.corner(row * columns)[1] + tiles.size / 2 for row in range(len(rows))]
    axes.set_yticks(middles, class_names, fontsize=11)
    axes.tick_params(length=0)
    return figure


@styled
def augmentations(
    original: np.ndarray, versions: np.ndarray, title: str | None = None
) -> CourseFigure:
    """Draw a picture and what random augmentation made of it.

    Used in notebooks 02 and 04.

    Args:
        original: (h, w, 3), 0 to 255.
        versions: (N, h, w, 3), 0 to 255.
        title: by default how far the versions are from the original.
    """
    original, versions = as_picture(original), as_pictures(versions)
    _same_size(original, versions[0])
    changes = np.abs(versions.astype(float) - original).mean(axis=(1, 2, 3))
    if title is None:
        title = (
            f"{len(versions)} random versions of one picture: their pixels differ from the "
            f"original's by {changes.mean():.0f} of 255 on average"
        )
    images = np.concatenate([original[np.newaxis], versions])
    captions = ["original", *(f"version {number + 1}" for number in range(len(versions)))]
    tiles = plan(images, min(len(images), 10), captions)
    alt = (
        f"{title}. The original and {len(versions)} random versions of it, whose pixels differ "
        f"from it by {changes.min():.0f} to {changes.max():.0f} of 255 on average."
    )
    figure = CourseFigure(title, alt, tiles.height)
    axes = figure.add_subplot()
    tiles.draw(axes, images)
    frame = Rectangle((0, 0), tiles.size, tiles.size * tiles.ratio)
    frame.set(fill=False, edgecolor=VERMILLION, linewidth=3, clip_on=False)
    axes.add_patch(frame)
    return figure


@styled
def pairs(
    left_images: np.ndarray,
    right_images: np.ndarray,
    captions: Sequence[object],
    *,
    title: str,
    left_label: str,
    right_label: str,
) -> CourseFigure:
    """Draw pairs of pictures, the left one of each pair above the right one.

    Used in notebook 02.

    Args:
        left_images: (N, h, w, 3), 0 to 255.
        right_images: as many.
        captions: a text below each pair.
        title: what the pairs show.
        left_label: what the upper pictures are.
        right_label: what the lower pictures are.

    Raises:
        ValueError: if the numbers of pictures and captions differ, or there is no pair.
    """
    left, right = as_pictures(left_images), as_pictures(right_images)
    checks.same_length(left_images=left, right_images=right, captions=captions)
    _same_size(left[0], right[0])
    white = np.full((len(left), 1, *left.shape[2:]), 255, dtype=np.uint8)
    columns = min(len(left), 10)
    tiles = plan(np.concatenate([left, white, right], axis=1), columns, captions, width=7.6)
    alt = (
        f"{title}. {len(left)} pairs of pictures, {left_label} above and {right_label} below: "
        f"{listed(captions)}."
    )
    figure = CourseFigure(title, alt, tiles.height)
    axes = figure.add_subplot()
    tiles.draw(axes, np.concatenate([left, white, right], axis=1))
    ticks, labels = [], []
    for row in range(tiles.rows):
        top = tiles.corner(row * tiles.columns)[1]
        ticks += [top + tiles.size * tiles.ratio * share for share in (0.25, 0.75)]
        labels += [left_label.replace(" ", "\n"), right_label.replace(" ", "\n")]
    axes.set_yticks(ticks, labels)
    axes.tick_params(length=0)
    return figure


def _same_size(first: np.ndarray, second: np.ndarray) -> None:
    if first.shape != second.shape:
        raise ValueError(f"Pictures of shape {first.shape} and {second.shape}: give equal ones.")


@styled
def channels(image: np.ndarray) -> CourseFigure:
    """Draw a picture and its red, green and blue channel.

    Used in notebook 01.

    Args:
        image: (h, w, 3), 0 to 255.
    """
    image = as_picture(image)
    means = image.mean(axis=(0, 1))
    strongest = CHANNELS[int(means.argmax())]
    texts = [f"{name}, mean {mean:.0f}" for name, mean in zip(CHANNELS, means, strict=True)]
    height, width = image.shape[:2]
    figure = CourseFigure(
        f"One picture is three tables of {height}×{width} numbers: here {strongest} is strongest",
        f"A colour picture and its three channels in grey, white where a channel is strong: "
        f"{listed(texts)} of 255.",
        2.5,
    )
    axes = figure.subplots(1, 4, sharex=True, sharey=True)
    axes[0].imshow(image)
    axes[0].set(title="all three together", xlabel="column", ylabel="row")
    for channel, text in enumerate(texts):
        drawn = axes[channel + 1].imshow(image[..., channel], cmap="gray", vmin=0, vmax=255)
        axes[channel + 1].set(title=text, xlabel="column")
    figure.colorbar(
        drawn, ax=axes, label="pixel value", ticks=[0, 64, 128, 192, 255], fraction=0.02
    )
    return figure


@styled
def pixel_zoom(
    image: np.ndarray, row: int, column: int, size: int = 8, channel: int = 0
) -> CourseFigure:
    """Draw a picture and the numbers that a part of it consists of.

    Used in notebook 01.

    Args:
        image: (h, w, 3), 0 to 255.
        row: first row of the part, from 0.
        column: first column of the part, from 0.
        size: rows and columns of the part.
        channel: 0 red, 1 green, 2 blue: whose numbers are written.

    Raises:
        ValueError: if the part leaves the picture, or there is no such channel.
    """
    image = as_picture(image)
    for number, what in ((row, "row"), (column, "column"), (channel, "channel")):
        checks.count(number, what, 0)
    checks.count(size, "size")
    height, width = image.shape[:2]
    inside = size > 0 and 0 <= row <= height - size and 0 <= column <= width - size
    if not inside or channel not in range(3):
        raise ValueError(
            f"{size}×{size} pixels from row {row}, column {column}, channel {channel} are not "
            f"within {height}×{width} pixels and 3 channels."
        )
    part = image[row : row + size, column : column + size, channel]
    name = CHANNELS[channel]
    numbers = f"{name} values of {size}×{size} pixels, from {part.min()} to {part.max()}"
    figure = CourseFigure(
        f"Pixels are numbers: the {numbers}",
        f"A picture with a frame around {size}×{size} pixels from row {row}, column {column}, and "
        f"beside it these pixels enlarged: the {numbers}.",
        4.3,
    )
    whole, zoom = figure.subplots(1, 2)
    whole.imshow(image)
    frame = Rectangle((column - 0.5, row - 0.5), size, size)
    frame.set(fill=False, edgecolor=VERMILLION, linewidth=3)
    whole.add_patch(frame)
    whole.set(title="the picture", xlabel="column", ylabel="row")
    edges = (column - 0.5, column + size - 0.5, row + size - 0.5, row - 0.5)
    zoom.imshow(part, cmap="gray", vmin=0, vmax=255, extent=edges)
    for (y, x), value in np.ndenumerate(part):
        colour = "black" if value > 127 else "white"
        font = min(11, 88 / size)
        zoom.text(column + x, row + y, value, ha="center", va="center", color=colour, fontsize=font)
    zoom.set(title=f"its {name} values in the frame", xlabel="column", ylabel="row")
    for axes in (whole, zoom):
        axes.spines[:].set_visible(True)
        axes.locator_params(integer=True)
    return figure
