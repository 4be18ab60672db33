"""Images corrupted as notebook 08 says, in strengths 0 to 4, by other means than the course's.

Each function takes uint8, (N, 32, 32, 3), and returns numbers from 0 to 255 of the same shape.
"""

import io
import math

import numpy as np
from PIL import Image
from scipy import ndimage

#: What hides a part of an image.
GREY = 120


def _noise(images: np.ndarray, strength: int) -> np.ndarray:
    deviation = 2.55 * (4, 6, 8, 9, 10)[strength]
    drawn = np.random.default_rng(0).standard_normal(images.shape, dtype="float32")
    return np.clip(np.rint(images + deviation * drawn), 0, 255)


def _blur(images: np.ndarray, strength: int) -> np.ndarray:
    width = (0.4, 0.6, 0.7, 0.8, 1.0)[strength]
    reach = int(4 * width + 0.5)
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    corrupted = images.astype(float)
    for axis in (1, 2):
        corrupted = ndimage.correlate1d(corrupted, bell / bell.sum(), axis, mode="nearest")
    return np.rint(corrupted)


def _brightness(images: np.ndarray, strength: int) -> np.ndarray:
    more = 255 * (0.05, 0.1, 0.15, 0.2, 0.3)[strength]
    return np.array([min(255, round(value + more)) for value in range(256)])[images]


def _contrast(images: np.ndarray, strength: int) -> np.ndarray:
    rest = (0.75, 0.5, 0.4, 0.3, 0.15)[strength]
    channels = np.moveaxis(images.astype(float), -1, 1).reshape(-1, 32 * 32)
    corrupted = [rest * values + (1 - rest) * values.mean() for values in channels]
    return np.moveaxis(np.rint(corrupted).reshape(-1, 3, 32, 32), 1, -1)


def _jpeg(images: np.ndarray, strength: int) -> np.ndarray:
    corrupted = []
    for image in images:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=(80, 65, 58, 50, 40)[strength])
        corrupted.append(np.asarray(Image.open(file)))
    return np.stack(corrupted)


def _pixelate(images: np.ndarray, strength: int) -> np.ndarray:
    small = 2 * ((30, 29, 27, 24, 21)[strength],)
    corrupted = [Image.fromarray(image).resize(small, Image.Resampling.BOX) for image in images]
    return np.stack(
        [np.asarray(each.resize((32, 32), Image.Resampling.NEAREST)) for each in corrupted]
    )


def _rotation(images: np.ndarray, strength: int) -> np.ndarray:
    """Turn the first image to the left, the second to the right, and so on."""
    angle, middle = math.radians((5, 10, 15, 20, 30)[strength]), np.array([15.5, 15.5, 0])
    corrupted = []
    for number, image in enumerate(images.astype(float)):
        sine, cosine = math.sin(angle) * (-1) ** number, math.cos(angle)
        turn = np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])
        shift = middle - turn @ middle
        corrupted.append(ndimage.affine_transform(image, turn, shift, order=1, mode="nearest"))
    return np.rint(corrupted)


def _occlusion(images: np.ndarray, strength: int) -> np.ndarray:
    """Hide a square somewhere: first all heights are drawn, then all places in the width."""
    side, rng = (4, 8, 12, 16, 20)[strength], np.random.default_rng(0)
    tops, lefts = (rng.integers(0, 33 - side, len(images)) for _ in range(2))
    corrupted = images.copy()
    for image, top, left in zip(corrupted, tops, lefts, strict=True):
        image[top : top + side, left : left + side] = GREY
    return corrupted


CORRUPTIONS = {
    "noise": _noise,
    "blur": _blur,
    "brightness": _brightness,
    "contrast": _contrast,
    "JPEG": _jpeg,
    "pixelate": _pixelate,
    "rotation": _rotation,
    "occlusion": _occlusion,
}
