"""Figures on what is inside a network: kernels, feature maps, parameters."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import Normalize

from cifar10_cnn.common import checks
from cifar10_cnn.plots.style import (
    BLUE,
    SKY,
    CourseFigure,
    listed,
    number,
    percent,
    styled,
)
from cifar10_cnn.plots.tiles import GAP, as_picture, plan


@styled
def convolution_demo(image: np.ndarray, kernel: np.ndarray, result: np.ndarray) -> CourseFigure:
    """Draw one channel, a kernel with its numbers, and what their convolution gives.

    Used in notebook 03.

    Args:
        image: (h, w), 0 to 255.
        kernel: (m, n).
        result: (h', w'), any numbers.

    Raises:
        ValueError: if one of them is not a table of numbers.
    """
    image = checks.array(image, "pixels of one channel", "(h, w)")
    kernel = checks.array(kernel, "weights of one kernel", "(m, n)")
    result = checks.array(result, "sums", "(h', w')")
    shapes = [f"{array.shape[0]}×{array.shape[1]}" for array in (image, kernel, result)]
    low, high = number(result.min(), ".4g"), number(result.max(), ".4g")
    title = (
        f"A {shapes[1]} kernel turns {shapes[0]} pixels into {shapes[2]} sums, from {low} to {high}"
    )
    figure = CourseFigure(
        title,
        f"One channel of a picture, {shapes[0]} pixels, the numbers of a kernel, and the map of "
        f"{shapes[2]} sums that the kernel makes, from {low} to {high}.",
        3.0,
    )
    before, middle, after = figure.subplots(1, 3, width_ratios=(1, 0.9, 1))
    pixels = before.imshow(image, cmap="gray", vmin=0, vmax=255)
    before.set(title="one channel", xlabel="column", ylabel="row")
    figure.colorbar(pixels, ax=before, label="pixel value", location="bottom", shrink=0.8)
    font = 13 if max(len(number(value)) for value in kernel.flat) <= 4 else 10
    middle.imshow(np.zeros_like(kernel, dtype=float), cmap="Greys")
    for (row, column), value in np.ndenumerate(kernel):
        middle.text(column, row, number(value), ha="center", va="center", fontsize=font)
    middle.set(title=f"{shapes[1]} kernel", xlabel="column", ylabel="row")
    middle.set_xticks(np.arange(kernel.shape[1] + 1) - 0.5, minor=True)
    middle.set_yticks(np.arange(kernel.shape[0] + 1) - 0.5, minor=True)
    middle.set_xticks(range(kernel.shape[1]))
    middle.set_yticks(range(kernel.shape[0]))
    middle.grid(which="minor", color="black")
    middle.spines[:].set_visible(True)
    middle.tick_params(which="minor", length=0)
    extreme = max(np.abs(result).max(), 1e-9)
    sums = after.imshow(result, cmap="gray", vmin=-extreme, vmax=extreme)
    after.set(title="result (grey means 0)", xlabel="column", ylabel="row")
    figure.colorbar(sums, ax=after, label="sum", location="bottom", shrink=0.8)
    return figure


@styled
def filters(kernels: np.ndarray, title: str | None = None) -> CourseFigure:
    """Draw the kernels of a first convolution as small colour pictures.

    All on one scale: mid-grey is a weight of 0, the largest weight by amount is 0 or 255.
    Used in notebooks 03, 04 and 08.

    Args:
        kernels: (h, w, 3, n), as ``layer.get_weights()[0]`` gives them.
        title: by default how many there are and what their weights are.

    Raises:
        ValueError: if the kernels do not look at three channels.
    """
    kernels = checks.array(kernels, "kernels", "(h, w, 3, n)").astype(float)
    height, width, _, count = kernels.shape
    weights = f"weights from {number(kernels.min(), '.2f')} to {number(kernels.max(), '.2f')}"
    title = title or f"{count} filters of {height}×{width} pixels, {weights}; grey means 0"
    scaled = 0.5 + kernels.transpose(3, 0, 1, 2) / (2 * max(np.abs(kernels).max(), 1e-9))
    tiles = plan(scaled, min(16, -(-count // 2) if count > 8 else count), range(count))
    alt = f"{title}. {count} filters of the first convolution drawn as small pictures, {weights}."
    figure = CourseFigure(title, alt, tiles.height)
    tiles.draw(figure.add_subplot(), scaled)
    return figure


@styled
def feature_maps(image: np.ndarray, maps: np.ndarray, count: int = 16) -> CourseFigure:
    """Draw a picture and the first feature maps that a layer makes of it.

    All maps are on one scale, black to white; Zeiler and Fergus, 2014,
    https://arxiv.org/abs/1311.2901, look into networks like this.
    Used in notebooks 03 and 08.

    Args:
        image: (h, w, 3), 0 to 255.
        maps: (h', w', n), the layer's output for this picture.
        count: how many maps to draw at most.

    Raises:
        ValueError: if the maps do not have three dimensions.
    """
    image = as_picture(image)
    maps = checks.array(maps, "feature maps", "(h, w, n)").astype(float)
    shown = maps.transpose(2, 0, 1)[: checks.count(count, "count")]
    means = shown.mean(axis=(1, 2))
    most, least = number(means.max(), ".2f"), number(means.min(), ".2f")
    some = f"{len(shown)} of {maps.shape[2]}" if len(shown) < maps.shape[2] else f"The {len(shown)}"
    title = (
        f"{some} feature maps: map {means.argmax()} answers most (mean {most}), "
        f"map {means.argmin()} least ({least})"
    )
    tiles = plan(shown, 8, range(len(shown)), width=6.3)
    alt = (
        f"A picture and {len(shown)} grey maps of {shown.shape[1]}×{shown.shape[2]} values that a "
        f"layer makes of it; map {means.argmax()} is the brightest with a mean of "
        f"{most}, map {means.argmin()} the darkest with {least}."
    )
    figure = CourseFigure(title, alt, max(tiles.height, 1.9) + 0.3)
    left, right = figure.subplots(1, 2, width_ratios=(1.4, tiles.columns * (tiles.size + GAP)))
    left.imshow(image)
    left.set(title="the picture", xticks=[], yticks=[], anchor="N")
    left.spines[:].set_visible(False)
    # A few extreme values would leave the rest black.
    low, high = np.percentile(shown, [0.5, 99.5])
    scale = Normalize(min(low, 0), max(high, 1e-9))
    tiles.draw(right, shown, norm=scale)
    right.set(anchor="N", title="its feature maps")
    bar = right.images[0]
    figure.colorbar(bar, ax=right, label="value in the map", extend="both", shrink=0.8)
    return figure


@styled
def parameter_counts(layer_names: Sequence[str], counts: Sequence[int]) -> CourseFigure:
    """Draw how many parameters each layer has.

    Used in notebook 03.

    Args:
        layer_names: names from the first layer to the last.
        counts: number of parameters of each, 0 or more.

    Raises:
        ValueError: if there are not as many counts as names, or all of them are 0.
    """
    checks.names(layer_names)
    checks.same_length(layer_names=layer_names, counts=counts)
    numbers = checks.array(counts, "numbers of parameters", "(n,)", kinds="ui").astype(np.int64)
    total = int(numbers.sum())
    if total <= 0 or numbers.min() < 0:
        raise ValueError(
            f"Numbers of parameters are 0 or more, at least one of them more, not {counts}."
        )
    most = int(numbers.argmax())
    share = percent(numbers[most] / total)
    title = f"{layer_names[most]} holds {numbers[most]:,} of {total:,} parameters ({share})"
    texts = [f"{name} {count:,}" for name, count in zip(layer_names, numbers, strict=True)]
    figure = CourseFigure(
        title,
        f"Bars of the parameters of each layer: {listed(texts, 20)}; {total:,} together.",
        0.3 * len(numbers) + 0.8,
    )
    axes = figure.add_subplot()
    colours = [BLUE if count == numbers[most] else SKY for count in numbers]
    bars = axes.barh(range(len(numbers)), numbers, color=colours)
    axes.bar_label(bars, [f"{count:,}" for count in numbers], padding=4)
    axes.set_yticks(range(len(numbers)), layer_names)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.margins(x=0.12)
    axes.set(xlabel="parameters", ylabel="layer")
    return figure
