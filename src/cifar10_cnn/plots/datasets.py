"""Figures on a whole data set: how many pictures of what, how bright, how coloured."""

from collections.abc import Mapping, Sequence

import numpy as np

from cifar10_cnn.common import checks
from cifar10_cnn.plots.style import (
    BLUE,
    DASHES,
    GREEN,
    HATCHES,
    SERIES,
    VERMILLION,
    CourseFigure,
    class_ticks,
    listed,
    members_of_classes,
    styled,
)
from cifar10_cnn.plots.tiles import as_pictures, plan


@styled
def class_counts(splits: Mapping[str, np.ndarray], class_names: Sequence[str]) -> CourseFigure:
    """Draw how many pictures each class has in each split.

    Used in notebook 01.

    Args:
        splits: labels, (N,), 0 to k - 1, by the split's name.
        class_names: k names.

    Raises:
        ValueError: if there is no split, or a label is outside 0 to k - 1.
    """
    classes = len(checks.names(class_names))
    counts = {
        name: np.bincount(checks.classes(labels, classes, f"{name} labels"), minlength=classes)
        for name, labels in checks.mapping(splits, "split").items()
    }
    if all(np.ptp(count) <= 1 for count in counts.values()):
        numbers = [f"{count.max():,} {name}" for name, count in counts.items()]
        title = f"Every class has {listed(numbers)} pictures"
    else:
        name, count = max(counts.items(), key=lambda item: np.ptp(item[1]) / max(item[1].max(), 1))
        title = (
            f"The classes are not equally frequent: {class_names[int(count.argmin())]} has "
            f"{count.min():,} {name} pictures, {class_names[int(count.argmax())]} {count.max():,}"
        )
    totals = [f"{count.sum():,} {name} pictures" for name, count in counts.items()]
    figure = CourseFigure(
        title,
        f"Bars of the number of pictures of {classes} classes. {title}; {listed(totals)} together.",
        3.6,
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
    axes.set(xlabel="class", ylabel="pictures")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, ncols=4)
    return figure


@styled
def mean_images(images: np.ndarray, labels: np.ndarray, class_names: Sequence[str]) -> CourseFigure:
    """Draw the mean of all pictures of each class.

    Used in notebook 02.

    Args:
        images: (N, h, w, 3), 0 to 255.
        labels: (N,), 0 to k - 1.
        class_names: k names.

    Raises:
        ValueError: if there are not as many labels as pictures, or a class has no picture.
    """
    images = checks.images(images)
    members = members_of_classes(images, labels, class_names)
    means = [images[index].mean(axis=0, dtype=np.float32) for index in members]
    brightness = np.array([mean.mean() for mean in means])
    bright, dark = int(brightness.argmax()), int(brightness.argmin())
    title = (
        f"Mean pictures: {class_names[bright]} is the brightest ({brightness[bright]:.0f} of 255), "
        f"{class_names[dark]} the darkest ({brightness[dark]:.0f})"
    )
    captions = [
        f"{name}\nbrightness {value:.0f}"
        for name, value in zip(class_names, brightness, strict=True)
    ]
    tiles = plan(np.stack(means), 5, captions)
    values = [f"{name} {value:.0f}" for name, value in zip(class_names, brightness, strict=True)]
    alt = (
        f"The blurred mean picture of each of {len(means)} classes, with its mean brightness: "
        f"{listed(values)} of 255."
    )
    figure = CourseFigure(title, alt, tiles.height)
    tiles.draw(figure.add_subplot(), as_pictures(np.stack(means)))
    return figure


@styled
def channel_histograms(images: np.ndarray) -> CourseFigure:
    """Draw how often each pixel value occurs in the red, green and blue channel.

    Used in notebook 02.

    Args:
        images: uint8 (N, h, w, 3).

    Raises:
        ValueError: if the pictures are not uint8 or not in colour.
    """
    images = checks.images(images)
    if images.dtype != np.uint8:
        raise ValueError(f"Pictures must be uint8, 0 to 255, not {images.dtype}.")
    # A part at a time: counting makes 8 bytes of each of up to 150 million values.
    parts = np.array_split(images, -(-len(images) // 5000))
    counts = np.array(
        [sum(np.bincount(part[..., c].ravel(), minlength=256) for part in parts) for c in range(3)]
    )
    shares = counts / counts.sum(axis=1, keepdims=True)
    values = np.arange(256)
    means = shares @ values
    deviations = np.sqrt(shares @ values**2 - means**2)
    names = ("red", "green", "blue")
    high, low = int(means.argmax()), int(means.argmin())
    title = (
        f"{names[high].capitalize()} is the brightest channel (mean {means[high]:.0f} of 255), "
        f"{names[low]} the darkest ({means[low]:.0f})"
    )
    texts = [
        f"{name}: mean {mean:.1f}, standard deviation {deviation:.1f}"
        for name, mean, deviation in zip(names, means, deviations, strict=True)
    ]
    figure = CourseFigure(
        title,
        f"Three curves of how often each pixel value from 0 to 255 occurs in {len(images):,} "
        f"pictures; {'; '.join(texts)}.",
        3.8,
    )
    axes = figure.add_subplot()
    for channel, colour in enumerate((VERMILLION, GREEN, BLUE)):
        dashes = DASHES[channel]
        label, mean = texts[channel], means[channel]
        axes.plot(values, shares[channel], color=colour, linestyle=dashes, lw=1.8, label=label)
        axes.axvline(mean, ymax=0.12, color=colour, linestyle=dashes, lw=2.5)
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.1f} %")
    # The ends hold all under- and overexposed pixels; let the rest fill the height.
    top = 1.45 * max(shares[:, 1:-1].max(), 1e-3)
    cut = "; peaks at the ends are cut off" if shares.max() > top else ""
    axes.set(xlim=(0, 255), ylim=(0, top), ylabel="share of pixels")
    axes.set_xlabel(f"pixel value (short lines: means{cut})")
    axes.grid()
    axes.legend(loc="upper center")
    return figure
