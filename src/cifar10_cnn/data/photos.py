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
#: More pixels than this would fill a small machine's memory.
MOST_PIXELS = 60_000_000
_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")
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
        images = sorted(file for file in path.iterdir() if _looks_like_an_image(file))
    except OSError as error:
        raise PhotoError(
            f"{printable(path)} cannot be read ({error.strerror}): check its rights."
        ) from error
    if not images:
        raise PhotoError(
            f"There is no image in {printable(path)}: give a folder of JPEG, PNG, … files."
        )
    yield from images


def _looks_like_an_image(file: Path) -> bool:
    """Say whether a file is called as an image, or begins as one; macOS leaves some that do not."""
    if file.name.startswith("._"):
        return False
    if file.suffix.lower() in _SUFFIXES or not file.is_file():
        return file.suffix.lower() in _SUFFIXES
    with file.open("rb") as opened:
        start = opened.read(12)
    return start.startswith(_SIGNATURES) or start[8:] == b"WEBP"


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
    if width * height > MOST_PIXELS:
        raise PhotoError(
            f"{name} has {width:,}×{height:,} pixels, more than {MOST_PIXELS:,}: make it smaller."
        )
    image.draft("RGB", (4 * SIZE, 4 * SIZE))  # a JPEG file is decoded no larger than needed
    if image.mode.startswith(("I", "F")):  # greys of 16 or 32 bits
        values = np.asarray(image, dtype=np.float32)
        # The number that means white: the smallest usual one that none of them passes.
        white = next((most for most in (1.0, 255.0) if values.max() <= most), 65_535.0)
        image = Image.fromarray((255 / white * values.clip(0, white)).astype(np.uint8))
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    # The kinds that cannot be averaged as they are: colours by number, transparency.
    square = square if square.mode in ("L", "RGB") else square.convert("RGBA")
    small = square.resize((SIZE, SIZE), Image.Resampling.BOX, reducing_gap=2.0).convert("RGBA")
    ImageOps.exif_transpose(small, in_place=True)
    paper = Image.new("RGBA", small.size, "white")
    return np.asarray(Image.alpha_composite(paper, small).convert("RGB"))
