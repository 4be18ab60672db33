"""Figures of notebook 04: how a training went, epoch by epoch."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cifar10_cnn.common import checks
from cifar10_cnn.plots.style import (
    BLACK,
    BLUE,
    VERMILLION,
    CourseFigure,
    in_points,
    listed,
    named,
    percent,
    percent_axis,
    series,
    styled,
)

History = Mapping[str, Sequence[float]]


@styled
def learning_curves(history: History) -> CourseFigure:
    """Draw accuracy and loss on the training and the validation images, epoch by epoch.

    Used in notebooks 04 and 06.

    Args:
        history: as ``model.fit(…).history`` gives it: ``accuracy``, ``val_accuracy`` (0 to 1),
            ``loss`` and ``val_loss`` (nats), a list with one number for each epoch.
    """
    curves = {key: _curve(history, key) for key in ("accuracy", "val_accuracy", "loss", "val_loss")}
    train, validation = curves["accuracy"], curves["val_accuracy"]
    best = int(validation.argmax())
    title = (
        f"Validation accuracy is best in epoch {best + 1} ({percent(validation[best])}); "
        f"training accuracy {'ends at' if best + 1 < len(train) else 'is then'} "
        f"{percent(train[-1])}"
    )
    lowest = int(curves["val_loss"].argmin())
    alt = (
        f"Learning curves, epochs 1 to {len(train)}. {title}. Validation loss is lowest in epoch "
        f"{lowest + 1} ({curves['val_loss'][lowest]:.2f}) and ends at "
        f"{curves['val_loss'][-1]:.2f}, training loss at {curves['loss'][-1]:.2f}."
    )
    figure = CourseFigure(title, alt, 3.7)
    panels = figure.subplots(1, 2)
    for axes, kind in zip(panels, ("accuracy", "loss"), strict=True):
        _line(axes, curves[kind], 0, "training", VERMILLION)
        _line(axes, curves[f"val_{kind}"], 1, "validation", BLUE)
        axes.axvline(best + 1, color=BLACK, linestyle=":", linewidth=1.2, zorder=0)
        _finish(axes, kind, len(train))
    percent_axis(panels[0])
    panels[0].plot(
        best + 1,
        validation[best],
        "o",
        markersize=13,
        fillstyle="none",
        color=BLACK,
        label=f"best: epoch {best + 1}, {percent(validation[best])}",
    )
    panels[0].legend(loc="best")
    panels[1].legend(loc="best")
    panels[1].set_ylabel("loss (cross-entropy)")
    panels[1].set_ylim(0, 1.08 * max(curves["loss"].max(), curves["val_loss"].max()))
    return figure


@styled
def compare_curves(histories: Mapping[str, History]) -> CourseFigure:
    """Draw several trainings: validation accuracy, and how far training accuracy is above it.

    Used in notebook 04.

    Args:
        histories: ``accuracy`` and ``val_accuracy`` (0 to 1) by epoch, by the run's name.
    """
    validation = {name: _curve(history, "val_accuracy") for name, history in histories.items()}
    gaps = {
        name: _curve(history, "accuracy") - validation[name] for name, history in histories.items()
    }
    best = max(validation, key=lambda name: validation[name].max())
    widest = max(gaps, key=lambda name: gaps[name][-1])
    title = (
        f"Validation accuracy is best with {best} ({percent(validation[best].max())}); training "
        f"runs ahead of it most with {widest} ({in_points(gaps[widest][-1])} points at the end)"
    )
    texts = [
        f"{name}: best {percent(curve.max())}, last gap {in_points(gaps[name][-1])} points"
        for name, curve in validation.items()
    ]
    alt = (
        "Two panels, validation accuracy and the gap between training and validation accuracy by "
        f"epoch, for {len(histories)} runs. {'; '.join(texts)}."
    )
    lines = 0.24 * -(-len(histories) // 3)
    figure = CourseFigure(title, alt, 3.5 + lines)
    grid = figure.add_gridspec(2, 2, height_ratios=(3.5, lines))
    left, right = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
    for position, name in enumerate(histories):
        _line(left, validation[name], position, name)
        _line(right, 100 * gaps[name], position)
    epochs = max(len(curve) for curve in validation.values())
    _finish(left, "validation accuracy", epochs)
    _finish(right, "training − validation (points)", epochs)
    percent_axis(left)
    right.axhline(0, color=BLACK, linewidth=0.8)
    below = figure.add_subplot(grid[1, :])
    below.set_axis_off()
    below.legend(handles=left.lines, loc="center", ncols=3, borderpad=0, borderaxespad=0)
    return figure


@styled
def accuracy_over_time(histories: Mapping[str, History], goal: float) -> CourseFigure:
    """Draw how validation accuracy rises with training time, and who passes a goal when.

    Used in notebook 04.

    Args:
        histories: ``val_accuracy`` (0 to 1) and ``seconds`` by epoch, by the run's name.
        goal: an accuracy, 0 to 1.
    """
    curves = {name: _curve(history, "val_accuracy") for name, history in histories.items()}
    minutes = {
        name: np.cumsum(_curve(history, "seconds")) / 60 for name, history in histories.items()
    }
    texts = []
    for name, curve in curves.items():
        past = np.flatnonzero(curve >= goal)
        text = f"{name} ends at {percent(curve[-1])} after {minutes[name][-1]:.1f} minutes"
        if len(past):
            text = f"{name} passes {percent(goal)} after {minutes[name][past[0]]:.1f} minutes"
        texts.append(text)
    title = "; ".join(texts)
    title = title[0].upper() + title[1:]
    ends = {name: float(curve[-1]) for name, curve in curves.items()}
    alt = (
        f"Validation accuracy against minutes of training, {len(curves)} runs. {title}. At the end "
        f"of its last epoch: {listed(named(ends))}."
    )
    figure = CourseFigure(title, alt, 3.7)
    axes = figure.subplots()
    axes.axhline(goal, color=BLACK, linewidth=1, linestyle=":", label=f"{percent(goal)}")
    for position, (name, curve) in enumerate(curves.items()):
        axes.plot(minutes[name], curve, **series(position), markersize=6, label=name)
    axes.set(xlabel="minutes of training", ylabel="validation accuracy")
    axes.set_xlim(left=0)
    axes.margins(y=0.08)
    axes.grid()
    percent_axis(axes)
    axes.legend(loc="lower right")
    return figure


def _curve(history: History, key: str) -> np.ndarray:
    """Return one curve of a history, one number for each epoch."""
    if key not in history:
        raise ValueError(
            f"The history has no {key!r}, only {listed(sorted(history))}: compile the model with "
            "metrics=['accuracy'] and give fit() validation_data."
        )
    curve = checks.array(history[key], f"numbers of {key}", "(epochs,)").astype(float)
    epochs = len(history.get("val_accuracy", curve))
    if len(curve) != epochs:
        raise ValueError(f"{key!r} has {len(curve)} epochs, val_accuracy {epochs}.")
    return curve


def _line(
    axes: Axes, curve: np.ndarray, position: int, label: str = "", colour: str | None = None
) -> None:
    look = series(position) | ({"color": colour} if colour else {})
    every = max(1, len(curve) // 12)
    epochs = np.arange(1, len(curve) + 1)
    axes.plot(epochs, curve, **look, markersize=5, markevery=every, label=label)


def _finish(axes: Axes, label: str, epochs: int) -> None:
    axes.set(xlabel="epoch", ylabel=label, xlim=(0.5, epochs + 0.5))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.margins(y=0.08)
    axes.grid()
