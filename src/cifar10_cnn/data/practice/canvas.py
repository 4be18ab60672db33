"""The canvas of the practice set: dice, colours, a movable frame, and a few smooth shapes."""

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw

Point = tuple[float, float]
Colour = tuple[int, int, int]
Item = TypeVar("Item")

SIDE = 32
CANVAS = 4 * SIDE  # drawn four times too large, then averaged down: smooth edges
WHITE: Colour = (242, 242, 240)
BLACK: Colour = (24, 24, 28)
GREY: Colour = (128, 130, 134)
GLASS: Colour = (58, 74, 92)

_TURN = np.linspace(0, 2 * np.pi, 18, endpoint=False)
_CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)


def colours(text: str) -> tuple[Colour, ...]:
    """Return the colours of a line such as ``"ff0000 00ff00"`` (red, green, blue)."""
    return tuple((red, green, blue) for red, green, blue in map(bytes.fromhex, text.split()))


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Return the colour that lies the given share (0-1) of the way from ``one`` to ``other``."""
    red, green, blue = (int(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def shade(colour: Colour, factor: float) -> Colour:
    """Return ``colour`` times ``factor``, 0 to 1: darker."""
    return mix((0, 0, 0), colour, factor)


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

    def pose(self, low: float, high: float, turn: float = 8) -> None:
        """Lay the frame for a subject: near the middle, mirrored in half of all images.

        Its half width is ``low`` to ``high`` of the image's; ``turn`` is in degrees, at most.
        """
        angle = np.deg2rad(self.between(-turn, turn))
        cos, sin = np.cos(angle), np.sin(angle)
        wide, tall = self.between(0.7 * low, high) * self.rng.uniform(0.9, 1.12, 2)
        side = self.pick((-1, 1))
        skew = np.array([[side * wide, 0.0], [self.between(-0.1, 0.1) * wide, tall]])
        self.frame = CANVAS * (np.array([[cos, -sin], [sin, cos]]) @ skew).T
        self.origin = CANVAS * np.array([self.between(0.38, 0.62), self.between(0.42, 0.6)])

    def polygon(self, points: ArrayLike, colour: Colour) -> None:
        """Fill the polygon with these corners."""
        places = np.asarray(points, float) @ self.frame + self.origin
        self.pen.polygon(places.ravel().tolist(), fill=colour)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """Fill a rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def curve(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill a polygon whose corners are cut off twice (Chaikin's curve)."""
        knots = np.array(points, float)
        for _ in range(2):
            after = np.roll(knots, -1, axis=0)
            cuts = np.stack([0.8 * knots + 0.2 * after, 0.2 * knots + 0.8 * after], axis=1)
            knots = cuts.reshape(-1, 2)
        self.polygon(knots, colour)

    def oval(
        self, x: float, y: float, width: float, height: float, colour: Colour, *, turn: float = 0
    ) -> None:
        """Fill an ellipse with these half axes, turned by ``turn`` degrees."""
        cos, sin = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
        points = _CIRCLE * (width, height) @ np.array([[cos, sin], [-sin, cos]])
        self.polygon(points + np.array([x, y]), colour)

    def limb(self, points: Sequence[Point], start: float, end: float, colour: Colour) -> None:
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

    def texture(self, top: float, colour: Colour, rough: float, grain: int) -> None:
        """Fill the image from ``top`` (0-1) down with a blotchy colour."""
        light = self.rng.normal(0, rough, (grain, grain, 1))
        hue = self.rng.normal(0, rough / 4, (grain, grain, 3))
        self.strip(top, 1, np.clip(np.array(colour) + light + hue, 0, 255))

    def strip(self, top: float, bottom: float, pixels: ArrayLike) -> None:
        """Fill the strip from ``top`` to ``bottom`` (0-1) with a few pixels, smoothly enlarged."""
        first, last = int(top * CANVAS), int(bottom * CANVAS)
        small = Image.fromarray(np.asarray(pixels).astype(np.uint8))
        strip = small.resize((CANVAS, last - first), Image.Resampling.BILINEAR)
        self.image.paste(strip, (0, first))
