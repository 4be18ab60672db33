"""Figures of notebooks 01 and 02: images as they are, their pixels, and whole data sets."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.patches import Rectangle

from cifar10_cnn.common import checks
from cifar10_cnn.plots.style import (
    BLUE,
    DASHES,
    GREEN,
    HATCHES,
    NBSP,
    RIGHT_TEXT,
    SERIES,
    VERMILLION,
    WRONG_TEXT,
    CourseFigure,
    class_ticks,
    listed,
    styled,
)
from cifar10_cnn.plots.tiles import above, as_image, as_images, in_rows, plan, tiled

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
    """Draw images in a grid. Used in most notebooks.

    Args:
        columns: images in a row.
        correct: bool (N,): captions are marked ✓ or ✗, and green or red.
        alt: alternative text; by default the title, the number of images and their captions.
    """
    images = as_images(images)
    colours = None
    words = f"{len(images)} images" if len(images) != 1 else "One image"
    alt_captions = "" if captions is None else f": {listed(captions)}".replace("\n", " ")
    if correct is not None:
        correct = checks.array(correct, "marks of what is correct", "(N,)", kinds="b")
        captions = [""] * len(images) if captions is None else captions
        colours = [RIGHT_TEXT if right else WRONG_TEXT for right in correct]
        captions = [
            f"{'✓' if right else '✗'}{NBSP}{caption}"
            for right, caption in zip(correct, captions, strict=True)
        ]
        alt_captions += f"; {correct.sum()} of {len(correct)} are marked as right"
    tiles = plan(images, columns, captions)
    alt = alt or f"{title}. {words}{alt_captions}."
    figure = CourseFigure(title, alt, tiles.height)
    tiles.draw(figure.add_subplot(), colours)
    return figure


@styled
def class_grid(
    images: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    per_class: int = 10,
    seed: int = 0,
) -> CourseFigure:
    """Draw random images of each class, one row a class. Used in notebooks 02 and 06.

    Args:
        per_class: images of each class; fewer where a class has fewer.
        seed: the same seed chooses the same images.
    """
    rng = np.random.default_rng(seed)
    images = checks.images(images)
    members = _members_of_classes(images, labels, class_names)
    flat, columns = in_rows([images[rng.permutation(index)[:per_class]] for index in members])
    title = f"{columns} random images of each of the {len(members)} classes"
    alt = (
        f"A grid of images with one row for each of {len(members)} classes, {listed(class_names)}; "
        f"each row shows {columns} random training images that differ in place, size and colour."
    )
    tiles = plan(flat, columns, width=7.6, largest=0.9)
    figure, axes = tiled(tiles, title, alt, of_data=True)
    tiles.label_rows(axes, class_names, fontsize=11)
    return figure


@styled
def augmentations(
    original: np.ndarray, versions: np.ndarray, title: str | None = None
) -> CourseFigure:
    """Draw an image and what random augmentation made of it. Used in notebook 02.

    Args:
        original: (h, w, 3), 0 to 255.
        versions: (N, h, w, 3), 0 to 255.
    """
    original, versions = as_image(original), as_images(versions)
    _same_size(original, versions[0])
    changes = np.abs(versions.astype(float) - original).mean(axis=(1, 2, 3))
    if title is None:
        title = (
            f"{len(versions)} random versions of one image: their pixels differ from the "
            f"original's by {changes.mean():.0f} of 255 on average"
        )
    images = np.concatenate([original[np.newaxis], versions])
    captions = ["original", *(f"version {number + 1}" for number in range(len(versions)))]
    tiles = plan(images, min(len(images), 10), captions)
    alt = (
        f"{title}. The original and {len(versions)} random versions of it, whose pixels differ "
        f"from it by {changes.min():.0f} to {changes.max():.0f} of 255 on average."
    )
    figure, axes = tiled(tiles, title, alt, of_data=True)
    frame = Rectangle((0, 0), tiles.size, tiles.image_height)
    frame.set(fill=False, edgecolor=VERMILLION, linewidth=3, clip_on=False)
    axes.add_patch(frame)
    return figure


@styled
def pairs(
    left_images: np.ndarray,
    right_images: np.ndarray,
    captions: Sequence[object] | None = None,
    *,
    title: str,
    left_label: str,
    right_label: str,
    distances: Sequence[float] | None = None,
) -> CourseFigure:
    """Draw pairs of images, the left one of each pair above the right one.

    Used in notebooks 02 and 08.

    Args:
        left_images: (N, h, w, 3), 0 to 255.
        right_images: as many.
        distances: of each pair, the root mean square of its pixels' differences, 0 to 255.
        left_label: what the upper images are.
        right_label: what the lower images are.
    """
    if not len(left_images):
        return CourseFigure(title, f"{title}. There is no such pair.", 0.1)
    left, right = as_images(left_images), as_images(right_images)
    meaning = ""
    if distances is not None:
        captions = [f"distance {distance:.1f}" for distance in distances]
        meaning = "distance: root mean square of the differences of all pixel values, 0–255"
    captions = [""] * len(left) if captions is None else captions
    _same_size(left[0], right[0])
    tiles = plan(above(left, right), 10, captions, width=7.6)
    alt = (
        f"{title}. {len(left)} pairs of images, {left_label} above and {right_label} below: "
        f"{listed(captions)}{f' ({meaning})' if meaning else ''}."
    )
    figure = CourseFigure(title, alt, tiles.height + (0.25 if meaning else 0))
    axes = figure.add_subplot()
    tiles.draw(axes)
    axes.set_xlabel(meaning)
    names = [label.replace(" ", "\n") for label in (left_label, right_label)]
    tiles.label_rows(axes, names * tiles.rows, (0.25, 0.75))
    return figure


def _same_size(first: np.ndarray, second: np.ndarray) -> None:
    if first.shape != second.shape:
        raise ValueError(f"Images of shape {first.shape} and {second.shape}: give equal ones.")


@styled
def channels(image: np.ndarray) -> CourseFigure:
    """Draw an image and its red, green and blue channel. Used in notebook 01."""
    image = as_image(image)
    means = image.mean(axis=(0, 1))
    strongest = CHANNELS[int(means.argmax())]
    texts = [f"{name}, mean {mean:.0f}" for name, mean in zip(CHANNELS, means, strict=True)]
    height, width = image.shape[:2]
    figure = CourseFigure(
        f"One image is three tables of {height}×{width} numbers: here {strongest} is strongest",
        f"A colour image and its three channels in grey, white where a channel is strong: "
        f"{listed(texts)} of 255.",
        2.5,
        of_data=True,
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
    """Draw an image and the numbers that a part of it consists of. Used in notebook 01.

    Args:
        row: first row of the part, from 0.
        column: first column of the part, from 0.
        size: rows and columns of the part.
        channel: 0 red, 1 green, 2 blue: whose numbers are written.
    """
    image = as_image(image)
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
        f"An image with a frame around {size}×{size} pixels from row {row}, column {column}, and "
        f"beside it these pixels enlarged: the {numbers}.",
        4.3,
        of_data=True,
    )
    whole, zoom = figure.subplots(1, 2)
    whole.imshow(image)
    frame = Rectangle((column - 0.5, row - 0.5), size, size)
    frame.set(fill=False, edgecolor=VERMILLION, linewidth=3)
    whole.add_patch(frame)
    whole.set(title="the image", xlabel="column", ylabel="row")
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


@styled
def class_counts(splits: Mapping[str, np.ndarray], class_names: Sequence[str]) -> CourseFigure:
    """Draw how many images each class has in each split. Used in notebook 01.

    Args:
        splits: labels, (N,), 0 to k - 1, by the split's name.
    """
    classes = len(class_names)
    counts = {
        name: np.bincount(checks.classes(labels, classes, f"{name} labels"), minlength=classes)
        for name, labels in splits.items()
    }
    if all(np.ptp(count) <= 1 for count in counts.values()):
        numbers = [f"{count.max():,} {name}" for name, count in counts.items()]
        title = f"Every class has {listed(numbers)} images"
    else:
        name, count = max(counts.items(), key=lambda item: np.ptp(item[1]) / max(item[1].max(), 1))
        title = (
            f"The classes are not equally frequent: {class_names[int(count.argmin())]} has "
            f"{count.min():,} {name} images, {class_names[int(count.argmax())]} {count.max():,}"
        )
    totals = [f"{count.sum():,} {name} images" for name, count in counts.items()]
    figure = CourseFigure(
        title,
        f"Bars of the number of images of {classes} classes. {title}; {listed(totals)} together.",
        3.6,
        of_data=True,
    )
    axes = figure.add_subplot()
    width = 0.8 / len(counts)
    for position, (name, count) in enumerate(counts.items()):
        axes.bar(
            np.arange(classes) - 0.4 + width * (position + 0.5),
            count,
            width,
            label=f"{name} ({count.sum():,})",
            color=SERIES[position % len(SERIES)],
            hatch=HATCHES[position % len(HATCHES)],
            edgecolor="white",
            linewidth=0.5,
        )
    class_ticks(axes, "x", class_names)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.grid(axis="y")
    axes.set(xlabel="class", ylabel="images")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, ncols=4)
    return figure


@styled
def mean_images(images: np.ndarray, labels: np.ndarray, class_names: Sequence[str]) -> CourseFigure:
    """Draw the mean of all images of each class. Used in notebook 02."""
    images = checks.images(images)
    members = _members_of_classes(images, labels, class_names)
    means = [images[index].mean(axis=0, dtype=np.float32) for index in members]
    brightness = np.array([mean.mean() for mean in means])
    bright, dark = int(brightness.argmax()), int(brightness.argmin())
    title = (
        f"Mean images: {class_names[bright]} is the brightest ({brightness[bright]:.0f} of 255), "
        f"{class_names[dark]} the darkest ({brightness[dark]:.0f})"
    )
    captions = [
        f"{name}\nbrightness {value:.0f}"
        for name, value in zip(class_names, brightness, strict=True)
    ]
    tiles = plan(as_images(means), 5, captions)
    values = [f"{name} {value:.0f}" for name, value in zip(class_names, brightness, strict=True)]
    alt = (
        f"The blurred mean image of each of {len(means)} classes, with its mean brightness: "
        f"{listed(values)} of 255."
    )
    return tiled(tiles, title, alt, of_data=True)[0]


@styled
def channel_histograms(images: np.ndarray) -> CourseFigure:
    """Draw how often each pixel value occurs in the red, green and blue channel.

    Used in notebook 02.
    """
    images = checks.images(images)
    if images.dtype != np.uint8:
        raise ValueError(f"Images must be uint8, 0 to 255, not {images.dtype}.")
    # A part at a time: counting makes 8 bytes of each of up to 150 million values.
    parts = np.array_split(images, -(-len(images) // 5000))
    counts = np.array(
        [sum(np.bincount(part[..., c].ravel(), minlength=256) for part in parts) for c in range(3)]
    )
    fractions = counts / counts.sum(axis=1, keepdims=True)
    values = np.arange(256)
    means = fractions @ values
    deviations = np.sqrt(fractions @ values**2 - means**2)
    high, low = int(means.argmax()), int(means.argmin())
    title = (
        f"{CHANNELS[high].capitalize()} is the brightest channel (mean {means[high]:.0f} of 255), "
        f"{CHANNELS[low]} the darkest ({means[low]:.0f})"
    )
    texts = [
        f"{name}: mean {mean:.1f}, standard deviation {deviation:.1f}"
        for name, mean, deviation in zip(CHANNELS, means, deviations, strict=True)
    ]
    figure = CourseFigure(
        title,
        f"Three curves of how often each pixel value from 0 to 255 occurs in {len(images):,} "
        f"images; {'; '.join(texts)}.",
        3.8,
        of_data=True,
    )
    axes = figure.add_subplot()
    for channel, colour in enumerate((VERMILLION, GREEN, BLUE)):
        dashes = DASHES[channel]
        label, mean = texts[channel], means[channel]
        axes.plot(values, fractions[channel], color=colour, linestyle=dashes, lw=1.8, label=label)
        axes.axvline(mean, ymax=0.12, color=colour, linestyle=dashes, lw=2.5)
    axes.yaxis.set_major_formatter(lambda part, _: f"{100 * part:.1f} %")
    # The ends hold all under- and overexposed pixels; let the rest fill the height.
    top = 1.45 * max(fractions[:, 1:-1].max(), 1e-3)
    cut = "; peaks at the ends are cut off" if fractions.max() > top else ""
    axes.set(xlim=(0, 255), ylim=(0, top), ylabel="fraction of pixels")
    axes.set_xlabel(f"pixel value (short lines: means{cut})")
    axes.grid()
    axes.legend(loc="upper center")
    return figure


def _members_of_classes(
    images: np.ndarray, labels: np.ndarray, class_names: Sequence[str]
) -> list[np.ndarray]:
    """Return, for each class, the indices of its images; none may be without."""
    labels = checks.classes(labels, len(class_names))
    members = [np.flatnonzero(labels == label) for label in range(len(class_names))]
    for label, name in enumerate(class_names):
        if not len(members[label]):
            raise ValueError(f"There is no image of class {label}, {name}.")
    return members
