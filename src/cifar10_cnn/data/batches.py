"""Training images in batches: reshuffled, and mirrored and shifted, anew in each epoch.

Numpy does it beside the training step, on whole pixels and uint8 (N, h, w, 3); a batch takes
milliseconds. What is no such image raises ``ValueError``, a size that is too large ``CourseError``.
"""

import hashlib
import math
from typing import Any

import numpy as np

from cifar10_cnn.common import checks
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.device import keras

#: What a hole is filled with: about the mean of all pixels.
GREY = 120


class Shuffled(keras.utils.PyDataset):
    """Batches for ``model.fit``, in an order that seed and epoch alone decide.

    Keras shuffles, too, but its orders depend on how long the program runs already: a training that
    was killed would go on with other ones. This one may begin anywhere. Used in notebook 04.

    Args:
        batch_size: images a batch; the last batch of an epoch has what is left.
        seed: of all random choices.
        epoch: number of the first epoch that is drawn, counted from 0.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        *,
        batch_size: int,
        seed: int,
        epoch: int = 0,
    ) -> None:
        super().__init__()
        self._images, self._labels = checks.images(images), np.asarray(labels)
        checks.same_length(images=self._images, labels=self._labels)
        self._batch_size = checks.count(batch_size, "batch_size")
        self._seed = checks.count(seed, "seed", 0)
        self.begin(epoch)  # Keras looks at two batches before the first epoch begins

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return math.ceil(len(self._labels) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[Any, np.ndarray]:
        """Return the images of one batch, uint8 (B, h, w, 3), and their labels."""
        self._requests += 1
        return self._batch(slice(index * self._batch_size, (index + 1) * self._batch_size))

    def settings(self) -> dict[str, Any]:
        """Return what the batches depend on, as JSON can hold it."""
        content = hashlib.sha256(self._images.tobytes() + self._labels.tobytes())
        return {
            "content": content.hexdigest(),
            "batch_size": self._batch_size,
            "seed": self._seed,
        }

    def begin(self, epoch: int) -> None:
        """Let the next epoch be this one, counted from 0: for a training that goes on."""
        self._epoch, self._begun, self._requests = epoch, False, 0
        self._draw(epoch)

    def on_epoch_begin(self) -> None:
        """Draw the epoch that begins; one that was not shown whole begins again.

        Under JAX Keras begins an epoch, looks at a batch or two and ends it, before the first one.
        """
        if self._begun and self._requests >= len(self):
            self._epoch += 1
        self._begun, self._requests = True, 0
        self._draw(self._epoch)

    def _draw(self, epoch: int) -> None:
        rng = self._rng(epoch + 1)
        #: The images' numbers, (N,), as the epoch shows them.
        self.order = rng.permutation(len(self._labels))
        self._draw_moves(rng, epoch)

    def _draw_moves(self, rng: np.random.Generator, epoch: int) -> None:
        """Draw what is done to each image: here, nothing."""

    def _batch(self, part: slice) -> tuple[Any, np.ndarray]:
        numbers = self.order[part]
        return self._images[numbers], self._labels[numbers]

    def _rng(self, *purpose: int) -> np.random.Generator:
        """Return the random numbers of one epoch, counted from 1, or those that all share."""
        return np.random.default_rng([self._seed, *purpose])


class Batches(Shuffled):
    """Batches of moved images: each epoch shows every image once, at one size.

    Every second epoch shows an image mirrored, so that no two epochs in a row show it alike
    (alternating flip: Jordan, 2024, https://arxiv.org/abs/2404.00498). Each time it may be shifted
    in height and width; what comes in at an edge is the image reflected there. A square of it may
    be greyed out, so that the network cannot rely on one part alone (cutout: DeVries and Taylor,
    2017, https://arxiv.org/abs/1708.04552). Used by the fast recipes.

    Args:
        size: height and width of the batches' images, pixels, at most those of ``images``.
        shift: pixels by which an image of 32 is shifted at most, a smaller one less; 0 for none.
        erased: height and width of the grey square, as a fraction of the image's; 0 for none.
        batch_size, seed, epoch: as of ``Shuffled``.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        *,
        size: int,
        batch_size: int,
        seed: int,
        shift: int = 2,
        erased: float = 0.0,
        epoch: int = 0,
    ) -> None:
        checks.count(shift, "shift", 0, 32)
        checks.number(erased, "erased", 0, 1)
        small = shrink(images, size)
        #: Height and width of the images, pixels.
        self.size = size
        self._shift = min(shift, max(1, size * shift // 32))
        self._hole = round(erased * size)
        edge = (self._shift, self._shift)
        padded = np.pad(small, ((0, 0), edge, edge, (0, 0)), "reflect")
        # (N, 2 · shift + 1, 2 · shift + 1, size, size, 3): a view, it takes no memory.
        windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))
        self._windows = windows.transpose(0, 1, 2, 4, 5, 3)
        super().__init__(images, labels, batch_size=batch_size, seed=seed, epoch=epoch)

    def _draw_moves(self, rng: np.random.Generator, epoch: int) -> None:
        self._offsets = rng.integers(0, 2 * self._shift, (2, len(self.order)), endpoint=True)
        # A hole's middle may lie anywhere in the image, so at an edge a part of it is outside.
        middles = rng.integers(0, self._windows.shape[3], (len(self.order), 2))
        self._holes = middles - self._hole // 2
        self._mirrored = (self._rng().random(len(self._labels)) < 0.5) ^ (epoch % 2 == 1)

    def _batch(self, part: slice) -> tuple[Any, np.ndarray]:
        numbers = self.order[part]
        images = self._windows[numbers, *self._offsets[:, part]]
        mirrored = self._mirrored[numbers]
        images[mirrored] = images[mirrored, :, ::-1]
        if self._hole:
            for image, (y, x) in zip(images, self._holes[part], strict=True):
                image[max(0, y) : y + self._hole, max(0, x) : x + self._hole] = GREY
        return images, self._labels[numbers]


def shrink(images: np.ndarray, size: int) -> np.ndarray:
    """Return smaller copies of images: each pixel is the mean of the area that it covers.

    Used in notebook 04.

    Args:
        size: their new height and width, pixels.
    """
    images = checks.images(images)
    old = images.shape[1]
    if images.shape[2] != old:
        raise ValueError(f"Only square images are shrunk, not those of shape {images.shape}.")
    if checks.count(size, "size") > old:
        raise CourseError(f"Images of {old} pixels cannot be shrunk to {size}.")
    if size == old:
        return images
    # How much each old pixel in a row gives to each new one, (size, old).
    pixel, edges = np.arange(old), np.linspace(0, old, size + 1)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    weights = (overlap.clip(0) * size / old).astype("float32")
    small = np.empty((len(images), size, size, 3), dtype="uint8")
    for start in range(0, len(images), 1_000):  # more at a time would not fit into the cache
        part = images[start : start + 1_000].astype("float32")
        rows = weights @ part.reshape(-1, old, old * 3)
        pixels = weights @ rows.reshape(-1, old, 3)
        small[start : start + 1_000] = np.rint(pixels).reshape(-1, size, size, 3)
    return small
