"""Figures of notebook 06: networks compared by curves, scores, costs and learning rates."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from cifar10_cnn.common import checks
from cifar10_cnn.plots.labels import (
    LEGEND_INCHES,
    label_outer,
    label_points,
    legend_below,
    log_axis,
)
from cifar10_cnn.plots.style import (
    BLACK,
    BLUE,
    SKY,
    VERMILLION,
    CourseFigure,
    in_points,
    listed,
    number,
    percent,
    percent_axis,
    styled,
)
from cifar10_cnn.plots.train import History

_Look = dict[str, Any]
_TRAINING: _Look = {"color": VERMILLION, "linestyle": "-"}
_VALIDATION: _Look = {"color": BLUE, "linestyle": (0, (4, 1.5))}
_PUBLISHED: _Look = {"color": BLACK, "linestyle": ":", "linewidth": 1.3}
_SEED: _Look = {"marker": "o", "markersize": 5, "color": BLUE, "linestyle": "", "alpha": 0.8}
_RING: _Look = {"fillstyle": "none", "color": BLACK, "linestyle": ""}
_MEAN: _Look = _RING | {"marker": "D", "markersize": 11}
_DOT: _Look = {"marker": "o", "markersize": 7, "color": SKY, "linestyle": ""}
_FILLED: _Look = _DOT | {"markeredgecolor": BLACK, "markeredgewidth": 0.8}
_ON_FRONT: _Look = _FILLED | {"marker": "D", "color": BLUE}
_FRONT: _Look = {"color": SKY, "linewidth": 2, "zorder": 1}
#: Larger than the filled one, so that both are seen where they fall on each other.
_HOLLOW: _Look = _RING | {"marker": "o", "markersize": 12, "color": VERMILLION, "zorder": 1.5}
_BAR: _Look = {"marker": "_", "markersize": 8, "color": BLACK, "linewidth": 1.2, "zorder": 1.8}

#: Cost and mean accuracy of each network.
_Points = Mapping[str, tuple[float, float]]


@styled
def curve_grid(
    histories: Mapping[str, Sequence[History]], published: Mapping[str, float] | None = None
) -> CourseFigure:
    """Draw the learning curves of many networks, one small panel each, the most accurate first.

    The panels share the axis of accuracy; each has its own epochs. Used in notebook 06.

    Args:
        histories: by the network's name, the history of each seed: ``accuracy`` and, if there was
            validation, ``val_accuracy`` (0 to 1), one number for each epoch. A ``val_accuracy`` of
            NaN alone counts as none.
        published: test accuracy that the author reports, 0 to 1; other names are left out.
    """
    curves = {name: [_curves(name, run) for run in runs] for name, runs in histories.items()}
    reported = {name: value for name, value in (published or {}).items() if name in curves}
    ends = {name: np.mean([pair[:, -1] for pair in each], axis=0) for name, each in curves.items()}
    order = sorted(ends, key=lambda name: -ends[name][0 if np.isnan(ends[name][1]) else 1])
    columns = min((4, 3, 5), key=lambda each: (-len(order) % each, abs(each - 4)))
    columns = min(columns, len(order)) if len(order) > 4 else len(order)
    rows = -(-len(order) // columns)
    alt = _curve_alt(curves, {name: ends[name] for name in order}, reported)
    figure = CourseFigure(_curve_title(ends), alt, 1.85 * rows + 0.9)
    grid = figure.add_gridspec(2, 1, height_ratios=(1.85 * rows + 0.6, LEGEND_INCHES))
    panels = grid[0].subgridspec(rows, columns).subplots(sharey=True, squeeze=False)
    for axes, name in zip(panels.flat, order, strict=False):
        _draw_curves(axes, curves[name], reported.get(name))
        axes.set_title(name)
    panels[0, 0].margins(y=0.06)
    percent_axis(panels[0, 0])
    label_outer(panels, len(order), "epoch", "accuracy")
    handles = {"training": Line2D([], [], **_TRAINING)}
    if not all(np.isnan(validation) for _, validation in ends.values()):
        handles["validation"] = Line2D([], [], **_VALIDATION)
    if reported:
        handles["published test accuracy"] = Line2D([], [], **_PUBLISHED)
    legend_below(figure, grid[1], handles)
    return figure


def _curves(name: str, history: History) -> np.ndarray:
    """Return training and validation accuracy, (2, epochs), the latter NaN if there is none."""
    train = checks.shares(history["accuracy"], f"a training curve of {name}")
    none = np.full(len(train), np.nan)
    return np.stack([train, np.asarray(history.get("val_accuracy", none), dtype=float)])


def _curve_title(ends: Mapping[str, np.ndarray]) -> str:
    gaps = {name: train - other for name, (train, other) in ends.items() if not np.isnan(other)}
    if not gaps:
        lowest, *_, highest = sorted([*ends, *ends], key=lambda name: ends[name][0])
        return (
            f"Training accuracy ends between {percent(ends[lowest][0])} ({lowest}) and "
            f"{percent(ends[highest][0])} ({highest})"
        )
    widest = max(gaps, key=gaps.__getitem__)
    ahead = sum(gap > 0 for gap in gaps.values())
    return (
        f"Training accuracy ends above validation accuracy in {ahead or 'none'} of {len(gaps)} "
        f"networks; the gap is widest in {widest} ({in_points(gaps[widest])} points)"
    )


def _curve_alt(
    curves: Mapping[str, Sequence[np.ndarray]],
    ends: Mapping[str, np.ndarray],
    reported: Mapping[str, float],
) -> str:
    texts = []
    for name, (train, other) in ends.items():
        validation = "no validation" if np.isnan(other) else f"validation {percent(other)}"
        text = f"{name} ({_seeds(len(curves[name]))}): training {percent(train)}, {validation}"
        texts.append(text + (f", published {percent(reported[name])}" if name in reported else ""))
    return (
        f"Accuracy by epoch, a panel for each network, the most accurate first. At the end, mean "
        "over the seeds: "
        f"{'; '.join(texts)}."
    )


def _draw_curves(axes: Axes, pairs: Sequence[np.ndarray], reported: float | None) -> None:
    width = 1.4 if len(pairs) == 1 else 0.9
    for pair in pairs:
        for curve, look in zip(pair, (_TRAINING, _VALIDATION), strict=True):
            if not np.isnan(curve).all():
                # One epoch makes no line.
                marker = "o" if len(curve) == 1 else ""
                epochs = np.arange(1, len(curve) + 1)
                axes.plot(epochs, curve, marker=marker, linewidth=width, **look)
    if reported is not None:
        axes.axhline(reported, **_PUBLISHED)
    longest = max(pair.shape[1] for pair in pairs)
    axes.set_xlim(0.5, longest + 0.5)
    steps = MaxNLocator(4, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1)
    axes.xaxis.set_major_locator(steps)
    axes.grid()


@styled
def score_dots(
    scores: Mapping[str, Sequence[float]],
    reference: tuple[str, float] | None = None,
    what: str = "test accuracy",
) -> CourseFigure:
    """Draw the scores of each seed and their mean, one row a name, the best on top.

    The title compares the best's lead with the larger of its own and the second's standard
    deviation over the seeds. Used in notebook 06.

    Args:
        scores: of each seed, 0 to 1, by name.
        reference: name and score, 0 to 1, of what all are compared with.
        what: what the scores are.
    """
    seeds = {name: checks.shares(each, name) for name, each in scores.items()}
    order = sorted(seeds, key=lambda name: -seeds[name].mean())
    counts = {len(each) for each in seeds.values()}
    rows = 0.36 * max(len(order), 4) + 0.9 + (0.25 if reference else 0)
    alt = _score_alt(seeds, order, reference, what)
    figure = CourseFigure(_score_title(seeds, order, what), alt, rows + LEGEND_INCHES)
    grid = figure.add_gridspec(2, 1, height_ratios=(rows, LEGEND_INCHES))
    axes = figure.add_subplot(grid[0])
    for row, name in enumerate(order):
        mean = float(seeds[name].mean())
        axes.plot(seeds[name], np.full(len(seeds[name]), row), **_SEED)
        axes.plot(mean, row, **_MEAN)
        mark = percent(mean) + (f" (n = {len(seeds[name])})" if len(counts) > 1 else "")
        axes.text(1.015, row, mark, transform=axes.get_yaxis_transform(), va="center")
    axes.set_yticks(range(len(order)), order)
    axes.set(ylim=(len(order) - 0.4, -0.6), xlabel=what, ylabel="sorted by mean")
    axes.margins(x=0.06)
    axes.grid()
    if reference:
        _draw_reference(axes, *reference)
    percent_axis(axes, "x")
    each = f" (n = {min(counts)} each)" if len(counts) == 1 else ""
    handles = {f"one seed{each}": Line2D([], [], **_SEED), "mean": Line2D([], [], **_MEAN)}
    legend_below(figure, grid[1], handles)
    return figure


def _draw_reference(axes: Axes, name: str, score: float) -> None:
    """Draw a line across all rows, with its name above them, where no row is."""
    axes.axvline(score, color=VERMILLION, linestyle="--", linewidth=1.4, zorder=1)
    axes.text(
        score,
        1.02,
        f"{name}: {percent(score)}",
        transform=axes.get_xaxis_transform(),
        ha="center",
        va="bottom",
        fontsize=10,
    )


def _score_title(seeds: Mapping[str, np.ndarray], order: Sequence[str], what: str) -> str:
    best, *others = order
    mean = seeds[best].mean()
    title = f"{best} reaches {percent(mean)} {what}"
    if not others:
        return f"{title} ({_seeds(len(seeds[best]))})"
    second, worst = others[0], others[-1]
    lead = mean - seeds[second].mean()
    title += f", {in_points(lead)} points more than {second}"
    if worst != second:
        title += f" and {in_points(mean - seeds[worst].mean())} more than {worst}"
    pair = [seeds[best], seeds[second]]
    if min(len(each) for each in pair) < 2:
        return f"{title}; one seed has no standard deviation"
    spread = max(each.std(ddof=1) for each in pair)
    larger = "larger" if lead > spread else "not larger"
    return (
        f"{title}; its lead is {larger} than the standard deviation over seeds "
        f"({in_points(spread)} points)"
    )


def _score_alt(
    seeds: Mapping[str, np.ndarray],
    order: Sequence[str],
    reference: tuple[str, float] | None,
    what: str,
) -> str:
    texts = [f"{name} {_mean_text(seeds[name])}" for name in order]
    line = f" A line marks {reference[0]}, {percent(reference[1])}." if reference else ""
    return f"Dots of {what} for each seed, the best mean first: {'; '.join(texts)}.{line}"


def _mean_text(seeds: np.ndarray) -> str:
    """Return mean and standard deviation, such as ``72.0 % ± 0.3 (3 seeds)``."""
    spread = f" ± {in_points(seeds.std(ddof=1))}" if len(seeds) > 1 else ""
    return f"{percent(seeds.mean())}{spread} ({_seeds(len(seeds))})"


def _seeds(count: int) -> str:
    return f"{count} seeds" if count > 1 else "1 seed"


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
    """
    seeds = {name: checks.shares(each, name) for name, each in accuracies.items()}
    if odd := listed(sorted(set(costs) ^ set(seeds))):
        raise ValueError(f"Give each network its cost and its accuracies: {odd} has only one.")
    if min(costs.values()) <= 0:
        raise ValueError(
            f"A logarithmic axis has no place for {min(costs.values()):g} {cost_name}."
        )
    points = {name: (costs[name], float(each.mean())) for name, each in seeds.items()}
    reported = {name: value for name, value in (published or {}).items() if name in seeds}
    front = _front(points)
    alt = _cost_alt(costs, seeds, reported, front, cost_name)
    figure = CourseFigure(_cost_title(points, cost_name), alt, 5.0)
    grid = figure.add_gridspec(2, 1, height_ratios=(4.7, LEGEND_INCHES))
    axes = figure.add_subplot(grid[0])
    log_axis(axes, list(costs.values()), powers=3.5)
    _draw_front(axes, [points[name] for name in front])
    for name, each in seeds.items():
        _draw_network(axes, costs[name], each, reported.get(name), name in front)
    axes.set(xlabel=f"{cost_name} (logarithmic)", ylabel="test accuracy")
    axes.margins(y=0.09)
    axes.grid()
    percent_axis(axes)
    legend_below(figure, grid[1], _handles(seeds, reported))
    label_points(figure, axes, points, bold=front)
    return figure


def _front(points: _Points) -> list[str]:
    """Return the networks that no other one beats, the cheapest first."""

    def beaten(own: tuple[float, float]) -> bool:
        others = [each for each in points.values() if each != own]
        return any(cost <= own[0] and mean >= own[1] for cost, mean in others)

    front = [name for name, own in points.items() if not beaten(own)]
    return sorted(front, key=points.__getitem__)


def _cost_title(points: _Points, what: str) -> str:
    best = max(points, key=lambda name: (points[name][1], -points[name][0]))
    cheapest, dearest = min(points, key=points.__getitem__), max(points, key=points.__getitem__)
    other = dearest if points[best][0] < points[dearest][0] else cheapest
    texts = [
        f"{name} reaches {percent(points[name][1])} with {_amount(points[name][0])} {what}"
        for name in (best, other)
    ]
    # The unit stands with each cost, its explanation only once.
    texts[1] = texts[1].removesuffix(what) + what.split(" ", maxsplit=1)[0]
    return texts[0] if len(points) == 1 else "; ".join(texts)


def _cost_alt(
    costs: Mapping[str, float],
    seeds: Mapping[str, np.ndarray],
    reported: Mapping[str, float],
    front: Sequence[str],
    what: str,
) -> str:
    texts = [
        f"{name} {_amount(costs[name])} {what}, {_mean_text(seeds[name])}"
        + (f", published {percent(reported[name])}" if name in reported else "")
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
    axes: Axes, cost: float, seeds: np.ndarray, reported: float | None, front: bool
) -> None:
    mean = float(seeds.mean())
    if reported is not None:
        axes.plot([cost, cost], [mean, reported], color=VERMILLION, linewidth=1, zorder=1.5)
        axes.plot(cost, reported, **_HOLLOW)
    if len(seeds) > 1:
        half = seeds.std(ddof=1)
        axes.plot([cost, cost], [mean - half, mean + half], **_BAR)
    axes.plot(cost, mean, **(_ON_FRONT if front else _FILLED))


def _handles(seeds: Mapping[str, np.ndarray], reported: Mapping[str, float]) -> dict[str, Line2D]:
    counts = {len(each) for each in seeds.values()}
    mean = "one seed"
    if max(counts) > 1:
        up_to = "up to " if len(counts) > 1 else ""
        mean = f"mean of {up_to}{max(counts)} seeds ± standard deviation"
    front = Line2D([], [], **_FRONT | {"marker": "D", "markersize": 7, "markerfacecolor": BLUE})
    handles = {mean: Line2D([], [], **_FILLED), "no other is as cheap and as good": front}
    if reported:
        handles["published"] = Line2D([], [], **_HOLLOW)
    return handles


def _amount(cost: float) -> str:
    """Return a cost in full, or with three digits if it is small."""
    return f"{cost:,.0f}" if cost >= 100 else number(cost)


@styled
def learning_rate_search(
    trials: Mapping[str, Sequence[tuple[float, float]]],
) -> CourseFigure:
    """Draw the trials of a search for each optimizer's learning rate, and the best of each.

    Used in notebook 06.

    Args:
        trials: (learning rate above 0, validation accuracy between 0 and 1), by optimizer.
    """
    points = {name: _trials(name, pairs) for name, pairs in trials.items()}
    best = {name: tuple(pairs[pairs[:, 1].argmax()]) for name, pairs in points.items()}
    columns = min(len(points), 3)
    rows = -(-len(points) // columns)
    figure = CourseFigure(_search_title(best), _search_alt(points, best), 1.95 * rows + 0.5)
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
    percent_axis(panels[0, 0])
    label_outer(panels, len(points), "learning rate", "validation accuracy")
    for axes, (rate, accuracy) in zip(panels.flat, best.values(), strict=False):
        label_points(figure, axes, {f"{_plain(rate)}: {percent(accuracy)}": (rate, accuracy)})
    return figure


def _trials(name: str, pairs: Sequence[tuple[float, float]]) -> np.ndarray:
    """Return an optimizer's trials, (N, 2), the lowest learning rate first."""
    table = checks.array(pairs, f"trials of {name}", "(N, 2)").astype(float)
    if table[:, 0].min() <= 0:
        raise ValueError(f"Learning rates are above 0; {name} was tried with {table[0, 0]:g}.")
    return table[np.lexsort(table.T[::-1])]


def _search_title(best: Mapping[str, tuple[float, float]]) -> str:
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


def _search_alt(points: Mapping[str, np.ndarray], best: Mapping[str, tuple[float, float]]) -> str:
    texts = []
    for name, (rate, accuracy) in best.items():
        low, high = _plain(points[name][0, 0]), _plain(points[name][-1, 0])
        tried = f"{len(points[name])} trials from {low} to {high}"
        texts.append(f"{name}, {tried}, best {percent(accuracy)} with {_plain(rate)}")
    return f"Validation accuracy by learning rate, a panel for each optimizer: {'; '.join(texts)}."


def _plain(rate: float) -> str:
    """Return a learning rate with two digits and no power of ten, such as ``0.00052``."""
    return np.format_float_positional(rate, 2, fractional=False, trim="-")
