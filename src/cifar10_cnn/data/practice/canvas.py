"""The canvas of the practice set: colours, dice, a movable frame, and a few smooth shapes."""

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Points = Sequence[tuple[float, float]]
Item = TypeVar("Item")

SIDE = 32
CANVAS = 4 * SIDE  # drawn four times too large, then averaged down: smooth edges

WHITE: Colour = (242, 242, 240)
BLACK: Colour = (24, 24, 28)
GREY: Colour = (128, 130, 134)
GLASS: Colour = (58, 74, 92)
SKIES: tuple[tuple[Colour, Colour], ...] = (
    ((66, 118, 196), (168, 204, 236)),
    ((104, 152, 214), (206, 222, 236)),
    ((40, 80, 160), (110, 160, 220)),
    ((160, 166, 176), (206, 208, 210)),
    ((214, 218, 222), (240, 240, 240)),
    ((92, 84, 130), (238, 168, 110)),
    ((54, 58, 92), (196, 120, 104)),
    ((112, 122, 136), (168, 172, 172)),
)
GRASSES: tuple[Colour, ...] = ((92, 132, 58), (120, 146, 70), (70, 104, 50), (150, 142, 84))
EARTHS: tuple[Colour, ...] = ((140, 112, 80), (176, 152, 112), (106, 84, 64), (196, 180, 148))
PAVINGS: tuple[Colour, ...] = ((110, 110, 112), (140, 138, 136), (84, 84, 90), (168, 164, 156))
WATERS: tuple[Colour, ...] = ((44, 84, 124), (70, 116, 140), (96, 120, 128), (36, 62, 84))
WALLS: tuple[Colour, ...] = (
    (206, 196, 176),
    (170, 150, 130),
    (150, 162, 176),
    (120, 96, 80),
    (214, 210, 206),
    (150, 84, 74),
    (104, 118, 96),
)
LEAVES: tuple[Colour, ...] = ((58, 92, 42), (84, 124, 50), (44, 70, 40), (112, 128, 60))
PAINTS: tuple[Colour, ...] = (
    (176, 36, 36),
    (44, 74, 150),
    (226, 226, 224),
    (164, 168, 174),
    (52, 54, 60),
    (206, 172, 50),
    (60, 110, 76),
    (120, 40, 50),
    (110, 160, 196),
    (196, 110, 50),
)
PLUMES: tuple[Colour, ...] = (
    (160, 50, 44),
    (60, 96, 164),
    (206, 172, 60),
    (110, 84, 62),
    (150, 130, 104),
    (40, 40, 46),
    (224, 222, 216),
    (126, 132, 140),
    (90, 110, 66),
)

_TURN = np.linspace(0, 2 * np.pi, 18, endpoint=False)
_CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)
# Closed Catmull-Rom spline: weights of the four neighbouring control points at four steps.
_STEPS = np.arange(4)[:, None] / 4
_SPLINE = 0.5 * np.hstack(
    [
        -_STEPS + 2 * _STEPS**2 - _STEPS**3,
        2 - 5 * _STEPS**2 + 3 * _STEPS**3,
        _STEPS + 4 * _STEPS**2 - 3 * _STEPS**3,
        -(_STEPS**2) + _STEPS**3,
    ]
)


def shade(colour: Colour, factor: float) -> Colour:
    """Return ``colour`` times ``factor``: darker below 1, lighter above."""
    red, green, blue = (min(255, int(part * factor)) for part in colour)
    return red, green, blue


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Return the colour that lies the given share (0-1) of the way from ``one`` to ``other``."""
    red, green, blue = (int(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


class Canvas:
    """A large picture to draw on, with dice and a movable frame of coordinates.

    Points are given in the subject's own frame: about -1 to 1, x to the right, y downwards.
    ``pose`` says where on the picture that frame lies.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.image = Image.new("RGB", (CANVAS, CANVAS))
        self.pen = ImageDraw.Draw(self.image)
        self.frame = np.eye(2) * CANVAS
        self.origin = np.zeros(2)

    # Dice.

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
        red, green, blue = (
            int(min(255, max(0, part + light + self.between(-amount, amount) / 2)))
            for part in colour
        )
        return red, green, blue

    # Shapes.

    def pose(
        self,
        size: tuple[float, float],
        *,
        turn: float = 8,
        lean: float = 0.12,
        height: tuple[float, float] = (0.42, 0.6),
    ) -> None:
        """Lay the frame for a subject: near the middle, mirrored in half of all pictures.

        Args:
            size: smallest and largest half width, as a share of the picture.
            turn: largest turn in degrees, either way.
            lean: largest shear, either way, which looks like a view from aside.
            height: highest and lowest place of the centre, 0 (top) to 1.
        """
        angle = np.deg2rad(self.between(-turn, turn))
        cos, sin = np.cos(angle), np.sin(angle)
        large = self.between(*size)
        wide, tall = large * self.between(0.9, 1.12), large * self.between(0.9, 1.12)
        side = -1 if self.chance(0.5) else 1
        skew = np.array([[side * wide, 0.0], [self.between(-lean, lean) * wide, tall]])
        self.frame = CANVAS * (np.array([[cos, -sin], [sin, cos]]) @ skew).T
        self.origin = CANVAS * np.array([self.between(0.38, 0.62), self.between(*height)])

    def _fill(self, points: NDArray[np.float64], colour: Colour) -> None:
        self.pen.polygon((points @ self.frame + self.origin).ravel().tolist(), fill=colour)

    def polygon(self, points: Points, colour: Colour) -> None:
        """Fill the polygon with these corners."""
        self._fill(np.array(points, float), colour)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """Fill a rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def curve(self, points: Points, colour: Colour) -> None:
        """Fill a closed smooth curve through these points."""
        knots = np.array(points, float)
        places = np.arange(len(knots))[:, None] + (-1, 0, 1, 2)
        around = knots[places % len(knots)]
        self._fill((_SPLINE @ around).reshape(-1, 2), colour)

    def oval(
        self, x: float, y: float, width: float, height: float, colour: Colour, *, turn: float = 0
    ) -> None:
        """Fill an ellipse with these half axes, turned by ``turn`` degrees."""
        points = _CIRCLE * (width, height)
        if turn:
            cos, sin = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
            points = points @ np.array([[cos, sin], [-sin, cos]])
        self._fill(points + np.array([x, y]), colour)

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

    # Backdrops.

    def texture(self, top: float, bottom: float, colour: Colour, rough: float, grain: int) -> None:
        """Fill the strip from ``top`` to ``bottom`` (0-1) with a blotchy colour."""
        first, last = int(top * CANVAS), int(bottom * CANVAS)
        if last <= first:
            return
        rows = max(2, round(grain * (bottom - top)))
        light = self.rng.normal(0, rough, (rows, grain, 1))
        hue = self.rng.normal(0, rough / 4, (rows, grain, 3))
        small = np.clip(np.array(colour) + light + hue, 0, 255).astype(np.uint8)
        strip = Image.fromarray(small).resize((CANVAS, last - first), Image.Resampling.BILINEAR)
        self.image.paste(strip, (0, first))

    def fade(self, top: float, bottom: float, above: Colour, below: Colour) -> None:
        """Fill the strip from ``top`` to ``bottom`` (0-1) with a smooth change of colour."""
        first, last = int(top * CANVAS), int(bottom * CANVAS)
        if last > first:
            small = Image.fromarray(np.array([[above], [below]], np.uint8))
            strip = small.resize((CANVAS, last - first), Image.Resampling.BILINEAR)
            self.image.paste(strip, (0, first))

    def whole(self) -> None:
        """Lay the frame over the whole picture: x and y from 0 to 1."""
        self.frame, self.origin = np.eye(2) * CANVAS, np.zeros(2)
