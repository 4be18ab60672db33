"""Bird, frog, cat, dog, deer and horse; cats and dogs share a body, and so do deer and horses."""

from functools import partial

from cifar10_cnn.data.practice.backdrops import (
    EARTHS,
    foliage,
    meadow,
    one_of,
    plain,
    room,
    sea,
    sky,
    wood,
)
from cifar10_cnn.data.practice.canvas import BLACK, GREY, WHITE, Canvas, Colour, colours, mix, shade

_PLUMES = colours("a0322c 3c60a4 ceac3c 6e543e 968268 28282e e0ded8 7e848c 5a6e42")
_FROGS = colours("588a30 78a03c 46642c 76603a 96784c b03c2c 545242")
_FURS = colours("d69254 b07846 78543a 423632 222022 96928e e8e2d8 ceb894")
_HIDES = colours("966238 b28252 70482e 84705c 543a2c")
_EYES = colours("96b446 c4aa3c 6ea0be")
_PINK = (206, 130, 124)


def bird(c: Canvas) -> None:
    """Draw a bird: in the air, on a branch, on the ground or on water."""
    coat = c.vary(c.pick(_PLUMES))
    wing = shade(c.vary(c.pick((coat, coat, c.pick(_PLUMES)))), 0.75)
    beak = c.pick(((222, 160, 50), (70, 60, 56), (200, 190, 160)))
    if c.chance(0.4):
        one_of(c, sky, sky, sky, sky, sky, wood)
        c.pose(0.26, 0.6, turn=40)
        if c.chance(0.3):
            coat = wing = beak = shade(coat, 0.35)  # against the light
        sweep, fold, far = c.between(-0.4, 0.25), c.between(0.1, 0.3), c.between(-1, 0.5)
        for span in (c.between(0.75, 1), far):  # seen from above to from the side
            front = [(0.25, 0), (fold + 0.15, span * 0.5), (sweep, span)]
            c.curve([*front, (sweep - 0.15, span * 0.9), (-0.1, span * 0.4), (-0.25, 0)], wing)
        c.polygon([(-0.3, -0.06), (-0.75, -0.2), (-0.75, 0.2), (-0.3, 0.06)], wing)
        c.oval(0, 0, 0.48, 0.15, coat)
        c.polygon([(0.55, -0.06), (0.78, 0.03), (0.55, 0.09)], beak)
        c.oval(0.5, 0, 0.13, 0.12, coat)
        return
    place = one_of(c, sky, sky, wood, plain, meadow, sea)
    c.pose(0.36, 0.62)
    tilt, foot = c.between(-45, 0), c.between(0.5, 0.9)
    if place in (sky, wood, plain):  # on a branch
        foot, slope = 0.55, c.between(-0.25, 0.25)
        bark = shade(c.vary(c.pick(EARTHS)), 0.7)
        c.limb([(-2, foot - slope), (0, foot), (2, foot + slope)], 0.14, 0.1, bark)
    for x in () if place is sea else (-0.05, 0.1):
        c.limb([(x, 0.2), (x + 0.02, foot)], 0.05, 0.04, shade(beak, 0.8))
    c.limb([(-0.2, 0.1), (-0.8, c.between(0.1, 0.5))], 0.26, c.between(0.08, 0.18), wing)
    c.oval(0, 0.05, 0.5, 0.3, coat, turn=tilt)
    c.oval(0.12, 0.14, 0.3, 0.19, mix(coat, WHITE, c.between(0, 0.6)), turn=tilt)
    y, size = c.between(-0.7, -0.28), c.between(0.14, 0.25)
    c.limb([(0.25, 0), (0.4, y)], 0.3, 0.2, coat)
    tip = (0.4 + size + c.between(0.12, 0.3), y + 0.06)
    c.polygon([(0.4, y - size * 0.5), tip, (0.4, y + size * 0.6)], beak)
    c.oval(0.4, y, size, size, c.pick((coat, coat, wing)))
    c.oval(0.46, y - 0.04, 0.045, 0.045, c.pick((BLACK, WHITE)))
    c.oval(-0.14, 0.06, 0.38, 0.17, wing, turn=tilt + c.between(-5, 15))


def frog(c: Canvas) -> None:
    """Draw a frog on leaves, on the ground or at the water's edge."""
    one_of(c, foliage, foliage, foliage, foliage, meadow, wood, sea, plain)
    coat = c.vary(c.pick(_FROGS))
    dark, light = shade(coat, 0.7), mix(coat, (232, 226, 180), c.between(0.4, 0.8))
    iris = c.pick((light, (206, 170, 60)))
    c.pose(0.36, 0.62, turn=15)
    if c.chance(0.6):  # from the side
        c.limb([(0.35, 0.15), (0.3, 0.4), (0.5, 0.58)], 0.2, 0.13, dark)
        back = [(-0.85, 0.4), (-0.4, -0.2), (0.2, -0.5), (0.75, -0.4), (0.95, 0)]
        c.curve([*back, (0.5, 0.4), (0, 0.5)], coat)
        c.oval(0.5, 0.18, 0.34, 0.14, light, turn=-25)
        for _ in range(c.pick((0, 5))):
            c.oval(c.between(-0.5, 0.3), c.between(-0.2, 0.15), 0.09, 0.07, dark)
        c.oval(-0.4, 0.3, 0.38, 0.2, shade(coat, 0.85), turn=c.between(-40, -10))
        c.limb([(-0.65, 0.5), (0, 0.58)], 0.16, 0.14, dark)
        c.limb([(0.3, 0.1), (0.12, 0.4), (0.3, 0.62)], 0.2, 0.14, shade(coat, 0.9))
        eyes = [(0.5, -0.4)]
    else:  # from the front
        for side in (-1, 1):
            c.oval(side * 0.62, 0.35, 0.3, 0.4, dark, turn=side * -20)
            c.limb([(side * 0.35, 0.2), (side * 0.42, 0.75)], 0.2, 0.2, coat)
        c.oval(0, 0.2, 0.55, 0.5, light)
        c.oval(0, -0.1, 0.62, 0.4, coat)
        c.limb([(-0.5, 0.02), (0, 0.14), (0.5, 0.02)], 0.06, 0.06, shade(coat, 0.45))
        eyes = [(-0.36, -0.44), (0.36, -0.44)]
    for x, y in eyes:
        c.oval(x, y, 0.2, 0.2, coat)
        c.oval(x, y, 0.13, 0.13, iris)
        c.oval(x, y, 0.07, 0.1, BLACK)


def _pet(c: Canvas, is_cat: bool) -> None:
    """Draw a cat or a dog in a house or a garden: its face from near, or the whole animal."""
    one_of(c, room, room, room, room, room, meadow, plain)
    coat = c.vary(c.pick(_FURS))
    c.pose(0.4, 0.6, turn=12)
    if c.chance(0.5):
        c.curve([(-0.6, 0.3), (0.6, 0.3), (1, 1.5), (-1, 1.5)], shade(coat, 0.85))
        _pet_face(c, 0, c.between(0.6, 0.75), coat, is_cat)
        return
    dark, width, tail = shade(coat, 0.75), c.between(0.34, 0.46), c.between(0, 0.4)
    if is_cat:
        c.limb([(0.3, 0.75), (0.6, 0.72), (0.75, 0.5), (0.7, tail)], 0.14, 0.1, dark)
    else:
        c.limb([(0.3, 0.7), (0.55, 0.6), (0.65, 0.2 + tail)], 0.12, 0.05, dark)
    haunches = [(width, 0.3), (width * 1.3, 0.9), (-width * 1.3, 0.9), (-width, 0.3)]
    c.curve([(-0.25, -0.4), (0.25, -0.4), *haunches], coat)
    for _ in range(c.pick((0, 0, 3))):
        other = c.vary(c.pick((WHITE, BLACK, _FURS[2])))
        c.oval(c.between(-0.25, 0.25), c.between(0, 0.6), 0.12, 0.1, other)
    if c.chance(0.5):
        c.oval(0, 0.1, 0.16, 0.3, mix(coat, WHITE, 0.6))
    for x in (-0.13, 0.13):
        c.limb([(x, 0.1), (x, 0.85)], 0.16, 0.13, shade(coat, 0.9))
        c.oval(x, 0.85, 0.1, 0.06, c.pick((coat, WHITE)))
    _pet_face(c, c.between(-0.5, -0.42), c.between(0.3, 0.36), coat, is_cat)


def _pet_face(c: Canvas, y: float, size: float, coat: Colour, is_cat: bool) -> None:
    """Draw a head seen from the front.

    A cat has pointed ears, hardly a muzzle, a small nose and whiskers; a dog mostly hanging ears, a
    muzzle with a black nose, and sometimes its tongue out.
    """
    upright, tip, iris = c.chance(0.95 if is_cat else 0.42), c.between(1.4, 1.75), BLACK
    width, height = size * c.between(0.85, 1.1), size * c.between(0.84, 1.05)
    if c.chance(0.7 if is_cat else 0.15):
        iris = c.vary(c.pick(_EYES))
    for side in (-1, 1) if upright else ():
        x, low = side * size * 0.62, y - size * 0.4
        top = (x + side * size * 0.14, y - size * tip)
        c.polygon([(x - size * 0.36, low), top, (x + size * 0.36, low)], shade(coat, 0.9))
        c.oval(x + side * size * 0.06, y - size * 0.85, size * 0.1, size * 0.26, _PINK)
    c.oval(0, y, width, height, coat)
    light, long, drop = (
        mix(coat, WHITE, c.between(0.2, 0.8)),
        c.between(0.55, 0.85),
        c.between(0, 0.2),
    )
    for side in (-1, 1):
        if not upright:
            x = side * size * 0.92
            c.oval(x, y + size * drop, size * 0.28, size * long, shade(coat, 0.68), turn=-side * 15)
        eye, radius = (side * size * 0.42, y - size * 0.12), size * (0.2 if is_cat else 0.15)
        c.oval(*eye, radius, radius * 0.9, iris)
        c.oval(*eye, radius * 0.42, radius * 0.85, BLACK)
    if is_cat:
        c.oval(0, y + size * 0.4, size * 0.38, size * 0.27, light)
        c.oval(0, y + size * 0.28, size * 0.12, size * 0.1, c.pick((_PINK, _PINK, BLACK)))
        for side in (-1, 1):
            ends = [(side * size * 0.3, y + size * 0.4), (side * size * 1.3, y + size * 0.35)]
            c.limb(ends, 0.04, 0.01, light)
    else:
        c.oval(0, y + size * 0.48, size * 0.4, size * c.between(0.3, 0.48), light)
        c.oval(0, y + size * 0.32, size * c.between(0.14, 0.22), size * 0.15, BLACK)
        if c.chance(0.3):
            c.oval(0, y + size * 0.85, size * 0.16, size * 0.24, (216, 110, 116))


def _grazer(c: Canvas, is_deer: bool) -> None:
    """Draw a deer or a horse on a meadow or in a wood: the whole animal, or its head from near.

    A deer is slender, with large ears, spots and mostly antlers; a horse is heavier, with a long
    face, a mane and a hanging tail.
    """
    one_of(c, meadow, meadow, meadow, wood, wood)
    extra = ((186, 134, 86), (160, 116, 80)) if is_deer else (BLACK, (222, 216, 206), GREY)
    coat = c.vary(c.pick((*_HIDES, *extra)))
    white = mix(coat, WHITE, 0.6)
    hair = c.pick((BLACK, shade(coat, 0.5), white))
    c.pose(0.42, 0.6)
    if c.chance(0.25):
        thick, turn, long = 0.35 if is_deer else 0.5, c.between(0, 0.35), c.between(0.5, 0.62)
        c.limb([(-0.7, 1.5), (-0.3, 0.6), (0, -0.2)], thick * 2.4, thick, shade(coat, 0.88))
        _head_top(c, (0, -0.3), 0.6, coat, None if is_deer else hair)
        c.limb([(0, -0.3), (turn * 0.5, 0), (turn, long)], 0.46, 0.26 if is_deer else 0.32, coat)
        c.oval(0, -0.25, 0.24, 0.2, coat)
        c.oval(turn, long, 0.14 if is_deer else 0.18, 0.12, shade(coat, 0.55))
        for side in (-1, 1):
            c.oval(side * 0.19, -0.14, 0.06, 0.07, BLACK)
        return
    long, deep, leg = c.between(0.4, 0.5), c.between(0.16, 0.22), c.between(0.42, 0.56)
    thick, swing = c.between(0.05, 0.08), c.between(0, 0.16)
    if not is_deer:
        long, deep, thick = long * 1.1, deep * 1.2, thick * 1.3
    foot = deep + leg
    for x, far in ((-0.72, 1), (0.62, 1), (-0.85, 0), (0.75, 0)):
        tint, step = shade(coat, 0.72 if far else 0.95), swing * (1 if x < 0 else -1) * (far or -1)
        c.limb([(x * long, 0), (x * long + step, foot)], thick * 2.4, thick, tint)
    c.curve(
        [(-long * 1.1, -deep), (long * 1.1, -deep), (long * 1.1, deep), (-long * 1.1, deep)], coat
    )
    if is_deer:
        c.oval(-long, 0, 0.08, 0.11, WHITE)
        for _ in range(c.pick((0, 7))):
            c.oval(c.between(-long, long) * 0.8, c.between(-0.1, 0.04), 0.03, 0.03, white)
    else:
        back = -long - c.between(0.08, 0.2)
        c.limb([(-long, -0.12), (back, 0.05), (back, c.between(0.3, 0.5))], 0.1, 0.12, hair)
    grazing = c.chance(0.25)
    x = long * 0.8 + c.between(0.1, 0.28)
    y = c.between(0.3, 0.5) if grazing else c.between(-0.7, -0.45)
    c.limb([(long * 0.75, 0), (x, y)], deep * 1.5, 0.13, coat)
    _head_top(c, (x, y), 0.35, coat, None if is_deer else hair)
    nose = (x + c.between(0.2, 0.26) * (1 if is_deer else 1.3), y + 0.13)
    c.limb([(x - 0.04, y), nose], 0.18 if is_deer else 0.22, 0.12, coat)
    c.oval(*nose, 0.05, 0.05, shade(coat, 0.6))


def _head_top(
    c: Canvas, at: tuple[float, float], size: float, coat: Colour, hair: Colour | None
) -> None:
    """Draw ears and a mane of ``hair`` on a head around ``at``; without hair, mostly antlers."""
    x, y = at
    for side in (-1, 0.6):
        ear = (x + side * size * (0.2 if hair else 0.5), y - size * (0.5 if hair else 0.3))
        c.limb([at, ear], size * 0.3, size * 0.1, shade(coat, 0.8))
        if hair is None and size > 0.3 and c.chance(0.75):
            out, top, horn = x + side * size * 0.5, y - size, c.vary((176, 150, 112))
            c.limb([at, (out, y - size * 0.5), (out, top)], size * 0.14, size * 0.08, horn)
            c.limb([(out, y - size * 0.5), (out + side * size * 0.4, top)], size * 0.1, 0.03, horn)
    if hair:
        ends = [(x, y - size * 0.2), (x - size * 0.5, y + size * 0.5)]
        c.limb(ends, size * 0.3, size * 0.4, hair)


cat, dog = partial(_pet, is_cat=True), partial(_pet, is_cat=False)
deer, horse = partial(_grazer, is_deer=True), partial(_grazer, is_deer=False)
