"""Operations taken from Keras' backend itself, where Keras has none or a slower one.

All but ``gradient`` are TensorFlow's alone.
"""

import importlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from cifar10_cnn import device
from cifar10_cnn.device import keras

#: Side by side: as many of an even number of pixels fill registers of 32 numbers.
PICTURES_IN_A_ROW = 16
#: Swapped: what more pictures hold would not stay in the processor's cache.
PICTURES_SWAPPED = 96


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
    values: Any, kernels: Any, *, layout: device.Layout = "alone", unread: tuple[int, int] = (0, 0)
) -> Any:
    """Convolve with zeros around each picture, one output for each pixel; TensorFlow only.

    The kernels' gradient sums over all pixels of all pictures, and here the pictures are laid out
    in the way in which oneDNN does that fastest:

    - ``side by side``: sixteen in a row, columns of zeros between them. AMX multiplies 32 numbers
      of 16 bits at once, and oneDNN takes them from a row: a picture of 7 pixels leaves three
      quarters of that idle, sixteen of them an eighth.
    - ``swapped``: pictures and channels change places. A kernel's gradient is a convolution, too:
      of what came in, with the outputs' gradients as kernels. What it sums over, the pictures, are
      its channels; the channels stand in one row, the first pixel of each, then the second of each
      and so on, so dilated by their number it meets pixels of one channel only. oneDNN convolves
      faster than it computes kernels' gradients.
    - ``alone``: as they are.

    The sums are the same, but for the order of their terms; ``swapped`` rounds sums of 96 pictures
    to the precision of ``values``.

    Args:
        values: (N, h, w, c).
        kernels: (height, width, c, filters); a tensor or a layer's variable.
        layout: what suits the processor and the layer, ``device.layout_for_gradients`` says.
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

    def convolve_with(values: Any, kernels: Any, zeros: Sequence[tuple[int, int]]) -> Any:
        return tf.nn.conv2d(values, kernels, strides=1, padding=[(0, 0), *zeros, (0, 0)])

    @tf.custom_gradient
    def convolve(values: Any, kernels: Any) -> Any:
        def gradients(upstream: Any) -> tuple[Any, Any]:
            turned = tf.transpose(kernels[::-1, ::-1], [0, 1, 3, 2])
            if layout == "swapped":
                of_kernels = _swapped_gradient(values, upstream, sides, zeros)
            elif layout == "side by side":
                of_kernels = _side_by_side_gradient(values, upstream, sides, unread)
            else:
                # Left to TensorFlow, zeros that are not alike on all sides take many times as long:
                # oneDNN has no part in it.
                padded = tf.pad(values, [(0, 0), *zeros, (0, 0)])
                of_kernels = _kernel_gradient(padded, upstream, sides, "VALID")
            return convolve_with(upstream, turned, gradient_zeros), of_kernels

        return convolve_with(values, kernels, zeros), gradients

    # Of a variable the gradient would be asked for in another way.
    return convolve(values, tf.convert_to_tensor(kernels))


def _kernel_gradient(values: Any, upstream: Any, sides: Sequence[int], padding: str) -> Any:
    tf = importlib.import_module("tensorflow")
    return tf.raw_ops.Conv2DBackpropFilter(
        input=values,
        filter_sizes=[*sides, values.shape[-1], upstream.shape[-1]],
        out_backprop=upstream,
        strides=[1, 1, 1, 1],
        padding=padding,
    )


def _side_by_side_gradient(
    values: Any, upstream: Any, sides: Sequence[int], unread: tuple[int, int]
) -> Any:
    tf = importlib.import_module("tensorflow")

    def in_rows(values: Any, unread: tuple[int, int]) -> Any:
        missing = -tf.shape(values)[0] % PICTURES_IN_A_ROW
        # As large a result as the input, else oneDNN takes another way.
        filled = tf.pad(
            values, [(0, missing), (0, unread[0]), (0, unread[1] + sides[1] // 2), (0, 0)]
        )
        _, height, width, channels = filled.shape
        apart = tf.reshape(filled, [-1, PICTURES_IN_A_ROW, height, width * channels])
        mixed = tf.transpose(apart, [0, 2, 1, 3])  # tf.batch_to_space takes twice as long
        return tf.reshape(mixed, [-1, height, width * PICTURES_IN_A_ROW, channels])

    return _kernel_gradient(in_rows(values, (0, 0)), in_rows(upstream, unread), sides, "SAME")


def _swapped_gradient(
    values: Any, upstream: Any, sides: Sequence[int], zeros: Sequence[tuple[int, int]]
) -> Any:
    tf = importlib.import_module("tensorflow")
    _, height, width, channels = values.shape
    shape = [*sides, channels, upstream.shape[-1]]

    def add_some(first: Any, total: Any) -> tuple[Any, Any]:
        some = slice(first, first + PICTURES_SWAPPED)
        pixels = tf.reshape(values[some], [-1, height * width * channels])
        answers = tf.nn.conv2d(
            tf.reshape(tf.transpose(pixels), [1, height, width * channels, -1]),
            tf.transpose(upstream[some], [1, 2, 0, 3]),
            strides=1,
            padding=[(0, 0), zeros[0], [channels * count for count in zeros[1]], (0, 0)],
            dilations=[1, channels],
        )
        return first + PICTURES_SWAPPED, total + tf.cast(tf.reshape(answers, shape), "float32")

    pictures = tf.shape(values)[0]
    _, total = tf.while_loop(
        lambda first, _: first < pictures,
        add_some,
        (0, tf.zeros(shape)),
        parallel_iterations=1,  # each takes all cores
    )
    return tf.cast(total, upstream.dtype)


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
