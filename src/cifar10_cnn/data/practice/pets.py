"""Cat and dog: one body plan, told apart by ears, muzzle, eyes and tail."""

from cifar10_cnn.data.practice.backdrops import meadow, plain, room
from cifar10_cnn.data.practice.canvas import BLACK, WHITE, Canvas, Colour, mix, shade
from cifar10_cnn.data.practice.grazers import Build, four_legs

FURS: tuple[Colour, ...] = (
    (214, 146, 84),
    (176, 120, 70),
    (120, 84, 58),
    (66, 54, 50),
    (34, 32, 34),
    (150, 146, 142),
    (232, 226, 216),
    (206, 184, 148),
)
PINK: Colour = (206, 130, 124)


def cat(c: Canvas) -> None:
    """Draw a cat: pointed ears, round head, hardly a muzzle, long tail."""
    _pet(c, True)


def dog(c: Canvas) -> None:
    """Draw a dog: mostly hanging ears, a muzzle with a black nose, a shorter tail."""
    _pet(c, False)


def _pet(c: Canvas, is_cat: bool) -> None:
    """Draw a cat or a dog somewhere in a house or a garden."""
    c.pick((room, room, room, room, room, meadow, plain))(c)
    coat = c.vary(c.pick(FURS))
    view = c.pick(("face", "face", "face", "sitting", "sitting", "standing"))
    if view == "face":
        c.pose((0.4, 0.62), turn=14)
        c.curve([(-0.5, 0.4), (0.5, 0.4), (0.9, 1.4), (-0.9, 1.4)], shade(coat, 0.85))
        _pet_face(c, (0, 0), c.between(0.6, 0.75), coat, is_cat=is_cat)
    elif view == "standing":
        _pet_standing(c, coat, is_cat)
    else:
        _pet_sitting(c, coat, is_cat)


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


def _pet_ears(
    c: Canvas, at: tuple[float, float], size: float, coat: Colour, *, upright: bool
) -> None:
    """Draw two ears on a head around ``at``: upright triangles or hanging flaps."""
    x, y = at
    tip, drop, long = c.between(1.4, 1.75), c.between(-0.2, 0.2), c.between(0.55, 0.85)
    for side in (-1, 1):
        root = x + side * size * 0.62
        if upright:
            c.polygon(
                [
                    (root - size * 0.36, y - size * 0.5),
                    (root + side * size * 0.14, y - size * tip),
                    (root + size * 0.36, y - size * 0.5),
                ],
                coat,
            )
            c.oval(root + side * size * 0.06, y - size * 0.85, size * 0.1, size * 0.26, PINK)
        else:
            root += side * size * 0.3
            c.oval(
                root, y + size * drop, size * 0.28, size * long, shade(coat, 0.68), turn=-side * 15
            )


def _pet_face(
    c: Canvas, at: tuple[float, float], size: float, coat: Colour, *, is_cat: bool
) -> None:
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
        c.oval(x + side * size * 0.42, y - size * 0.12, radius, radius * 0.9, iris)
        c.oval(x + side * size * 0.42, y - size * 0.12, radius * 0.42, radius * 0.85, BLACK)
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
    x, y = four_legs(c, build, coat, c.pick((coat, coat, WHITE)))
    _markings(c, build.length, build.depth, coat)
    x += 0.04
    upright = c.chance(0.95 if is_cat else 0.42)
    width, height = build.head
    if upright:
        _pet_ears(c, (x, y), width, shade(coat, 0.85), upright=True)
    c.oval(x, y, width, height, coat)
    nose = x + width + build.muzzle
    c.oval(
        nose - 0.06 - build.muzzle / 2,
        y + 0.07,
        0.08 + build.muzzle * 0.6,
        0.09,
        mix(coat, WHITE, 0.2),
    )
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
    c.curve(
        [(-0.2, -0.3), (0.2, -0.3), (width, 0.4), (width, 0.8), (-width, 0.8), (-width, 0.4)], coat
    )
    if c.chance(0.5):
        c.oval(0, 0.1, 0.16, 0.3, mix(coat, WHITE, 0.6))
    for x in (-0.13, 0.13):
        c.limb([(x, 0.1), (x, 0.85)], 0.16, 0.13, shade(coat, 0.9))
        c.oval(x, 0.85, 0.1, 0.06, c.pick((coat, WHITE)))
    at = (c.between(-0.08, 0.08), c.between(-0.5, -0.42))
    _pet_face(c, at, c.between(0.3, 0.36), coat, is_cat=is_cat)
