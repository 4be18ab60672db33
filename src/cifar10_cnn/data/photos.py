"""Pictures that people have, of any size and kind, as the networks take them: 32×32 pixels."""

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
#: More pixels than this would fill a small machine's memory: a gigabyte for most kinds.
MOST_PIXELS = 120_000_000
#: WebP's decoder takes 16 bytes for each, where others take 4.
MOST_WEBP_PIXELS = 60_000_000
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}


class PhotoError(CourseError):
    """A picture that cannot be read, and why."""


def read(file: str | Path | bytes) -> np.ndarray:
    """Read any picture: the square in its middle, shrunk or enlarged to 32×32 pixels.

    Turned as its camera says, transparency on white, the first of several frames.
    Used in notebook 09.

    Args:
        file: its path, or what is in it, such as an uploaded file's content.

    Returns:
        uint8, (32, 32, 3), red-green-blue.

    Raises:
        PhotoError: if there is no such file, it is no picture, damaged, or too large.
    """
    if isinstance(file, bytes):
        source: Path | io.BytesIO = io.BytesIO(file)
        path = "This file"
    else:
        source = _path(file)
        path = printable(source)
    try:
        if isinstance(source, Path) and not source.is_file():
            raise PhotoError(f"There is no file {path}: check the path.")
        # What Pillow warns of is odd in a file, but not wrong.
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(source, formats=FORMATS) as picture,
        ):
            return _square(picture, path)
    except Image.UnidentifiedImageError as error:
        raise PhotoError(
            f"{path} is no picture that can be read: give {', '.join(FORMATS[:-1])} or TIFF."
        ) from error
    except Image.DecompressionBombError as error:
        raise PhotoError(f"{path} has far too many pixels: make it smaller first.") from error
    except PhotoError:
        raise
    except OSError as error:
        if error.errno is None:  # Pillow's own, of what is in the file
            raise PhotoError(f"{path} is damaged ({error}): save it again.") from error
        raise PhotoError(f"{path} cannot be read ({error.strerror}): check its rights.") from error
    except Exception as error:  # a damaged picture makes Pillow raise almost anything
        reason = str(error) or type(error).__name__
        raise PhotoError(f"{path} is damaged ({reason}): save it again.") from error


def find(path: str | Path) -> Iterator[Path]:
    """Yield a picture's own path, or those of all pictures in a folder, by name.

    Raises:
        PhotoError: if there is no picture in the folder, or it cannot be read.
    """
    path = _path(path)
    try:
        if not path.is_dir():
            yield path
            return
        pictures = sorted(file for file in path.iterdir() if file.suffix.lower() in _SUFFIXES)
    except OSError as error:
        raise PhotoError(
            f"{printable(path)} cannot be read ({error.strerror}): check its rights."
        ) from error
    if not pictures:
        raise PhotoError(
            f"There is no picture in {printable(path)}: its files must end in .jpg, .png, …."
        )
    yield from pictures


def _path(file: str | Path) -> Path:
    try:
        return files.path(file)
    except CourseError as error:
        raise PhotoError(str(error)) from error


def printable(path: Path) -> str:
    r"""Return a path as it can be printed: one line, with nothing in it that a terminal would obey.

    A name may hold line ends, a terminal's commands, or bytes that are no text: those are shown as
    ``\n``, ``\x1b``, ``\udcff``.
    """
    return "".join(
        each.encode("unicode_escape").decode() if unicodedata.category(each)[0] == "C" else each
        for each in str(path)
    )


def _square(picture: Image.Image, path: str) -> np.ndarray:
    width, height = picture.size
    most = MOST_WEBP_PIXELS if picture.format == "WEBP" else MOST_PIXELS
    if width * height > most:
        raise PhotoError(
            f"{path} has {width:,}×{height:,} pixels, more than {most:,}: make it smaller."
        )
    picture.draft("RGB", (4 * SIZE, 4 * SIZE))  # a JPEG file is decoded no larger than needed
    width, height = picture.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    middle = (left, top, left + side, top + side)
    if picture.mode not in ("L", "RGB"):  # these shrink as they are
        picture = _reduced(picture, middle)
        middle = (0, 0, *picture.size)
    small = picture.resize((SIZE, SIZE), Image.Resampling.BOX, middle, reducing_gap=2.0)
    small = small.convert("RGBA")
    ImageOps.exif_transpose(small, in_place=True)
    paper = Image.new("RGBA", small.size, "white")
    return np.asarray(Image.alpha_composite(paper, small).convert("RGB"))


def _reduced(picture: Image.Image, square: tuple[int, int, int, int]) -> Image.Image:
    """Return a square of a picture of any kind, in colours of 8 bits, at most 16 × ``SIZE`` large.

    Strip by strip: a copy of a whole picture may take gigabytes.
    """
    left, top, right, _ = square
    factor = max(1, (right - left) // (8 * SIZE))
    side = (right - left) // factor
    reduced = Image.new("RGBA", (side, side))
    white = _white(picture)
    for row in range(side):
        upper = top + row * factor
        strip = picture.crop((left, upper, left + side * factor, upper + factor))
        reduced.paste(_eight_bits(strip, white).reduce(factor), (0, row))
    return reduced


def _white(picture: Image.Image) -> float:
    """Return the number that means white in a picture of 16 or 32 bits: 255 or 65,535."""
    highest = np.max(picture.getextrema())  # one pair, or one for each colour
    return 65_535.0 if highest > 255 else 255.0


def _eight_bits(picture: Image.Image, white: float) -> Image.Image:
    """Return a picture of any kind with red, green, blue and opacity, 8 bits each."""
    if picture.mode.startswith(("I", "F")):  # greys of 16 or 32 bits
        values = np.asarray(picture, dtype=np.float32)
        picture = Image.fromarray((255 / white * values.clip(0, white)).astype(np.uint8))
    return picture if picture.mode == "RGBA" else picture.convert("RGBA")
