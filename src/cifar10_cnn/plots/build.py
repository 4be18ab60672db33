"""Figures of notebook 03: what is inside a network; blocks, kernels, feature maps, parameters."""

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.patches import FancyBboxPatch

from cifar10_cnn.common import checks
from cifar10_cnn.plots.style import (
    BLUE,
    QUIET_TEXT,
    SKY,
    WIDTH,
    CourseFigure,
    bars,
    listed,
    number,
    percent,
    styled,
)
from cifar10_cnn.plots.tiles import GAP, as_image, plan, tiled

if TYPE_CHECKING:
    import keras


@styled
def convolution_demo(image: np.ndarray, kernel: np.ndarray, result: np.ndarray) -> CourseFigure:
    """Draw one channel, a kernel with its numbers, and what their convolution gives.

    Used in notebook 03.

    Args:
        kernel: (m, n).
        result: (h', w'), any numbers.
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
        f"One channel of an image, {shapes[0]} pixels, the numbers of a kernel, and the map of "
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
    """Draw the kernels of a first convolution as small colour images.

    All on one scale: mid-grey is a weight of 0, the largest weight by amount is 0 or 255.
    Used in notebook 03.

    Args:
        kernels: (h, w, 3, n), as ``layer.get_weights()[0]`` gives them.
    """
    kernels = checks.array(kernels, "kernels", "(h, w, 3, n)").astype(float)
    height, width, _, count = kernels.shape
    weights = f"weights from {number(kernels.min(), '.2f')} to {number(kernels.max(), '.2f')}"
    title = title or f"{count} filters of {height}×{width} pixels, {weights}; grey means 0"
    scaled = 0.5 + kernels.transpose(3, 0, 1, 2) / (2 * max(np.abs(kernels).max(), 1e-9))
    tiles = plan(scaled, min(16, -(-count // 2) if count > 8 else count), range(count))
    alt = f"{title}. {count} filters of the first convolution drawn as small images, {weights}."
    return tiled(tiles, title, alt)[0]


@styled
def feature_maps(image: np.ndarray, maps: np.ndarray, count: int = 16) -> CourseFigure:
    """Draw an image and the first feature maps that a layer makes of it.

    All maps are on one scale, black to white; Zeiler and Fergus, 2014,
    https://arxiv.org/abs/1311.2901, look into networks like this. Used in notebooks 03 and 08.

    Args:
        maps: (h', w', n), the layer's output for this image.
        count: how many maps to draw at most.
    """
    image = as_image(image)
    maps = checks.array(maps, "feature maps", "(h, w, n)").astype(float)
    first = maps.transpose(2, 0, 1)[:count]
    means = first.mean(axis=(1, 2))
    most, least = number(means.max(), ".2f"), number(means.min(), ".2f")
    some = f"{len(first)} of {maps.shape[2]}" if len(first) < maps.shape[2] else f"The {len(first)}"
    title = (
        f"{some} feature maps: map {means.argmax()} responds most (mean {most}), "
        f"map {means.argmin()} least ({least})"
    )
    tiles = plan(first, 8, range(len(first)), width=6.3)
    alt = (
        f"An image and {len(first)} grey maps of {first.shape[1]}×{first.shape[2]} values that a "
        f"layer makes of it; map {means.argmax()} is the brightest with a mean of "
        f"{most}, map {means.argmin()} the darkest with {least}."
    )
    figure = CourseFigure(title, alt, max(tiles.height, 1.9) + 0.3)
    left, right = figure.subplots(1, 2, width_ratios=(1.4, tiles.columns * (tiles.size + GAP)))
    left.imshow(image)
    left.set(title="the image", xticks=[], yticks=[], anchor="N")
    left.spines[:].set_visible(False)
    # A few extreme values would leave the rest black.
    low, high = np.percentile(first, [0.5, 99.5])
    scale = Normalize(min(low, 0), max(high, 1e-9))
    tiles.draw(right, norm=scale)
    right.set(anchor="N", title="its feature maps")
    bar = right.images[0]
    figure.colorbar(bar, ax=right, label="value in the map", extend="both", shrink=0.8)
    return figure


@styled
def parameter_counts(layer_names: Sequence[str], counts: Sequence[int]) -> CourseFigure:
    """Draw how many parameters each layer has. Used in notebooks 03 and 06.

    Args:
        layer_names: names from the first layer to the last.
        counts: number of parameters of each, 0 or more.
    """
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
    bars(axes, layer_names, numbers, [f"{count:,}" for count in numbers], color=colours)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.margins(x=0.12)
    axes.set(xlabel="parameters", ylabel="layer")
    return figure


@styled
def block_diagram(model: "keras.Model") -> CourseFigure:
    """Draw a network as blocks from left to right, one for each size of the maps in it.

    Layers stand in the block whose maps they are given; below it stands what it hands on.
    Used in notebook 03.

    Args:
        model: a built model whose layers follow one another.
    """
    layers = [
        layer for layer in getattr(model, "layers", []) if layer.__class__.__name__ != "InputLayer"
    ]
    if not layers or not getattr(model, "built", False):
        raise ValueError(f"Give a built model of Keras with one layer or more, not {model!r}.")
    blocks = [
        list(block) for _, block in groupby(layers, key=lambda layer: layer.input.shape[1:-1])
    ]
    counts = [sum(layer.count_params() for layer in block) for block in blocks]
    total, most = sum(counts), int(np.argmax(counts))
    sizes = [_shape(_size(block[0])) or "vector" for block in blocks]
    share = percent(counts[most] / max(total, 1))
    title = (
        f"{len(layers)} layers in {len(blocks)} blocks; the block of {sizes[most]} holds {share} "
        f"of {total:,} parameters"
    )
    texts = [[_layer_text(layer) for layer in block] for block in blocks]
    outputs = [_shape(block[-1].output.shape[1:]) for block in blocks]
    parts = [
        f"{size}: {listed(lines, 20)}, giving {output}"
        for size, lines, output in zip(sizes, texts, outputs, strict=True)
    ]
    start = _shape(model.inputs[0].shape[1:])
    alt = f"Blocks of a network from left to right. {title}. From {start}; {'; '.join(parts)}."
    line = 0.2
    height = line * max(map(len, texts)) + 0.95
    figure = CourseFigure(title, alt, height)
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set(xlim=(0, 0.98 * WIDTH), ylim=(height, 0))
    pitch = 0.98 * WIDTH / len(blocks)
    for position, lines in enumerate(texts):
        left, width = position * pitch + 0.03, pitch - 0.22
        box = FancyBboxPatch(
            (left, 0.1), width, height - 0.5, boxstyle="round,pad=0,rounding_size=0.07"
        )
        box.set(facecolor="#EAF3FA", edgecolor=BLUE, linewidth=2 if position == most else 1)
        axes.add_patch(box)
        middle = left + width / 2
        head = f"{sizes[position]}"
        axes.text(middle, 0.3, head, ha="center", va="center", weight="bold", fontsize=10)
        for row, text in enumerate(lines):
            axes.text(middle, 0.56 + line * row, text, ha="center", va="center", fontsize=8)
        below = f"→ {outputs[position]}\n{counts[position]:,} parameters"
        axes.text(middle, height - 0.2, below, ha="center", va="center", fontsize=8.5)
        if position:
            axes.annotate(
                "",
                (left - 0.01, height / 2),
                (left - 0.2, height / 2),
                arrowprops={"arrowstyle": "-|>", "color": QUIET_TEXT, "lw": 1.5},
            )
    return figure


def _size(layer: Any) -> tuple[int, ...]:
    """Return height and width of the maps that a layer is given; nothing of a vector."""
    return tuple(layer.input.shape[1:-1])


def _shape(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))


def _layer_text(layer: Any) -> str:
    """Return a layer's class and what matters of its settings, such as ``Conv2D 3×3, 32``."""
    kind = layer.__class__.__name__
    short = kind.replace("BatchNormalization", "BatchNorm").replace("Pooling2D", "Pool")
    settings = layer.get_config()
    size = settings.get("kernel_size") or settings.get("pool_size")
    number_of = settings.get("filters") or settings.get("units") or settings.get("rate")
    details = [_shape(size) if isinstance(size, (list, tuple)) else "", str(number_of or "")]
    activation = settings.get("activation")
    if isinstance(activation, str) and activation != "linear":
        details.append(activation)
    return f"{short} {', '.join(filter(None, details))}".strip()
