"""The colours of the practice set, and how to make others of them."""

Colour = tuple[int, int, int]

WHITE: Colour = (242, 242, 240)
BLACK: Colour = (24, 24, 28)
GREY: Colour = (128, 130, 134)
GLASS: Colour = (58, 74, 92)


def colours(text: str) -> tuple[Colour, ...]:
    """Return the colours of a line such as ``"ff0000 00ff00"`` (red, green, blue)."""
    return tuple((red, green, blue) for red, green, blue in map(bytes.fromhex, text.split()))


def shade(colour: Colour, factor: float) -> Colour:
    """Return ``colour`` times ``factor``: darker below 1, lighter above."""
    red, green, blue = (min(255, int(part * factor)) for part in colour)
    return red, green, blue


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Return the colour that lies the given share (0-1) of the way from ``one`` to ``other``."""
    red, green, blue = (int(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
