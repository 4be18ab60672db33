"""Airplane, ship, automobile and truck; the last two share paints, wheels and roads."""

from cifar10_cnn.data.practice.backdrops import meadow, plain, road, sea, sky
from cifar10_cnn.data.practice.canvas import Canvas
from cifar10_cnn.data.practice.palette import BLACK, GLASS, GREY, WHITE, Colour, colours, mix, shade

PAINTS = colours("b02424 2c4a96 e2e2e0 a4a8ae 34363c ceac32 3c6e4c 782832 6ea0c4 c46e32")
CARGO = colours("f2f2f0 f2f2f0 aaaeb2 963c32 3c5a96 ceb46e")
LAMP: Colour = (250, 240, 190)
REAR_LAMP: Colour = (190, 40, 36)
STREETS = (road, road, road, road, meadow, plain)
SHADOW: Colour = (46, 46, 50)


def airplane(c: Canvas) -> None:
    """Draw an airplane: in the air from the side or from below, or on a runway."""
    paint = c.vary(c.pick((WHITE, WHITE, WHITE, GREY, (90, 96, 100), (196, 200, 206), *PAINTS)))
    trim = c.vary(c.pick((paint, *PAINTS)))
    view = c.pick(("side", "side", "ground", "below", "below"))
    if view != "ground" and c.chance(0.3):
        paint = trim = shade(paint, 0.35)  # against the light
    if view == "below":
        c.pick((sky, sky, sky, sky, sky, meadow))(c)
        c.pose((0.24, 0.6), turn=180)
        _plane_below(c, paint, trim)
        return
    c.pick((sky,) if view == "side" else (road, road, meadow, plain))(c)
    c.pose((0.32, 0.62), turn=25 if view == "side" else 4)
    if view == "ground" or c.chance(0.2):
        for x in (-0.1, 0.6):
            c.line((x, 0.1), (x, 0.36), 0.05, BLACK)
            c.oval(x, 0.36, 0.07, 0.07, BLACK)
    if c.chance(0.3):
        _propeller_plane(c, paint, trim)
    else:
        _jet_aside(c, paint, trim)


def _jet_aside(c: Canvas, paint: Colour, trim: Colour) -> None:
    thick = c.between(0.1, 0.17)
    wing = c.between(-0.75, -0.4)
    tip = wing * 0.4
    c.polygon([(0.15, 0), (tip, -0.3), (tip - 0.12, -0.3), (-0.15, 0)], shade(paint, 0.7))
    c.polygon([(-0.65, -thick), (-0.98, -0.5), (-0.8, -0.5), (-0.45, -thick)], trim)
    back = [(1, 0.05), (0.8, -thick * 0.7), (0.4, -thick), (-0.5, -thick), (-0.95, -thick)]
    c.curve([*back, (-0.5, thick), (0.4, thick), (0.85, thick)], paint)
    c.line((-0.7, thick * 0.4), (0.85, thick * 0.4), 0.05, trim)
    c.line((-0.6, -0.03), (0.7, -0.03), 0.05, mix(paint, GLASS, 0.7))
    c.polygon([(-0.6, 0), (-1.02, -0.1), (-1.02, 0), (-0.75, 0.06)], shade(paint, 0.8))
    tip, drop = wing * 0.5, c.between(0.15, 0.5)
    c.polygon([(0.25, 0.04), (tip, drop), (tip - 0.2, drop), (-0.2, 0.06)], shade(paint, 0.78))
    if c.chance(0.6):
        c.oval(0.12, 0.18, 0.14, 0.07, shade(trim, 0.8))
    c.oval(0.86, -0.04, 0.06, 0.04, GLASS)


def _propeller_plane(c: Canvas, paint: Colour, trim: Colour) -> None:
    """Draw a small airplane with a propeller, sometimes with two wings."""
    c.polygon([(-0.7, 0), (-0.98, -0.42), (-0.78, -0.42), (-0.5, 0)], trim)
    back = [(0.75, -0.12), (0.2, -0.28), (-0.2, -0.16), (-0.95, -0.08)]
    c.curve([*back, (-0.9, 0.04), (0.2, 0.2), (0.75, 0.14)], paint)
    c.oval(0.15, -0.2, 0.2, 0.1, GLASS)
    c.line((0.82, -0.36), (0.82, 0.36), 0.04, mix(GREY, BLACK, 0.4))
    c.oval(0.78, 0, 0.08, 0.09, trim)
    levels = (-0.32, 0.12) if c.chance(0.4) else (c.pick((-0.3, 0.08)),)
    for y in levels:
        c.limb([(0.45, y), (-0.25, y + 0.05)], 0.1, 0.12, shade(trim, 0.85))
    if len(levels) == 2:
        c.line((0.2, -0.3), (0.2, 0.12), 0.04, BLACK)
    c.polygon([(-0.65, -0.04), (-1, 0), (-0.95, 0.06), (-0.6, 0.04)], shade(trim, 0.7))


def _plane_below(c: Canvas, paint: Colour, trim: Colour) -> None:
    """Draw an airplane from above or below: body, two wings, tail."""
    span, sweep, chord = c.between(0.7, 1), c.between(-0.6, 0.05), c.between(0.18, 0.4)
    wing = shade(paint, c.between(0.7, 0.95))
    for side in (-1, 1):
        front, back = (0.1 + chord * 0.5, side * 0.06), (0.1 - chord * 0.5, side * 0.06)
        tip = 0.1 + sweep
        c.polygon([front, (tip, side * span), (tip - 0.1, side * span), back], wing)
        c.polygon([(-0.65, 0), (-0.9, side * 0.34), (-1, side * 0.34), (-0.9, 0)], trim)
        if c.chance(0.6):
            x, y = 0.14 + sweep * 0.4, side * span * 0.4
            c.limb([(x + 0.14, y), (x - 0.1, y)], 0.1, 0.08, shade(paint, 0.55))
    thick = c.between(0.1, 0.15)
    body = [(1, 0), (0.75, thick), (-0.5, thick), (-1, 0.03)]
    c.curve([*body, (-1, -0.03), (-0.5, -thick), (0.75, -thick)], paint)
    c.oval(0.78, 0, 0.08, 0.05, GLASS)


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
        rail = [(-width, -0.2), (0, -0.3), (width, -0.2)]
        c.curve([*rail, (width * 0.6, 0.3), (0, 0.46), (-width * 0.6, 0.3)], hull)
        c.limb([(0, -0.26), (0, 0.4)], 0.04, 0.06, shade(hull, 0.6))
    else:
        _rigging(c, kind, deck)
        bow = c.between(0.85, 1)
        c.polygon([(-0.9, -0.02), (bow, -0.08), (bow - 0.2, 0.26), (-0.8, 0.26)], hull)
        keel = c.pick((shade(hull, 0.6), (140, 40, 36)))
        c.line((-0.8, 0.24), (bow - 0.2, 0.24), 0.06, keel)
        c.line((-0.88, 0.02), (bow - 0.04, -0.03), 0.05, deck)
    c.limb([(-0.95, 0.3), (0.95, 0.3)], 0.06, 0.05, mix(WHITE, (70, 116, 140), c.between(0.2, 1)))


def _rigging(c: Canvas, kind: str, deck: Colour) -> None:
    """Draw what stands on a ship's deck."""
    if kind == "sails":
        sail = c.vary(c.pick((WHITE, WHITE, (222, 206, 176), (176, 60, 50))))
        x, top = c.between(-0.15, 0.15), c.between(-1.1, -0.8)
        c.limb([(x, 0), (x, top - 0.04)], 0.05, 0.04, (90, 70, 50))
        c.polygon([(x + 0.05, top), (x + 0.05, -0.14), (c.between(0.5, 0.85), -0.14)], sail)
        back = [(x - 0.05, top + 0.1), (x - 0.05, -0.14), (c.between(-0.8, -0.45), -0.14)]
        c.polygon(back, shade(sail, 0.9))
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
            left, right, y = step * 0.1, step * 0.16, -0.14 * (step + 1)
            c.box(-0.75 + left, y, 0.65 - right, y + 0.15, deck)
            c.line((-0.66 + left, y + 0.09), (0.55 - right, y + 0.09), 0.045, GLASS)
        for x in (-0.3, 0.05)[: c.pick((1, 2))]:
            funnel = [(x, -0.4), (x - 0.05, -0.68), (x + 0.11, -0.68), (x + 0.14, -0.4)]
            c.polygon(funnel, c.vary(c.pick(PAINTS)))
    else:
        c.box(-0.4, -0.3, 0.25, 0, deck)
        c.polygon([(-0.3, -0.5), (0.05, -0.5), (0.15, -0.28), (-0.3, -0.28)], deck)
        c.box(-0.25, -0.45, 0.02, -0.32, GLASS)
        c.line((-0.1, -0.95), (-0.1, -0.5), 0.05, GREY)


def automobile(c: Canvas) -> None:
    """Draw an automobile: low, one body with a rounded cabin, from the side or the front."""
    c.pick(STREETS)(c)
    paint = c.vary(c.pick(PAINTS))
    if c.chance(0.3):
        c.pose((0.34, 0.54), turn=5, lean=0.06)
        _car_front(c, paint, c.between(0.46, 0.7))
        return
    c.pose((0.4, 0.62), turn=6)
    if c.chance(0.2):
        _van(c, paint, side_windows=True)
        return
    roof, rear, front = c.between(-0.5, -0.34), c.between(-0.95, -0.5), c.between(0.1, 0.35)
    wheel = c.between(0.15, 0.2)
    cabin = [(rear, -0.02), (rear + 0.2, roof), (-0.1, roof - 0.04), (front, roof + 0.06)]
    c.curve([*cabin, (front + 0.4, 0.02)], paint)
    panes = [(rear + 0.27, roof + 0.07), (front - 0.06, roof + 0.07), (front + 0.22, -0.04)]
    c.polygon([(rear + 0.14, -0.04), *panes], GLASS)
    c.line((-0.14, roof), (-0.12, 0), 0.07, paint)
    bonnet = [(-0.95, 0.0), (-0.5, -0.1), (0.4, -0.1), (0.92, 0.02), (0.97, 0.24)]
    c.curve([*bonnet, (0.5, 0.34), (-0.5, 0.34), (-0.97, 0.28)], paint)
    c.line((-0.9, 0.26), (0.9, 0.26), 0.1, shade(paint, 0.6))
    c.oval(0.88, 0.08, 0.06, 0.05, LAMP)
    c.oval(-0.92, 0.08, 0.05, 0.05, REAR_LAMP)
    _wheels(c, (-0.58, 0.58), 0.32, wheel)


def _van(c: Canvas, paint: Colour, *, side_windows: bool) -> None:
    """Draw a van: with windows along its side an automobile, without them a truck."""
    top = c.between(-0.62, -0.46)
    upper = [(-0.95, 0), (-0.93, top), (0, top - 0.02), (0.5, top + 0.02), (0.8, -0.1)]
    lower = [(0.97, 0.02), (0.97, 0.28), (0.5, 0.34), (-0.5, 0.34), (-0.97, 0.3)]
    c.curve(upper + lower, paint)
    high, low = top + 0.1, top + 0.34
    c.polygon([(0.28, high), (0.5, high), (0.72, low), (0.28, low)], GLASS)
    if side_windows:
        for x in (-0.8, -0.28):
            c.box(x, high, x + 0.46, low, GLASS)
    c.line((-0.9, 0.26), (0.9, 0.26), 0.1, shade(paint, 0.6))
    c.oval(0.9, 0.1, 0.06, 0.05, LAMP)
    _wheels(c, (-0.58, 0.58), 0.32, c.between(0.14, 0.19))


def _car_front(c: Canvas, paint: Colour, width: float) -> None:
    """Draw an automobile that comes towards us, or leaves."""
    roof = c.between(-0.62, -0.42)
    lights = c.pick((LAMP, LAMP, REAR_LAMP))
    c.oval(0, 0.58, width * 1.15, 0.08, SHADOW)
    for side in (-1, 1):
        c.box(side * width * 0.7 - 0.1, 0.3, side * width * 0.7 + 0.1, 0.6, BLACK)
    c.curve([(-width * 0.72, roof), (width * 0.72, roof), (width, 0.0), (-width, 0.0)], paint)
    high, low, pane = width * 0.66, width * 0.86, roof + 0.07
    c.polygon([(-high, pane), (high, pane), (low, -0.1), (-low, -0.1)], GLASS)
    c.curve([(-width, -0.06), (width, -0.06), (width * 1.05, 0.4), (-width * 1.05, 0.4)], paint)
    c.box(-width * 0.5, 0.12, width * 0.5, 0.28, mix(BLACK, paint, 0.25))
    for side in (-1, 1):
        c.oval(side * width * 0.8, 0.12, 0.12, 0.09, lights)
    c.box(-0.16, 0.3, 0.16, 0.4, WHITE)


def truck(c: Canvas) -> None:
    """Draw a truck: a cab and a box, a bed or a tipper, from the side or the front."""
    c.pick(STREETS)(c)
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
    elif kind == "pickup":
        _pickup(c, paint, wheel + 0.02)
    else:
        _lorry(c, paint, wheel, kind)


def _pickup(c: Canvas, paint: Colour, wheel: float) -> None:
    roof = c.between(-0.5, -0.38)
    c.curve([(-0.2, 0), (-0.14, roof), (0.3, roof), (0.62, 0.0)], paint)
    c.polygon([(-0.1, -0.06), (-0.08, roof + 0.07), (0.26, roof + 0.07), (0.45, -0.06)], GLASS)
    c.polygon([(-0.98, -0.1), (0.5, -0.1), (0.92, -0.02), (0.97, 0.3), (-0.98, 0.3)], paint)
    c.line((-0.95, -0.1), (-0.22, -0.1), 0.06, shade(paint, 0.5))
    c.oval(0.88, 0.08, 0.06, 0.06, LAMP)
    _wheels(c, (-0.58, 0.58), 0.32, wheel)


def _lorry(c: Canvas, paint: Colour, wheel: float, kind: str) -> None:
    """Draw a truck whose load (box, trailer or tipper) stands behind its cab."""
    cab = c.between(0.42, 0.55)
    load = c.vary(c.pick((*CARGO, paint)))
    top = c.between(-0.75, -0.5)
    c.box(-0.98, 0.2, 0.9, 0.32, (60, 60, 64))
    if kind == "tipper":
        c.polygon([(-1, -0.35), (cab - 0.05, -0.4), (cab - 0.12, 0.22), (-0.85, 0.22)], load)
        heap = [(-0.9, -0.34), (-0.5, c.between(-0.6, -0.4)), (0, -0.5), (cab - 0.1, -0.38)]
        c.curve(heap, (120, 96, 70))
    else:
        c.box(-1, top, cab - 0.06, 0.22, load)
        c.box(-1, top, cab - 0.06, top + 0.07, shade(load, 0.8))
        if c.chance(0.4):
            c.box(-0.8, top + 0.25, cab - 0.3, top + 0.45, c.vary(c.pick(PAINTS)))
    roof = c.between(-0.5, -0.3)
    pane = roof + 0.07
    if kind == "trailer" and c.chance(0.6):
        left, right = cab - 0.04, cab + 0.22
        front = [(right, roof), (cab + 0.28, -0.04), (0.98, 0), (1, 0.3)]
        c.polygon([(left, roof), *front, (left, 0.3)], paint)
        c.box(cab + 0.04, pane, right, -0.06, GLASS)
    else:
        left, right = cab - 0.02, cab + 0.1
        c.polygon([(left, roof), (0.84, roof), (0.97, 0), (0.98, 0.3), (left, 0.3)], paint)
        c.polygon([(right, pane), (0.82, pane), (0.9, -0.02), (right, -0.02)], GLASS)
    c.oval(0.93, 0.14, 0.05, 0.05, LAMP)
    back = (-0.75, -0.4) if kind == "trailer" or c.chance(0.3) else (-0.6,)
    _wheels(c, (*back, 0.68), 0.34, wheel)


def _truck_front(c: Canvas, paint: Colour) -> None:
    """Draw a truck that comes towards us: high, flat, with its load behind."""
    width = c.between(0.42, 0.56)
    top = c.between(-0.8, -0.55)
    c.oval(0, 0.74, width * 1.2, 0.08, SHADOW)
    if c.chance(0.7):
        c.box(-width * 1.12, top - c.between(0, 0.2), width * 1.12, 0.4, c.vary(c.pick(CARGO)))
    for side in (-1, 1):
        wheel, mirror = side * width * 0.75, side * width * 1.16
        c.box(wheel - 0.1, 0.4, wheel + 0.1, 0.76, BLACK)
        c.box(mirror - 0.05, -0.4, mirror + 0.05, -0.1, BLACK)
    c.box(-width, top + 0.1, width, 0.56, paint)
    c.box(-width * 0.88, top + 0.2, width * 0.88, -0.12, GLASS)
    c.box(-width * 0.6, 0.08, width * 0.6, 0.36, mix(BLACK, paint, 0.3))
    c.box(-width, 0.44, width, 0.56, c.pick((GREY, shade(paint, 0.6), WHITE)))
    for side in (-1, 1):
        c.oval(side * width * 0.78, 0.26, 0.09, 0.09, LAMP)


def _wheels(c: Canvas, places: tuple[float, ...], y: float, size: float) -> None:
    """Draw a shadow on the ground and wheels with hubs."""
    c.oval(0, y + size * 0.8, 0.95, 0.08, SHADOW)
    hub = c.pick((GREY, WHITE, (70, 70, 74)))
    for x in places:
        c.oval(x, y, size, size, BLACK)
        c.oval(x, y, size * 0.5, size * 0.5, hub)
