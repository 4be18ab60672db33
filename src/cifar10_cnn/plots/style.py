"""What all figures share: their class, colours, type, and the way they get into a notebook."""

import io
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
from IPython import get_ipython
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patheffects import AbstractPathEffect, withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from PIL import Image

from cifar10_cnn import device
from cifar10_cnn.common import files
from cifar10_cnn.data.readers import CLASS_NAMES

if TYPE_CHECKING:
    from cifar10_cnn.data.dataset import Dataset

P = ParamSpec("P")
T = TypeVar("T")
#: Width of every figure in inches: at 100 dots an inch it fits into JupyterLab unscaled.
WIDTH = 9.0
#: Above this, a figure is stored with 256 colours; a notebook holds it a third larger, as base64.
MOST_BYTES = 200_000
FOOTNOTE_INCHES = 0.24
NBSP = "\N{NO-BREAK SPACE}"

# Okabe and Ito's colours, told apart by colour-blind eyes too (https://jfly.uni-koeln.de/color/).
ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILLION, PURPLE, BLACK = "#0072B2", "#D55E00", "#CC79A7", "#000000"
GREY, WINE, BROWN = "#999999", "#882255", "#6B4423"
#: One for each class; three are not Okabe and Ito's, who have eight with black.
CLASS_PALETTE = (SKY, VERMILLION, ORANGE, PURPLE, GREEN, YELLOW, WINE, GREY, BLUE, BROWN)
#: For lines and groups of bars; markers, dashes and hatches tell them apart in grey print.
SERIES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, BLACK, SKY, WINE)
#: Ten of each, so that ten classes differ in each of them.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", "p")
DASHES = (
    *("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (8, 3))),
    *((0, (8, 2, 2, 2)), (0, (4, 1, 1, 1, 1, 1))),
)
HATCHES = ("", "///", "...", "xxx", "\\\\\\", "+++", "ooo", "---")
#: Text on white, dark enough to read: right, wrong, secondary.
RIGHT_TEXT, WRONG_TEXT, QUIET_TEXT = "#00664B", "#B34700", "#595959"

_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.labelsize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "figure.titlesize": 13,
    "figure.titleweight": "bold",
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.06,
    "grid.color": "#DDDDDD",
    "hatch.linewidth": 0.7,
    "image.interpolation": "nearest",
    "legend.edgecolor": "none",
    "legend.framealpha": 0.9,
    "legend.fancybox": False,
    "legend.fontsize": 10,
    "savefig.dpi": "figure",
    "text.parse_math": False,  # a file's or a class's name may have dollars in it
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
}


@contextmanager
def course_style() -> Iterator[None]:
    """Draw in matplotlib's defaults and the course's style, whatever the user's style is."""
    with mpl.rc_context(), warnings.catch_warnings():
        # A box stands for a letter that the font lacks, as in a file's Chinese name.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def styled(draw: Callable[P, T]) -> Callable[P, T]:
    """Draw in the course's style, and let what cannot be drawn end in one sentence."""

    @wraps(draw)
    def drawn(*arguments: P.args, **options: P.kwargs) -> T:
        try:
            with course_style():
                return draw(*arguments, **options)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            name, reason = f"plots.{draw.__name__}", str(error).rstrip(".")
            raise ValueError(f"{name} cannot draw this: {reason}; see help({name}).") from error

    return drawn


class CourseFigure(Figure):
    """A figure of the course, independent of pyplot's global state.

    Attributes:
        alt: one or two sentences for those who can't see it.
        footnote: the small text at the bottom; empty until `show` fills it.
        of_data: whether it shows data alone, so that no device has a part in it.
    """

    def __init__(self, title: str, alt: str, height: float, of_data: bool = False) -> None:
        """Start an empty figure.

        Args:
            title: what the figure shows; broken into lines where it is too long for one.
            alt: alternative text.
            height: in inches, without the title and the footnote.
            of_data: whether it shows data alone.
        """
        lines = _title_lines(title)
        height += 0.1 + 0.22 * len(lines) + FOOTNOTE_INCHES
        bottom = FOOTNOTE_INCHES / height
        layout = ConstrainedLayoutEngine(rect=(0, bottom, 1, 1 - bottom))
        super().__init__(figsize=(WIDTH, height), layout=layout)
        FigureCanvasAgg(self)
        self.alt = alt.replace(NBSP, " ")
        self.of_data = of_data
        self.suptitle("\n".join(lines), x=0.01, ha="left")
        self.footnote = self.text(
            0.01, 0.05 / height, "", ha="left", va="bottom", fontsize=8, color=QUIET_TEXT
        )

    @property
    def title(self) -> str:
        """The title in one line."""
        return self.get_suptitle().replace("\n", " ").replace(NBSP, " ")

    def _repr_png_(self) -> bytes:
        """Let Jupyter draw a figure that ends a cell without `show`."""
        return png(self)


def _title_lines(title: str) -> list[str]:
    """Break a title into lines that fit into a figure's width, however wide their letters are."""
    page = Figure(figsize=(WIDTH, 1))
    trial = page.suptitle("")
    lines: list[str] = []
    # Not split(): it would break at NBSP too.
    for word in title.strip().split(" "):
        longer = " ".join([*lines[-1:], word])
        trial.set_text(longer)
        if lines and trial.get_window_extent().width <= 0.98 * page.bbox.width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def show(figure: CourseFigure, name: str, source: "Dataset | str") -> None:
    """Show a figure below the cell, with its alt text and a footnote on what it was made from.

    Used in every notebook.

    Args:
        figure: what a function of this package returned.
        name: file name for ``figures/``, without ending, such as ``01_class_counts``.
        source: what it was made from, for the footnote: the data set (and this device, if a network
            has a part in it), or a line on results that were measured before.

    Raises:
        ValueError: if it is no figure, or the name is none for a file.
    """
    _check(figure)
    if not isinstance(name, str) or not re.fullmatch(r"[\w-]{1,100}", name):
        raise ValueError(f"A figure's name is made of letters, digits, - and _, not {name!r}.")
    if not isinstance(source, str):
        if not hasattr(source, "origin"):
            raise ValueError(f"A figure's source is a data set or a line of text, not {source!r}.")
        machine = "" if figure.of_data else f"  |  {device.describe()}"
        source = source.origin + machine
    figure.footnote.set_text(source)
    if get_ipython() is None:  # a notebook run as a script shows no images
        print(f"{name}: {figure.alt}")
        return
    display(
        {"image/png": png(figure)},
        raw=True,
        metadata={"image/png": {"alt": figure.alt}, "figure": {"name": name}},
    )


def save(figure: CourseFigure, file: Path, source: str) -> None:
    """Write a figure as a PNG file, with a footnote on what it was made from.

    Used by the command ``predict``.

    Args:
        figure: what a function of this package returned.
        file: where to.
        source: what it was made from, in a line.

    Raises:
        CourseError: if it cannot be written.
        ValueError: if it is no figure.
    """
    _check(figure)
    figure.footnote.set_text(str(source))
    files.write(file, png(figure))


def _check(figure: object) -> None:
    if not isinstance(figure, CourseFigure):
        raise ValueError(f"A figure is what a function of `plots` returns, not {figure!r}.")


def png(figure: Figure) -> bytes:
    """Return the figure as a PNG file, with a palette of 256 colours if it is large without."""
    canvas = FigureCanvasAgg(figure)
    with course_style():
        canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    for version in (image, image.quantize(256, dither=Image.Dither.NONE)):
        file = io.BytesIO()
        version.save(file, "png")
        if file.tell() <= MOST_BYTES:
            break
    return file.getvalue()


def class_colours(class_names: Sequence[str]) -> list[str]:
    """Return a colour for each class; CIFAR-10's classes have theirs in every figure.

    Other names take the colours that are left, again from the first after ten.
    """
    fixed = dict(zip(CLASS_NAMES, CLASS_PALETTE, strict=True))
    taken = {fixed[name] for name in class_names if name in fixed}
    free = [colour for colour in CLASS_PALETTE if colour not in taken] or list(CLASS_PALETTE)
    others = [name for name in class_names if name not in fixed]
    return [fixed.get(name) or free[others.index(name) % len(free)] for name in class_names]


def edge(colour: str) -> list[AbstractPathEffect]:
    """Return what gives a line of a light colour a thin dark edge, so that grey print keeps it.

    The colour stays: a darker yellow would be the colour-blind's orange.
    """
    red, green, blue = to_rgb(colour)
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.75
    return [withStroke(linewidth=3.2, foreground=QUIET_TEXT)] if light else []


def percent(fraction: float) -> str:
    """Return a fraction, 0 to 1, as ``81.2 %``, with a space that no line breaks at."""
    return f"{100 * fraction:.1f}{NBSP}%"


def number(value: float, digits: str = ".3g") -> str:
    """Return a number with a real minus sign, as matplotlib writes it on axes."""
    return f"{value:{digits}}".replace("-", "−")


def in_points(gap: float) -> str:
    """Return a difference of two fractions in percentage points, with a real minus sign."""
    return number(100 * gap, ".1f")


def listed(words: Iterable[object], most: int = 12) -> str:
    """Return words as ``a, b and c``; what passes ``most`` becomes a number."""
    texts = [str(word) for word in words]
    if len(texts) > most:
        texts = [*texts[:most], f"{len(texts) - most} more"]
    return " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]])) if texts else ""


def named(values: Mapping[str, float]) -> list[str]:
    """Return each name with its fraction in percent."""
    return [f"{name} {percent(value)}" for name, value in values.items()]


def series(position: int) -> dict[str, Any]:
    """Return how the line at a position looks: its colour, dashes and marker."""
    position %= len(SERIES)
    return {
        "color": SERIES[position],
        "linestyle": DASHES[position],
        "marker": MARKERS[position],
    }


def percent_axis(axes: Axes, which: str = "y") -> None:
    """Write the axes ``x``, ``y`` or ``xy`` of fractions, 0 to 1, in percent."""
    for axis in which:
        formatter = FuncFormatter(lambda value, _: f"{100 * value:.3g} %")
        getattr(axes, f"{axis}axis").set_major_formatter(formatter)


def bars(axes: Axes, names: Sequence[str], values: Any, marks: Sequence[str], **look: Any) -> Any:
    """Draw horizontal bars from the top on, with a text at the end of each."""
    drawn = axes.barh(range(len(names)), values, **look)
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    axes.bar_label(drawn, marks, padding=4, bbox=paper)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.45, -0.55)
    return drawn


def powers_axis(axis: Axis, text: str | Callable[[float, Any], str]) -> None:
    """Write the powers of ten on a logarithmic axis, on a short one 2 and 5 between them, too."""
    low, high = sorted(axis.get_view_interval())
    if high < 300 * low:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(text)
    axis.set_minor_formatter(NullFormatter())


def class_ticks(axes: Axes, axis: str, class_names: Sequence[str]) -> None:
    """Write class names on an axis; on the x-axis slanted if there are many."""
    getattr(axes, f"set_{axis}ticks")(range(len(class_names)), class_names)
    if axis == "x" and len(class_names) > 6:
        for label in axes.get_xticklabels():
            label.set(rotation=30, ha="right", rotation_mode="anchor")
