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


def convolution(
    values: Any,
    kernels: Any,
    *,
    pictures: int = 1,
    interleaved: bool = True,
    unread: tuple[int, int] = (0, 0),
) -> Any:
    """Convolve with zeros around each picture, one output for each pixel; TensorFlow only.

    The kernels' gradients are computed of several pictures laid into one row. For them oneDNN
    multiplies along rows, and AVX-512 and AMX take 32 numbers of 16 bits at once: a picture of 7
    pixels leaves three quarters of that idle, sixteen of them an eighth. A row holds the first
    pixel of each picture, then the second of each and so on, so a convolution dilated by their
    number meets pixels of one picture only. With AMX oneDNN keeps its sums in registers from row to
    row, but not of a dilated convolution; there the pictures stand side by side, columns of zeros
    between them. The sums are the same, but for the order of their terms.

    Args:
        values: (N, h, w, c).
        kernels: (height, width, c, filters); a tensor or a layer's variable.
        pictures: number of pictures in a row.
        interleaved: whether their pixels alternate; else they stand side by side.
        unread: how many of the last rows and of the last columns are left out, 0 or 1 each:
            nobody reads their outputs.

    Returns:
        (N, h - unread[0], w - unread[1], filters).
    """
    tf = importlib.import_module("tensorflow")
    sides = [int(side) for side in kernels.shape[:2]]
    zeros = [((side - 1) // 2, side // 2 - cut) for side, cut in zip(sides, unread, strict=True)]
    # What a pixel's gradient needs: the outputs that it had a part in.
    gradient_zeros = [
        (side - 1 - first, side - 1 - last)
        for side, (first, last) in zip(sides, zeros, strict=True)
    ]

    def convolve_with(values: Any, kernels: Any, zeros: list[tuple[int, int]]) -> Any:
        return tf.nn.conv2d(values, kernels, strides=1, padding=[(0, 0), *zeros, (0, 0)])

    def in_rows(values: Any, zeros: list[tuple[int, int]]) -> Any:
        missing = -tf.shape(values)[0] % pictures
        filled = tf.pad(values, [(0, missing), *zeros, (0, 0)])
        _, height, width, channels = filled.shape
        split = [height * width, channels] if interleaved else [height, width * channels]
        apart = tf.reshape(filled, [-1, pictures, *split])
        mixed = tf.transpose(apart, [0, 2, 1, 3])  # tf.batch_to_space takes twice as long
        return tf.reshape(mixed, [-1, height, width * pictures, channels])

    @tf.custom_gradient
    def convolve(values: Any, kernels: Any) -> Any:
        def gradients(upstream: Any) -> tuple[Any, Any]:
            # Where the zeros are not alike on all sides, TensorFlow's own gradient takes many times
            # as long: oneDNN has no part in it.
            turned = tf.transpose(kernels[::-1, ::-1], [0, 1, 3, 2])
            none = [(0, 0), (0, 0)]
            of_values, of_answers, padding = none, none, "SAME"
            if not interleaved:  # as large a result as the input: else oneDNN takes another way
                between = sides[1] // 2
                of_values = [(0, 0), (0, between)]
                of_answers = [(0, unread[0]), (0, unread[1] + between)]
            elif any(unread):  # else "SAME" puts the zeros there by itself, which is faster
                of_values, padding = zeros, "VALID"
            of_kernels = tf.raw_ops.Conv2DBackpropFilter(
                input=in_rows(values, of_values),
                filter_sizes=kernels.shape,
                out_backprop=in_rows(upstream, of_answers),
                strides=[1, 1, 1, 1],
                padding=padding,
                dilations=[1, 1, pictures if interleaved else 1, 1],
            )
            return convolve_with(upstream, turned, gradient_zeros), of_kernels

        return convolve_with(values, kernels, zeros), gradients

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
