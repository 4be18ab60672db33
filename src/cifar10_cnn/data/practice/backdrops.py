"""Backdrops of the practice set: what stands behind a subject, and what stands in its way."""

from collections.abc import Callable
from functools import partial

from cifar10_cnn.data.practice.canvas import GLASS, GREY, WHITE, Canvas, Colour, colours, mix, shade

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

Place = Callable[[Canvas], None]


def one_of(c: Canvas, *places: Place) -> Place:
    """Draw one of the places, each as likely as the others; return which one."""
    place = c.pick(places)
    place(c)
    return place


def sky(c: Canvas, bottom: float = 1.0) -> None:
    """Draw a sky down to ``bottom``, often with clouds."""
    above, below = c.pick(SKIES)
    c.strip(0, bottom, [[c.vary(above)], [c.vary(below)]])
    c.whole()
    cloud = mix(below, c.pick((WHITE, WHITE, GREY)), c.between(0.3, 0.8))
    for _ in range(c.pick((0, 0, 3, 6))):
        size = c.between(0.07, 0.25)
        c.oval(c.between(0, 1), c.between(0, bottom), size, size * 0.35, cloud)


def land(c: Canvas, grounds: tuple[Colour, ...]) -> None:
    """Draw open land under a sky or, at times, ground up to the image's top edge."""
    horizon = c.between(0.2, 0.6) if c.chance(0.7) else 0.0
    if horizon:
        sky(c, horizon + 0.02)
        tint = c.vary(c.pick(LEAVES + WALLS))
        for _ in range(c.pick((0, 1, 3, 6))):  # hills, trees, houses
            x, size = c.between(-0.1, 1.1), c.between(0.08, 0.3)
            if c.chance(0.5):
                c.oval(x, horizon, size, size * 0.8, c.vary(tint, 8))
            else:
                c.box(x, horizon - size, x + size, horizon, c.vary(tint))
    c.texture(horizon, c.vary(c.pick(grounds)), c.between(4, 20), int(c.between(6, 28)))
    c.whole()


meadow = partial(land, grounds=(*GRASSES, *GRASSES, *GRASSES, *EARTHS, (226, 228, 232)))
road = partial(land, grounds=PAVINGS + PAVINGS + EARTHS + GRASSES)


def sea(c: Canvas) -> None:
    """Draw water up to a horizon or a shore, with waves."""
    water = c.vary(c.pick(WATERS))
    land(c, (water,))
    for _ in range(int(c.between(0, 7))):
        size = c.between(0.05, 0.2)
        tint = mix(water, c.pick((WHITE, (0, 0, 0))), 0.25)
        c.oval(c.between(0, 1), c.between(0.5, 1), size, 0.012, tint)


def wood(c: Canvas) -> None:
    """Draw the inside of a wood: dark foliage, trunks."""
    c.texture(0, c.vary(c.pick(LEAVES)), c.between(12, 30), int(c.between(8, 24)))
    c.whole()
    bark = shade(c.vary(c.pick(EARTHS)), 0.7)
    for _ in range(int(c.between(0, 5))):
        x, width = c.between(0, 1), c.between(0.03, 0.12)
        c.limb([(x, -0.05), (x + c.between(-0.1, 0.1), 0.9)], width, width, bark)


def room(c: Canvas) -> None:
    """Draw a room: wall and floor, perhaps a window, a cushion or a piece of furniture."""
    c.texture(0, c.vary(c.pick(WALLS)), c.between(1, 10), 6)
    floor = c.between(0.5, 0.85)
    if c.chance(0.7):
        c.texture(floor, c.vary(c.pick(WALLS + EARTHS)), c.between(2, 12), int(c.between(4, 20)))
    c.whole()
    x, thing = c.between(-0.1, 0.8), c.vary(c.pick(THINGS))
    kind = c.pick(("window", "cushion", "furniture", "nothing"))
    if kind == "window":
        c.box(x, 0.1, x + 0.35, 0.45, c.vary(c.pick((WHITE, GLASS, SKIES[0][1]))))
    elif kind == "cushion":
        c.oval(x, c.between(0.75, 1), c.between(0.4, 0.7), c.between(0.2, 0.4), thing)
    elif kind == "furniture":
        c.box(x, c.between(0.2, 0.5), x + c.between(0.3, 0.7), floor + 0.08, thing)


def foliage(c: Canvas) -> None:
    """Draw large leaves, pebbles or litter seen from near."""
    base = c.pick(LEAVES + EARTHS)
    c.texture(0, c.vary(base), c.between(8, 24), int(c.between(6, 24)))
    c.whole()
    for _ in range(int(c.between(0, 9))):
        leaf = c.vary(c.pick((base, c.pick(LEAVES))), 30)
        long = c.between(0.1, 0.4)
        c.oval(c.between(0, 1), c.between(0, 1), long, long * 0.4, leaf, turn=c.between(0, 180))


def plain(c: Canvas) -> None:
    """Draw next to nothing: a studio's backdrop, snow, a wall."""
    tone = c.vary(c.pick((WHITE, WHITE, GREY, *WALLS)))
    c.strip(0, 1, [[tone], [c.vary(tone, 30)]])


def cover(c: Canvas) -> None:
    """Draw something that stands in the way: stems, a bar, or an edge of the image."""
    c.whole()
    tint = c.vary(c.pick(LEAVES + EARTHS + PAVINGS + WALLS), 30)
    kind = c.pick(("stems", "bar", "edge"))
    for _ in range(int(c.between(3, 9)) if kind == "stems" else 0):
        x, y = c.between(0, 1), c.between(0.45, 0.85)
        c.limb([(x, 1.02), (x + c.between(-0.12, 0.12), y)], 0.035, 0.01, c.vary(tint, 25))
    if kind == "bar":
        x, width = c.between(0, 1), c.between(0.03, 0.1)
        c.limb([(x, -0.05), (x + c.between(-0.3, 0.3), 1.05)], width, width, tint)
    elif kind == "edge":
        width = c.between(0.08, 0.28)
        edges = ((0, 0, width, 1), (1 - width, 0, 1, 1), (0, 1 - width, 1, 1), (0, 0, 1, width))
        c.box(*c.pick(edges), tint)
