"""Eight ways to make images worse, each in five strengths: what cameras, weather and files do.

After CIFAR-10-C (Hendrycks and Dietterich, 2019, https://arxiv.org/abs/1903.12261), whose strengths
(https://github.com/hendrycks/robustness) are taken where it has the same corruption: noise, blur,
brightness, contrast, JPEG, pixelate.
Images are uint8, (N, h, w, 3), else ``ValueError``. Used in notebook 08.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image
from scipy import ndimage

from cifar10_cnn.common import checks
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data.batches import GREY

#: The strengths that each corruption knows.
STRENGTHS = (1, 2, 3, 4, 5)


def corrupt(images: np.ndarray, name: str, strength: int, seed: int = 0) -> np.ndarray:
    """Return worse copies of images.

    Args:
        name: one of ``names()``.
        strength: 1 (hardly to be seen) to 5.
        seed: of noise, and of where a square lies.

    Returns:
        uint8, (N, h, w, 3).
    """
    images = checks.images(images)
    if name not in names():
        raise CourseError(f"There is no corruption {name!r}: choose one of {', '.join(names())}.")
    function, settings = _CORRUPTIONS[name]
    setting = settings[checks.count(strength, "strength", 1, len(STRENGTHS)) - 1]
    rng = np.random.default_rng(checks.count(seed, "seed", 0))
    # A thousand at a time: as floats all would take gigabytes.
    parts = [
        function(images[start : start + 1_000], setting, rng)
        for start in range(0, len(images), 1_000)
    ]
    return np.concatenate(parts)


def shuffled_tiles(images: np.ndarray, seed: int = 0) -> np.ndarray:
    """Cut each image into 4 × 4 tiles and mix them: what it showed is gone, its colours stay.

    All images are mixed alike. Used in notebooks 07 and 09.

    Args:
        seed: of the tiles' new places.

    Returns:
        uint8, (N, h, w, 3).
    """
    images = checks.images(images)
    number, height, width, channels = images.shape
    if height % 4 or width % 4:
        raise ValueError(f"Height and width must be multiples of 4, not those of {images.shape}.")
    grid = images.reshape(number, 4, height // 4, 4, width // 4, channels).swapaxes(2, 3)
    tiles = grid.reshape(number, 16, *grid.shape[3:])
    places = np.random.default_rng(checks.count(seed, "seed", 0)).permutation(16)
    return tiles[:, places].reshape(grid.shape).swapaxes(2, 3).reshape(images.shape)


def names() -> tuple[str, ...]:
    """Return the names of all corruptions."""
    return tuple(_CORRUPTIONS)


def _whole(values: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(values, 0, 255)).astype("uint8")


def _noise(images: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """Add to each number one drawn from a bell curve of that standard deviation, in 0 to 1."""
    return _whole(images + 255 * deviation * rng.standard_normal(images.shape, dtype="float32"))


def _blur(images: np.ndarray, pixels: float, rng: np.random.Generator) -> np.ndarray:
    return _whole(
        ndimage.gaussian_filter(images.astype("float32"), (0, pixels, pixels, 0), mode="nearest")
    )


def _brightness(images: np.ndarray, more: float, rng: np.random.Generator) -> np.ndarray:
    """Add the same to all three channels; CIFAR-10-C adds it to the value of HSV."""
    return _whole(images + 255 * more)


def _contrast(images: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Bring all pixels nearer to their image's mean."""
    mean = images.mean(axis=(1, 2), keepdims=True)
    return _whole(mean + fraction * (images - mean))


def _jpeg(images: np.ndarray, quality: float, rng: np.random.Generator) -> np.ndarray:
    def compressed(image: np.ndarray) -> np.ndarray:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=int(quality))
        return np.asarray(Image.open(file))

    return np.stack([compressed(image) for image in images.astype("uint8")])


def _pixelate(images: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Shrink to that fraction of height and width, and enlarge again."""
    height, width = images.shape[1:3]
    small = (max(1, round(width * fraction)), max(1, round(height * fraction)))

    def coarse(image: np.ndarray) -> np.ndarray:
        less = Image.fromarray(image).resize(small, Image.Resampling.BOX)
        return np.asarray(less.resize((width, height), Image.Resampling.NEAREST))

    return np.stack([coarse(image) for image in images.astype("uint8")])


def _rotation(images: np.ndarray, degrees: float, rng: np.random.Generator) -> np.ndarray:
    """Turn half of the images to the left and half to the right."""
    turned = images.astype("float32")
    for start, sign in ((0, 1), (1, -1)):
        turned[start::2] = ndimage.rotate(
            turned[start::2], sign * degrees, axes=(1, 2), reshape=False, order=1, mode="nearest"
        )
    return _whole(turned)


def _occlusion(images: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Grey out a square of that fraction of the height, anywhere in the image."""
    number, height, width, _ = images.shape
    side = round(fraction * min(height, width))
    worse = images.astype("uint8")
    tops = rng.integers(0, height - side, number, endpoint=True)
    lefts = rng.integers(0, width - side, number, endpoint=True)
    for image, top, left in zip(worse, tops, lefts, strict=True):
        image[top : top + side, left : left + side] = GREY
    return worse


_Corruption = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
_CORRUPTIONS: dict[str, tuple[_Corruption, tuple[float, ...]]] = {
    "noise": (_noise, (0.04, 0.06, 0.08, 0.09, 0.10)),
    "blur": (_blur, (0.4, 0.6, 0.7, 0.8, 1.0)),
    "brightness": (_brightness, (0.05, 0.1, 0.15, 0.2, 0.3)),
    "contrast": (_contrast, (0.75, 0.5, 0.4, 0.3, 0.15)),
    "JPEG": (_jpeg, (80, 65, 58, 50, 40)),
    "pixelate": (_pixelate, (0.95, 0.9, 0.85, 0.75, 0.65)),
    "rotation": (_rotation, (5, 10, 15, 20, 30)),
    "occlusion": (_occlusion, (0.125, 0.25, 0.375, 0.5, 0.625)),
}
