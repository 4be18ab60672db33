"""Bird and frog: the two animals that share their body with no other class."""

from cifar10_cnn.data.practice.backdrops import branch, foliage, meadow, plain, sea, sky, wood
from cifar10_cnn.data.practice.canvas import Canvas
from cifar10_cnn.data.practice.palette import BLACK, WHITE, Colour, colours, mix, shade

PLUMES = colours("a0322c 3c60a4 ceac3c 6e543e 968268 28282e e0ded8 7e848c 5a6e42")
FROGS = colours("588a30 78a03c 46642c 76603a 96784c b03c2c 545242")
AMBER: Colour = (206, 170, 60)


def bird(c: Canvas) -> None:
    """Draw a bird: in the air, on a branch, on the ground or on water."""
    coat = c.vary(c.pick(PLUMES))
    wing = shade(c.vary(c.pick((coat, coat, c.pick(PLUMES)))), 0.75)
    beak = c.pick(((222, 160, 50), (70, 60, 56), (200, 190, 160)))
    rare = c.pick(("standing", "swimming"))
    view = c.pick(("flying", "flying", "perched", "perched", rare))
    if view == "flying":
        c.pick((sky, sky, sky, sky, sky, wood))(c)
        c.pose((0.24, 0.6), turn=40)
        if c.chance(0.3):
            coat = wing = beak = shade(coat, 0.35)  # against the light
        (_flying_aside if c.chance(0.5) else _flying_above)(c, coat, wing)
        c.polygon([(0.55, -0.06), (0.76, 0.03), (0.55, 0.09)], beak)
        c.oval(0.5, 0, 0.13, 0.12, coat)
        return
    perched, swimming = view == "perched", view == "swimming"
    land = (sky, sky, sky, wood, plain) if perched else (meadow, meadow, plain)
    c.pick((sea,) if swimming else land)(c)
    c.pose((0.36, 0.62))
    long = not perched and c.chance(0.5)
    if perched:
        branch(c)
    tilt = c.between(-50, -15) if perched else c.between(-25, 0)
    if not swimming:
        foot = 0.55 if not long else c.between(0.7, 0.95)
        for x in (-0.05, 0.1):
            c.limb([(x, 0.2), (x + 0.02, foot)], 0.05, 0.04, shade(beak, 0.8))
    c.limb([(-0.2, 0.1), (-0.8, c.between(0.1, 0.5))], 0.26, c.between(0.08, 0.18), wing)
    c.oval(0, 0.05, 0.5, 0.3, coat, turn=tilt)
    c.oval(0.12, 0.14, 0.3, 0.19, mix(coat, WHITE, c.between(0, 0.6)), turn=tilt)
    x, y = (0.5, c.between(-0.75, -0.5)) if long else (0.36, c.between(-0.4, -0.28))
    if long:
        c.limb([(0.3, 0), (0.46, -0.25), (x, y)], 0.24, 0.12, coat)
    size = 0.14 if long else c.between(0.2, 0.26)
    root, tip = x + size * 0.5, (x + size + c.between(0.12, 0.3), y + 0.06)
    c.polygon([(root, y - size * 0.4), tip, (root, y + size * 0.5)], beak)
    c.oval(x, y, size, size, c.pick((coat, coat, wing)))
    c.oval(x + size * 0.3, y - size * 0.2, 0.045, 0.045, c.pick((BLACK, WHITE)))
    c.oval(-0.14, 0.06, 0.38, 0.17, wing, turn=tilt + c.between(-5, 15))


def _flying_aside(c: Canvas, coat: Colour, wing: Colour) -> None:
    raised, sweep = c.between(-0.9, -0.5), c.between(-0.35, 0.2)
    far = [(0.2, 0), (0.3 + sweep, raised * 0.7), (sweep + 0.1, raised), (-0.25, 0)]
    c.curve(far, shade(wing, 0.8))
    c.limb([(-0.3, 0.05), (-0.8, c.between(0, 0.2))], 0.2, 0.26, wing)
    c.oval(0, 0.05, 0.5, 0.17, coat)
    down = c.between(-0.8, 0.8)
    c.curve([(0.25, 0.02), (0.2 + sweep, down * 0.6), (sweep - 0.2, down), (-0.2, 0.06)], wing)


def _flying_above(c: Canvas, coat: Colour, wing: Colour) -> None:
    span, sweep, fold = c.between(0.75, 1), c.between(-0.4, 0.25), c.between(0.1, 0.3)
    for side in (-1, 1):
        front = [(0.25, 0), (fold + 0.15, side * span * 0.5), (sweep, side * span)]
        back = [(sweep - 0.12, side * span * 0.9), (-0.1, side * span * 0.4), (-0.25, 0)]
        c.curve(front + back, wing)
    c.polygon([(-0.3, -0.06), (-0.75, -0.2), (-0.75, 0.2), (-0.3, 0.06)], wing)
    c.oval(0, 0, 0.45, 0.13, coat)


def frog(c: Canvas) -> None:
    """Draw a frog on leaves, on the ground or at the water's edge."""
    c.pick((foliage, foliage, foliage, foliage, meadow, wood, sea, plain))(c)
    coat = c.vary(c.pick(FROGS))
    dark, light = shade(coat, 0.7), mix(coat, (232, 226, 180), c.between(0.4, 0.8))
    view = c.pick((_frog_side, _frog_side, _frog_above, _frog_front))
    c.pose((0.36, 0.62), turn=180 if view == _frog_above else 15)
    view(c, coat, dark, light)


def _frog_side(c: Canvas, coat: Colour, dark: Colour, light: Colour) -> None:
    c.limb([(0.35, 0.15), (0.3, 0.4), (0.5, 0.58)], 0.2, 0.13, dark)
    back = [(-0.75, 0.35), (-0.4, -0.1), (0.2, -0.4), (0.65, -0.32), (0.85, -0.05)]
    c.curve([*back, (0.5, 0.3), (0, 0.45)], coat)
    c.curve([(0.82, 0), (0.5, 0.06), (0.2, 0.4), (0.5, 0.32)], light)
    c.limb([(0.84, -0.02), (0.5, 0.04), (0.4, 0)], 0.06, 0.04, shade(coat, 0.45))
    _spots(c, dark)
    c.oval(-0.4, 0.3, 0.38, 0.2, shade(coat, 0.85), turn=c.between(-40, -10))
    c.limb([(-0.65, 0.5), (0, 0.58)], 0.16, 0.14, dark)
    c.limb([(0.3, 0.1), (0.12, 0.4), (0.3, 0.62)], 0.2, 0.14, shade(coat, 0.9))
    c.oval(0.5, -0.38, 0.17, 0.16, coat)
    c.oval(0.53, -0.39, 0.12, 0.12, c.pick((light, AMBER)))
    c.oval(0.55, -0.39, 0.06, 0.08, BLACK)


def _frog_above(c: Canvas, coat: Colour, dark: Colour, light: Colour) -> None:
    for side in (-1, 1):
        c.limb([(-0.3, side * 0.2), (-0.1, side * 0.75), (-0.75, side * 0.6)], 0.3, 0.14, dark)
        c.limb([(-0.75, side * 0.6), (-0.6, side * 0.95)], 0.12, 0.14, dark)
        c.limb([(0.3, side * 0.2), (0.45, side * 0.6), (0.75, side * 0.65)], 0.16, 0.12, dark)
    body = [(0.85, 0), (0.5, 0.34), (0, 0.4), (-0.6, 0.22)]
    c.curve([*body, (-0.6, -0.22), (0, -0.4), (0.5, -0.34)], coat)
    if c.chance(0.5):
        c.limb([(0.6, 0), (-0.5, 0)], 0.1, 0.06, light)
    _spots(c, dark)
    for side in (-1, 1):
        c.oval(0.52, side * 0.27, 0.13, 0.12, light)
        c.oval(0.54, side * 0.29, 0.08, 0.08, BLACK)


def _frog_front(c: Canvas, coat: Colour, dark: Colour, light: Colour) -> None:
    for side in (-1, 1):
        c.oval(side * 0.62, 0.35, 0.3, 0.4, dark, turn=side * -20)
        c.line((side * 0.35, 0.2), (side * 0.42, 0.75), 0.2, coat)
    c.oval(0, 0.2, 0.55, 0.5, light)
    c.oval(0, -0.1, 0.62, 0.4, coat)
    c.limb([(-0.5, 0.02), (0, 0.14), (0.5, 0.02)], 0.06, 0.06, shade(coat, 0.45))
    for side in (-1, 1):
        c.oval(side * 0.36, -0.44, 0.2, 0.2, coat)
        c.oval(side * 0.37, -0.45, 0.13, 0.13, c.pick((light, AMBER)))
        c.oval(side * 0.37, -0.45, 0.07, 0.1, BLACK)


def _spots(c: Canvas, dark: Colour) -> None:
    """Draw a frog's spots, on about half of all frogs."""
    if c.chance(0.5):
        for _ in range(5):
            c.oval(c.between(-0.5, 0.3), c.between(-0.2, 0.15), 0.09, 0.07, dark)
