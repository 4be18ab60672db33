"""Figures that compare trained networks: their learning curves, and the scores of all seeds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from cifar10_cnn.common import checks
from cifar10_cnn.plots.labels import LEGEND_INCHES, label_outer, legend_alone
from cifar10_cnn.plots.style import (
    BLACK,
    BLUE,
    VERMILLION,
    CourseFigure,
    in_points,
    listed,
    percent,
    share_axis,
    styled,
)
from cifar10_cnn.plots.training import History

_Look = dict[str, Any]
_TRAINING: _Look = {"color": VERMILLION, "linestyle": "-"}
_VALIDATION: _Look = {"color": BLUE, "linestyle": (0, (4, 1.5))}
_TOLD: _Look = {"color": BLACK, "linestyle": ":", "linewidth": 1.3}
_SEED: _Look = {"marker": "o", "markersize": 5, "color": BLUE, "linestyle": "", "alpha": 0.8}
_MEAN: _Look = {
    "marker": "D",
    "markersize": 11,
    "fillstyle": "none",
    "color": BLACK,
    "linestyle": "",
}


@styled
def curve_grid(
    histories: Mapping[str, Sequence[History]], published: Mapping[str, float] | None = None
) -> CourseFigure:
    """Draw the learning curves of many networks, one small panel each, on the same axes.

    Used in notebook 06.

    Args:
        histories: by the network's name, the history of each seed: ``accuracy`` and, if there was
            validation, ``val_accuracy`` (0 to 1), one number for each epoch. A ``val_accuracy`` of
            NaN alone counts as none.
        published: test accuracy that the author reports, 0 to 1; other names are left out.

    Raises:
        ValueError: if there is no network, one has no history, or a curve is missing, empty, of
            another length, or outside 0 to 1.
    """
    for name, runs in checks.mapping(histories, "history").items():
        if not len(checks.rows(runs, f"histories of {name}")):
            raise ValueError(f"There is no history of {name}.")
    curves = {name: [_curves(name, run) for run in runs] for name, runs in histories.items()}
    told = published_for(curves, published)
    ends = {name: np.mean([pair[:, -1] for pair in each], axis=0) for name, each in curves.items()}
    columns = min(len(curves), 3 if len(curves) in (5, 6, 9) else 4)
    rows = -(-len(curves) // columns)
    figure = CourseFigure(_curve_title(ends), _curve_alt(curves, ends, told), 1.75 * rows + 0.9)
    grid = figure.add_gridspec(2, 1, height_ratios=(1.75 * rows + 0.6, LEGEND_INCHES))
    panels = grid[0].subgridspec(rows, columns).subplots(sharex=True, sharey=True, squeeze=False)
    for axes, name in zip(panels.flat, curves, strict=False):
        _draw_curves(axes, curves[name], told.get(name))
        axes.set_title(name)
    epochs = max(pair.shape[1] for pairs in curves.values() for pair in pairs)
    panels[0, 0].set_xlim(0.5, epochs + 0.5)
    panels[0, 0].xaxis.set_major_locator(
        MaxNLocator(4, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1)
    )
    panels[0, 0].margins(y=0.06)
    share_axis(panels[0, 0])
    label_outer(panels, len(curves), "epoch", "accuracy")
    handles = {"training": Line2D([], [], **_TRAINING)}
    if not all(np.isnan(pair[1]).all() for pairs in curves.values() for pair in pairs):
        handles["validation"] = Line2D([], [], **_VALIDATION)
    if told:
        handles["published test accuracy"] = Line2D([], [], **_TOLD)
    legend_alone(figure, grid[1], handles)
    return figure


def _curves(name: str, history: History) -> np.ndarray:
    """Return training and validation accuracy, (2, epochs), the latter NaN if there is none."""
    if "accuracy" not in checks.mapping(history, f"curve of {name}"):
        raise ValueError(
            f"A history of {name} has no 'accuracy', only {listed(sorted(history)) or 'nothing'}: "
            "compile the model with metrics=['accuracy']."
        )
    train = checks.shares(history["accuracy"], f"a training curve of {name}")
    held = np.asarray(history.get("val_accuracy", np.full(len(train), np.nan)), dtype=float)
    # A table of runs with and without validation has a column of NaN for the latter.
    if not len(held) or not np.isnan(held).all():
        checks.shares(held, f"a validation curve of {name}")
    if len(train) != len(held):
        raise ValueError(
            f"A history of {name} has {len(train)} epochs of 'accuracy', {len(held)} of "
            "'val_accuracy'."
        )
    return np.stack([train, held])


def _curve_title(ends: Mapping[str, np.ndarray]) -> str:
    gaps = {name: train - held for name, (train, held) in ends.items() if not np.isnan(held)}
    if not gaps:
        lowest = min(ends, key=lambda name: ends[name][0])
        highest = max(ends, key=lambda name: ends[name][0])
        return (
            f"Training accuracy ends between {percent(ends[lowest][0])} ({lowest}) and "
            f"{percent(ends[highest][0])} ({highest})"
        )
    widest = max(gaps, key=gaps.__getitem__)
    if len(gaps) == 1:
        side = "above" if gaps[widest] > 0 else "below"
        gap = in_points(abs(gaps[widest]))
        return f"Training accuracy of {widest} ends {gap} points {side} validation accuracy"
    ahead = sum(gap > 0 for gap in gaps.values())
    title = (
        f"Training accuracy ends above validation accuracy in {ahead or 'none'} of {len(gaps)} "
        "networks"
    )
    points = in_points(gaps[widest])
    if ahead:
        return f"{title}, most in {widest}: by {points} points"
    return f"{title}; {widest} comes closest ({points} points)"


def _curve_alt(
    curves: Mapping[str, Sequence[np.ndarray]],
    ends: Mapping[str, np.ndarray],
    told: Mapping[str, float],
) -> str:
    texts = []
    for name, (train, held) in ends.items():
        validation = "no validation" if np.isnan(held) else f"validation {percent(held)}"
        text = f"{name} ({_seeds(len(curves[name]))}): training {percent(train)}, {validation}"
        texts.append(text + (f", published {percent(told[name])}" if name in told else ""))
    return (
        f"Accuracy by epoch, a panel for each network. At the end, mean over the seeds: "
        f"{'; '.join(texts)}."
    )


def _draw_curves(axes: Axes, pairs: Sequence[np.ndarray], told: float | None) -> None:
    width = 1.4 if len(pairs) == 1 else 0.9
    for pair in pairs:
        for curve, look in zip(pair, (_TRAINING, _VALIDATION), strict=True):
            if not np.isnan(curve).all():
                # One epoch makes no line.
                marker = "o" if len(curve) == 1 else ""
                epochs = np.arange(1, len(curve) + 1)
                axes.plot(epochs, curve, marker=marker, linewidth=width, **look)
    if told is not None:
        axes.axhline(told, **_TOLD)
    axes.grid()


@styled
def score_dots(
    scores: Mapping[str, Sequence[float]],
    reference: tuple[str, float] | None = None,
    what: str = "test accuracy",
) -> CourseFigure:
    """Draw the scores of each seed and their mean, one row a name, the best on top.

    The title compares the best's lead with the larger of its own and the second's standard
    deviation over the seeds.
    Used in notebook 06.

    Args:
        scores: of each seed, 0 to 1, by name.
        reference: name and score, 0 to 1, of what all are compared with.
        what: what the scores are.

    Raises:
        ValueError: if there is no name or no score of one, or a score is outside 0 to 1.
    """
    seeds = accuracies_by_name(scores)
    if reference is not None:
        if not isinstance(reference, tuple) or len(reference) != 2:
            raise ValueError(f"A reference is its name and its score, not {reference!r}.")
        checks.number(reference[1], str(reference[0]), 0, 1)
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
    share_axis(axes, "x")
    each = f" (n = {min(counts)} each)" if len(counts) == 1 else ""
    handles = {f"one seed{each}": Line2D([], [], **_SEED), "mean": Line2D([], [], **_MEAN)}
    legend_alone(figure, grid[1], handles)
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
        return f"{title}; one seed does not tell the spread"
    spread = max(each.std(ddof=1) for each in pair)
    larger = "larger" if lead > spread else "not larger"
    return f"{title}; its lead is {larger} than the spread over seeds ({in_points(spread)} points)"


def _score_alt(
    seeds: Mapping[str, np.ndarray],
    order: Sequence[str],
    reference: tuple[str, float] | None,
    what: str,
) -> str:
    texts = [f"{name} {mean_text(seeds[name])}" for name in order]
    line = f" A line marks {reference[0]}, {percent(reference[1])}." if reference else ""
    return f"Dots of {what} for each seed, the best mean first: {'; '.join(texts)}.{line}"


def accuracies_by_name(accuracies: Mapping[str, Sequence[float]]) -> dict[str, np.ndarray]:
    """Return the accuracies of each name's seeds, checked, as arrays."""
    found = checks.mapping(accuracies, "accuracy")
    return {name: checks.shares(each, name) for name, each in found.items()}


def published_for(
    drawn: Mapping[str, object], published: Mapping[str, float] | None
) -> dict[str, float]:
    """Return the published accuracies of what is drawn, checked."""
    if published is None:
        return {}
    if not isinstance(published, Mapping):
        raise ValueError(f"What is published is given by name, as a dict, not {published!r}.")
    told = {name: share for name, share in published.items() if name in drawn}
    for name, share in told.items():
        checks.shares([share], f"published for {name}")
    return told


def mean_text(seeds: np.ndarray) -> str:
    """Return mean and spread in words, such as ``72.0 % ± 0.3 (3 seeds)``."""
    spread = f" ± {in_points(seeds.std(ddof=1))}" if len(seeds) > 1 else ""
    return f"{percent(seeds.mean())}{spread} ({_seeds(len(seeds))})"


def _seeds(count: int) -> str:
    return f"{count} seeds" if count > 1 else "1 seed"
