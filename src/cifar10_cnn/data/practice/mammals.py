"""Cat, dog, deer and horse: one four-legged body, and what tells the four apart."""

from functools import partial
from typing import NamedTuple

from cifar10_cnn.data.practice.backdrops import meadow, plain, room, wood
from cifar10_cnn.data.practice.canvas import Canvas, Point
from cifar10_cnn.data.practice.palette import BLACK, GREY, WHITE, Colour, colours, mix, shade
from cifar10_cnn.data.practice.wildlife import PLUMES

FURS = colours("d69254 b07846 78543a 423632 222022 96928e e8e2d8 ceb894")
HIDES = colours("966238 b28252 70482e 84705c 543a2c")
PINK: Colour = (206, 130, 124)


class Build(NamedTuple):
    """Proportions of a four-legged animal, in units of the canvas's frame."""

    length: float
    depth: float
    leg: float
    thick: float
    neck: Point
    head: Point
    muzzle: float


def _four_legs(c: Canvas, b: Build, coat: Colour, socks: Colour) -> Point:
    """Draw trunk, legs and neck of an animal that faces right; return where its head goes."""
    long, deep, foot = b.length, b.depth, b.depth + b.leg
    step = c.between(0, 0.16)
    for x, swing in ((-long * 0.72, step), (long * 0.62, -step)):
        knee = (x + swing * 0.8 + 0.03, deep * 0.6 + b.leg * 0.5)
        far = [(x, 0), knee, (x + swing, foot - 0.04)]
        c.limb(far, b.thick * 2, b.thick, shade(coat, 0.72))
    lift = c.between(-0.04, 0.04)
    back = [(-long, -deep * 0.5 + lift), (-long * 0.5, -deep), (long * 0.3, -deep * 0.8)]
    chest = [(long * 0.95, -deep * 0.9 - lift), (long, deep * 0.4), (long * 0.4, deep * 0.95)]
    c.curve([*back, *chest, (-long * 0.4, deep * 0.75), (-long * 1.02, deep * 0.5)], coat)
    x, y = long * 0.8, -deep * 0.4
    head = (x + b.neck[0], y + b.neck[1])
    c.limb([(x - 0.02, y + 0.08), head], deep * 1.5, b.head[1] * 1.3, coat)
    for x, swing in ((-long * 0.85, -step), (long * 0.75, step)):
        knee = (x + swing * 0.7 + 0.03, deep * 0.6 + b.leg * 0.5)
        c.limb([(x, -0.02), knee], b.thick * 2.8, b.thick * 1.2, coat)
        c.limb([knee, (x + swing, foot)], b.thick * 1.2, b.thick, socks)
    return head


def _pet(c: Canvas, is_cat: bool) -> None:
    """Draw a cat or a dog somewhere in a house or a garden."""
    c.pick((room, room, room, room, room, meadow, plain))(c)
    coat = c.vary(c.pick(FURS))
    views = (_pet_near, _pet_near, _pet_near, _pet_sitting, _pet_sitting, _pet_standing)
    c.pick(views)(c, coat, is_cat)


def _pet_near(c: Canvas, coat: Colour, is_cat: bool) -> None:
    c.pose((0.4, 0.62), turn=14)
    c.curve([(-0.5, 0.4), (0.5, 0.4), (0.9, 1.4), (-0.9, 1.4)], shade(coat, 0.85))
    _pet_face(c, (0, 0), c.between(0.6, 0.75), coat, is_cat)


def _markings(c: Canvas, length: float, depth: float, coat: Colour) -> None:
    """Draw stripes, patches or nothing on a trunk around the origin."""
    kind = c.pick(("stripes", "patches", "belly", "nothing"))
    if kind == "stripes":
        for step in range(5):
            x = length * (step / 2.5 - 0.8)
            c.limb([(x, -depth * 0.8), (x + 0.03, depth * 0.4)], 0.07, 0.03, shade(coat, 0.6))
    elif kind == "patches":
        other = c.vary(c.pick((WHITE, BLACK, FURS[2])))
        for _ in range(3):
            x, y = c.between(-length, length) * 0.7, c.between(-depth, depth) * 0.4
            c.oval(x, y, c.between(0.08, 0.22), depth * 0.4, other, turn=c.between(-30, 30))
    elif kind == "belly":
        c.oval(0, depth * 0.6, length * 0.6, depth * 0.25, mix(coat, WHITE, 0.5))


def _pet_ears(c: Canvas, at: Point, size: float, coat: Colour, *, upright: bool) -> None:
    """Draw two ears on a head around ``at``: upright triangles or hanging flaps."""
    x, y = at
    tip, drop, long = c.between(1.4, 1.75), c.between(-0.2, 0.2), c.between(0.55, 0.85)
    for side in (-1, 1):
        root = x + side * size * 0.62
        if upright:
            low, wide = y - size * 0.5, size * 0.36
            top = (root + side * size * 0.14, y - size * tip)
            c.polygon([(root - wide, low), top, (root + wide, low)], coat)
            c.oval(root + side * size * 0.06, y - size * 0.85, size * 0.1, size * 0.26, PINK)
        else:
            root, dark = root + side * size * 0.3, shade(coat, 0.68)
            c.oval(root, y + size * drop, size * 0.28, size * long, dark, turn=-side * 15)


def _pet_face(c: Canvas, at: Point, size: float, coat: Colour, is_cat: bool) -> None:
    """Draw a head seen from the front."""
    x, y = at
    upright = c.chance(0.95 if is_cat else 0.42)
    width = size * (c.between(0.95, 1.12) if is_cat else c.between(0.85, 1.02))
    height = size * (c.between(0.84, 0.98) if is_cat else c.between(0.92, 1.08))
    if upright:
        _pet_ears(c, at, size, shade(coat, 0.9), upright=True)
    c.oval(x, y, width, height, coat)
    if not upright:
        _pet_ears(c, at, size, coat, upright=False)
    light = mix(coat, WHITE, c.between(0.2, 0.8))
    iris = BLACK
    if c.chance(0.7 if is_cat else 0.15):
        iris = c.vary(c.pick(((150, 180, 70), (196, 170, 60), (110, 160, 190))))
    radius = size * (c.between(0.15, 0.24) if is_cat else c.between(0.12, 0.18))
    for side in (-1, 1):
        eye = (x + side * size * 0.42, y - size * 0.12)
        c.oval(*eye, radius, radius * 0.9, iris)
        c.oval(*eye, radius * 0.42, radius * 0.85, BLACK)
    if is_cat:
        c.oval(x, y + size * 0.4, size * c.between(0.34, 0.42), size * c.between(0.22, 0.32), light)
        c.oval(x, y + size * 0.28, size * 0.12, size * 0.1, c.pick((PINK, PINK, BLACK)))
        for side in (-1, 1):
            for rise in (-0.12, 0.08):
                root = (x + side * size * 0.3, y + size * 0.4)
                c.limb([root, (x + side * size * 1.3, y + size * (0.4 + rise))], 0.03, 0.01, light)
    else:
        c.oval(x, y + size * 0.48, size * c.between(0.36, 0.44), size * c.between(0.3, 0.48), light)
        c.oval(x, y + size * 0.32, size * c.between(0.14, 0.22), size * 0.15, BLACK)
        if c.chance(0.3):
            c.oval(x, y + size * 0.85, size * 0.16, size * 0.24, (216, 110, 116))


def _pet_standing(c: Canvas, coat: Colour, is_cat: bool) -> None:
    """Draw a cat or a dog from the side; the cat holds its tail high more often."""
    c.pose((0.46, 0.68), height=(0.45, 0.6))
    build = Build(
        length=c.between(0.46, 0.6),
        depth=c.between(0.18, 0.24) if is_cat else c.between(0.19, 0.27),
        leg=c.between(0.24, 0.34) if is_cat else c.between(0.26, 0.4),
        thick=c.between(0.08, 0.11),
        neck=(c.between(0.1, 0.2), c.between(-0.3, -0.1) if is_cat else c.between(-0.36, -0.12)),
        head=(0.23, 0.21) if is_cat else (0.21, 0.18),
        muzzle=c.between(0.02, 0.08) if is_cat else c.between(0.08, 0.22),
    )
    back = -build.length
    tip = c.between(-0.75, -0.1) if is_cat else c.between(-0.5, 0.1)
    tail = [(back * 0.9, -0.08), (back - 0.16, tip * 0.3), (back - 0.24, tip)]
    if is_cat:
        tail.append((back - c.between(0.1, 0.36), tip - 0.12))
    c.limb(tail, 0.12, 0.08 if is_cat else 0.05, shade(coat, 0.85))
    x, y = _four_legs(c, build, coat, c.pick((coat, coat, WHITE)))
    _markings(c, build.length, build.depth, coat)
    x += 0.04
    upright = c.chance(0.95 if is_cat else 0.42)
    width, height = build.head
    if upright:
        _pet_ears(c, (x, y), width, shade(coat, 0.85), upright=True)
    c.oval(x, y, width, height, coat)
    nose, long = x + width + build.muzzle, 0.08 + build.muzzle * 0.6
    c.oval(nose - 0.06 - build.muzzle / 2, y + 0.07, long, 0.09, mix(coat, WHITE, 0.2))
    c.oval(nose, y + 0.03, 0.04, 0.04, PINK if is_cat and c.chance(0.6) else BLACK)
    if not upright:
        c.oval(x - 0.08, y + 0.05, 0.09, c.between(0.14, 0.22), shade(coat, 0.62), turn=12)
    c.oval(x + 0.1, y - 0.05, 0.045, 0.045, (170, 190, 80) if is_cat and c.chance(0.7) else BLACK)


def _pet_sitting(c: Canvas, coat: Colour, is_cat: bool) -> None:
    """Draw a cat or a dog that sits and looks at us."""
    c.pose((0.4, 0.6))
    dark = shade(coat, 0.75)
    if is_cat:
        c.limb([(0.3, 0.75), (0.6, 0.72), (0.75, 0.5), (0.7, 0.2)], 0.14, 0.1, dark)
    else:
        c.limb([(0.3, 0.7), (0.55, 0.6), (0.65, 0.4)], 0.12, 0.05, dark)
    width = c.between(0.32, 0.42) if is_cat else c.between(0.34, 0.46)
    haunches = [(width, 0.4), (width, 0.8), (-width, 0.8), (-width, 0.4)]
    c.curve([(-0.2, -0.3), (0.2, -0.3), *haunches], coat)
    if c.chance(0.5):
        c.oval(0, 0.1, 0.16, 0.3, mix(coat, WHITE, 0.6))
    for x in (-0.13, 0.13):
        c.limb([(x, 0.1), (x, 0.85)], 0.16, 0.13, shade(coat, 0.9))
        c.oval(x, 0.85, 0.1, 0.06, c.pick((coat, WHITE)))
    at = (c.between(-0.08, 0.08), c.between(-0.5, -0.42))
    _pet_face(c, at, c.between(0.3, 0.36), coat, is_cat)


def _grazer(c: Canvas, is_deer: bool) -> None:
    """Draw a deer or a horse on a meadow or in a wood."""
    c.pick((meadow, meadow, meadow, wood, wood))(c)
    extra = ((186, 134, 86), (160, 116, 80)) if is_deer else (BLACK, (222, 216, 206), GREY)
    coat = c.vary(c.pick((*HIDES, *extra)))
    (_grazer_head if c.chance(0.25) else _grazer_standing)(c, coat, is_deer)


def _antlers(c: Canvas, x: float, y: float, size: float) -> None:
    """Draw a pair of antlers that grow from (x, y)."""
    horn = c.vary((176, 150, 112))
    for side in (-1, 0.6):
        out = x + side * size * 0.5
        c.limb([(x, y), (out, y - size * 0.5), (out, y - size)], 0.06, 0.035, horn)
        for share in (0.35, 0.7):
            root = y - size * share
            tip = (out + side * size * 0.35, root - size * 0.3)
            c.limb([(out, root), tip], 0.045, 0.03, horn)


def _grazer_standing(c: Canvas, coat: Colour, is_deer: bool) -> None:
    """Draw a deer or a horse from the side, head up or down."""
    c.pose((0.42, 0.6))
    grazing = c.chance(0.25)
    rise = c.between(0.3, 0.5) if grazing else c.between(-0.6, -0.34)
    b = Build(
        length=c.between(0.37, 0.5) if is_deer else c.between(0.42, 0.54),
        depth=c.between(0.15, 0.22) if is_deer else c.between(0.18, 0.26),
        leg=c.between(0.44, 0.6) if is_deer else c.between(0.4, 0.54),
        thick=c.between(0.05, 0.085) if is_deer else c.between(0.065, 0.1),
        neck=(c.between(0.1, 0.28), rise),
        head=(0.1, 0.09) if is_deer else (0.12, 0.11),
        muzzle=c.between(0.2, 0.26) if is_deer else c.between(0.26, 0.34),
    )
    white = mix(coat, WHITE, 0.6)
    hair = c.pick((BLACK, shade(coat, 0.5), white))
    if is_deer:
        c.limb([(-b.length, -0.1), (-b.length - 0.1, 0.02)], 0.1, 0.06, WHITE)
    else:
        back = -b.length - c.between(0.08, 0.2)
        c.limb([(-b.length, -0.12), (back, 0.05), (back, c.between(0.3, 0.5))], 0.1, 0.12, hair)
    x, y = _four_legs(c, b, coat, c.pick((coat, shade(coat, 0.7), shade(coat, 0.6))))
    if is_deer:
        if c.chance(0.7):
            c.oval(-b.length * 0.95, 0, 0.09, 0.11, white)
        for _ in range(7 if c.chance(0.35) else 0):
            spot = c.between(-b.length, b.length) * 0.8, c.between(-0.1, 0.04)
            c.oval(*spot, 0.03, 0.03, white)
    else:
        left, top = b.length * 0.62, -b.depth * 0.9
        mane = [(left, top), ((left + x) / 2 - 0.1, (top + y) / 2), (x - 0.04, y - 0.06)]
        c.limb(mane, 0.1, 0.12, hair)
        if c.chance(0.25) and not grazing:
            _rider(c, b.depth)
    c.oval(x, y, *b.head, coat)
    nose = (x + b.muzzle, y + (0.16 if grazing else 0.12))
    c.limb([(x - 0.02, y), nose], b.head[1] * 2, b.head[1] * 1.2, coat)
    c.oval(*nose, 0.05, 0.05, shade(coat, 0.6))
    for tilt in (-1, 0.3):
        ear = (x - 0.03 + tilt * 0.1, y - 0.17) if is_deer else (x - 0.02 + tilt * 0.04, y - 0.19)
        c.limb([(x - 0.02, y - 0.04), ear], 0.1 if is_deer else 0.08, 0.03, shade(coat, 0.8))
    if is_deer and c.chance(0.55):
        _antlers(c, x - 0.02, y - 0.06, c.between(0.25, 0.45))


def _rider(c: Canvas, depth: float) -> None:
    """Draw a saddle, sometimes with somebody on it."""
    cloth, seat = c.vary(c.pick(PLUMES)), -depth * 0.8
    c.oval(0, seat, 0.2, 0.12, cloth)
    if c.chance(0.6):
        c.limb([(0.02, seat), (0.05, 0.15)], 0.12, 0.08, BLACK)
        c.limb([(0.02, seat), (0.04, -depth - 0.42)], 0.2, 0.18, c.vary(c.pick(PLUMES)))
        c.oval(0.05, -depth - 0.5, 0.09, 0.1, c.pick((BLACK, (220, 180, 150))))


def _grazer_head(c: Canvas, coat: Colour, is_deer: bool) -> None:
    """Draw head and neck of a deer or a horse from near."""
    c.pose((0.42, 0.62))
    thick = c.between(0.3, 0.4) if is_deer else c.between(0.44, 0.58)
    c.limb([(-0.7, 1.5), (-0.3, 0.6), (0, -0.2)], thick * 2.4, thick, shade(coat, 0.88))
    if is_deer:
        if c.chance(0.6):
            _antlers(c, 0, -0.35, c.between(0.5, 0.7))
        for side in (-1, 1):
            c.oval(side * 0.34, -0.42, 0.22, 0.1, shade(coat, 0.8), turn=side * -25)
    else:
        hair = c.pick((BLACK, shade(coat, 0.5), mix(coat, WHITE, 0.6)))
        c.limb([(-0.1, -0.5), (-0.4, 0.1), (-0.7, 0.9)], 0.2, 0.3, hair)
        for side in (-1, 1):
            c.limb([(side * 0.1, -0.3), (side * 0.14, -0.66)], 0.15, 0.04, shade(coat, 0.8))
    long = c.between(0.5, 0.62)
    turn = c.between(0, 0.35)
    c.limb([(0, -0.3), (turn * 0.5, 0), (turn, long)], 0.46, 0.26 if is_deer else 0.32, coat)
    c.oval(0, -0.25, 0.24, 0.2, coat)
    c.oval(turn, long, 0.14 if is_deer else 0.18, 0.12, shade(coat, 0.55))
    for side in (-1, 1):
        c.oval(side * 0.19, -0.14, 0.06, 0.07, BLACK)
    if not is_deer and c.chance(0.5):
        c.limb([(0, -0.3), (turn * 0.5, 0), (turn * 0.9, long * 0.8)], 0.12, 0.06, WHITE)


# A cat has pointed ears, a round head, hardly a muzzle, a long tail; a dog mostly hanging ears, a
# muzzle with a black nose, a shorter tail. A deer is slender, with large ears and mostly antlers; a
# horse is heavier, with a long face, a mane and a hanging tail, sometimes with a rider.
cat, dog = partial(_pet, is_cat=True), partial(_pet, is_cat=False)
deer, horse = partial(_grazer, is_deer=True), partial(_grazer, is_deer=False)
