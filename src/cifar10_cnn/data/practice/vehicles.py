"""Airplane, ship, automobile and truck; the last two share paints, wheels and roads."""

from cifar10_cnn.data.practice.backdrops import meadow, one_of, plain, road, sea, sky
from cifar10_cnn.data.practice.canvas import BLACK, GLASS, GREY, WHITE, Canvas, colours, mix, shade

PAINTS = colours("b02424 2c4a96 e2e2e0 a4a8ae 34363c ceac32 3c6e4c 782832 6ea0c4 c46e32")
_CARGO = colours("f2f2f0 f2f2f0 aaaeb2 963c32 3c5a96 ceb46e")
_STREETS = (road, road, road, road, meadow, plain)
_LAMP = (250, 240, 190)
_SHADOW = (46, 46, 50)


def airplane(c: Canvas) -> None:
    """Draw an airplane in the air or on a runway, from the side, from above or below."""
    paint = c.vary(c.pick((WHITE, WHITE, WHITE, GREY, (90, 96, 100), *PAINTS)))
    trim = c.vary(c.pick((paint, *PAINTS)))
    aside, ground = c.chance(0.6), c.chance(0.3)
    if not ground and c.chance(0.3):
        paint = trim = shade(paint, 0.35)  # against the light
    one_of(c, *((road, meadow, plain) if ground else (sky,)))
    c.pose(0.3, 0.62, turn=25 if aside else 180)
    thick, wing, tail = c.between(0.1, 0.17), shade(paint, c.between(0.7, 0.95)), -0.9
    if aside:
        tip, drop = c.between(-0.4, 0.1), c.between(0.15, 0.5)
        c.polygon([(0.15, 0), (tip, -0.3), (tip - 0.15, -0.3), (-0.15, 0)], shade(wing, 0.8))
        c.polygon([(-0.65, -thick), (-0.98, -0.5), (-0.8, -0.5), (-0.45, -thick)], trim)
    else:
        span, sweep, chord = c.between(0.7, 1), c.between(-0.6, 0.05), c.between(0.1, 0.2)
        for side in (-1, 1):
            x, y = 0.1 + sweep, side * span
            c.polygon([(0.1 + chord, 0), (x, y), (x - 0.1, y), (0.1 - chord, 0)], wing)
            c.polygon([(-0.65, 0), (tail, side * 0.34), (-1, side * 0.34), (tail, 0)], trim)
            c.limb([(0.2 + 0.4 * x, 0.4 * y), (0.4 * x, 0.4 * y)], 0.1, 0.08, trim)
    body = [(1, 0.03), (0.8, -thick * 0.8), (-0.5, -thick), (-1, -thick * aside), (-0.5, thick)]
    c.curve([*body, (0.8, thick * 0.8)], paint)
    c.oval(0.8, -0.04 * aside, 0.08, 0.05, GLASS)
    if not aside:
        return
    c.limb([(-0.6, -0.03), (0.7, -0.03)], 0.05, 0.05, mix(paint, GLASS, 0.7))
    c.polygon([(0.25, 0.04), (tip, drop), (tip - 0.2, drop), (-0.2, 0.06)], wing)
    if c.chance(0.4):
        c.limb([(0.95, -0.36), (0.95, 0.36)], 0.05, 0.05, BLACK)  # a propeller
    for x in (-0.1, 0.6) if ground else ():
        c.oval(x, 0.3, 0.08, 0.08, BLACK)


def ship(c: Canvas) -> None:
    """Draw a ship: freighter, liner, sailing boat or launch."""
    sea(c)
    hull = c.vary(c.pick((*PAINTS, WHITE, GREY, BLACK)))
    deck = c.vary(c.pick((WHITE, WHITE, (206, 200, 190), GREY)))
    kind = c.pick(("freighter", "freighter", "liner", "sails", "sails", "launch"))
    c.pose(0.36, 0.64, turn=5)
    if kind == "sails":
        sail = c.vary(c.pick((WHITE, WHITE, (222, 206, 176), (176, 60, 50))))
        x, top = c.between(-0.15, 0.15), c.between(-1.1, -0.8)
        c.limb([(x, 0), (x, top)], 0.05, 0.04, (90, 70, 50))
        c.polygon([(x + 0.05, top), (x + 0.05, -0.1), (c.between(0.5, 0.85), -0.1)], sail)
        c.polygon([(x - 0.05, top), (x - 0.05, -0.1), (c.between(-0.8, -0.4), -0.1)], sail)
    elif kind == "liner":
        for step in range(3):
            left, right, y = -0.75 + step * 0.1, 0.65 - step * 0.16, -0.14 * (step + 1)
            c.box(left, y, right, y + 0.15, deck)
            c.limb([(left + 0.1, y + 0.09), (right - 0.1, y + 0.09)], 0.045, 0.045, GLASS)
        c.box(-0.3, -0.68, -0.1, -0.4, c.vary(c.pick(PAINTS)))
    else:
        x = c.pick((-0.7, -0.2, 0.3))
        for step in range(5 if kind == "freighter" else 0):
            left = -0.75 + step * 0.3
            c.box(left, c.between(-0.3, -0.1), left + 0.28, 0, c.vary(c.pick(PAINTS)))
        c.box(x, -0.5, x + 0.35, 0, deck)
        c.box(x + 0.03, -0.42, x + 0.32, -0.33, GLASS)
        c.limb([(x + 0.15, -0.85), (x + 0.15, -0.5)], 0.06, 0.08, GREY)
    bow = c.between(0.85, 1)
    c.polygon([(-0.9, -0.02), (bow, -0.08), (bow - 0.2, 0.26), (-0.8, 0.26)], hull)
    c.limb([(-0.8, 0.24), (bow - 0.2, 0.24)], 0.06, 0.06, c.pick((shade(hull, 0.6), (140, 40, 36))))
    c.limb([(-0.95, 0.3), (0.95, 0.3)], 0.06, 0.05, mix(WHITE, (70, 116, 140), c.between(0.2, 1)))


def automobile(c: Canvas) -> None:
    """Draw an automobile: low, one body with a rounded cabin, from the side or the front."""
    one_of(c, *_STREETS)
    paint = c.vary(c.pick(PAINTS))
    c.pose(0.38, 0.6, turn=6)
    if c.chance(0.3):
        _front(c, width=c.between(0.6, 0.95), roof=c.between(-0.62, -0.42))
        return
    roof, rear, front = c.between(-0.55, -0.34), c.between(-0.95, -0.5), c.between(0.1, 0.4)
    cabin = [(rear, 0.05), (rear + 0.15, roof), (front, roof), (front + 0.4, 0.05)]
    c.curve(cabin, paint)
    pane = roof + 0.1
    c.polygon(
        [(rear + 0.16, -0.06), (rear + 0.27, pane), (front, pane), (front + 0.2, -0.06)], GLASS
    )
    c.limb([(-0.14, roof + 0.05), (-0.12, 0)], 0.07, 0.07, paint)
    bonnet = [(-1, -0.1), (0.4, -0.12), (0.95, 0), (1, 0.34), (-1, 0.34)]
    c.curve(bonnet, paint)
    c.limb([(-0.9, 0.26), (0.9, 0.26)], 0.1, 0.1, shade(paint, 0.6))
    c.oval(0.88, 0.08, 0.06, 0.05, _LAMP)
    c.oval(-0.92, 0.08, 0.05, 0.05, (190, 40, 36))
    _wheels(c, (-0.58, 0.58), 0.32, c.between(0.15, 0.2))


def truck(c: Canvas) -> None:
    """Draw a truck: a cab and a box, a trailer or a bed, from the side or the front."""
    one_of(c, *_STREETS)
    paint, load = c.vary(c.pick(PAINTS)), c.vary(c.pick(_CARGO))
    c.pose(0.4, 0.6, turn=6)
    if c.chance(0.25):
        width, top = c.between(0.45, 0.6), c.between(-0.85, -0.6)
        c.box(-width * 1.12, top - c.between(0, 0.2), width * 1.12, 0.4, load)
        _front(c, width, top)
        return
    cab, roof, top = c.between(0.35, 0.55), c.between(-0.55, -0.35), c.between(-0.75, -0.5)
    c.box(-0.98, 0.2, 0.9, 0.32, (60, 60, 64))
    if c.chance(0.25):  # a bed with a heap on it
        c.curve([(-0.95, 0), (-0.5, c.between(-0.5, -0.2)), (cab - 0.1, 0)], (120, 96, 70))
        c.box(-1, -0.12, cab - 0.05, 0.22, shade(load, 0.9))
    else:
        c.box(-1, top, cab - 0.06, 0.22, load)
        c.box(-1, top, cab - 0.06, top + 0.07, shade(load, 0.8))
        if c.chance(0.4):
            c.box(-0.8, top + 0.25, cab - 0.3, top + 0.45, c.vary(c.pick(PAINTS)))
    nose = c.pick((0, 0.3))  # the engine under the driver, or before
    left, right = cab - 0.02, 0.9 - nose
    c.polygon(
        [(left, roof), (right, roof), (right + 0.1, -0.02), (0.98, 0.02), (0.98, 0.3), (left, 0.3)],
        paint,
    )
    c.polygon(
        [
            (left + 0.1, roof + 0.07),
            (right - 0.02, roof + 0.07),
            (right + 0.04, -0.06),
            (left + 0.1, -0.06),
        ],
        GLASS,
    )
    c.oval(0.93, 0.14, 0.05, 0.05, _LAMP)
    _wheels(c, (*c.pick(((-0.75, -0.4), (-0.6,))), 0.68), 0.34, c.between(0.12, 0.18))


def _front(c: Canvas, width: float, roof: float) -> None:
    """Draw a vehicle that comes towards us; the flatter and higher, the more of a truck."""
    flat = roof < -0.6
    paint, upper = c.vary(c.pick(PAINTS)), width * (0.95 if flat else 0.72)
    c.oval(0, 0.62, width * 1.15, 0.08, _SHADOW)
    for side in (-1, 1):
        c.box(side * width * 0.72 - 0.11, 0.3, side * width * 0.72 + 0.11, 0.64, BLACK)
    c.polygon([(-upper, roof), (upper, roof), (width, -0.04), (-width, -0.04)], paint)
    pane, low = roof + 0.09, (-0.2 if flat else -0.08)
    c.polygon(
        [(-upper * 0.9, pane), (upper * 0.9, pane), (width * 0.86, low), (-width * 0.86, low)],
        GLASS,
    )
    c.box(-width, -0.06, width, 0.42, paint)
    c.box(-width * 0.55, 0.1, width * 0.55, 0.28, mix(BLACK, paint, 0.25))
    for side in (-1, 1):
        c.oval(side * width * 0.8, 0.16, 0.11, 0.09, _LAMP)
        if flat:
            c.box(side * width * 1.15 - 0.05, -0.4, side * width * 1.15 + 0.05, -0.1, BLACK)
    c.box(-0.16, 0.3, 0.16, 0.4, WHITE)


def _wheels(c: Canvas, places: tuple[float, ...], y: float, size: float) -> None:
    """Draw a shadow on the ground and wheels with hubs."""
    c.oval(0, y + size * 0.8, 0.95, 0.08, _SHADOW)
    hub = c.pick((GREY, WHITE, (70, 70, 74)))
    for x in places:
        c.oval(x, y, size, size, BLACK)
        c.oval(x, y, size * 0.5, size * 0.5, hub)
