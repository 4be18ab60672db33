"""The fast networks: whitened patches, identity filters at the start, layers made for speed.

After airbench94 (Jordan, 2024, https://arxiv.org/abs/2404.00498), with ReLU or a polynomial in
place of GELU and with unit-norm kernels, which Muon (``optimizers.UnitMuon``) turns but never
stretches.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from cifar10_cnn import device
from cifar10_cnn.device import keras
from cifar10_cnn.models.fast_layers import (
    Convolution,
    DiracInitializer,
    FusedBatchNormalization,
    PolynomialGELU,
    Whitening,
)

layers = keras.layers

#: The last layer learns this many times as fast, squared, as the biases of batch normalization,
#: with one learning rate for both: its outputs are made larger, its first weights smaller.
HEAD_SCALE = 3.5


def max_pooling(x: Any) -> Any:
    """Add a layer that returns each channel's maximum, (N, c), of features (N, h, w, c)."""
    return layers.GlobalMaxPooling2D()(x)


def max_and_mean_pooling(x: Any) -> Any:
    """Add layers that return each channel's mean plus half its maximum, (N, c).

    The maximum says that something is there, and its gradient reaches one place alone; the mean
    says how much of it there is, and its gradient reaches all.
    """
    half = layers.Rescaling(0.5)(max_pooling(x))
    return layers.Add()([layers.GlobalAveragePooling2D()(x), half])


def fast_cnn(
    classes: int = 10,
    *,
    widths: Sequence[int] = (64, 128, 128),
    depths: Sequence[int] = (2, 2, 2),
    activation: type[keras.layers.Layer] = layers.ReLU,
    pooling: Callable[[Any], Any] = max_pooling,
) -> keras.Model:
    """Build the fast CNN: whitened 2×2 patches, three groups of convolutions, a value a channel.

    It takes images of any size; call ``models.adapt`` before training. Used in notebook 04.

    Args:
        classes: number of classes, k.
        widths: number of filters of each group.
        depths: number of convolutions of each group; from the third on each adds to its input (He
            et al., 2016, https://arxiv.org/abs/1512.03385).
        activation: ``keras.layers.ReLU`` or ``PolynomialGELU``.
        pooling: what the last layer is given, ``max_pooling`` or ``max_and_mean_pooling``.
    """
    # Where TensorFlow rewrites graphs to bf16, it puts conversions around each operation that it
    # does not know, such as this one: there the layers hand on numbers of 16 bits themselves.
    mixed = activation is PolynomialGELU and device.rewrites_to_bf16()
    with device.dtype_policy("mixed_bfloat16") if mixed else nullcontext():
        images = keras.Input((None, None, 3))
        x = layers.Rescaling(1 / 128, offset=-1.0)(images)
        x = Whitening(name="whitening")(x)
        x = activation()(x)
        for filters, depth in zip(widths, depths, strict=True):
            for position in range(depth):
                before, pooled = x, position == 0
                x = Convolution(filters, 3, pooled=pooled, **_kernel_options())(x)
                if pooled:
                    x = layers.MaxPooling2D()(x)
                # No scale: the norm of the kernel behind it changes nothing either.
                x = FusedBatchNormalization(scale=False, momentum=0.6, epsilon=1e-5)(x)
                if position >= 2:
                    x = layers.Add()([x, before])
                x = activation()(x)
        x = pooling(x)
        start = keras.initializers.RandomNormal(stddev=1 / HEAD_SCALE)
        head = layers.Dense(
            classes, use_bias=False, kernel_initializer=start, name="head", dtype="float32"
        )
        # So that the first probabilities are nearly alike.
        x = layers.Rescaling(HEAD_SCALE / widths[-1], dtype="float32")(head(x))
        return keras.Model(images, layers.Softmax(dtype="float32")(x), name="fast_cnn")


def wide_fast_cnn(classes: int = 10) -> keras.Model:
    """Build the fast CNN with twice as many filters in its last groups, as airbench94 has them."""
    return fast_cnn(
        classes, widths=(64, 256, 256), activation=PolynomialGELU, pooling=max_and_mean_pooling
    )


def widest_fast_cnn(classes: int = 10) -> keras.Model:
    """Build the fast CNN with the most filters, as airbench96 has them, for long trainings."""
    return fast_cnn(classes, widths=(128, 384, 512), depths=(2, 2, 3), activation=PolynomialGELU)


def _kernel_options() -> dict[str, Any]:
    unit_norm = keras.constraints.UnitNorm(axis=(0, 1, 2, 3))
    start = {"kernel_initializer": DiracInitializer(), "kernel_constraint": unit_norm}
    return {"padding": "same", "use_bias": False, **start}
