"""Pictures side by side in one pair of axes, measured in inches so that captions fit."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from cifar10_cnn.common import checks
from cifar10_cnn.plots.style import WIDTH

GAP = 0.07
LINE = 0.16  # inches from one line of a caption to the next
LETTER = 0.64  # width of a wide word's letters by the font size


@dataclass(frozen=True)
class Tiles:
    """A grid of pictures, planned.

    Attributes:
        count: number of pictures.
        columns: pictures in a row.
        size: width of a picture in inches.
        ratio: height of a picture by its width.
        captions: a text below each picture, broken into lines; empty if there are none.
        font_size: of the captions, in points.
    """

    count: int
    columns: int
    size: float
    ratio: float
    captions: tuple[str, ...]
    font_size: float

    @property
    def pitch(self) -> tuple[float, float]:
        """Inches from one picture to the next: to the right, down."""
        lines = max((caption.count("\n") + 1 for caption in self.captions), default=0)
        below = GAP if not lines else lines * LINE + 0.14
        return self.size + GAP, self.size * self.ratio + below

    @property
    def rows(self) -> int:
        """Number of rows."""
        return -(-self.count // self.columns)

    @property
    def height(self) -> float:
        """Inches that all rows take."""
        return self.rows * self.pitch[1] + 0.05

    def corner(self, position: int) -> tuple[float, float]:
        """Return x and y, in inches from the upper left, of a picture's upper left corner."""
        row, column = divmod(position, self.columns)
        return column * self.pitch[0], row * self.pitch[1]

    def draw(
        self,
        axes: Axes,
        images: np.ndarray,
        colours: Sequence[str] | None = None,
        **imshow: Any,
    ) -> None:
        """Draw the pictures and their captions.

        Args:
            axes: where; they lose their frame and ticks.
            images: (N, h, w, 3) or, drawn in grey, (N, h, w).
            colours: one for each caption; black if None.
            imshow: more arguments for ``Axes.imshow``.
        """
        checks.same_length(images=images, tiles=range(self.count))
        for position, image in enumerate(images):
            x, y = self.corner(position)
            extent = (x, x + self.size, y + self.size * self.ratio, y)
            axes.imshow(image, extent=extent, **{"cmap": "gray", **imshow})
            lines = self.captions[position].split("\n") if self.captions else []
            # Line by line, so that the captions of a row stand on the same baselines.
            for number, line in enumerate(lines):
                axes.text(
                    x + self.size / 2,
                    extent[2] + 0.04 + self.font_size / 72 + number * LINE,
                    line,
                    ha="center",
                    va="baseline",
                    fontsize=self.font_size,
                    color=colours[position] if colours else "black",
                )
        axes.set(xlim=(0, self.columns * self.pitch[0] - GAP), ylim=(self.height, 0))
        axes.set(xticks=[], yticks=[], aspect="equal")
        axes.spines[:].set_visible(False)


def plan(
    images: np.ndarray,
    columns: int,
    captions: Sequence[object] | None = None,
    *,
    width: float = WIDTH - 0.3,
    largest: float = 1.7,
) -> Tiles:
    """Plan a grid of pictures that fits into a width.

    Args:
        images: (N, h, w, …), at least one.
        columns: pictures in a row; fewer if there are fewer pictures.
        captions: a text for each picture.
        width: in inches.
        largest: width of a picture in inches at most.

    Raises:
        ValueError: if there is no column, or another number of captions.
    """
    columns = min(checks.count(columns, "columns"), len(images))
    size = min(largest, width / columns - GAP)
    texts: list[str] = []
    font_size = 10.0
    if captions is not None:
        checks.same_length(images=images, captions=captions)
        texts = [str(caption) for caption in captions]
        longest = max((len(word) for text in texts for word in re.split("[ \n]", text)), default=1)
        font_size = float(np.clip((size + GAP - 0.02) * 72 / LETTER / max(longest, 1), 7, 10))
        letters = max(1, int((size + GAP - 0.02) * 72 / LETTER / font_size + 0.01))
        texts = [
            "\n".join(part for line in text.split("\n") for part in textwrap.wrap(line, letters))
            for text in texts
        ]
    ratio = images.shape[1] / images.shape[2]
    return Tiles(len(images), columns, size, ratio, tuple(texts), font_size)


def as_pictures(images: ArrayLike) -> np.ndarray:
    """Return colour pictures as uint8, (N, h, w, 3).

    Args:
        images: (N, h, w, 3), integers or floats 0 to 255 (not 0 to 1); values beyond are cut off.

    Raises:
        ValueError: if they are anything else, or there is none.
    """
    array = checks.images(images)
    return np.clip(np.rint(array), 0, 255).astype(np.uint8)


def as_picture(image: ArrayLike) -> np.ndarray:
    """Return one colour picture as uint8, (h, w, 3); see `as_pictures`."""
    return as_pictures(checks.array(image, "pixels of a picture", "(h, w, 3)")[np.newaxis])[0]
