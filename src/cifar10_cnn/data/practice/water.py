"""Frog and ship: the two classes that resemble no other."""

from cifar10_cnn.data.practice.backdrops import foliage, meadow, plain, sea, wood
from cifar10_cnn.data.practice.canvas import (
    BLACK,
    GLASS,
    GREY,
    PAINTS,
    WHITE,
    Canvas,
    Colour,
    mix,
    shade,
)

FROGS: tuple[Colour, ...] = (
    (88, 138, 48),
    (120, 160, 60),
    (70, 100, 44),
    (118, 96, 58),
    (150, 120, 76),
    (176, 60, 44),
    (84, 82, 66),
)


def frog(c: Canvas) -> None:
    """Draw a frog on leaves, on the ground or at the water's edge."""
    c.pick((foliage, foliage, foliage, foliage, meadow, wood, sea, plain))(c)
    coat = c.vary(c.pick(FROGS))
    dark, light = shade(coat, 0.7), mix(coat, (232, 226, 180), c.between(0.4, 0.8))
    view = c.pick(("side", "side", "above", "front"))
    c.pose((0.36, 0.62), turn=180 if view == "above" else 15)
    if view == "side":
        _frog_side(c, coat, dark, light)
    elif view == "above":
        for side in (-1, 1):
            c.limb([(-0.3, side * 0.2), (-0.1, side * 0.75), (-0.75, side * 0.6)], 0.3, 0.14, dark)
            c.limb([(-0.75, side * 0.6), (-0.6, side * 0.95)], 0.12, 0.14, dark)
            c.limb([(0.3, side * 0.2), (0.45, side * 0.6), (0.75, side * 0.65)], 0.16, 0.12, dark)
        c.curve(
            [
                (0.85, 0),
                (0.5, 0.34),
                (0, 0.4),
                (-0.6, 0.22),
                (-0.6, -0.22),
                (0, -0.4),
                (0.5, -0.34),
            ],
            coat,
        )
        if c.chance(0.5):
            c.limb([(0.6, 0), (-0.5, 0)], 0.1, 0.06, light)
        _spots(c, dark)
        for side in (-1, 1):
            c.oval(0.52, side * 0.27, 0.13, 0.12, light)
            c.oval(0.54, side * 0.29, 0.08, 0.08, BLACK)
    else:
        for side in (-1, 1):
            c.oval(side * 0.62, 0.35, 0.3, 0.4, dark, turn=side * -20)
            c.limb([(side * 0.35, 0.2), (side * 0.42, 0.75)], 0.2, 0.2, coat)
        c.oval(0, 0.2, 0.55, 0.5, light)
        c.oval(0, -0.1, 0.62, 0.4, coat)
        c.limb([(-0.5, 0.02), (0, 0.14), (0.5, 0.02)], 0.06, 0.06, shade(coat, 0.45))
        for side in (-1, 1):
            c.oval(side * 0.36, -0.44, 0.2, 0.2, coat)
            c.oval(side * 0.37, -0.45, 0.13, 0.13, c.pick((light, (206, 170, 60))))
            c.oval(side * 0.37, -0.45, 0.07, 0.1, BLACK)


def _frog_side(c: Canvas, coat: Colour, dark: Colour, light: Colour) -> None:
    """Draw a frog that squats, seen from the side."""
    c.limb([(0.35, 0.15), (0.3, 0.4), (0.5, 0.58)], 0.2, 0.13, dark)
    c.curve(
        [
            (-0.75, 0.35),
            (-0.4, -0.1),
            (0.2, -0.4),
            (0.65, -0.32),
            (0.85, -0.05),
            (0.5, 0.3),
            (0, 0.45),
        ],
        coat,
    )
    c.curve([(0.82, 0), (0.5, 0.06), (0.2, 0.4), (0.5, 0.32)], light)
    c.limb([(0.84, -0.02), (0.5, 0.04), (0.4, 0)], 0.06, 0.04, shade(coat, 0.45))
    _spots(c, dark)
    c.oval(-0.4, 0.3, 0.38, 0.2, shade(coat, 0.85), turn=c.between(-40, -10))
    c.limb([(-0.65, 0.5), (0, 0.58)], 0.16, 0.14, dark)
    c.limb([(0.3, 0.1), (0.12, 0.4), (0.3, 0.62)], 0.2, 0.14, shade(coat, 0.9))
    c.oval(0.5, -0.38, 0.17, 0.16, coat)
    c.oval(0.53, -0.39, 0.12, 0.12, c.pick((light, (206, 170, 60))))
    c.oval(0.55, -0.39, 0.06, 0.08, BLACK)


def _spots(c: Canvas, dark: Colour) -> None:
    """Draw a frog's spots, on about half of all frogs."""
    if c.chance(0.5):
        for _ in range(5):
            c.oval(c.between(-0.5, 0.3), c.between(-0.2, 0.15), 0.09, 0.07, dark)


def ship(c: Canvas) -> None:
    """Draw a ship: freighter, liner, warship, sailing boat, or a bow from the front."""
    sea(c)
    hull = c.vary(c.pick((*PAINTS, WHITE, GREY, BLACK)))
    deck = c.vary(c.pick((WHITE, WHITE, (206, 200, 190), GREY)))
    kind = c.pick(("freighter", "freighter", "liner", "sails", "sails", "bow", "launch"))
    c.pose((0.36, 0.64), turn=5, lean=0.08, height=(0.5, 0.66))
    if kind == "bow":
        width = c.between(0.35, 0.5)
        c.box(-width * 0.7, -0.65, width * 0.7, -0.1, deck)
        c.box(-width * 0.6, -0.55, width * 0.6, -0.42, GLASS)
        c.limb([(0, -1), (0, -0.6)], 0.05, 0.06, GREY)
        c.curve(
            [
                (-width, -0.2),
                (0, -0.3),
                (width, -0.2),
                (width * 0.6, 0.3),
                (0, 0.46),
                (-width * 0.6, 0.3),
            ],
            hull,
        )
        c.limb([(0, -0.26), (0, 0.4)], 0.04, 0.06, shade(hull, 0.6))
    else:
        _rigging(c, kind, deck)
        bow = c.between(0.85, 1)
        c.polygon([(-0.9, -0.02), (bow, -0.08), (bow - 0.2, 0.26), (-0.8, 0.26)], hull)
        c.limb(
            [(-0.8, 0.24), (bow - 0.2, 0.24)], 0.06, 0.06, c.pick((shade(hull, 0.6), (140, 40, 36)))
        )
        c.limb([(-0.88, 0.02), (bow - 0.04, -0.03)], 0.05, 0.05, deck)
    c.limb([(-0.95, 0.3), (0.95, 0.3)], 0.06, 0.05, mix(WHITE, (70, 116, 140), c.between(0.2, 1)))


def _rigging(c: Canvas, kind: str, deck: Colour) -> None:
    """Draw what stands on a ship's deck."""
    if kind == "sails":
        sail = c.vary(c.pick((WHITE, WHITE, (222, 206, 176), (176, 60, 50))))
        x, top = c.between(-0.15, 0.15), c.between(-1.1, -0.8)
        c.limb([(x, 0), (x, top - 0.04)], 0.05, 0.04, (90, 70, 50))
        c.polygon([(x + 0.05, top), (x + 0.05, -0.14), (c.between(0.5, 0.85), -0.14)], sail)
        c.polygon(
            [(x - 0.05, top + 0.1), (x - 0.05, -0.14), (c.between(-0.8, -0.45), -0.14)],
            shade(sail, 0.9),
        )
    elif kind == "freighter":
        x = c.pick((-0.7, -0.6, 0.3))
        for step in range(5):
            left = -0.75 + step * 0.3
            c.box(left, c.between(-0.3, -0.1), left + 0.28, 0, c.vary(c.pick(PAINTS)))
        c.box(x, -0.5, x + 0.3, 0, deck)
        c.box(x + 0.03, -0.42, x + 0.27, -0.35, GLASS)
        c.box(x + 0.08, -0.7, x + 0.2, -0.48, c.vary(c.pick(PAINTS)))
        if c.chance(0.5):
            c.limb([(x + 0.7, -0.7), (x + 0.6, 0)], 0.05, 0.06, GREY)
    elif kind == "liner":
        for step in range(3):
            y = -0.14 * (step + 1)
            c.box(-0.75 + step * 0.1, y, 0.65 - step * 0.16, y + 0.15, deck)
            c.limb(
                [(-0.66 + step * 0.1, y + 0.09), (0.55 - step * 0.16, y + 0.09)],
                0.045,
                0.045,
                GLASS,
            )
        for x in (-0.3, 0.05)[: c.pick((1, 2))]:
            c.polygon(
                [(x, -0.4), (x - 0.05, -0.68), (x + 0.11, -0.68), (x + 0.14, -0.4)],
                c.vary(c.pick(PAINTS)),
            )
    else:
        c.box(-0.4, -0.3, 0.25, 0, deck)
        c.polygon([(-0.3, -0.5), (0.05, -0.5), (0.15, -0.28), (-0.3, -0.28)], deck)
        c.box(-0.25, -0.45, 0.02, -0.32, GLASS)
        c.limb([(-0.1, -0.95), (-0.1, -0.5)], 0.05, 0.05, GREY)
