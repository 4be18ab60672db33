"""Searches among pictures: for those that are nearly the same, and for those unlike the rest.

Notation: N pictures, h × w pixels.
"""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from cifar10_cnn.common import checks


def within(images: np.ndarray, count: int = 10) -> list[tuple[int, int, float]]:
    """Find pairs of pictures that are nearly the same.

    Each picture's nearest neighbour is sought among small copies, 8×8 pixels with brightness and
    contrast evened out (else two empty skies would be nearer than two prints of one photo) and
    reduced to 32 numbers by PCA. The nearest of them are then compared pixel by pixel.
    CIFAR-10's duplicates: Barz and Denzler, 2020, https://arxiv.org/abs/1902.00423.
    Used in notebook 02.

    Args:
        images: uint8 (N, h, w, 3), height and width multiples of 8. 5,000 pictures take less than
            a second, 45,000 about a quarter of a minute on two cores: the time grows with N².
        count: how many pairs to return at most; each picture brings at most one pair of its own.

    Returns:
        (index, larger index, distance), the nearest pair first; the distance is the root of the
        mean squared difference of the pixels, 0 to 255.

    Raises:
        ValueError: if there are fewer than two pictures, or their size is no multiple of 8.
    """
    images = checks.images(images)
    checks.count(count, "count")
    if len(images) < 2:
        raise ValueError(f"Two pictures or more are needed, not an array of {images.shape}.")
    small = _small_copies(images)
    features = PCA(min(32, len(small)), svd_solver="covariance_eigh").fit_transform(small)
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(features)
    distances, neighbours = (found[:, 0] for found in search.kneighbors())
    nearest = np.argsort(distances, kind="stable")[: 20 * count]
    candidates = {tuple(sorted((int(i), int(neighbours[i])))) for i in nearest}
    pairs = [(i, j, _pixel_distance(images[i], images[j])) for i, j in candidates]
    return sorted(pairs, key=lambda pair: (pair[2], pair[0], pair[1]))[:count]


def between(
    images: np.ndarray, others: np.ndarray, farthest: float = 25.0
) -> list[tuple[int, int, float]]:
    """Find the pictures of one split that another split has, too, or nearly so.

    Sought as in ``within``.

    Used in notebook 08.

    Args:
        images: uint8 (N, h, w, 3), height and width multiples of 8, such as the test pictures.
        others: uint8 (M, h, w, 3), such as the training pictures. 10,000 and 45,000 take a few
            seconds.
        farthest: the largest distance that counts.

    Returns:
        (index in ``images``, index in ``others``, distance), the nearest pair first, at most one
        for each of ``images``; the distance is the root of the mean squared difference of the
        pixels, 0 to 255.

    Raises:
        ValueError: if the pictures differ in size, or it is no multiple of 8.
    """
    images, others = checks.images(images), checks.images(others, "others")
    checks.number(farthest, "farthest", 0, 255)
    if images.shape[1:] != others.shape[1:]:
        raise ValueError(
            f"Pictures of {images.shape[1:]} and of {others.shape[1:]}: give equal ones."
        )
    small, small_others = _small_copies(images), _small_copies(others)
    reduce = PCA(min(32, len(others)), svd_solver="covariance_eigh").fit(small_others)
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(reduce.transform(small_others))
    neighbours = search.kneighbors(reduce.transform(small), return_distance=False)[:, 0]
    pairs = [(i, int(j), _pixel_distance(images[i], others[j])) for i, j in enumerate(neighbours)]
    near = [pair for pair in pairs if pair[2] <= farthest]
    return sorted(near, key=lambda pair: (pair[2], pair[0]))


def extremes(images: np.ndarray) -> dict[str, int]:
    """Find the pictures at the ends of four scales.

    Used in notebook 02.

    Args:
        images: uint8 (N, h, w, 3).

    Returns:
        Index of the ``darkest`` and the ``brightest`` picture (mean of all pixels), of the one with
        the ``least contrast`` and the ``most contrast`` (standard deviation of its grey values),
        and of the ``least colourful`` and ``most colourful`` (mean distance of the highest from the
        lowest channel).

    Raises:
        ValueError: if it is not an array of one colour picture or more.
    """
    images = checks.images(images)
    red, green, blue = (images[..., channel] for channel in range(3))
    # Whole numbers, channel by channel: ten times as fast as means over the last axis.
    grey = red.astype(np.uint16) + green + blue
    brightness = grey.mean(axis=(1, 2))
    contrast = grey.std(axis=(1, 2), dtype=np.float32)
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    colour = spread.mean(axis=(1, 2))
    return {
        "darkest": int(brightness.argmin()),
        "brightest": int(brightness.argmax()),
        "least contrast": int(contrast.argmin()),
        "most contrast": int(contrast.argmax()),
        "least colourful": int(colour.argmin()),
        "most colourful": int(colour.argmax()),
    }


def _small_copies(images: np.ndarray) -> np.ndarray:
    """Return copies of 8×8 pixels with brightness and contrast evened out, float32 (N, 192)."""
    number, height, width, channels = images.shape
    if height % 8 or width % 8:
        raise ValueError(f"Height and width must be multiples of 8, not those of {images.shape}.")
    blocks = images.reshape(number, 8, height // 8, 8, width // 8, channels)
    small = blocks.mean(axis=(2, 4), dtype=np.float32).reshape(number, -1)
    small -= small.mean(axis=1, keepdims=True)
    return small / np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1e-6)


def _pixel_distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.sqrt(np.mean((first.astype(np.float64) - second) ** 2)))
