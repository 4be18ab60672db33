"""Training pictures in batches: reshuffled, mirrored and shifted anew in each epoch.

Numpy does it beside the training step, on whole pixels and uint8; a batch takes milliseconds.
"""

import math
from collections.abc import Callable

import numpy as np

from cifar10_cnn.device import keras
from cifar10_cnn.errors import CourseError

#: What a hole is filled with: about the mean of all pixels.
GREY = 120


class Batches(keras.utils.PyDataset):
    """Batches for ``model.fit``: each epoch shows every picture once, or the hardest, at one size.

    Every second epoch shows a picture mirrored, so that no two epochs in a row show it alike
    (alternating flip: Jordan, 2024, https://arxiv.org/abs/2404.00498). Each time it is shifted by
    up to 2 pixels in height and width; what comes in at an edge is the picture reflected there.
    A square of it may be greyed out, so that the network cannot rely on one part alone (cutout:
    DeVries and Taylor, 2017, https://arxiv.org/abs/1708.04552).
    An epoch depends on seed and epoch alone: a training that was killed goes on with the same.

    Args:
        images: uint8 (N, h, w, 3).
        labels: (N, k), zeros and a one in each row.
        size: height and width of the batches' pictures, pixels, at most those of ``images``.
        batch_size: pictures a batch; the last batch of an epoch has what is left.
        erased: height and width of the grey square, as a share of the picture's; 0 for none.
        kept: share of the pictures that an epoch shows, the hardest ones.
        losses: tells each picture's last loss, (N,), to find the hardest by; with it a batch is
            ``((pictures, numbers), labels)``, where a number is a picture's place in ``images``.
        seed: of all random choices.
        epoch: number of the first epoch that is drawn, counted from 0.

    Raises:
        CourseError: if ``size`` is larger than the pictures are; if not all are ``kept`` and there
            are no ``losses``.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        *,
        size: int,
        batch_size: int,
        seed: int,
        erased: float = 0.0,
        kept: float = 1.0,
        losses: Callable[[], np.ndarray] | None = None,
        epoch: int = 0,
    ) -> None:
        super().__init__()
        if kept < 1 and losses is None:
            raise CourseError(f"To show the hardest {kept:.0%} of the pictures, give `losses`.")
        self._labels = labels
        self._shown, self._losses = round(kept * len(labels)), losses
        self._batch_size, self._seed = batch_size, seed
        #: Height and width of the pictures, pixels.
        self.size = size
        self._shift = max(1, size * 2 // 32)
        self._hole = round(erased * size)
        edge = (self._shift, self._shift)
        padded = np.pad(shrink(images, size), ((0, 0), edge, edge, (0, 0)), "reflect")
        # (N, 2 · shift + 1, 2 · shift + 1, size, size, 3): a view, it takes no memory.
        windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))
        self._windows = windows.transpose(0, 1, 2, 4, 5, 3)
        self._starts_mirrored = self._rng().random(len(images)) < 0.5
        self._next_epoch = epoch
        self._draw(epoch)  # Keras looks at two batches before the first epoch begins

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return math.ceil(self._shown / self._batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray | tuple[np.ndarray, ...], np.ndarray]:
        """Return the pictures of one batch, uint8 (B, size, size, 3), and their labels, (B, k)."""
        part = slice(index * self._batch_size, (index + 1) * self._batch_size)
        chosen = self._order[part]
        pictures = self._windows[chosen, *self._offsets[:, part]]
        mirrored = self._mirrored[chosen]
        pictures[mirrored] = pictures[mirrored, :, ::-1]
        if self._hole:
            for picture, (y, x) in zip(pictures, self._holes[part], strict=True):
                picture[max(0, y) : y + self._hole, max(0, x) : x + self._hole] = GREY
        labels = self._labels[chosen]
        return ((pictures, chosen), labels) if self._losses else (pictures, labels)

    def go_to(self, epoch: int) -> None:
        """Let the next epoch that begins be this one, counted from 0: for one who goes on."""
        self._next_epoch = epoch

    def on_epoch_begin(self) -> None:
        """Draw the epoch that begins."""
        self._draw(self._next_epoch)
        self._next_epoch += 1

    def _draw(self, epoch: int) -> None:
        rng = self._rng(epoch)
        self._order = rng.permutation(len(self._labels))
        if self._losses:
            hardest_first = np.argsort(-self._losses()[self._order], kind="stable")
            self._order = self._order[np.sort(hardest_first[: self._shown])]
        self._offsets = rng.integers(0, 2 * self._shift, (2, len(self._order)), endpoint=True)
        # A hole's middle may lie anywhere in the picture, so at an edge a part of it is outside.
        middles = rng.integers(0, self._windows.shape[3], (len(self._order), 2))
        self._holes = middles - self._hole // 2
        self._mirrored = self._starts_mirrored ^ (epoch % 2 == 1)

    def _rng(self, epoch: int | None = None) -> np.random.Generator:
        """Return the random numbers of one epoch, or those that all epochs share."""
        return np.random.default_rng([self._seed] if epoch is None else [self._seed, epoch + 1])


def shrink(images: np.ndarray, size: int) -> np.ndarray:
    """Return smaller copies of pictures: each pixel is the mean of the area that it covers.

    Args:
        images: uint8 (N, h, h, 3), square.
        size: their new height and width, pixels.

    Raises:
        CourseError: if that is larger than the pictures are.
    """
    old = images.shape[1]
    if size > old:
        raise CourseError(f"Pictures of {old} pixels cannot be shrunk to {size}.")
    if size == old:
        return images
    shares = _shares(old, size)
    small = np.empty((len(images), size, size, 3), dtype="uint8")
    for start in range(0, len(images), 1_000):  # more at a time would not fit into the cache
        part = images[start : start + 1_000].astype("float32")
        rows = shares @ part.reshape(-1, old, old * 3)
        pixels = shares @ rows.reshape(-1, old, 3)
        small[start : start + 1_000] = np.rint(pixels).reshape(-1, size, size, 3)
    return small


def _shares(old: int, new: int) -> np.ndarray:
    """Return how much each of ``old`` pixels in a row gives to each of ``new``, (new, old)."""
    pixel, edges = np.arange(old), np.linspace(0, old, new + 1)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return (overlap.clip(0) * new / old).astype("float32")
