"""Images that people have, of any size and kind, as the networks take them: 32×32 pixels."""

import io
import unicodedata
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from cifar10_cnn.common import files
from cifar10_cnn.common.errors import CourseError

#: Height and width of what the networks see, pixels.
SIZE = 32
#: The formats that are read; Pillow knows dozens more, each with faults of its own.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
#: More pixels than this would fill a small machine's memory: a gigabyte for most kinds. WebP's
#: decoder takes 16 bytes for each, where others take 4.
MOST_PIXELS, MOST_WEBP_PIXELS = 120_000_000, 60_000_000
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}


class PhotoError(CourseError):
    """An image that cannot be read, and why."""


def read(file: str | Path | bytes) -> np.ndarray:
    """Read any image: the square in its middle, shrunk or enlarged to 32×32 pixels.

    Turned as its camera says, transparency on white, the first of several frames.
    Used in notebook 09.

    Args:
        file: its path, or what is in it, such as an uploaded file's content.

    Returns:
        uint8, (32, 32, 3), red-green-blue.

    Raises:
        PhotoError: if there is no such file, it is no image, damaged, or too large.
    """
    source = io.BytesIO(file) if isinstance(file, bytes) else _path(file)
    name = printable(source) if isinstance(source, Path) else "This file"
    if isinstance(source, Path) and not source.is_file():
        raise PhotoError(f"There is no file {name}: check the path.")
    try:
        # What Pillow warns of is odd in a file, but not wrong.
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(source, formats=FORMATS) as image,
        ):
            return _square(image, name)
    except Image.UnidentifiedImageError as error:
        raise PhotoError(
            f"{name} is no image that can be read: give {', '.join(FORMATS[:-1])} or TIFF."
        ) from error
    except Image.DecompressionBombError as error:
        raise PhotoError(f"{name} has far too many pixels: make it smaller first.") from error
    except PhotoError:
        raise
    except Exception as error:  # a damaged image makes Pillow raise almost anything
        if isinstance(error, OSError) and error.errno is not None:  # the system's, not Pillow's
            reason = f"{name} cannot be read ({error.strerror}): check its rights."
        else:
            reason = f"{name} is damaged ({error or type(error).__name__}): save it again."
        raise PhotoError(reason) from error


def find(path: str | Path) -> Iterator[Path]:
    """Yield an image's own path, or those of all images in a folder, by name.

    Raises:
        PhotoError: if there is no image in the folder, or it cannot be read.
    """
    path = _path(path)
    try:
        if not path.is_dir():
            yield path
            return
        images = sorted(file for file in path.iterdir() if file.suffix.lower() in _SUFFIXES)
    except OSError as error:
        raise PhotoError(
            f"{printable(path)} cannot be read ({error.strerror}): check its rights."
        ) from error
    if not images:
        raise PhotoError(
            f"There is no image in {printable(path)}: its files must end in .jpg, .png, …."
        )
    yield from images


def printable(path: Path) -> str:
    r"""Return a path as it can be printed: one line, with nothing in it that a terminal would obey.

    A name may hold line ends, a terminal's commands, or bytes that are no text: those are shown as
    ``\n``, ``\x1b``, ``\udcff``.
    """
    return "".join(
        each.encode("unicode_escape").decode() if unicodedata.category(each)[0] == "C" else each
        for each in str(path)
    )


def _path(file: str | Path) -> Path:
    try:
        return files.path(file)
    except CourseError as error:
        raise PhotoError(str(error)) from error


def _square(image: Image.Image, name: str) -> np.ndarray:
    width, height = image.size
    most = MOST_WEBP_PIXELS if image.format == "WEBP" else MOST_PIXELS
    if width * height > most:
        raise PhotoError(
            f"{name} has {width:,}×{height:,} pixels, more than {most:,}: make it smaller."
        )
    image.draft("RGB", (4 * SIZE, 4 * SIZE))  # a JPEG file is decoded no larger than needed
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    middle = (left, top, left + side, top + side)
    if image.mode not in ("L", "RGB"):  # these shrink as they are
        image = _reduced(image, middle)
        middle = (0, 0, *image.size)
    small = image.resize((SIZE, SIZE), Image.Resampling.BOX, middle, reducing_gap=2.0)
    small = small.convert("RGBA")
    ImageOps.exif_transpose(small, in_place=True)
    paper = Image.new("RGBA", small.size, "white")
    return np.asarray(Image.alpha_composite(paper, small).convert("RGB"))


def _reduced(image: Image.Image, square: tuple[int, int, int, int]) -> Image.Image:
    """Return a square of an image of any kind, in colours of 8 bits, at most 16 × ``SIZE`` large.

    Strip by strip: a copy of a whole image may take gigabytes.
    """
    left, top, right, _ = square
    factor = max(1, (right - left) // (8 * SIZE))
    side = (right - left) // factor
    reduced = Image.new("RGBA", (side, side))
    # The number that means white, in an image of 16 or 32 bits.
    white = 65_535.0 if np.max(image.getextrema()) > 255 else 255.0
    for row in range(side):
        upper = top + row * factor
        strip = image.crop((left, upper, left + side * factor, upper + factor))
        if strip.mode.startswith(("I", "F")):  # greys of 16 or 32 bits
            values = np.asarray(strip, dtype=np.float32)
            strip = Image.fromarray((255 / white * values.clip(0, white)).astype(np.uint8))
        reduced.paste(strip.convert("RGBA").reduce(factor), (0, row))
    return reduced
