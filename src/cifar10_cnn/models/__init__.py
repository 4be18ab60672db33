"""The networks, each a function that returns an uncompiled Keras model.

Every model takes raw pixels, 0 to 255, shape (N, 32, 32, 3): its scaling, where it has one, is a
layer of it, so a saved file is complete. Every model returns k probabilities for each picture.
"""

import hashlib
import json
import math
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from cifar10_cnn.common import checks, files
from cifar10_cnn.device import keras
from cifar10_cnn.models.basic import (
    IMAGE_SHAPE,
    add_conv_block,
    augmentation,
    dense_baseline,
    plain_cnn,
    regularized_cnn,
)
from cifar10_cnn.models.fast import (
    WHITENING_IMAGES,
    Whitening,
    fast_cnn,
    plain,
    wide_fast_cnn,
    widest_fast_cnn,
)
from cifar10_cnn.models.published import (
    batchnorm_cnn,
    block_cnn,
    deep_maxnorm_cnn,
    four_conv_cnn,
    intro_cnn,
    maxnorm_cnn,
    rescaled_maxnorm_cnn,
    strided_cnn,
    two_conv_cnn,
)
from cifar10_cnn.models.saving import load

__all__ = [
    "IMAGE_SHAPE",
    "adapt",
    "add_conv_block",
    "augmentation",
    "batchnorm_cnn",
    "block_cnn",
    "build",
    "deep_maxnorm_cnn",
    "dense_baseline",
    "describe",
    "digest",
    "fast_cnn",
    "fingerprint",
    "four_conv_cnn",
    "intro_cnn",
    "load",
    "maxnorm_cnn",
    "multiplications",
    "names",
    "plain",
    "plain_cnn",
    "regularized_cnn",
    "rescaled_maxnorm_cnn",
    "save",
    "strided_cnn",
    "two_conv_cnn",
    "wide_fast_cnn",
    "widest_fast_cnn",
]

_BUILDERS: dict[str, Callable[[int], keras.Model]] = {
    builder.__name__: builder
    for builder in (
        dense_baseline,
        plain_cnn,
        regularized_cnn,
        fast_cnn,
        wide_fast_cnn,
        widest_fast_cnn,
        intro_cnn,
        batchnorm_cnn,
        two_conv_cnn,
        block_cnn,
        strided_cnn,
        four_conv_cnn,
        maxnorm_cnn,
        rescaled_maxnorm_cnn,
        deep_maxnorm_cnn,
    )
}


def names() -> tuple[str, ...]:
    """Return the names that ``build`` takes, the course's own networks first."""
    return tuple(_BUILDERS)


def build(name: str, classes: int = 10) -> keras.Model:
    """Build the network called ``name`` for ``classes`` classes, uncompiled.

    Raises:
        CourseError: if there is no network of that name.
        ValueError: if ``classes`` is no whole number from two on.
    """
    builder = _builder(name)
    checks.count(classes, "classes", 2, 100_000)
    return builder(classes)


def adapt(model: keras.Model, pictures: np.ndarray) -> None:
    """Let a layer that learns from pictures without labels see some; do nothing if there is none.

    Used in notebook 04.

    Args:
        model: any network.
        pictures: training pictures, uint8 (N, h, w, 3).

    Raises:
        ValueError: if they are no pictures of two pixels' height and width at least.
    """
    pictures = checks.images(pictures)
    if min(pictures.shape[1:3]) < 2:
        raise ValueError(f"Pictures of shape {pictures.shape} are too small: give 2 × 2 or more.")
    kinds = [type(layer) for layer in model.layers]
    if Whitening not in kinds:
        return
    position = kinds.index(Whitening)
    values = pictures[:WHITENING_IMAGES]
    for layer in model.layers[:position]:
        if not isinstance(layer, keras.layers.InputLayer):
            values = layer(values)
    model.layers[position].adapt(keras.ops.convert_to_numpy(values))


def save(model: keras.Model, file: Path) -> None:
    """Write a model's file whole or not at all.

    Raises:
        CourseError: if it cannot be written, for example because the disk is full.
    """
    with files.writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            part = Path(folder) / file.name
            model.save(part)
            files.write(file, part.read_bytes())


def describe(name: str) -> str:
    """Return one sentence on the network called ``name``: what it is, and whose.

    Used in notebook 06.

    Raises:
        CourseError: if there is no network of that name.
    """
    return (_builder(name).__doc__ or "").splitlines()[0]


def multiplications(model: keras.Model, shape: tuple[int, int, int] | None = None) -> int:
    """Count the multiplications that convolutions and dense layers take for one picture.

    Args:
        model: any network.
        shape: height, width and channels of the picture, for networks that take any size.
    """
    if shape:
        model = keras.models.clone_model(model, input_tensors=keras.Input(shape))
    kernels = (keras.layers.Conv2D, keras.layers.Dense)
    return sum(
        # Each weight is used once for each place of the output.
        math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1])
        for layer in model.layers
        if isinstance(layer, kernels)
    )


def fingerprint(name: str) -> str:
    """Return the digest of the network called ``name``.

    A cached training is one of this network only as long as they stay the same.

    Raises:
        CourseError: if there is no network of that name.
    """
    return _digest_of(_builder(name))


@cache
def _digest_of(builder: Callable[[int], keras.Model]) -> str:
    return digest(builder(10))


def digest(model: keras.Model) -> str:
    """Return 12 hexadecimal digits that change with what a model or its optimizer computes.

    Two models with the same digest may have other weights.
    """
    optimizer = getattr(model, "optimizer", None)  # a model has none before it is compiled
    parts = [*model.layers, *([optimizer] if optimizer else [])]
    settings = [_telling(keras.saving.serialize_keras_object(part)) for part in parts]
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def _telling(config: Any) -> Any:
    """Return those of a layer's settings that say what it computes.

    Names do not: Keras counts them up, from network to network. Nor does a convolution's
    ``pooled``: it leaves out what nobody reads.
    """
    if isinstance(config, dict):
        silent = ("name", "pooled")
        return {key: _telling(value) for key, value in config.items() if key not in silent}
    if isinstance(config, (list, tuple)):
        return [_telling(value) for value in config]
    return config


def _builder(name: str) -> Callable[[int], keras.Model]:
    return _BUILDERS[checks.chosen(name, _BUILDERS, "model")]
