"""The figure of a search for learning rates."""

from collections.abc import Mapping, Sequence

import numpy as np

from cifar10_cnn.common import checks
from cifar10_cnn.plots.labels import label_outer, label_points, log_axis
from cifar10_cnn.plots.style import (
    BLACK,
    BLUE,
    CourseFigure,
    percent,
    share_axis,
    styled,
)


@styled
def learning_rate_search(
    trials: Mapping[str, Sequence[tuple[float, float]]],
) -> CourseFigure:
    """Draw the trials of a search for each optimizer's learning rate, and the best of each.

    Used in notebook 06.

    Args:
        trials: (learning rate above 0, validation accuracy between 0 and 1), by optimizer.

    Raises:
        ValueError: if there is no optimizer or no trial of one, or a number is outside its range.
    """
    found = checks.mapping(trials, "optimizer")
    points = {name: _trials(name, pairs) for name, pairs in found.items()}
    best = {name: tuple(pairs[pairs[:, 1].argmax()]) for name, pairs in points.items()}
    columns = min(len(points), 3)
    rows = -(-len(points) // columns)
    figure = CourseFigure(_title(best), _alt(points, best), 1.95 * rows + 0.5)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    rates = np.concatenate([pairs[:, 0] for pairs in points.values()])
    for axes, (name, pairs) in zip(panels.flat, points.items(), strict=False):
        axes.plot(*pairs.T, "o-", color=BLUE, markersize=4, linewidth=0.7)
        axes.plot(*best[name], "o", markersize=11, fillstyle="none", color=BLACK)
        axes.set_title(name)
        axes.grid()
        log_axis(axes, rates, powers=2)
        axes.tick_params("x", labelsize=9)
    panels[0, 0].margins(y=0.28)
    share_axis(panels[0, 0])
    label_outer(panels, len(points), "learning rate", "validation accuracy")
    for axes, (rate, accuracy) in zip(panels.flat, best.values(), strict=False):
        label_points(figure, axes, {f"{_plain(rate)}: {percent(accuracy)}": (rate, accuracy)})
    return figure


def _trials(name: str, pairs: Sequence[tuple[float, float]]) -> np.ndarray:
    """Return an optimizer's trials, (N, 2), the lowest learning rate first."""
    table = checks.array(pairs, f"trials of {name}", "(N, 2)").astype(float)
    table = table[np.lexsort(table.T[::-1])]
    checks.shares(table[:, 1], f"a trial of {name}")
    for rate in table[:, 0]:
        if not 0 < rate < np.inf:
            raise ValueError(f"Learning rates are above 0; {name} was tried with {rate:g}.")
    return table


def _title(best: Mapping[str, tuple[float, float]]) -> str:
    winner = max(best, key=lambda name: best[name][1])
    rate, accuracy = best[winner]
    title = f"{winner} validates best ({percent(accuracy)} with learning rate {_plain(rate)})"
    if len(best) == 1:
        return title
    lowest, *_, highest = sorted(best, key=lambda name: best[name][0])
    powers = np.log10(best[highest][0] / best[lowest][0])
    return (
        f"{title}; the best rates span {powers:.1f} powers of ten, from "
        f"{_plain(best[lowest][0])} ({lowest}) to {_plain(best[highest][0])} ({highest})"
    )


def _alt(points: Mapping[str, np.ndarray], best: Mapping[str, tuple[float, float]]) -> str:
    texts = []
    for name, (rate, accuracy) in best.items():
        low, high = _plain(points[name][0, 0]), _plain(points[name][-1, 0])
        tried = f"{len(points[name])} trials from {low} to {high}"
        texts.append(f"{name}, {tried}, best {percent(accuracy)} with {_plain(rate)}")
    return f"Validation accuracy by learning rate, a panel for each optimizer: {'; '.join(texts)}."


def _plain(rate: float) -> str:
    """Return a learning rate with two digits and no power of ten, such as ``0.00052``."""
    return np.format_float_positional(rate, 2, fractional=False, trim="-")
