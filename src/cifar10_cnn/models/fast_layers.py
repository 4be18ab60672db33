"""The layers of the fast networks. Under TensorFlow they use the operations made for speed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.decomposition import PCA

from cifar10_cnn.device import keras

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
if ON_TENSORFLOW:
    from cifar10_cnn.models import fast_operations

#: How many images ``Whitening.adapt`` takes: a million patches tell their covariance.
WHITENING_IMAGES = 1_000
#: Where the factor in ``polynomial_gelu`` reaches 0 or 1, and its coefficients; with them no value
#: is further than 0.009 from GELU's.
REACH, COEFFICIENTS = 2.77, (1.04, -0.91, 0.37)


@keras.saving.register_keras_serializable("cifar10_cnn")
class Whitening(keras.layers.Conv2D):
    """A frozen convolution whose outputs are uncorrelated and of variance one.

    Neighbouring pixels nearly repeat each other; this layer takes that out. Its filters are the
    principal axes of all patches, each divided by its standard deviation, and each once with either
    sign, since ReLU lets only one sign through
    (Page, 2019, https://myrtle.ai/learn/how-to-train-your-resnet-8-bag-of-tricks).

    Args:
        patch: height and width of a patch, pixels; there are 6 · patch² filters for colours.
        epsilon: added to each axis's variance, so that noise is not blown up; in the pixels' units
            squared.
    """

    def __init__(self, patch: int = 2, epsilon: float = 1e-4, **kwargs: Any) -> None:
        self.patch, self.epsilon = patch, epsilon
        # A saved file has these settings, too.
        own = {"filters": 6 * patch**2, "kernel_size": patch, "trainable": False}
        super().__init__(**{**kwargs, **own})

    def adapt(self, images: np.ndarray) -> None:
        """Compute the filters from the layer's inputs, (N, h, w, 3); labels are not needed."""
        shape = (self.patch, self.patch)
        windows = np.lib.stride_tricks.sliding_window_view(
            np.asarray(images[:WHITENING_IMAGES], dtype="float32"), shape, axis=(1, 2)
        )
        patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, self.patch**2 * 3)
        pca = PCA(svd_solver="covariance_eigh").fit(patches)
        axes = pca.components_.T / np.sqrt(pca.explained_variance_ + self.epsilon)
        filters = np.concatenate([axes, -axes], axis=1)
        self.set_weights([filters.reshape(*shape, 3, -1), -pca.mean_ @ filters])

    def get_config(self) -> dict[str, Any]:
        """Return the layer's settings for a saved file."""
        return {**super().get_config(), "patch": self.patch, "epsilon": self.epsilon}


@keras.saving.register_keras_serializable("cifar10_cnn")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalization (Ioffe and Szegedy, 2015) in TensorFlow's one operation for it.

    Keras' own takes six operations, each of which goes through all activations in memory: with it
    ``sprint`` takes 1.23 × as long with AVX-512, a step at 32 pixels 1.7 × as long with AMX.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalize by the batch's mean and variance in training, by the running ones in use."""
        if not ON_TENSORFLOW:
            return super().call(inputs, training, mask)
        scale = self.gamma if self.scale else keras.ops.ones_like(self.beta)
        statistics = [] if training else [self.moving_mean, self.moving_variance]
        tensors = [keras.ops.cast(each, "float32") for each in (scale, self.beta, *statistics)]
        outputs, mean, variance = fast_operations.fused_batch_norm(
            inputs, *tensors, epsilon=self.epsilon, is_training=not statistics
        )
        if training:
            keep = self.momentum
            self.moving_mean.assign(keep * self.moving_mean + (1 - keep) * mean)
            self.moving_variance.assign(keep * self.moving_variance + (1 - keep) * variance)
        return outputs


@keras.saving.register_keras_serializable("cifar10_cnn")
class Convolution(keras.layers.Conv2D):
    """A convolution with padding ``same`` that trains faster on a CPU.

    For ``fast_operations.convolution`` the images' size must be known: after a first ``fit`` call
    ``model.make_train_function(force=True)`` before images of another size.

    Args:
        pooled: whether a 2×2 pooling comes next. Of an odd number of rows or columns that does not
            read the last one, which is then left out.
    """

    def __init__(self, *args: Any, pooled: bool = False, **kwargs: Any) -> None:
        self.pooled = pooled
        super().__init__(*args, **kwargs)

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Return the filters' outputs, before bias and activation."""
        _, height, width, channels = inputs.shape
        if ON_TENSORFLOW and height and width:
            unread = (height % 2, width % 2) if self.pooled else (0, 0)
            layout = fast_operations.memory_layout(width, channels)
            if layout != "unchanged" or any(unread):
                return fast_operations.convolution(inputs, kernel, layout, unread)
        outputs = super().convolution_op(inputs, kernel)
        if not self.pooled:
            return outputs
        height, width = keras.ops.shape(outputs)[1:3]
        return outputs[:, : height // 2 * 2, : width // 2 * 2]

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the shape of the outputs, of an even number of rows and columns if pooled."""
        batch, *sides, filters = super().compute_output_shape(input_shape)
        if self.pooled:
            sides = [side and side // 2 * 2 for side in sides]
        return (batch, *sides, filters)

    def get_config(self) -> dict[str, Any]:
        """Return the layer's settings for a saved file."""
        return {**super().get_config(), "pooled": self.pooled}


def polynomial_gelu(values: Any) -> Any:
    """Return GELU (Hendrycks and Gimpel, 2016, https://arxiv.org/abs/1606.08415) to 0.01.

    Each value, of any shape, is multiplied by a factor that rises from 0 to 1: a polynomial in
    place of the normal distribution, which takes a processor many times as long.
    """
    clipped = keras.ops.clip(values / REACH, -1, 1)
    square = clipped * clipped
    first, third, fifth = COEFFICIENTS
    return values * (0.5 + clipped * (first + square * (third + square * fifth)))


_gelu = fast_operations.in_one_pass(polynomial_gelu) if ON_TENSORFLOW else polynomial_gelu


@keras.saving.register_keras_serializable("cifar10_cnn")
class PolynomialGELU(keras.layers.Layer):
    """``polynomial_gelu``, which TensorFlow computes in one pass through memory."""

    def call(self, inputs: Any) -> Any:
        """Return a value for each of the inputs."""
        return _gelu(inputs)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Sequence[int | None]:
        """Return the shape of the inputs."""
        return input_shape


@keras.saving.register_keras_serializable("cifar10_cnn")
class DiracInitializer(keras.initializers.Initializer):
    """Unit-norm kernels whose first filters are the identity of their input channels.

    The other filters are random. The network starts as a shallow one and grows deep as it learns
    ("Dirac" initialization: Zagoruyko and Komodakis, 2017, https://arxiv.org/abs/1706.00388).
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """Return a kernel of the shape (height, width, inputs, filters)."""
        height, width, inputs, filters = shape
        kernel = np.array(keras.initializers.LecunUniform()((height, width, inputs, filters)))
        same = np.arange(min(inputs, filters))
        kernel[..., same] = 0
        kernel[height // 2, width // 2, same, same] = 1
        return keras.ops.convert_to_tensor(kernel / np.linalg.norm(kernel), dtype)
