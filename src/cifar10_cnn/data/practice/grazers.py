"""Deer and horse, and the four-legged body that cat and dog have too."""

from dataclasses import dataclass

from cifar10_cnn.data.practice.backdrops import meadow, wood
from cifar10_cnn.data.practice.canvas import BLACK, GREY, PLUMES, WHITE, Canvas, Colour, mix, shade

HIDES: tuple[Colour, ...] = (
    (150, 98, 56),
    (178, 130, 82),
    (112, 72, 46),
    (132, 112, 92),
    (84, 58, 44),
)


@dataclass(frozen=True)
class Build:
    """Proportions of a four-legged animal, in units of the canvas's frame."""

    length: float
    depth: float
    leg: float
    thick: float
    neck: tuple[float, float]
    head: tuple[float, float]
    muzzle: float


def four_legs(c: Canvas, b: Build, coat: Colour, socks: Colour) -> tuple[float, float]:
    """Draw trunk, legs and neck of an animal that faces right; return where its head goes."""
    far = shade(coat, 0.72)
    foot = b.depth + b.leg
    step = c.between(0, 0.16)
    for x, swing in ((-b.length * 0.72, step), (b.length * 0.62, -step)):
        knee = (x + swing * 0.8 + 0.03, b.depth * 0.6 + b.leg * 0.5)
        c.limb([(x, 0), knee, (x + swing, foot - 0.04)], b.thick * 2, b.thick, far)
    lift = c.between(-0.04, 0.04)
    c.curve(
        [
            (-b.length, -b.depth * 0.5 + lift),
            (-b.length * 0.5, -b.depth),
            (b.length * 0.3, -b.depth * 0.8),
            (b.length * 0.95, -b.depth * 0.9 - lift),
            (b.length, b.depth * 0.4),
            (b.length * 0.4, b.depth * 0.95),
            (-b.length * 0.4, b.depth * 0.75),
            (-b.length * 1.02, b.depth * 0.5),
        ],
        coat,
    )
    x, y = b.length * 0.8, -b.depth * 0.4
    head = (x + b.neck[0], y + b.neck[1])
    c.limb([(x - 0.02, y + 0.08), head], b.depth * 1.5, b.head[1] * 1.3, coat)
    for x, swing in ((-b.length * 0.85, -step), (b.length * 0.75, step)):
        knee = (x + swing * 0.7 + 0.03, b.depth * 0.6 + b.leg * 0.5)
        c.limb([(x, -0.02), knee], b.thick * 2.8, b.thick * 1.2, coat)
        c.limb([knee, (x + swing, foot)], b.thick * 1.2, b.thick, socks)
    return head


def deer(c: Canvas) -> None:
    """Draw a deer: slender, thin legs, large ears, white rump, mostly with antlers."""
    _grazer(c, True)


def horse(c: Canvas) -> None:
    """Draw a horse: heavier, long face, mane and hanging tail, sometimes with a rider."""
    _grazer(c, False)


def _grazer(c: Canvas, is_deer: bool) -> None:
    """Draw a deer or a horse on a meadow or in a wood."""
    c.pick((meadow, meadow, meadow, wood, wood))(c)
    extra = ((186, 134, 86), (160, 116, 80)) if is_deer else (BLACK, (222, 216, 206), GREY)
    coat = c.vary(c.pick((*HIDES, *extra)))
    if c.chance(0.25):
        _grazer_head(c, coat, is_deer)
    else:
        _grazer_standing(c, coat, is_deer)


def _antlers(c: Canvas, x: float, y: float, size: float) -> None:
    """Draw a pair of antlers that grow from (x, y)."""
    horn = c.vary((176, 150, 112))
    for side in (-1, 0.6):
        beam = [(x, y), (x + side * size * 0.5, y - size * 0.5), (x + side * size * 0.5, y - size)]
        c.limb(beam, 0.06, 0.035, horn)
        for share in (0.35, 0.7):
            root = (x + side * size * 0.5, y - size * share)
            c.limb([root, (root[0] + side * size * 0.35, root[1] - size * 0.3)], 0.045, 0.03, horn)


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
    hair = c.pick((BLACK, shade(coat, 0.5), mix(coat, WHITE, 0.6)))
    if is_deer:
        c.limb([(-b.length, -0.1), (-b.length - 0.1, 0.02)], 0.1, 0.06, WHITE)
    else:
        back = -b.length - c.between(0.08, 0.2)
        c.limb([(-b.length, -0.12), (back, 0.05), (back, c.between(0.3, 0.5))], 0.1, 0.12, hair)
    x, y = four_legs(c, b, coat, c.pick((coat, shade(coat, 0.7), shade(coat, 0.6))))
    down = 0.12 if not grazing else 0.16
    nose = (x + b.muzzle, y + down)
    if is_deer:
        if c.chance(0.7):
            c.oval(-b.length * 0.95, 0, 0.09, 0.11, mix(coat, WHITE, 0.6))
        if c.chance(0.35):
            for _ in range(7):
                spot = c.between(-b.length, b.length) * 0.8, c.between(-0.1, 0.04)
                c.oval(*spot, 0.03, 0.03, mix(coat, WHITE, 0.6))
    else:
        root = (b.length * 0.62, -b.depth * 0.9)
        c.limb(
            [root, ((root[0] + x) / 2 - 0.1, (root[1] + y) / 2), (x - 0.04, y - 0.06)],
            0.1,
            0.12,
            hair,
        )
        if c.chance(0.25) and not grazing:
            _rider(c, b.depth)
    c.oval(x, y, *b.head, coat)
    c.limb([(x - 0.02, y), nose], b.head[1] * 2, b.head[1] * 1.2, coat)
    c.oval(*nose, 0.05, 0.05, shade(coat, 0.6))
    for tilt in (-1, 0.3):
        ear = (x - 0.03 + tilt * 0.1, y - 0.17) if is_deer else (x - 0.02 + tilt * 0.04, y - 0.19)
        c.limb([(x - 0.02, y - 0.04), ear], 0.1 if is_deer else 0.08, 0.03, shade(coat, 0.8))
    if is_deer and c.chance(0.55):
        _antlers(c, x - 0.02, y - 0.06, c.between(0.25, 0.45))


def _rider(c: Canvas, depth: float) -> None:
    """Draw a saddle, sometimes with somebody on it."""
    cloth = c.vary(c.pick(PLUMES))
    c.oval(0, -depth * 0.8, 0.2, 0.12, cloth)
    if c.chance(0.6):
        c.limb([(0.02, -depth * 0.8), (0.05, 0.15)], 0.12, 0.08, BLACK)
        c.limb([(0.02, -depth * 0.8), (0.04, -depth - 0.42)], 0.2, 0.18, c.vary(c.pick(PLUMES)))
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
