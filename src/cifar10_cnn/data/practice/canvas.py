"""The canvas of the practice set: dice, a movable frame, and a few smooth shapes."""

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from cifar10_cnn.data.practice.palette import Colour

Point = tuple[float, float]
Points = Sequence[Point]
Item = TypeVar("Item")

SIDE = 32
CANVAS = 4 * SIDE  # drawn four times too large, then averaged down: smooth edges

_TURN = np.linspace(0, 2 * np.pi, 18, endpoint=False)
_CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)
# Closed Catmull-Rom spline: weights of the four neighbouring control points at four steps.
_T = np.arange(4)[:, None] / 4
_BEFORE, _AT = -_T + 2 * _T**2 - _T**3, 2 - 5 * _T**2 + 3 * _T**3
_NEXT, _AFTER = _T + 4 * _T**2 - 3 * _T**3, -(_T**2) + _T**3
_SPLINE = 0.5 * np.hstack([_BEFORE, _AT, _NEXT, _AFTER])


class Canvas:
    """A large image to draw on, with dice and a movable frame of coordinates.

    Points are given in the subject's own frame: about -1 to 1, x to the right, y downwards.
    ``pose`` says where on the image that frame lies; ``whole`` lays it over all of it.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.image = Image.new("RGB", (CANVAS, CANVAS))
        self.pen = ImageDraw.Draw(self.image)
        self.whole()

    def between(self, low: float, high: float) -> float:
        """Return a random number between ``low`` and ``high``."""
        return low + (high - low) * self.rng.random()

    def chance(self, share: float) -> bool:
        """Return True in the given share (0-1) of all throws."""
        return self.rng.random() < share

    def pick(self, items: Sequence[Item]) -> Item:
        """Return one of the items, each as likely as the others."""
        return items[int(self.rng.random() * len(items))]

    def vary(self, colour: Colour, amount: float = 18) -> Colour:
        """Return ``colour`` a little lighter or darker, and a little off in each channel."""
        light = self.between(-amount, amount)
        parts = [part + light + self.between(-amount, amount) / 2 for part in colour]
        red, green, blue = (int(min(255, max(0, part))) for part in parts)
        return red, green, blue

    def whole(self) -> None:
        """Lay the frame over the whole image: x and y from 0 to 1."""
        self.frame, self.origin = np.eye(2) * CANVAS, np.zeros(2)

    def pose(
        self, size: Point, *, turn: float = 8, lean: float = 0.12, height: Point = (0.42, 0.6)
    ) -> None:
        """Lay the frame for a subject: near the middle, mirrored in half of all images.

        The half width lies within ``size``, the centre's height within ``height`` (0 is the top;
        both are shares of the image). ``turn`` (degrees) and ``lean`` (shear) are the largest.
        """
        angle = np.deg2rad(self.between(-turn, turn))
        cos, sin = np.cos(angle), np.sin(angle)
        large = self.between(*size)
        wide, tall = large * self.between(0.9, 1.12), large * self.between(0.9, 1.12)
        side = -1 if self.chance(0.5) else 1
        skew = np.array([[side * wide, 0.0], [self.between(-lean, lean) * wide, tall]])
        self.frame = CANVAS * (np.array([[cos, -sin], [sin, cos]]) @ skew).T
        self.origin = CANVAS * np.array([self.between(0.38, 0.62), self.between(*height)])

    def polygon(self, points: Points | NDArray[np.float64], colour: Colour) -> None:
        """Fill the polygon with these corners."""
        places = np.asarray(points, float) @ self.frame + self.origin
        self.pen.polygon(places.ravel().tolist(), fill=colour)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """Fill a rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def curve(self, points: Points, colour: Colour) -> None:
        """Fill a closed smooth curve through these points."""
        knots = np.array(points, float)
        places = np.arange(len(knots))[:, None] + (-1, 0, 1, 2)
        self.polygon((_SPLINE @ knots[places % len(knots)]).reshape(-1, 2), colour)

    def oval(
        self, x: float, y: float, width: float, height: float, colour: Colour, *, turn: float = 0
    ) -> None:
        """Fill an ellipse with these half axes, turned by ``turn`` degrees."""
        cos, sin = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
        points = _CIRCLE * (width, height) @ np.array([[cos, sin], [-sin, cos]])
        self.polygon(points + np.array([x, y]), colour)

    def limb(self, points: Points, start: float, end: float, colour: Colour) -> None:
        """Draw a line that tapers from width ``start`` to width ``end``."""
        last = len(points) - 1
        one, other = [], []
        for step, (x, y) in enumerate(points):
            before, after = points[max(step - 1, 0)], points[min(step + 1, last)]
            along, down = after[0] - before[0], after[1] - before[1]
            half = (start + (end - start) * step / last) / 2 / max(math.hypot(along, down), 1e-6)
            one.append((x - down * half, y + along * half))
            other.append((x + down * half, y - along * half))
        self.polygon(one + other[::-1], colour)

    def line(self, start: Point, end: Point, width: float, colour: Colour) -> None:
        """Draw a straight line of one width."""
        self.limb([start, end], width, width, colour)

    def texture(self, top: float, bottom: float, colour: Colour, rough: float, grain: int) -> None:
        """Fill the strip from ``top`` to ``bottom`` (0-1) with a blotchy colour."""
        rows = max(2, round(grain * (bottom - top)))
        light = self.rng.normal(0, rough, (rows, grain, 1))
        hue = self.rng.normal(0, rough / 4, (rows, grain, 3))
        self.strip(top, bottom, np.clip(np.array(colour) + light + hue, 0, 255))

    def strip(self, top: float, bottom: float, pixels: ArrayLike) -> None:
        """Fill the strip from ``top`` to ``bottom`` (0-1) with a few pixels, smoothly enlarged."""
        first, last = int(top * CANVAS), int(bottom * CANVAS)
        small = Image.fromarray(np.asarray(pixels).astype(np.uint8))
        strip = small.resize((CANVAS, last - first), Image.Resampling.BILINEAR)
        self.image.paste(strip, (0, first))
