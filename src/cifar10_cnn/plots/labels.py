"""Labels that cover nothing: beside points, around panels, below a figure, on a long axis."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.gridspec import SubplotSpec
from matplotlib.lines import Line2D
from matplotlib.path import Path
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from cifar10_cnn.plots.style import QUIET_TEXT, CourseFigure

LEGEND_INCHES = 0.3
_NEAR = 8.0
_SIDES = [(1, 0), (-1, 0), (0, 1), (0, -1)] + [
    (x, y) for y in (0.8, -0.8) for x in (0.8, -0.8, 0.3, -0.3)
]
#: Where a label may stand, in points from its point, the best place first.
_PLACES = [
    (reach * x, reach * y) for reach in (_NEAR, 14, 21, 29, 38, 50, 65, 85, 110) for x, y in _SIDES
]


def label_points(
    figure: CourseFigure,
    axes: Axes,
    points: Mapping[str, tuple[float, float]],
    bold: Sequence[str] = (),
) -> None:
    """Write names at points where they cover nothing; on a thin line to the point if far off.

    All else must be drawn already.
    """
    figure.draw_without_rendering()  # lays the figure out: now pixels are known
    axes.autoscale(enable=False)  # or a line to a label would move the limits
    lines, boxes = _obstacles(axes)
    for name, point in points.items():
        text = axes.annotate(name, point, (0, 0), textcoords="offset points", fontsize=10)
        text.set(in_layout=False, weight="bold" if name in bold else "normal")
        # The first of equals: thus the first free place, or else the least covered one.
        place = min(_PLACES, key=lambda place: _hits(axes, text, place, lines, boxes))
        _move(text, place)
        if max(map(abs, place)) > _NEAR:
            leader = _leader(axes, text)
            ends = axes.transData.inverted().transform(leader)
            axes.plot(*ends.T, color=QUIET_TEXT, linewidth=0.7, zorder=1.2)
            lines.append(Path(leader))
        boxes.append(text.get_window_extent())


def _obstacles(axes: Axes) -> tuple[list[Path], list[Bbox]]:
    """Return the lines and the markers that the axes hold, in pixels."""
    lines, boxes = [], []
    for line in axes.lines:
        path = line.get_transform().transform_path(line.get_path())
        if line.get_linestyle() != "None":
            lines.append(path)
        if line.get_marker() != "None":
            half = line.get_markersize() / 2 * axes.figure.dpi / 72
            tall = 1 if line.get_marker() == "_" else half
            for x, y in np.asarray(path.vertices):
                boxes.append(Bbox.from_extents(x - half, y - tall, x + half, y + tall))
    return lines, boxes


def _move(text: Annotation, place: tuple[float, float]) -> None:
    """Put a label at a distance from its point, with the edge or corner that is nearest to it."""
    right, up = (int(np.sign(distance)) for distance in place)
    horizontal, vertical = ("center", "left", "right"), ("center", "bottom", "top")
    text.set(position=place, ha=horizontal[right], va=vertical[up])


def _leader(axes: Axes, text: Annotation) -> np.ndarray:
    """Return the ends of the line from a label's point to the label, (2, 2), in pixels."""
    point, box = axes.transData.transform(text.xy), text.get_window_extent()
    return np.array([point, np.clip(point, box.min, box.max)])


def _hits(
    axes: Axes,
    text: Annotation,
    place: tuple[float, float],
    lines: Sequence[Path],
    boxes: Sequence[Bbox],
) -> int:
    """Count what a label at a place would cover; what the line to it crosses is less bad."""
    _move(text, place)
    box = text.get_window_extent().padded(2)
    # Nothing is worse than to be cut off.
    outside = 10_000 * sum(not axes.bbox.contains(*corner) for corner in (box.min, box.max))
    covered = sum(line.intersects_bbox(box, filled=False) for line in lines)
    ends = _leader(axes, text)
    leader = Path(ends)
    # What is at the point itself, such as its own marker, can't be kept clear.
    others = [other for other in boxes if not other.padded(_NEAR).contains(*ends[0])]
    crossed = sum(leader.intersects_bbox(other, filled=False) for other in others)
    return outside + 10 * (box.count_overlaps(boxes) + covered) + crossed


def label_outer(panels: np.ndarray, used: int, xlabel: str, ylabel: str) -> None:
    """Label the panels at the left and at the bottom of a grid; remove those that are not used."""
    for axes in panels[:, 0]:
        axes.set_ylabel(ylabel)
    columns = panels.shape[1]
    for position, axes in enumerate(panels.flat):
        if position >= used:
            axes.remove()
        elif position + columns >= used:
            axes.set_xlabel(xlabel)
            axes.tick_params("x", labelbottom=True)


def legend_below(figure: CourseFigure, spot: SubplotSpec, handles: Mapping[str, Line2D]) -> None:
    """Write a legend into a row of its own, `LEGEND_INCHES` high, where it covers nothing."""
    below = figure.add_subplot(spot)
    below.set_axis_off()
    below.legend(
        list(handles.values()), list(handles), loc="center", ncols=len(handles), borderaxespad=0
    )


def log_axis(axes: Axes, values: Sequence[float] | np.ndarray, powers: float) -> None:
    """Make the x-axis logarithmic, with plain numbers: at 1, 2, 5, 10, or at powers of ten alone.

    It is at least a factor of 6 wide, so that it has two ticks or more.

    Args:
        axes: its axes.
        values: above 0; all are on the axis.
        powers: how many powers of ten it may hold with numbers at 2 and 5; they would not stand
            beside each other on a longer axis.
    """
    low, high = np.log10(min(values)), np.log10(max(values))
    pad = max(0.07 * (high - low), (0.8 - (high - low)) / 2)
    low, high = low - pad, high + pad
    steps = np.array((1, 2, 5) if high - low <= powers else (1,))
    places = np.outer(10.0 ** np.arange(np.floor(low), np.ceil(high) + 1), steps).ravel()
    places = places[(low <= np.log10(places)) & (np.log10(places) <= high)]
    texts = [f"{at / 1e6:g} million" if at >= 1e6 else f"{at:,.10g}" for at in places]
    axes.set(xscale="log", xlim=(10**low, 10**high))
    axes.set_xticks(places, texts)
    axes.minorticks_off()
