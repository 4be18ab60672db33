"""Operations taken from Keras' backend itself, where Keras has none or a slower one.

All but ``gradient`` are TensorFlow's alone.
"""

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from cifar10_cnn.device import keras


def in_one_pass(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Let TensorFlow compile a function of single numbers, and its gradient, into one loop each.

    Each of TensorFlow's operations goes through all numbers in memory again. Used by
    ``models.fast.PolynomialGELU``.

    Args:
        function: takes a tensor and returns one of the same shape, each number by itself; of Keras'
            operations.

    Returns:
        The same function; it computes in float32 and returns the precision that it is given.
    """
    tf = importlib.import_module("tensorflow")
    compiled = partial(tf.function, jit_compile=True, autograph=False)

    @compiled
    def forward(values: Any) -> Any:
        return tf.cast(function(tf.cast(values, "float32")), values.dtype)

    @compiled
    def backward(values: Any, upstream: Any) -> Any:
        exact = tf.cast(values, "float32")
        with tf.GradientTape() as tape:
            tape.watch(exact)
            result = function(exact)
        slope = tape.gradient(result, exact)
        return tf.cast(slope * tf.cast(upstream, "float32"), values.dtype)

    @tf.custom_gradient
    def activation(values: Any) -> Any:
        return forward(values), partial(backward, values)

    return activation


def fused_batch_norm(
    values: Any, scale: Any, offset: Any, epsilon: float, statistics: tuple[Any, Any] | None
) -> tuple[Any, Any, Any]:
    """Normalize channels in the one operation that TensorFlow has for it; TensorFlow only.

    Args:
        values: (N, h, w, c).
        scale: multiplies each normalized channel, (c,).
        offset: is added then, (c,).
        epsilon: added to each variance.
        statistics: mean and variance of each channel to normalize by, (c,) each; None takes those
            of ``values``.

    Returns:
        The normalized values, and each channel's mean and variance.
    """
    tf = importlib.import_module("tensorflow")
    mean, variance = statistics or (None, None)
    tensors = [
        None if each is None else tf.cast(each, "float32")
        for each in (scale, offset, mean, variance)
    ]
    return tf.compat.v1.nn.fused_batch_norm(
        values, *tensors, epsilon=epsilon, is_training=statistics is None
    )


def convolution(values: Any, kernels: Any, pictures: int) -> Any:
    """Convolve with zeros around each picture, one output for each pixel; TensorFlow only.

    The kernels' gradients are computed of several pictures laid into one row. For them oneDNN
    multiplies along rows, and AVX-512 and AMX take 32 numbers of 16 bits at once: a picture of 7
    pixels leaves three quarters of that idle, four of them fill it. A row holds the first pixel of
    each picture, then the second of each and so on, so a convolution dilated by their number meets
    pixels of one picture only. The sums are the same, but for the order of their terms.

    Args:
        values: (N, h, w, c).
        kernels: (height, width, c, filters); a tensor or a layer's variable.
        pictures: number of pictures in a row.

    Returns:
        (N, h, w, filters).
    """
    tf = importlib.import_module("tensorflow")
    same = {"strides": [1, 1, 1, 1], "padding": "SAME"}

    def in_rows(values: Any) -> Any:
        missing = -tf.shape(values)[0] % pictures
        filled = tf.pad(values, [[0, missing], [0, 0], [0, 0], [0, 0]])
        return tf.batch_to_space(filled, [1, pictures], [[0, 0], [0, 0]])

    @tf.custom_gradient
    def convolve(values: Any, kernels: Any) -> Any:
        def gradients(upstream: Any) -> tuple[Any, Any]:
            of_values = tf.raw_ops.Conv2DBackpropInput(
                input_sizes=tf.shape(values), filter=kernels, out_backprop=upstream, **same
            )
            of_kernels = tf.raw_ops.Conv2DBackpropFilter(
                input=in_rows(values),
                filter_sizes=kernels.shape,
                out_backprop=in_rows(upstream),
                dilations=[1, 1, pictures, 1],
                **same,
            )
            return of_values, of_kernels

        return tf.nn.conv2d(values, kernels, **same), gradients

    # Of a variable the gradient would be asked for in another way.
    return convolve(values, tf.convert_to_tensor(kernels))


def gradient(function: Callable[[Any], Any], at: np.ndarray) -> np.ndarray:
    """Return how fast a function rises with each of the numbers that it is given.

    With TensorFlow or JAX.

    Args:
        function: takes a tensor like ``at`` and returns a single number; of Keras' operations.
        at: float32, any shape.

    Returns:
        float32, the shape of ``at``.
    """
    if keras.backend.backend() == "jax":
        return np.array(importlib.import_module("jax").grad(function)(at))
    tf = importlib.import_module("tensorflow")
    values = tf.convert_to_tensor(at)
    with tf.GradientTape() as tape:
        tape.watch(values)
        result = function(values)
    return tape.gradient(result, values).numpy()
