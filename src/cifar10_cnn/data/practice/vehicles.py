"""Automobile and truck: the same paints, wheels and roads."""

from cifar10_cnn.data.practice.backdrops import meadow, plain, road
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

CARGO: tuple[Colour, ...] = (
    WHITE,
    WHITE,
    (170, 174, 178),
    (150, 60, 50),
    (60, 90, 150),
    (206, 180, 110),
)
LAMP: Colour = (250, 240, 190)


def automobile(c: Canvas) -> None:
    """Draw an automobile: low, one body with a rounded cabin, from the side or the front."""
    _street(c)
    paint = c.vary(c.pick(PAINTS))
    if c.chance(0.3):
        c.pose((0.34, 0.54), turn=5, lean=0.06)
        _car_front(c, paint, c.between(0.46, 0.7))
        return
    c.pose((0.4, 0.62), turn=6)
    if c.chance(0.2):
        _van(c, paint, side_windows=True)
        return
    roof = c.between(-0.5, -0.34)
    rear = c.between(-0.95, -0.5)
    front = c.between(0.1, 0.35)
    wheel = c.between(0.15, 0.2)
    c.curve(
        [
            (rear, -0.02),
            (rear + 0.2, roof),
            (-0.1, roof - 0.04),
            (front, roof + 0.06),
            (front + 0.4, 0.02),
        ],
        paint,
    )
    c.polygon(
        [
            (rear + 0.14, -0.04),
            (rear + 0.27, roof + 0.07),
            (front - 0.06, roof + 0.07),
            (front + 0.22, -0.04),
        ],
        GLASS,
    )
    c.limb([(-0.14, roof), (-0.12, 0)], 0.07, 0.07, paint)
    c.curve(
        [
            (-0.95, 0.0),
            (-0.5, -0.1),
            (0.4, -0.1),
            (0.92, 0.02),
            (0.97, 0.24),
            (0.5, 0.34),
            (-0.5, 0.34),
            (-0.97, 0.28),
        ],
        paint,
    )
    c.limb([(-0.9, 0.26), (0.9, 0.26)], 0.1, 0.1, shade(paint, 0.6))
    c.oval(0.88, 0.08, 0.06, 0.05, LAMP)
    c.oval(-0.92, 0.08, 0.05, 0.05, (190, 40, 36))
    _wheels(c, (-0.58, 0.58), 0.32, wheel)


def _van(c: Canvas, paint: Colour, *, side_windows: bool) -> None:
    """Draw a van: with windows along its side an automobile, without them a truck."""
    top = c.between(-0.62, -0.46)
    c.curve(
        [
            (-0.95, 0),
            (-0.93, top),
            (0, top - 0.02),
            (0.5, top + 0.02),
            (0.8, -0.1),
            (0.97, 0.02),
            (0.97, 0.28),
            (0.5, 0.34),
            (-0.5, 0.34),
            (-0.97, 0.3),
        ],
        paint,
    )
    low = top + 0.34
    c.polygon([(0.28, top + 0.1), (0.5, top + 0.1), (0.72, low), (0.28, low)], GLASS)
    if side_windows:
        for x in (-0.8, -0.28):
            c.box(x, top + 0.1, x + 0.46, low, GLASS)
    c.limb([(-0.9, 0.26), (0.9, 0.26)], 0.1, 0.1, shade(paint, 0.6))
    c.oval(0.9, 0.1, 0.06, 0.05, LAMP)
    _wheels(c, (-0.58, 0.58), 0.32, c.between(0.14, 0.19))


def _car_front(c: Canvas, paint: Colour, width: float) -> None:
    """Draw an automobile that comes towards us, or leaves."""
    roof = c.between(-0.62, -0.42)
    lights = c.pick((LAMP, LAMP, (190, 40, 36)))
    c.oval(0, 0.58, width * 1.15, 0.08, (46, 46, 50))
    for side in (-1, 1):
        c.box(side * width * 0.7 - 0.1, 0.3, side * width * 0.7 + 0.1, 0.6, BLACK)
    c.curve([(-width * 0.72, roof), (width * 0.72, roof), (width, 0.0), (-width, 0.0)], paint)
    c.polygon(
        [
            (-width * 0.66, roof + 0.07),
            (width * 0.66, roof + 0.07),
            (width * 0.86, -0.1),
            (-width * 0.86, -0.1),
        ],
        GLASS,
    )
    c.curve([(-width, -0.06), (width, -0.06), (width * 1.05, 0.4), (-width * 1.05, 0.4)], paint)
    c.box(-width * 0.5, 0.12, width * 0.5, 0.28, mix(BLACK, paint, 0.25))
    for side in (-1, 1):
        c.oval(side * width * 0.8, 0.12, 0.12, 0.09, lights)
    c.box(-0.16, 0.3, 0.16, 0.4, WHITE)


def truck(c: Canvas) -> None:
    """Draw a truck: a cab and a box, a bed or a tipper, from the side or the front."""
    _street(c)
    paint = c.vary(c.pick(PAINTS))
    if c.chance(0.25):
        c.pose((0.36, 0.54), turn=5, lean=0.06)
        _truck_front(c, paint)
        return
    c.pose((0.42, 0.62), turn=6)
    wheel = c.between(0.12, 0.18)
    kind = c.pick(("box", "box", "trailer", "pickup", "tipper", "van"))
    if kind == "van":
        _van(c, paint, side_windows=c.chance(0.1))
        return
    if kind == "pickup":
        roof = c.between(-0.5, -0.38)
        c.curve([(-0.2, 0), (-0.14, roof), (0.3, roof), (0.62, 0.0)], paint)
        c.polygon([(-0.1, -0.06), (-0.08, roof + 0.07), (0.26, roof + 0.07), (0.45, -0.06)], GLASS)
        c.polygon([(-0.98, -0.1), (0.5, -0.1), (0.92, -0.02), (0.97, 0.3), (-0.98, 0.3)], paint)
        c.limb([(-0.95, -0.1), (-0.22, -0.1)], 0.06, 0.06, shade(paint, 0.5))
        c.oval(0.88, 0.08, 0.06, 0.06, LAMP)
        _wheels(c, (-0.58, 0.58), 0.32, wheel + 0.02)
        return
    cab = c.between(0.42, 0.55)
    load = c.vary(c.pick((*CARGO, paint)))
    top = c.between(-0.75, -0.5)
    c.box(-0.98, 0.2, 0.9, 0.32, (60, 60, 64))
    if kind == "tipper":
        c.polygon([(-1, -0.35), (cab - 0.05, -0.4), (cab - 0.12, 0.22), (-0.85, 0.22)], load)
        c.curve(
            [(-0.9, -0.34), (-0.5, c.between(-0.6, -0.4)), (0, -0.5), (cab - 0.1, -0.38)],
            (120, 96, 70),
        )
    else:
        c.box(-1, top, cab - 0.06, 0.22, load)
        c.box(-1, top, cab - 0.06, top + 0.07, shade(load, 0.8))
        if c.chance(0.4):
            c.box(-0.8, top + 0.25, cab - 0.3, top + 0.45, c.vary(c.pick(PAINTS)))
    roof = c.between(-0.5, -0.3)
    if kind == "trailer" and c.chance(0.6):
        c.polygon(
            [
                (cab - 0.04, roof),
                (cab + 0.22, roof),
                (cab + 0.28, -0.04),
                (0.98, 0),
                (1, 0.3),
                (cab - 0.04, 0.3),
            ],
            paint,
        )
        c.box(cab + 0.04, roof + 0.07, cab + 0.22, -0.06, GLASS)
    else:
        c.polygon(
            [(cab - 0.02, roof), (0.84, roof), (0.97, 0), (0.98, 0.3), (cab - 0.02, 0.3)], paint
        )
        c.polygon(
            [(cab + 0.1, roof + 0.07), (0.82, roof + 0.07), (0.9, -0.02), (cab + 0.1, -0.02)], GLASS
        )
    c.oval(0.93, 0.14, 0.05, 0.05, LAMP)
    back = (-0.75, -0.4) if kind == "trailer" or c.chance(0.3) else (-0.6,)
    _wheels(c, (*back, 0.68), 0.34, wheel)


def _truck_front(c: Canvas, paint: Colour) -> None:
    """Draw a truck that comes towards us: high, flat, with its load behind."""
    width = c.between(0.42, 0.56)
    top = c.between(-0.8, -0.55)
    c.oval(0, 0.74, width * 1.2, 0.08, (46, 46, 50))
    if c.chance(0.7):
        c.box(-width * 1.12, top - c.between(0, 0.2), width * 1.12, 0.4, c.vary(c.pick(CARGO)))
    for side in (-1, 1):
        c.box(side * width * 0.75 - 0.1, 0.4, side * width * 0.75 + 0.1, 0.76, BLACK)
        c.box(side * width * 1.16 - 0.05, -0.4, side * width * 1.16 + 0.05, -0.1, BLACK)
    c.box(-width, top + 0.1, width, 0.56, paint)
    c.box(-width * 0.88, top + 0.2, width * 0.88, -0.12, GLASS)
    c.box(-width * 0.6, 0.08, width * 0.6, 0.36, mix(BLACK, paint, 0.3))
    c.box(-width, 0.44, width, 0.56, c.pick((GREY, shade(paint, 0.6), WHITE)))
    for side in (-1, 1):
        c.oval(side * width * 0.78, 0.26, 0.09, 0.09, LAMP)


def _street(c: Canvas) -> None:
    """Draw where cars and trucks are seen."""
    c.pick((road, road, road, road, meadow, plain))(c)


def _wheels(c: Canvas, places: tuple[float, ...], y: float, size: float) -> None:
    """Draw a shadow on the ground and wheels with hubs."""
    c.oval(0, y + size * 0.8, 0.95, 0.08, (46, 46, 50))
    hub = c.pick((GREY, WHITE, (70, 70, 74)))
    for x in places:
        c.oval(x, y, size, size, BLACK)
        c.oval(x, y, size * 0.5, size * 0.5, hub)
