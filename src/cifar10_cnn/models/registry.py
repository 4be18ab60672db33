"""All networks by name: built, described, adapted to images, and told apart by a digest."""

import hashlib
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from cifar10_cnn.common import checks
from cifar10_cnn.device import keras
from cifar10_cnn.models import basic, fast, published
from cifar10_cnn.models.fast_layers import WHITENING_IMAGES, Whitening

_BUILDERS: dict[str, Callable[[int], keras.Model]] = {
    builder.__name__: builder
    for builder in (
        basic.dense_baseline,
        basic.plain_cnn,
        basic.regularized_cnn,
        fast.fast_cnn,
        fast.wide_fast_cnn,
        fast.widest_fast_cnn,
        published.intro_cnn,
        published.batchnorm_cnn,
        published.two_conv_cnn,
        published.block_cnn,
        published.strided_cnn,
        published.four_conv_cnn,
        published.maxnorm_cnn,
        published.rescaled_maxnorm_cnn,
        published.deep_maxnorm_cnn,
    )
}


def names() -> tuple[str, ...]:
    """Return the names that ``build`` takes, the course's own networks first."""
    return tuple(_BUILDERS)


def build(name: str, classes: int = 10) -> keras.Model:
    """Build the network called ``name``, uncompiled. Used in notebooks 03 to 07.

    Raises:
        CourseError: if there is no network of that name.
        ValueError: if ``classes`` is no whole number from two on.
    """
    builder = _builder(name)
    checks.count(classes, "classes", 2, 100_000)
    return builder(classes)


def describe(name: str) -> str:
    """Return one sentence on the network called ``name``. Used in notebook 06.

    Raises:
        CourseError: if there is no network of that name.
    """
    return (_builder(name).__doc__ or "").splitlines()[0]


def adapt(model: keras.Model, images: np.ndarray) -> None:
    """Let a whitening layer, if the model has one, compute its filters. Used by ``trainer.fit``.

    Args:
        model: any network.
        images: training images, uint8 (N, h, w, 3); no labels are needed.

    Raises:
        ValueError: if they are no images of at least two pixels' height and width.
    """
    images = checks.images(images)
    if min(images.shape[1:3]) < 2:
        raise ValueError(f"Images of shape {images.shape} are too small: give 2 × 2 or more.")
    values = images[:WHITENING_IMAGES]
    for layer in model.layers:
        if isinstance(layer, Whitening):
            layer.adapt(keras.ops.convert_to_numpy(values))
            return
        if isinstance(layer, keras.layers.Rescaling):
            values = layer(values)


def fingerprint(name: str) -> str:
    """Return the digest of the network called ``name``, built for ten classes.

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
    parts = [*model.layers, optimizer] if optimizer else model.layers
    settings = [_computing(keras.saving.serialize_keras_object(part)) for part in parts]
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def _computing(config: Any) -> Any:
    """Leave out what changes no result: Keras' counted names, Python's modules, ``pooled``."""
    if isinstance(config, dict):
        keys = config.keys() - {"name", "module", "pooled"}
        return {key: _computing(config[key]) for key in keys}
    if isinstance(config, (list, tuple)):
        return [_computing(value) for value in config]
    return config


def _builder(name: str) -> Callable[[int], keras.Model]:
    return _BUILDERS[checks.chosen(name, _BUILDERS, "model")]
