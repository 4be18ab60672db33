"""Airplane and bird: both in the sky, far off or against the light, and both on the ground."""

from cifar10_cnn.data.practice.backdrops import meadow, plain, road, sea, sky, wood
from cifar10_cnn.data.practice.canvas import (
    BLACK,
    EARTHS,
    GLASS,
    GREY,
    PAINTS,
    PLUMES,
    WHITE,
    Canvas,
    Colour,
    mix,
    shade,
)


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
            c.limb([(x, 0.1), (x, 0.36)], 0.05, 0.05, BLACK)
            c.oval(x, 0.36, 0.07, 0.07, BLACK)
    if c.chance(0.3):
        _propeller_plane(c, paint, trim)
    else:
        _jet(c, paint, trim)


def _jet(c: Canvas, paint: Colour, trim: Colour) -> None:
    """Draw a jet from the side."""
    thick = c.between(0.1, 0.17)
    wing = c.between(-0.75, -0.4)
    c.polygon(
        [(0.15, 0), (wing * 0.4, -0.3), (wing * 0.4 - 0.12, -0.3), (-0.15, 0)], shade(paint, 0.7)
    )
    c.polygon([(-0.65, -thick), (-0.98, -0.5), (-0.8, -0.5), (-0.45, -thick)], trim)
    c.curve(
        [
            (1, 0.05),
            (0.8, -thick * 0.7),
            (0.4, -thick),
            (-0.5, -thick),
            (-0.95, -thick),
            (-0.5, thick),
            (0.4, thick),
            (0.85, thick),
        ],
        paint,
    )
    c.limb([(-0.7, thick * 0.4), (0.85, thick * 0.4)], 0.05, 0.05, trim)
    c.limb([(-0.6, -0.03), (0.7, -0.03)], 0.05, 0.05, mix(paint, GLASS, 0.7))
    c.polygon([(-0.6, 0), (-1.02, -0.1), (-1.02, 0), (-0.75, 0.06)], shade(paint, 0.8))
    drop = c.between(0.15, 0.5)
    c.polygon(
        [(0.25, 0.04), (wing * 0.5, drop), (wing * 0.5 - 0.2, drop), (-0.2, 0.06)],
        shade(paint, 0.78),
    )
    if c.chance(0.6):
        c.oval(0.12, 0.18, 0.14, 0.07, shade(trim, 0.8))
    c.oval(0.86, -0.04, 0.06, 0.04, GLASS)


def _propeller_plane(c: Canvas, paint: Colour, trim: Colour) -> None:
    """Draw a small airplane with a propeller, sometimes with two wings."""
    c.polygon([(-0.7, 0), (-0.98, -0.42), (-0.78, -0.42), (-0.5, 0)], trim)
    c.curve(
        [
            (0.75, -0.12),
            (0.2, -0.28),
            (-0.2, -0.16),
            (-0.95, -0.08),
            (-0.9, 0.04),
            (0.2, 0.2),
            (0.75, 0.14),
        ],
        paint,
    )
    c.oval(0.15, -0.2, 0.2, 0.1, GLASS)
    c.limb([(0.82, -0.36), (0.82, 0.36)], 0.04, 0.04, mix(GREY, BLACK, 0.4))
    c.oval(0.78, 0, 0.08, 0.09, trim)
    levels = (-0.32, 0.12) if c.chance(0.4) else (c.pick((-0.3, 0.08)),)
    for y in levels:
        c.limb([(0.45, y), (-0.25, y + 0.05)], 0.1, 0.12, shade(trim, 0.85))
    if len(levels) == 2:
        c.limb([(0.2, -0.3), (0.2, 0.12)], 0.04, 0.04, BLACK)
    c.polygon([(-0.65, -0.04), (-1, 0), (-0.95, 0.06), (-0.6, 0.04)], shade(trim, 0.7))


def _plane_below(c: Canvas, paint: Colour, trim: Colour) -> None:
    """Draw an airplane from above or below: body, two wings, tail."""
    span, sweep, chord = c.between(0.7, 1), c.between(-0.6, 0.05), c.between(0.18, 0.4)
    wing = shade(paint, c.between(0.7, 0.95))
    for side in (-1, 1):
        c.polygon(
            [
                (0.1 + chord * 0.5, side * 0.06),
                (0.1 + sweep, side * span),
                (0.1 + sweep - 0.1, side * span),
                (0.1 - chord * 0.5, side * 0.06),
            ],
            wing,
        )
        c.polygon([(-0.65, 0), (-0.9, side * 0.34), (-1, side * 0.34), (-0.9, 0)], trim)
        if c.chance(0.6):
            x = 0.14 + sweep * 0.4
            c.limb(
                [(x + 0.14, side * span * 0.4), (x - 0.1, side * span * 0.4)],
                0.1,
                0.08,
                shade(paint, 0.55),
            )
    thick = c.between(0.1, 0.15)
    c.curve(
        [
            (1, 0),
            (0.75, thick),
            (-0.5, thick),
            (-1, 0.03),
            (-1, -0.03),
            (-0.5, -thick),
            (0.75, -thick),
        ],
        paint,
    )
    c.oval(0.78, 0, 0.08, 0.05, GLASS)


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
        _flying(c, coat, wing, beak)
        return
    places = {
        "perched": (sky, sky, sky, wood, plain),
        "standing": (meadow, meadow, plain),
        "swimming": (sea,),
    }
    c.pick(places[view])(c)
    c.pose((0.36, 0.62))
    long = view != "perched" and c.chance(0.5)
    if view == "perched":
        bark = c.vary(c.pick(EARTHS))
        y, slope = c.between(0.52, 0.66), c.between(-0.25, 0.25)
        c.limb([(-2, y - slope), (0, y), (2, y + slope)], 0.14, 0.1, shade(bark, 0.7))
    tilt = c.between(-50, -15) if view == "perched" else c.between(-25, 0)
    if view != "swimming":
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
    c.polygon(
        [
            (x + size * 0.5, y - size * 0.4),
            (x + size + c.between(0.12, 0.3), y + 0.06),
            (x + size * 0.5, y + size * 0.5),
        ],
        beak,
    )
    c.oval(x, y, size, size, c.pick((coat, coat, wing)))
    c.oval(x + size * 0.3, y - size * 0.2, 0.045, 0.045, c.pick((BLACK, WHITE)))
    c.oval(-0.14, 0.06, 0.38, 0.17, wing, turn=tilt + c.between(-5, 15))


def _flying(c: Canvas, coat: Colour, wing: Colour, beak: Colour) -> None:
    """Draw a bird in the air, from the side or from below."""
    if c.chance(0.5):
        raised, sweep = c.between(-0.9, -0.5), c.between(-0.35, 0.2)
        c.curve(
            [(0.2, 0), (0.3 + sweep, raised * 0.7), (sweep + 0.1, raised), (-0.25, 0)],
            shade(wing, 0.8),
        )
        c.limb([(-0.3, 0.05), (-0.8, c.between(0, 0.2))], 0.2, 0.26, wing)
        c.oval(0, 0.05, 0.5, 0.17, coat)
        down = c.between(-0.8, 0.8)
        c.curve([(0.25, 0.02), (0.2 + sweep, down * 0.6), (sweep - 0.2, down), (-0.2, 0.06)], wing)
    else:
        span, sweep, fold = c.between(0.75, 1), c.between(-0.4, 0.25), c.between(0.1, 0.3)
        for side in (-1, 1):
            c.curve(
                [
                    (0.25, 0),
                    (fold + 0.15, side * span * 0.5),
                    (sweep, side * span),
                    (sweep - 0.12, side * span * 0.9),
                    (-0.1, side * span * 0.4),
                    (-0.25, 0),
                ],
                wing,
            )
        c.polygon([(-0.3, -0.06), (-0.75, -0.2), (-0.75, 0.2), (-0.3, 0.06)], wing)
        c.oval(0, 0, 0.45, 0.13, coat)
    c.polygon([(0.55, -0.06), (0.76, 0.03), (0.55, 0.09)], beak)
    c.oval(0.5, 0, 0.13, 0.12, coat)
