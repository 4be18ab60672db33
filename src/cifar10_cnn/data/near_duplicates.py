"""Searches among images: for those that are nearly the same, and for those unlike the rest.

Notation: N images, uint8 (N, h, w, 3), height and width multiples of 8, else ``ValueError``. A
distance is the root of the mean squared difference of all
pixels, 0 to 255. CIFAR-10's duplicates: Barz and Denzler, 2020, https://arxiv.org/abs/1902.00423.
"""

from collections.abc import Iterable

import numpy as np
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from cifar10_cnn.common import checks

_Pairs = list[tuple[int, int, float]]


def within(images: np.ndarray, count: int = 10) -> _Pairs:
    """Find pairs of images that are nearly the same.

    Each image's nearest neighbour is sought among small copies, 8×8 pixels with brightness and
    contrast evened out (else two empty skies would be nearer than two prints of one photo) and
    reduced to 32 numbers by PCA. The nearest of them are then compared pixel by pixel.
    Used in notebook 02.

    Args:
        count: how many pairs to return at most; each image brings at most one pair of its own.

    Returns:
        (index, larger index, distance), the nearest pair first.
    """
    images = checks.images(images)
    checks.count(count, "count")
    if len(images) < 2:
        raise ValueError(f"Two images or more are needed, not an array of {images.shape}.")
    small = _small_copies(images)
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(_pca(small).transform(small))
    distances, neighbours = (column[:, 0] for column in search.kneighbors())
    nearest = np.argsort(distances, kind="stable")[: 20 * count]
    candidates = {tuple(sorted((int(i), int(neighbours[i])))) for i in nearest}
    return _by_distance(images, images, candidates)[:count]


def between(images: np.ndarray, others: np.ndarray, farthest: float = 25.0) -> _Pairs:
    """Find the images of one split that another split has, too, or nearly so, as ``within`` does.

    Used in notebook 08.

    Args:
        farthest: the largest distance that counts.

    Returns:
        (index in ``images``, index in ``others``, distance), the nearest pair first, at most one
        for each of ``images``.
    """
    images, others = checks.images(images), checks.images(others, "others")
    checks.number(farthest, "farthest", 0, 255)
    if images.shape[1:] != others.shape[1:]:
        raise ValueError(
            f"Images of {images.shape[1:]} and of {others.shape[1:]}: give equal ones."
        )
    small, small_others = _small_copies(images), _small_copies(others)
    pca = _pca(small_others)
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(pca.transform(small_others))
    neighbours = search.kneighbors(pca.transform(small), return_distance=False)[:, 0]
    pairs = _by_distance(images, others, enumerate(neighbours.tolist()))
    return [pair for pair in pairs if pair[2] <= farthest]


def extremes(images: np.ndarray) -> dict[str, int]:
    """Find the images at the ends of three scales. Used in notebook 02.

    Returns:
        Index of the ``darkest`` and the ``brightest`` image (mean of all pixels), of the one with
        the ``least contrast`` and the ``most contrast`` (standard deviation of its grey values),
        and of the ``least colourful`` and ``most colourful`` (mean distance of the highest from the
        lowest channel).
    """
    images = checks.images(images)
    red, green, blue = (images[..., channel] for channel in range(3))
    # Whole numbers, channel by channel: ten times as fast as means over the last axis.
    grey = red.astype(np.uint16) + green + blue
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    scales = {
        ("darkest", "brightest"): grey.mean(axis=(1, 2)),
        ("least contrast", "most contrast"): grey.std(axis=(1, 2), dtype=np.float32),
        ("least colourful", "most colourful"): spread.mean(axis=(1, 2)),
    }
    ends: dict[str, int] = {}
    for (least, most), values in scales.items():
        ends |= {least: int(values.argmin()), most: int(values.argmax())}
    return ends


def _small_copies(images: np.ndarray) -> np.ndarray:
    """Return copies of 8×8 pixels with brightness and contrast evened out, float32 (N, 192)."""
    number, height, width, channels = images.shape
    if height % 8 or width % 8:
        raise ValueError(f"Height and width must be multiples of 8, not those of {images.shape}.")
    blocks = images.reshape(number, 8, height // 8, 8, width // 8, channels)
    small = blocks.mean(axis=(2, 4), dtype=np.float32).reshape(number, -1)
    small -= small.mean(axis=1, keepdims=True)
    return small / np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1e-6)


def _pca(small: np.ndarray) -> PCA:
    return PCA(min(32, len(small)), svd_solver="covariance_eigh").fit(small)


def _by_distance(
    images: np.ndarray, others: np.ndarray, candidates: Iterable[tuple[int, ...]]
) -> _Pairs:
    """Return pairs with their distances, the nearest first."""
    pairs = []
    for i, j in candidates:
        difference = images[i].astype(np.float64) - others[j]
        pairs.append((i, j, float(np.sqrt(np.mean(difference**2)))))
    return sorted(pairs, key=lambda pair: (pair[2], pair[0], pair[1]))
