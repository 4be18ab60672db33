"""The figure of what networks reach, and what it costs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from cifar10_cnn.common import checks
from cifar10_cnn.plots.comparison import accuracies_by_name, mean_text, published_for
from cifar10_cnn.plots.labels import LEGEND_INCHES, label_points, legend_alone, log_axis
from cifar10_cnn.plots.style import (
    BLACK,
    BLUE,
    SKY,
    VERMILLION,
    CourseFigure,
    listed,
    number,
    percent,
    share_axis,
    styled,
)

_Look = dict[str, Any]
_FILLED: _Look = {
    "marker": "o",
    "markersize": 7,
    "color": SKY,
    "markeredgecolor": BLACK,
    "markeredgewidth": 0.8,
    "linestyle": "",
}
_ON_FRONT: _Look = _FILLED | {"marker": "D", "color": BLUE}
_FRONT: _Look = {"color": SKY, "linewidth": 2, "zorder": 1}
#: Larger than the filled one, so that both are seen where they fall on each other.
_HOLLOW: _Look = {
    "marker": "o",
    "markersize": 12,
    "fillstyle": "none",
    "color": VERMILLION,
    "linestyle": "",
    "zorder": 1.5,
}
_BAR: _Look = {"marker": "_", "markersize": 8, "color": BLACK, "linewidth": 1.2, "zorder": 1.8}

#: Cost and mean accuracy of each network.
_Points = Mapping[str, tuple[float, float]]


@styled
def accuracy_against(
    costs: Mapping[str, float],
    accuracies: Mapping[str, Sequence[float]],
    cost_name: str,
    published: Mapping[str, float] | None = None,
) -> CourseFigure:
    """Draw test accuracy against what it costs, and which networks no other one beats.

    A network is beaten if another one costs no more and is no worse, and not the same in both.
    Used in notebook 06.

    Args:
        costs: above 0, by the network's name.
        accuracies: test accuracy of each seed, 0 to 1, by the same names.
        cost_name: what the costs are, such as ``parameters`` or ``minutes of training``.
        published: test accuracy that the author reports, 0 to 1; other names are left out.

    Raises:
        ValueError: if there is no network, the names differ, a cost is not above 0, or an accuracy
            is missing or outside 0 to 1.
    """
    seeds = accuracies_by_name(accuracies)
    costs = _checked_costs(costs, seeds, cost_name)
    points = {name: (costs[name], float(each.mean())) for name, each in seeds.items()}
    told = published_for(seeds, published)
    front = _front(points)
    alt = _alt(costs, seeds, told, front, cost_name)
    figure = CourseFigure(_title(points, cost_name), alt, 5.0)
    grid = figure.add_gridspec(2, 1, height_ratios=(4.7, LEGEND_INCHES))
    axes = figure.add_subplot(grid[0])
    log_axis(axes, list(costs.values()), powers=3.5)
    _draw_front(axes, [points[name] for name in front])
    for name, each in seeds.items():
        _draw_network(axes, costs[name], each, told.get(name), name in front)
    axes.set(xlabel=f"{cost_name} (logarithmic)", ylabel="test accuracy")
    axes.margins(y=0.09)
    axes.grid()
    share_axis(axes)
    legend_alone(figure, grid[1], _handles(seeds, told))
    label_points(figure, axes, points, bold=front)
    return figure


def _checked_costs(
    costs: Mapping[str, float], seeds: Mapping[str, np.ndarray], what: str
) -> dict[str, float]:
    if set(checks.mapping(costs, "cost")) != set(seeds):
        odd = listed(sorted(set(costs) ^ set(seeds)))
        raise ValueError(f"Give each network its cost and its accuracies: {odd} has only one.")
    found = {
        name: checks.number(cost, f"The {what} of {name}", -1e300, 1e300)
        for name, cost in costs.items()
    }
    for name, cost in found.items():
        if cost <= 0:
            raise ValueError(f"A logarithmic axis has no place for {cost:g} {what} of {name}.")
    return found


def _front(points: _Points) -> list[str]:
    """Return the networks that no other one beats, the cheapest first."""

    def beaten(own: tuple[float, float]) -> bool:
        others = [each for each in points.values() if each != own]
        return any(cost <= own[0] and mean >= own[1] for cost, mean in others)

    front = [name for name, own in points.items() if not beaten(own)]
    return sorted(front, key=points.__getitem__)


def _title(points: _Points, what: str) -> str:
    best = max(points, key=lambda name: (points[name][1], -points[name][0]))
    cheapest, dearest = min(points, key=points.__getitem__), max(points, key=points.__getitem__)
    costs = {name: _amount(cost) for name, (cost, _) in points.items()}
    means = {name: percent(mean) for name, (_, mean) in points.items()}
    title = f"{best} reaches {means[best]} with {costs[best]} {what}"
    if len(points) == 1:
        return title
    if points[best][0] < points[dearest][0]:
        return f"{title}; {costs[dearest]} {what} in {dearest} reach {means[dearest]}"
    return f"{title}, the most of all; {cheapest} reaches {means[cheapest]} with {costs[cheapest]}"


def _alt(
    costs: Mapping[str, float],
    seeds: Mapping[str, np.ndarray],
    told: Mapping[str, float],
    front: Sequence[str],
    what: str,
) -> str:
    texts = [
        f"{name} {_amount(costs[name])} {what}, {mean_text(seeds[name])}"
        + (f", published {percent(told[name])}" if name in told else "")
        for name in sorted(costs, key=costs.__getitem__)
    ]
    return (
        f"Points of test accuracy against {what}, the cheapest network first: {'; '.join(texts)}. "
        f"No other network is as cheap and as good as {listed(front)}."
    )


def _draw_front(axes: Axes, points: Sequence[tuple[float, float]]) -> None:
    """Draw the best accuracy that each cost buys, as steps up to the right edge."""
    costs, means = zip(*points, strict=True)
    ends = [*costs, axes.get_xlim()[1]]
    axes.plot(np.repeat(ends, 2)[1:-1], np.repeat(means, 2), **_FRONT)


def _draw_network(
    axes: Axes, cost: float, seeds: np.ndarray, told: float | None, front: bool
) -> None:
    mean = float(seeds.mean())
    if told is not None:
        axes.plot([cost, cost], [mean, told], color=VERMILLION, linewidth=1, zorder=1.5)
        axes.plot(cost, told, **_HOLLOW)
    if len(seeds) > 1:
        half = seeds.std(ddof=1)
        axes.plot([cost, cost], [mean - half, mean + half], **_BAR)
    axes.plot(cost, mean, **(_ON_FRONT if front else _FILLED))


def _handles(seeds: Mapping[str, np.ndarray], told: Mapping[str, float]) -> dict[str, Line2D]:
    counts = {len(each) for each in seeds.values()}
    mean = "one seed"
    if max(counts) > 1:
        up_to = "up to " if len(counts) > 1 else ""
        mean = f"mean of {up_to}{max(counts)} seeds ± standard deviation"
    front = Line2D([], [], **_FRONT | {"marker": "D", "markersize": 7, "markerfacecolor": BLUE})
    handles = {mean: Line2D([], [], **_FILLED), "no other is as cheap and as good": front}
    if told:
        handles["published"] = Line2D([], [], **_HOLLOW)
    return handles


def _amount(cost: float) -> str:
    """Return a cost in full, or with three digits if it is small."""
    return f"{cost:,.0f}" if cost >= 100 else number(cost)
