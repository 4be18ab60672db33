"""Operations of TensorFlow alone that make the fast networks fast on a CPU.

Each says how many times as long it takes without it: AVX-512 means trainings on an AMD processor,
AMX steps at 32 pixels on an Intel processor, both in bf16.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import tensorflow as tf

from cifar10_cnn import device

#: How a convolution's images lie in memory for the gradient of its kernels, see ``convolution``.
Layout = Literal["unchanged", "side by side", "swapped"]
#: Side by side: as many images of an even number of pixels fill registers of 32 numbers.
IMAGES_IN_A_ROW = 16
#: Pixels; wider images are no faster side by side.
NARROW = 15
#: Swapped: what more images hold would not stay in the processor's cache.
IMAGES_SWAPPED = 96
#: Channels; fewer are no faster in the images' place than in their own.
MANY_CHANNELS = 64
#: Batch normalization in one operation; ``FusedBatchNormalization`` says what it gains.
fused_batch_norm = tf.compat.v1.nn.fused_batch_norm


def in_one_pass(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Compile an elementwise function of Keras' operations, and its gradient, into one loop each.

    Each of TensorFlow's operations goes through all numbers in memory: a step of ``standard`` takes
    1.6 × as long with Keras' GELU, longer with the polynomial's operations one by one (AMX). It
    computes in float32 and returns the type that it is given.
    """
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

    return tf.custom_gradient(lambda values: (forward(values), partial(backward, values)))


def memory_layout(width: int, channels: int) -> Layout:
    """Return the layout of images in which ``convolution`` trains fastest on this processor."""
    if not device.rewrites_to_bf16():
        return "unchanged"
    if "amx_bf16" in device.cpu_facts():
        return "side by side" if width <= NARROW else "unchanged"
    return "swapped" if channels >= MANY_CHANNELS else "unchanged"


def convolution(values: Any, kernels: Any, layout: Layout, unread: tuple[int, int]) -> Any:
    """Convolve with padding ``same`` and stride 1, leaving out what nobody reads.

    The kernels' gradient sums over all pixels of all images. The layout is the one in which oneDNN
    does that fastest; the sums are the same, but for the order of their terms:

    - ``side by side``: sixteen images in a row, columns of zeros between them. AMX multiplies 32
      numbers of 16 bits at once, and oneDNN takes them from a row: an image of 7 pixels leaves
      three quarters of that idle, sixteen of them an eighth. Without it ``standard`` takes 1.14 ×
      as long at 24 pixels, 1.09 × at 32, ``sprint`` 1.03 × (AMX).
    - ``swapped``: images and channels change places. A kernel's gradient is a convolution, too: of
      the inputs, with the outputs' gradients as kernels. What it sums over, the images, are its
      channels; the channels stand in one row, the first pixel of each, then the second of each and
      so on, so dilated by their number it meets pixels of one channel only. oneDNN convolves faster
      than it computes kernels' gradients: without it ``sprint`` takes 1.17 × as long (AVX-512).

    Args:
        values: (N, h, w, c).
        kernels: (height, width, c, filters); a tensor or a layer's variable.
        layout: ``memory_layout`` says which.
        unread: how many of the last rows and columns are left out, 0 or 1 each. Computed, too, they
            make ``standard`` take 1.12 × as long (AVX-512); with AMX 1.04 ×.

    Returns:
        (N, h - unread[0], w - unread[1], filters).
    """
    sides = [int(side) for side in kernels.shape[:2]]
    zeros = [((side - 1) // 2, side // 2 - cut) for side, cut in zip(sides, unread, strict=True)]
    # What a pixel's gradient needs: the outputs that it had a part in.
    gradient_zeros = [
        (side - 1 - first, side - 1 - last)
        for side, (first, last) in zip(sides, zeros, strict=True)
    ]

    def padded_convolution(values: Any, kernels: Any, zeros: Sequence[tuple[int, int]]) -> Any:
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
            return padded_convolution(upstream, turned, gradient_zeros), of_kernels

        return padded_convolution(values, kernels, zeros), gradients

    # Of a variable the gradient would be asked for in another way.
    return convolve(values, tf.convert_to_tensor(kernels))


def _kernel_gradient(values: Any, upstream: Any, sides: Sequence[int], padding: str) -> Any:
    shape = [*sides, values.shape[-1], upstream.shape[-1]]
    operation = tf.compat.v1.nn.conv2d_backprop_filter
    return operation(values, shape, upstream, strides=[1, 1, 1, 1], padding=padding)


def _side_by_side_gradient(
    values: Any, upstream: Any, sides: Sequence[int], unread: tuple[int, int]
) -> Any:
    def in_rows(values: Any, unread: tuple[int, int]) -> Any:
        missing = -tf.shape(values)[0] % IMAGES_IN_A_ROW
        # As large a result as the input, else oneDNN takes another way.
        filled = tf.pad(
            values, [(0, missing), (0, unread[0]), (0, unread[1] + sides[1] // 2), (0, 0)]
        )
        _, height, width, channels = filled.shape
        apart = tf.reshape(filled, [-1, IMAGES_IN_A_ROW, height, width * channels])
        mixed = tf.transpose(apart, [0, 2, 1, 3])  # tf.batch_to_space takes twice as long
        return tf.reshape(mixed, [-1, height, width * IMAGES_IN_A_ROW, channels])

    return _kernel_gradient(in_rows(values, (0, 0)), in_rows(upstream, unread), sides, "SAME")


def _swapped_gradient(
    values: Any, upstream: Any, sides: Sequence[int], zeros: Sequence[tuple[int, int]]
) -> Any:
    _, height, width, channels = values.shape
    shape = [*sides, channels, upstream.shape[-1]]

    def add_some(first: Any, total: Any) -> tuple[Any, Any]:
        some = slice(first, first + IMAGES_SWAPPED)
        pixels = tf.reshape(values[some], [-1, height * width * channels])
        outputs = tf.nn.conv2d(
            tf.reshape(tf.transpose(pixels), [1, height, width * channels, -1]),
            tf.transpose(upstream[some], [1, 2, 0, 3]),
            strides=1,
            padding=[(0, 0), zeros[0], [channels * count for count in zeros[1]], (0, 0)],
            dilations=[1, channels],
        )
        return first + IMAGES_SWAPPED, total + tf.cast(tf.reshape(outputs, shape), "float32")

    _, total = tf.while_loop(
        lambda first, _: first < tf.shape(values)[0],
        add_some,
        (0, tf.zeros(shape)),
        parallel_iterations=1,  # each takes all cores
    )
    return tf.cast(total, upstream.dtype)
