"""Backdrops of the practice set: what stands behind a subject, and what stands in its way."""

from collections.abc import Sequence

from cifar10_cnn.data.practice.canvas import Canvas
from cifar10_cnn.data.practice.palette import GLASS, GREY, WHITE, Colour, colours, mix, shade

_ABOVE = colours("4276c4 6898d6 2850a0 a0a6b0 d6dade 5c5482 363a5c 707a88")
_BELOW = colours("a8ccec cedeec 6ea0dc ced0d2 f0f0f0 eea86e c47868 a8acac")
SKIES = tuple(zip(_ABOVE, _BELOW, strict=True))
GRASSES = colours("5c843a 789246 466832 968e54")
EARTHS = colours("8c7050 b09870 6a5440 c4b494")
PAVINGS = colours("6e6e70 8c8a88 54545a a8a49c")
WATERS = colours("2c547c 46748c 607880 243e54")
WALLS = colours("cec4b0 aa9682 96a2b0 786050 d6d2ce 96544a 687660")
LEAVES = colours("3a5c2a 547c32 2c4628 70803c")
THINGS = colours("aa3c3c 465a96 e6e2d6 3c322e 5a785a")


def sky(c: Canvas, bottom: float = 1.0) -> None:
    """Draw a sky down to ``bottom``, often with clouds."""
    above, below = c.pick(SKIES)
    c.strip(0, bottom, [[c.vary(above)], [c.vary(below)]])
    c.whole()
    if c.chance(0.5):
        cloud = mix(below, c.pick((WHITE, WHITE, GREY)), c.between(0.3, 0.8))
        for _ in range(int(c.between(1, 4))):
            x, y, size = c.between(0, 1), c.between(0, bottom), c.between(0.1, 0.35)
            for _ in range(3):
                shift = c.between(-size, size)
                c.oval(x + shift, y + c.between(-0.04, 0.04), size * 0.7, size * 0.25, cloud)


def _skyline(c: Canvas, horizon: float) -> None:
    """Draw hills, trees or houses along the horizon."""
    kind = c.pick(("hills", "trees", "houses", "nothing"))
    tint = c.vary(c.pick(LEAVES if kind != "houses" else WALLS))
    if kind == "hills":
        c.oval(c.between(0, 1), horizon, c.between(0.4, 0.9), c.between(0.06, 0.25), tint)
    elif kind == "trees":
        for _ in range(6):
            x, size = c.between(-0.1, 1.1), c.between(0.08, 0.2)
            c.oval(x, horizon - size * 0.4, size, size, c.vary(tint, 8))
    elif kind == "houses":
        for _ in range(3):
            x, width = c.between(-0.1, 0.9), c.between(0.15, 0.45)
            c.box(x, horizon - c.between(0.1, 0.45), x + width, horizon, c.vary(tint))


def land(c: Canvas, grounds: Sequence[Colour]) -> None:
    """Draw open land under a sky or, as often, ground up to the image's top edge."""
    horizon = c.between(0.2, 0.6) if c.chance(0.7) else 0.0
    if horizon:
        sky(c, horizon + 0.02)
        _skyline(c, horizon)
    c.texture(horizon, 1, c.vary(c.pick(grounds)), c.between(4, 20), int(c.between(6, 28)))


def meadow(c: Canvas) -> None:
    """Draw grass, sometimes with dry or snowy ground instead."""
    land(c, (*GRASSES, *GRASSES, *GRASSES, *EARTHS, (226, 228, 232)))


def road(c: Canvas) -> None:
    """Draw a street, a car park or a gravel yard, often with markings."""
    land(c, PAVINGS + PAVINGS + EARTHS + GRASSES)
    c.whole()
    if c.chance(0.35):
        y, tilt = c.between(0.7, 0.95), c.between(-0.1, 0.1)
        c.limb([(0, y - tilt), (1, y + tilt)], 0.02, 0.04, c.vary(WHITE))


def sea(c: Canvas) -> None:
    """Draw water up to a horizon or a shore, with waves."""
    horizon = c.between(0.3, 0.7) if c.chance(0.85) else 0.0
    sky(c, horizon + 0.02)
    if c.chance(0.4):
        _skyline(c, horizon)
    water = c.vary(c.pick(WATERS))
    c.texture(horizon, 1, water, c.between(3, 12), int(c.between(6, 20)))
    c.whole()
    for _ in range(int(c.between(0, 7))):
        x, y, size = c.between(0, 1), c.between(horizon, 1), c.between(0.05, 0.2)
        c.oval(x, y, size, 0.012, shade(water, c.between(0.8, 1.3)))


def wood(c: Canvas) -> None:
    """Draw the inside of a wood: dark foliage, trunks, undergrowth."""
    c.texture(0, 1, c.vary(c.pick(LEAVES)), c.between(12, 30), int(c.between(8, 24)))
    c.whole()
    bark = c.vary(c.pick(EARTHS))
    for _ in range(int(c.between(0, 5))):
        x, width = c.between(0, 1), c.between(0.03, 0.12)
        c.line((x, -0.05), (x + c.between(-0.1, 0.1), 0.9), width, shade(bark, 0.7))
    if c.chance(0.6):
        top = c.between(0.6, 0.85)
        c.texture(top, 1, c.vary(c.pick(GRASSES + EARTHS)), c.between(8, 20), 20)


def room(c: Canvas) -> None:
    """Draw a room: wall and floor, perhaps a window, a cushion or a piece of furniture."""
    c.texture(0, 1, c.vary(c.pick(WALLS)), c.between(1, 10), 6)
    floor = c.between(0.5, 0.85)
    if c.chance(0.7):
        c.texture(floor, 1, c.vary(c.pick(WALLS + EARTHS)), c.between(2, 12), int(c.between(4, 20)))
    c.whole()
    thing = c.vary(c.pick(THINGS))
    x, y = c.between(-0.1, 0.8), c.between(0, 0.3)
    kind = c.pick(("window", "cushion", "furniture", "nothing"))
    if kind == "window":
        c.box(x, y, x + 0.35, y + 0.35, c.vary(c.pick((WHITE, GLASS, SKIES[0][1]))))
        c.box(x + 0.16, y, x + 0.19, y + 0.35, thing)
    elif kind == "cushion":
        x, y = c.between(0.2, 0.8), c.between(0.75, 1)
        c.oval(x, y, c.between(0.4, 0.7), c.between(0.2, 0.4), thing)
    elif kind == "furniture":
        c.box(x, y + 0.2, x + c.between(0.3, 0.7), floor + 0.08, thing)


def plain(c: Canvas) -> None:
    """Draw next to nothing: a studio's backdrop, snow, a wall."""
    tone = c.vary(c.pick((WHITE, WHITE, GREY, *WALLS)))
    c.strip(0, 1, [[tone], [c.vary(tone, 30)]])


def foliage(c: Canvas) -> None:
    """Draw large leaves, pebbles or litter seen from near."""
    base = c.pick(LEAVES + EARTHS)
    c.texture(0, 1, c.vary(base), c.between(8, 24), int(c.between(6, 24)))
    c.whole()
    for _ in range(int(c.between(0, 9))):
        leaf = c.vary(c.pick((base, c.pick(LEAVES))), 30)
        long = c.between(0.1, 0.4)
        c.oval(c.between(0, 1), c.between(0, 1), long, long * 0.4, leaf, turn=c.between(0, 180))


def branch(c: Canvas) -> None:
    """Draw a branch for a bird, in the bird's frame."""
    bark = c.vary(c.pick(EARTHS))
    y, slope = c.between(0.52, 0.66), c.between(-0.25, 0.25)
    c.limb([(-2, y - slope), (0, y), (2, y + slope)], 0.14, 0.1, shade(bark, 0.7))


def cover(c: Canvas) -> None:
    """Draw something that stands in the way: stems, a bar, a leaf, an edge of the image."""
    c.whole()
    kind = c.pick(("stems", "bar", "leaf", "edge"))
    tint = c.vary(c.pick(LEAVES + EARTHS + PAVINGS + WALLS), 30)
    if kind == "stems":
        for _ in range(int(c.between(3, 9))):
            x, y = c.between(0, 1), c.between(0.45, 0.85)
            c.limb([(x, 1.02), (x + c.between(-0.12, 0.12), y)], 0.035, 0.01, c.vary(tint, 25))
    elif kind == "bar":
        x, slant = c.between(0, 1), c.between(-0.3, 0.3)
        ends = [(x, -0.05), (x + slant, 1.05)]
        one, other = ends if c.chance(0.6) else [(b, a) for a, b in ends]
        c.line(one, other, c.between(0.03, 0.1), tint)
    elif kind == "leaf":
        x, y = c.pick(((0, 0.9), (1, 0.9), (0.5, 1.0), (0, 0.2), (1, 0.2)))
        for _ in range(3):
            long, rise, leaf = c.between(0.2, 0.4), c.between(-0.1, 0.1), c.vary(tint)
            c.oval(x, y + rise, long, long * 0.4, leaf, turn=c.between(0, 180))
    else:
        width = c.between(0.08, 0.28)
        edges = ((0, 0, width, 1), (1 - width, 0, 1, 1), (0, 1 - width, 1, 1), (0, 0, 1, width))
        c.box(*c.pick(edges), tint)
