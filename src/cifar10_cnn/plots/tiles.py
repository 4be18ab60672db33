"""Images side by side in one pair of axes, measured in inches so that captions fit."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from cifar10_cnn.common import checks
from cifar10_cnn.plots.style import WIDTH, CourseFigure

GAP = 0.07
LINE = 0.16  # inches from one line of a caption to the next
LETTER = 0.64  # width of a wide word's letters by the font size


@dataclass(frozen=True)
class Tiles:
    """A grid of images, planned: sizes in inches, the font's in points."""

    images: np.ndarray
    columns: int
    size: float
    captions: tuple[str, ...]
    font_size: float

    @property
    def image_height(self) -> float:
        """Inches that one image is high."""
        return self.size * self.images.shape[1] / self.images.shape[2]

    @property
    def pitch(self) -> tuple[float, float]:
        """Inches from one image to the next: to the right, down."""
        lines = max((caption.count("\n") + 1 for caption in self.captions), default=0)
        return self.size + GAP, self.image_height + (lines * LINE + 0.14 if lines else GAP)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return -(-len(self.images) // self.columns)

    @property
    def height(self) -> float:
        """Inches that all rows take."""
        return self.rows * self.pitch[1] + 0.05

    def draw(self, axes: Axes, colours: Sequence[str] | None = None, **imshow: Any) -> None:
        """Draw the images and their captions; the axes lose their frame and ticks.

        Args:
            axes: where.
            colours: one for each caption; black if None.
            imshow: more arguments for ``Axes.imshow``.
        """
        for position, image in enumerate(self.images):
            row, column = divmod(position, self.columns)
            x, y = column * self.pitch[0], row * self.pitch[1]
            extent = (x, x + self.size, y + self.image_height, y)
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
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)

    def label_rows(
        self, axes: Axes, names: Sequence[str], places: Sequence[float] = (0.5,), **text: Any
    ) -> None:
        """Write names before the rows, at one place or more of each image's height, 0 to 1."""
        middles = [
            row * self.pitch[1] + self.image_height * place
            for row in range(self.rows)
            for place in places
        ]
        axes.set_yticks(middles, names, **text)


def plan(
    images: np.ndarray,
    columns: int,
    captions: Sequence[object] | None = None,
    *,
    width: float = WIDTH - 0.3,
    largest: float = 1.7,
) -> Tiles:
    """Plan a grid of images that fits into a width.

    Args:
        columns: images in a row; fewer if there are fewer images.
        width: in inches.
        largest: width of an image in inches at most.
    """
    columns = min(columns, len(images))
    size = min(largest, width / columns - GAP)
    if captions is None:
        return Tiles(images, columns, size, (), 10)
    checks.same_length(images=images, captions=captions)
    texts = [str(caption) for caption in captions]
    longest = max((len(word) for text in texts for word in re.split("[ \n]", text)), default=1)
    points = (size + GAP - 0.02) * 72 / LETTER
    font_size = float(np.clip(points / max(longest, 1), 7, 10))
    letters = max(1, int(points / font_size + 0.01))
    broken = tuple(
        "\n".join(part for line in text.split("\n") for part in textwrap.wrap(line, letters))
        for text in texts
    )
    return Tiles(images, columns, size, broken, font_size)


def tiled(tiles: Tiles, title: str, alt: str, **figure_options: Any) -> tuple[CourseFigure, Axes]:
    """Return a figure of these tiles alone, and its axes."""
    figure = CourseFigure(title, alt, tiles.height, **figure_options)
    axes = figure.add_subplot()
    tiles.draw(axes)
    return figure, axes


def in_rows(rows: Sequence[np.ndarray]) -> tuple[np.ndarray, int]:
    """Return images of rows one after the other, short rows filled with white, and the columns."""
    columns = max(map(len, rows))
    filled = np.full((len(rows), columns, *rows[0].shape[1:]), 255, dtype=np.uint8)
    for place, row in zip(filled, rows, strict=True):
        place[: len(row)] = as_images(row)
    return filled.reshape(-1, *rows[0].shape[1:]), columns


def above(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Return images (N, 2h + 1, w, 3): one above the other, with a white line between them."""
    white = np.full((len(upper), 1, *upper.shape[2:]), 255, dtype=np.uint8)
    return np.concatenate([upper, white, lower], axis=1)


def as_images(images: ArrayLike) -> np.ndarray:
    """Return colour images as uint8, (N, h, w, 3)."""
    return np.clip(np.rint(checks.images(images)), 0, 255).astype(np.uint8)


def as_image(image: ArrayLike) -> np.ndarray:
    """Return one colour image as uint8, (h, w, 3); see `as_images`."""
    return as_images(checks.array(image, "pixels of an image", "(h, w, 3)")[np.newaxis])[0]
