"""The figure of notebook 09 and of the command ``predict``: a prediction of one image."""

from collections.abc import Sequence

import numpy as np

from cifar10_cnn.common import checks
from cifar10_cnn.plots.look_inside import overlaid
from cifar10_cnn.plots.style import (
    BLACK,
    CourseFigure,
    bars,
    class_colours,
    listed,
    percent,
    percent_axis,
    styled,
)
from cifar10_cnn.plots.tiles import as_image


@styled
def prediction_card(
    image: np.ndarray,
    heat_map: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str],
    *,
    method: str,
    threshold: float | None = None,
) -> CourseFigure:
    """Draw one image as the network gets it, its heat map, and its probable classes.

    Used in notebook 09.

    Args:
        heat_map: how much each pixel speaks for the most probable class, (h, w), from 0 on.
        method: what made the heat map.
        threshold: a confidence, 0 to 1; with less the image probably shows none of the classes.
    """
    image = as_image(image)
    heat_map = checks.array(heat_map, "values of a heat map", "(h, w)")
    values = checks.shares(probabilities, "the classes")
    if heat_map.shape != image.shape[:2]:
        raise ValueError(f"A heat map of {heat_map.shape} does not fit an image of {image.shape}.")
    top = np.argsort(-values, kind="stable")[:5]
    best, sure = class_names[top[0]], percent(values[top[0]])
    height, width = heat_map.shape
    texts = [f"{class_names[index]} {percent(values[index])}" for index in top]
    title, line = f"{best.capitalize()}, {sure} sure", ""
    if threshold is not None:
        line = f" The threshold is {percent(threshold)}."
        if values[top[0]] < threshold:
            title = f"Probably none of the {len(class_names)}: {best} at most, {sure} sure"
    alt = (
        f"{title}. The image in {height}×{width} pixels, the heat map for {best} by {method}, and "
        f"bars of the most probable classes: {listed(texts)}.{line}"
    )
    figure = CourseFigure(title, alt, 2.7)
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 1.3))
    left.imshow(image)
    left.set(title=f"input: {height} × {width} pixels", xlabel="column, pixels")
    middle.imshow(overlaid(image[None], heat_map[None])[0])
    middle.set(title=f"heat map for {best}", xlabel=f"column, pixels (by {method})")
    for axes in (left, middle):
        axes.set_ylabel("row, pixels")
    colours = class_colours(class_names)
    bars(
        right,
        [class_names[index] for index in top],
        values[top],
        [percent(values[index]) for index in top],
        color=[colours[index] for index in top],
        edgecolor="black",
    )
    right.set_ylim(len(top), -0.6)  # below the last bar there is room for a word
    right.set(xlim=(0, 1.25), xlabel="probability", title="most probable classes")
    right.set_xticks([0, 0.5, 1])
    percent_axis(right, "x")
    if threshold is not None:
        right.axvline(threshold, color=BLACK, linestyle="--", linewidth=1.2)
        right.text(
            threshold,
            len(top) - 0.05,
            "threshold",
            ha="center",
            va="bottom",
            fontsize=9,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    return figure
