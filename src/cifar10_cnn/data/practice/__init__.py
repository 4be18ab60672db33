"""The practice set: ten classes with CIFAR-10's names, drawn by the package itself.

For when no real image is to be had: the whole course and all tests run on it without a download.
Like the real classes, cats and dogs are alike here, automobiles and trucks, deer and horses,
airplanes and birds. Nothing measured on it says anything about CIFAR-10.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFilter

from cifar10_cnn.common import checks
from cifar10_cnn.data.practice.animals import bird, cat, deer, dog, frog, horse
from cifar10_cnn.data.practice.backdrops import cover
from cifar10_cnn.data.practice.canvas import CANVAS, SIDE, Canvas
from cifar10_cnn.data.practice.vehicles import airplane, automobile, ship, truck
from cifar10_cnn.data.readers import Arrays

#: Of the drawings: a set that was drawn before they changed is drawn again.
EDITION = 2
# In the order of CIFAR-10's labels: 0 is an airplane, 9 is a truck.
_DRAWERS = (airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck)


def draw(label: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw one image of a class: pixels 0-255 of shape (32, 32, 3).

    ``label`` is the class, 0 (airplane) to 9 (truck); the same state of ``rng`` gives the same
    image.

    Raises:
        ValueError: if there is no such class.
    """
    checks.count(label, "label", 0, len(_DRAWERS) - 1)
    canvas = Canvas(rng)
    _DRAWERS[label](canvas)
    if canvas.chance(0.35):
        cover(canvas)
    return _photograph(canvas)


def make(train: int = 10_000, test: int = 2_000, seed: int = 0) -> Arrays:
    """Draw the whole practice set.

    The same ``seed`` gives the same images in the same order. Another version of Pillow or NumPy
    may round an outline differently: then about one value in a thousand differs.

    Returns:
        Training and test images (uint8, (N, 32, 32, 3)) and labels (int64, (N,)), shuffled, with
        as many of one class as of any other, give or take one.
    """
    arrays: list[NDArray] = []
    for count, stream in zip((train, test), np.random.SeedSequence(seed).spawn(2), strict=True):
        rng = np.random.default_rng(stream)
        labels = rng.permutation(np.arange(count) % len(_DRAWERS)).astype(np.int64)
        arrays += [np.array([draw(label, rng) for label in labels.tolist()]), labels]
    return Arrays(*arrays)


def _photograph(c: Canvas) -> NDArray[np.uint8]:
    """Turn a drawing into something like a small, not very good photograph."""
    small = c.image.reduce(CANVAS // SIDE)
    if c.chance(0.5):
        small = small.filter(ImageFilter.GaussianBlur(c.between(0.3, 1.2)))
    pixels = np.asarray(small, np.float32)

    # Light: contrast, brightness, a cast of colour, and one side brighter than the other.
    mean = float(pixels.mean(dtype=np.float64))
    pixels = (pixels - mean) * c.between(0.5, 1.15) + mean * c.between(0.72, 1.15)
    pixels = pixels * c.rng.uniform(0.9, 1.1, 3).astype(np.float32)
    slope = np.linspace(-1, 1, SIDE, dtype=np.float32) * c.between(-0.25, 0.25)
    pixels = pixels * (1 + (slope[:, None, None] if c.chance(0.5) else slope[None, :, None]))

    # Noise: grain in every pixel, and the coarser blotches that strong JPEG compression leaves.
    grain = c.rng.standard_normal((SIDE, SIDE, 1), np.float32) * c.between(1, 14)
    blotches = c.rng.standard_normal((SIDE // 4, SIDE // 4, 3), np.float32) * c.between(1, 14)
    pixels = pixels + grain + blotches.repeat(4, axis=0).repeat(4, axis=1)
    return np.clip(pixels, 0, 255).astype(np.uint8)
