"""The fast network: whitened patches, identity filters at the start, layers made for speed.

After airbench94 (Jordan, 2024, https://arxiv.org/abs/2404.00498), with ReLU or a
polynomial in place of GELU and with kernels of length one, which Muon (``optimizers.UnitMuon``)
turns but never stretches.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import cache
from typing import Any

import numpy as np
from sklearn.decomposition import PCA

from cifar10_cnn import device
from cifar10_cnn.device import keras
from cifar10_cnn.models import fast_operations as operations

layers = keras.layers

#: How many of the pictures ``Whitening.adapt`` looks at: a million patches tell their spread.
WHITENING_IMAGES = 1_000
#: The last layer learns this many times as fast, squared, as the offsets of batch normalization,
#: with one learning rate for both: its answers are made larger, its first weights smaller.
HEAD_SCALE = 3.5
#: Where the share in ``polynomial_gelu`` has become 0 or 1; with it and with the numbers that
#: multiply the powers no value is further than 0.009 from GELU's.
REACH, SHARE = 2.77, (1.04, -0.91, 0.37)


@keras.saving.register_keras_serializable("cifar10_cnn")
class Whitening(keras.layers.Conv2D):
    """A frozen convolution whose outputs are uncorrelated and all of the same spread.

    Neighbouring pixels nearly repeat each other; a first layer spends epochs on learning to see
    past that. Here its filters are computed: the principal axes of all patches, each divided by
    its spread, and each once with either sign, since ReLU lets only one sign through (Page, 2019,
    https://myrtle.ai/learn/how-to-train-your-resnet-8-bag-of-tricks).

    Args:
        patch: height and width of a patch, pixels; there are 6 · patch² filters for colours.
        epsilon: added to each axis's variance, so that noise is not blown up; in the pixels' units
            squared.
    """

    def __init__(self, patch: int = 2, epsilon: float = 1e-4, **kwargs: Any) -> None:
        self.patch, self.epsilon = patch, epsilon
        for set_here in ("filters", "kernel_size", "trainable"):
            kwargs.pop(set_here, None)  # they come back from a saved file
        super().__init__(6 * patch**2, patch, trainable=False, **kwargs)

    def adapt(self, pictures: np.ndarray) -> None:
        """Compute the filters from pictures; labels are not needed.

        Args:
            pictures: what the layer will be given, (N, h, w, 3); the first 1,000 are looked at.
        """
        shape = (self.patch, self.patch)
        windows = np.lib.stride_tricks.sliding_window_view(
            np.asarray(pictures[:WHITENING_IMAGES], dtype="float32"), shape, axis=(1, 2)
        )
        patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, self.patch**2 * 3)
        found = PCA(svd_solver="covariance_eigh").fit(patches)
        axes = found.components_.T / np.sqrt(found.explained_variance_ + self.epsilon)
        filters = np.concatenate([axes, -axes], axis=1)
        self.set_weights([filters.reshape(*shape, 3, -1), -found.mean_ @ filters])

    def get_config(self) -> dict[str, Any]:
        """Return the layer's settings for a saved file."""
        return {**super().get_config(), "patch": self.patch, "epsilon": self.epsilon}


@keras.saving.register_keras_serializable("cifar10_cnn")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalization that TensorFlow computes in one operation.

    Keras' own takes six, each of which goes through all activations in memory again. On other
    backends it is Keras' own. Ioffe and Szegedy, 2015, https://arxiv.org/abs/1502.03167.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalize by the batch's mean and variance in training, by the running ones in use."""
        if keras.backend.backend() != "tensorflow":
            return super().call(inputs, training, mask)
        scale = self.gamma if self.scale else keras.ops.ones_like(self.beta)
        statistics = None if training else (self.moving_mean, self.moving_variance)
        normal, mean, variance = operations.fused_batch_norm(
            inputs, scale, self.beta, self.epsilon, statistics
        )
        if training:
            keep = self.momentum
            self.moving_mean.assign(keep * self.moving_mean + (1 - keep) * mean)
            self.moving_variance.assign(keep * self.moving_variance + (1 - keep) * variance)
        return normal


@keras.saving.register_keras_serializable("cifar10_cnn")
class Convolution(keras.layers.Conv2D):
    """A convolution that learns faster on a CPU, see ``operations.convolution``.

    Elsewhere it is Keras' own, as it is with strides, dilation, groups or other padding than
    ``same``. After a first ``fit`` TensorFlow takes pictures of another size as ones of any size,
    of which it cannot know what is left out: ``model.make_train_function(force=True)`` lets it look
    again.

    Args:
        pooled: whether a pooling of 2×2 comes next. Of an odd number of rows or columns it does not
            look at the last one, which is then left out.
    """

    def __init__(self, *args: Any, pooled: bool = False, **kwargs: Any) -> None:
        self.pooled = pooled
        super().__init__(*args, **kwargs)

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Return the filters' answers, without offset and activation."""
        _, height, width, channels = inputs.shape
        kind = (self.padding, self.strides, self.dilation_rate, self.groups)
        same = kind == ("same", (1, 1), (1, 1), 1)
        if same and keras.backend.backend() == "tensorflow" and height and width:
            unread = (height % 2, width % 2) if self.pooled else (0, 0)
            layout = device.layout_for_gradients(width, channels)
            if layout != "alone" or any(unread):
                return operations.convolution(inputs, kernel, layout=layout, unread=unread)
        answers = super().convolution_op(inputs, kernel)
        if not self.pooled:
            return answers
        height, width = keras.ops.shape(answers)[1:3]
        return answers[:, : height // 2 * 2, : width // 2 * 2]

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the shape of the answers, of an even number of rows and columns if pooled."""
        batch, *sides, filters = super().compute_output_shape(input_shape)
        if self.pooled:
            sides = [side and side // 2 * 2 for side in sides]
        return (batch, *sides, filters)

    def get_config(self) -> dict[str, Any]:
        """Return the layer's settings for a saved file."""
        return {**super().get_config(), "pooled": self.pooled}


def polynomial_gelu(values: Any) -> Any:
    """Return GELU to 0.01: a share of each value that rises from 0 to 1.

    GELU's share is the normal distribution's (Hendrycks and Gimpel, 2016,
    https://arxiv.org/abs/1606.08415); a polynomial takes a processor a fraction of its time.

    Args:
        values: any shape.
    """
    within = keras.ops.clip(values / REACH, -1, 1)
    square = within * within
    share = 0.5 + within * (SHARE[0] + square * (SHARE[1] + square * SHARE[2]))
    return values * share


@cache  # else each call outside a graph would compile it anew
def _compiled_gelu() -> Callable[[Any], Any]:
    return operations.in_one_pass(polynomial_gelu)


@keras.saving.register_keras_serializable("cifar10_cnn")
class PolynomialGELU(keras.layers.Layer):
    """``polynomial_gelu``, which TensorFlow computes in one operation."""

    def call(self, inputs: Any) -> Any:
        """Return a value for each of the inputs."""
        if keras.backend.backend() != "tensorflow":
            return polynomial_gelu(inputs)
        return _compiled_gelu()(inputs)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Sequence[int | None]:
        """Return the shape that came in."""
        return input_shape


@keras.saving.register_keras_serializable("cifar10_cnn")
class DiracInitializer(keras.initializers.Initializer):
    """Kernels whose first filters hand their input channels on unchanged; the others are random.

    The network starts as a shallow one and grows deep as it learns ("Dirac" initialization:
    Zagoruyko and Komodakis, 2017, https://arxiv.org/abs/1706.00388). All weights of a kernel
    together have the length 1.
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """Return a kernel of the shape (height, width, inputs, filters)."""
        height, width, into, filters = shape
        kernel = np.array(keras.initializers.LecunUniform()((height, width, into, filters)))
        same = np.arange(min(into, filters))
        kernel[..., same] = 0
        kernel[height // 2, width // 2, same, same] = 1
        return keras.ops.convert_to_tensor(kernel / np.linalg.norm(kernel), dtype)


def highest(x: Any) -> Any:
    """Add a layer that returns each channel's highest value.

    Args:
        x: what a layer gives, (N, h, w, c).
    """
    return layers.GlobalMaxPooling2D()(x)


def max_and_mean_pooling(x: Any) -> Any:
    """Add layers that return each channel's mean and half its highest value, added.

    The highest value says that something is there, and only its place learns from it; the mean says
    how much of it there is, and all places learn.

    Args:
        x: what a layer gives, (N, h, w, c).
    """
    return layers.Add()([layers.GlobalAveragePooling2D()(x), layers.Rescaling(0.5)(highest(x))])


def fast_cnn(
    classes: int = 10,
    *,
    widths: Sequence[int] = (64, 128, 128),
    depths: Sequence[int] = (2, 2, 2),
    activation: type[keras.layers.Layer] = layers.ReLU,
    pooling: Callable[[Any], Any] = highest,
) -> keras.Model:
    """Build the fast CNN: whitened 2×2 patches, three groups of convolutions, a value a channel.

    Pictures of any size: the last pooling leaves one value a channel. ``models.adapt`` must see
    the training pictures before the first step. Used in notebook 04.

    Args:
        classes: number of classes, k.
        widths: number of filters of each group.
        depths: number of convolutions of each group; from the third on each adds to its input (He
            et al., 2016, https://arxiv.org/abs/1512.03385).
        activation: ``keras.layers.ReLU`` or ``PolynomialGELU``.
        pooling: what the last layer learns from, ``highest`` or ``max_and_mean_pooling``.
    """
    # Where TensorFlow rewrites to bf16, it puts conversions around what it does not know.
    known = activation is not PolynomialGELU
    with nullcontext() if known else device.layers_in_16_bits():
        pictures = keras.Input((None, None, 3))
        x = layers.Rescaling(1 / 128, offset=-1.0)(pictures)
        x = Whitening(name="whitening")(x)
        x = activation()(x)
        for filters, depth in zip(widths, depths, strict=True):
            for position in range(depth):
                before = x
                x = _convolution(filters, pooled=position == 0)(x)
                if position == 0:
                    x = layers.MaxPooling2D()(x)
                # No scale: the length of the kernel behind it says nothing either.
                x = FusedBatchNormalization(scale=False, momentum=0.6, epsilon=1e-5)(x)
                if position >= 2:
                    x = layers.Add()([x, before])
                x = activation()(x)
        x = pooling(x)
        exact = {"dtype": "float32"}
        x = layers.Dense(
            classes, use_bias=False, kernel_initializer=_normal(), name="head", **exact
        )(x)
        # So that no class is preferred at first.
        x = layers.Rescaling(HEAD_SCALE / widths[-1], **exact)(x)
        return keras.Model(pictures, layers.Softmax(**exact)(x), name="fast_cnn")


def wide_fast_cnn(classes: int = 10) -> keras.Model:
    """Build the fast CNN with twice as many filters in its last groups, as airbench94 has them.

    It has ``PolynomialGELU``, as the largest network has; the smallest one has ReLU. Its last layer
    learns from means, too.

    Args:
        classes: number of classes, k.
    """
    return fast_cnn(
        classes, widths=(64, 256, 256), activation=PolynomialGELU, pooling=max_and_mean_pooling
    )


def widest_fast_cnn(classes: int = 10) -> keras.Model:
    """Build the fast CNN with the most filters, as airbench96 has them, for the longest training.

    Args:
        classes: number of classes, k.
    """
    return fast_cnn(classes, widths=(128, 384, 512), depths=(2, 2, 3), activation=PolynomialGELU)


def _convolution(filters: int, *, pooled: bool) -> keras.layers.Layer:
    return Convolution(
        filters,
        3,
        padding="same",
        use_bias=False,
        kernel_initializer=DiracInitializer(),
        kernel_constraint=keras.constraints.UnitNorm(axis=(0, 1, 2, 3)),
        pooled=pooled,
    )


def _normal() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=1 / HEAD_SCALE)


def plain(model: keras.Model) -> keras.Model:
    """Return the same network, made of Keras' own layers alone: anyone can load its file.

    It computes in float32, and GELU itself stands in place of ``PolynomialGELU``.

    Args:
        model: a trained network; one without layers of ours is copied as it is.
    """

    def own(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = {**layer.get_config(), "dtype": "float32"}
        kind = type(layer)
        if isinstance(layer, Whitening):
            kind = layers.Conv2D
            config = {key: config[key] for key in config if key not in ("patch", "epsilon")}
        elif isinstance(layer, FusedBatchNormalization):
            kind = layers.BatchNormalization
        elif isinstance(layer, PolynomialGELU):
            kind = layers.Activation
            config["activation"] = "gelu"
        elif isinstance(layer, Convolution):
            kind = layers.Conv2D
            config["kernel_initializer"] = "glorot_uniform"
            del config["pooled"]
        return kind.from_config(config)

    copy = keras.models.clone_model(model, clone_function=own)
    copy.set_weights(model.get_weights())
    return copy
