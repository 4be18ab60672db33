"""The processor that Keras computes on: started quietly, named plainly.

This is the only module that calls TensorFlow (or another Keras backend) directly, and the one
from which the package takes Keras: `from cifar10_cnn.device import keras`. Importing Keras anywhere
first would let TensorFlow's nine start-up lines through.
"""

import contextlib
import importlib
import logging
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cifar10_cnn import checks
from cifar10_cnn.errors import CourseError

#: What convolutions and matrix products compute in.
Precision = Literal["bf16", "fp32"]
#: Where Linux tells what the processor can do; other systems have no such file.
CPU_FACTS = Path("/proc/cpuinfo")
_BF16_REWRITING = "auto_mixed_precision_onednn_bfloat16"  # TensorFlow's option
#: So many numbers of 16 bits fill a row of AMX's registers; oneDNN takes them from a picture's row.
AMX_ROW = 32
#: Pixels; two pictures that are wider than this are no faster in one row than apart.
NARROW = 12


@contextlib.contextmanager
def _muted_stderr() -> Iterator[None]:
    """Send file descriptor 2 to nowhere: TensorFlow's C++ part writes there, past Python.

    ``CIFAR10_STARTUP_MESSAGES=1`` leaves it alone, for those who look for a driver's complaint.
    """
    if os.environ.get("CIFAR10_STARTUP_MESSAGES") == "1":
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Its advice on retracing is meant for those who write training loops, not for their users.
logging.getLogger("tensorflow").setLevel(logging.ERROR)
with _muted_stderr():
    import keras


def _let_no_epoch_wait() -> None:
    """Switch tf.data's autotuning off in Keras' epochs: the pipelines here have nothing to tune.

    Its thread sleeps 10 ms, then twice as long each time, and under TensorFlow 2.21 it may miss the
    end of an epoch, which then lasts until it wakes: after 5, 10, 20 or 41 seconds. An epoch of 22
    seconds took 41 that way.
    """
    trainer = importlib.import_module("keras.src.backend.tensorflow.trainer")
    options = importlib.import_module("tensorflow").data.Options()
    options.autotune.enabled = False
    keras_own = trainer.TFEpochIterator._get_iterator
    trainer.TFEpochIterator._get_iterator = lambda self: keras_own(self).with_options(options)


if keras.backend.backend() == "tensorflow":
    _let_no_epoch_wait()


def start() -> str:
    """Print and return which device computes; Keras and its backend have started without noise.

    The backend is TensorFlow unless ``KERAS_BACKEND`` names another one.
    Used in every notebook.

    Returns:
        One line, such as ``Device: CPU, 2 cores · TensorFlow 2.21.0 · Keras 3.15.1``.
    """
    line = f"Device: {describe()}"
    print(line)
    return line


def describe() -> str:
    """Return the device, the backend's version and Keras' version in one line.

    Used by every figure's footnote and by ``doctor``.
    """
    backend = keras.backend.backend()
    gpus = _gpu_names(backend)
    where = ", ".join(gpus) if gpus else f"CPU, {cores()} cores"
    package = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}.get(backend, backend)
    return f"{where} · {package} {version(backend)} · Keras {version('keras')}"


def cores() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def precision(wanted: str | None = None) -> Precision:
    """Return the precision that training computes in on this machine.

    ``bf16`` where it is faster: on a CPU with AMX, or AMD's with AVX512_BF16, under TensorFlow; on
    a GPU of NVIDIA's Ampere generation or newer under TensorFlow or JAX. The weights stay float32.
    Else ``fp32``.

    Args:
        wanted: ``auto``, ``bf16`` (also where it is slower) or ``fp32``; by default what
            ``CIFAR10_PRECISION`` names, else ``auto``.

    Raises:
        CourseError: if there is no such precision, or none on this machine.
    """
    wanted = wanted or os.environ.get("CIFAR10_PRECISION", "auto")
    checks.chosen(wanted, ("auto", "bf16", "fp32"), "precision")
    backend = keras.backend.backend()
    on_gpu = bool(_gpu_names(backend))
    if on_gpu:
        able = faster = _gpu_has_bf16(backend)
    else:
        facts = _cpu_facts() if backend == "tensorflow" else set()
        able = not facts.isdisjoint({"avx512_bf16", "amx_bf16"})
        # An Emerald Rapids of Intel's without AMX took 1.8 times as long for a training step in
        # bf16 as in float32; the same processor with AMX takes less than float32.
        faster = "amx_bf16" in facts or {"avx512_bf16", "AuthenticAMD"} <= facts
    if wanted == "bf16" and not able:
        raise CourseError(
            "bf16 needs TensorFlow on a CPU with AVX512_BF16 or AMX instructions, or a GPU with "
            "compute capability 8 or more, which this machine lacks: use fp32."
        )
    return "bf16" if wanted == "bf16" or (wanted == "auto" and faster) else "fp32"


def _cpu_facts() -> set[str]:
    """Return the names of the CPU's maker and of its instruction sets, where the system tells."""
    try:
        return set(CPU_FACTS.read_text(encoding="utf-8").split())
    except OSError:
        return set()


def _gpu_has_bf16(backend: str) -> bool:
    """Say whether the first GPU multiplies bf16 numbers itself."""
    if backend == "tensorflow":
        tf = importlib.import_module("tensorflow")
        details = tf.config.experimental.get_device_details(
            tf.config.list_physical_devices("GPU")[0]
        )
        return details.get("compute_capability", (0,))[0] >= 8
    if backend == "jax":
        jax = importlib.import_module("jax")
        return float(getattr(jax.devices()[0], "compute_capability", 0)) >= 8
    return False


@contextlib.contextmanager
def computing_in(wanted: Precision) -> Iterator[None]:
    """Let Keras compute in a precision for the length of a ``with`` block: build and train in it.

    With ``bf16`` convolutions and matrix products take numbers of 16 bits: 8 for the exponent, as
    in float32, and 7 in place of 23 for the digits. On a CPU TensorFlow rewrites each graph that
    way; on a GPU the layers that are built in the block do so by Keras' policy. Used in
    notebook 04.
    """
    if wanted == "fp32":
        yield
        return
    enter, leave = _bf16_switches()
    enter()
    try:
        yield
    finally:
        leave()


def _bf16_switches() -> tuple[Callable[[], None], Callable[[], None]]:
    """Return what turns bf16 on, and what turns it off again."""
    if _gpu_names(keras.backend.backend()):
        before, policy = keras.config.dtype_policy(), keras.config.set_dtype_policy
        return partial(policy, "mixed_bfloat16"), partial(policy, before)
    options = importlib.import_module("tensorflow").config.optimizer.set_experimental_options
    return partial(options, {_BF16_REWRITING: True}), partial(options, {_BF16_REWRITING: False})


@contextlib.contextmanager
def layers_in_16_bits() -> Iterator[None]:
    """Let the layers built in a ``with`` block hand on numbers of 16 bits, under ``computing_in``.

    There TensorFlow's rewriting does the same on a CPU, but puts conversions around each operation
    that it does not know, such as those of ``in_one_pass``. With fp32 nothing changes.
    """
    before = keras.config.dtype_policy()
    if _rewrites_to_bf16():
        keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _rewrites_to_bf16() -> bool:
    """Say whether TensorFlow lets convolutions compute in bf16 by rewriting its graphs."""
    if keras.backend.backend() != "tensorflow":
        return False
    options = importlib.import_module("tensorflow").config.optimizer.get_experimental_options()
    return bool(options.get(_BF16_REWRITING))


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


def pictures_in_a_row(width: int | None) -> int:
    """Return how many pictures ``convolution`` should lay into a row.

    Args:
        width: of the pictures, pixels; None where it is not known beforehand.

    Returns:
        1 where more gain nothing: without AMX, in float32, not under TensorFlow, or if the pictures
        are wide enough.
    """
    if width is None or width > NARROW or "amx_bf16" not in _cpu_facts():
        return 1
    return AMX_ROW // width if _rewrites_to_bf16() else 1


def convolution(values: Any, kernels: Any, pictures: int) -> Any:
    """Convolve with zeros around each picture, one output for each pixel; TensorFlow only.

    The kernels' gradients are computed of several pictures laid into one row. For them oneDNN
    multiplies along rows, and AMX takes 32 numbers at once: a picture of 7 pixels leaves three
    quarters of that idle, four of them fill it. A row holds the first pixel of each picture, then
    the second of each and so on, so a convolution dilated by their number meets pixels of one
    picture only. The sums are the same, but for the order of their terms.

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


def _gpu_names(backend: str) -> list[str]:
    """Return the names of the GPUs that the backend sees; asking starts its driver."""
    with _muted_stderr():
        if backend == "tensorflow":
            tf = importlib.import_module("tensorflow")
            return [
                tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
                for gpu in tf.config.list_physical_devices("GPU")
            ]
        if backend == "jax":
            jax = importlib.import_module("jax")
            return [device.device_kind for device in jax.devices() if device.platform != "cpu"]
        if backend == "torch":
            cuda = importlib.import_module("torch").cuda
            return [cuda.get_device_name(index) for index in range(cuda.device_count())]
        return []


def gpu_hint() -> str:
    """Say in one sentence whether a GPU is used, and if not, why not and what to do.

    Used by ``doctor``.
    """
    backend = keras.backend.backend()
    gpus = _gpu_names(backend)
    reasons = [
        (bool(gpus), f"Keras computes on {', '.join(gpus)}."),
        (
            os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"),
            "CUDA_VISIBLE_DEVICES hides all GPUs: unset it to use one.",
        ),
        (
            platform.system() == "Darwin",
            "TensorFlow's package for macOS computes on the CPU; the course is made to run there.",
        ),
        (
            shutil.which("nvidia-smi") is None,
            "No NVIDIA driver was found (no nvidia-smi): the course runs on the CPU.",
        ),
        (
            platform.system() == "Windows",
            "TensorFlow uses GPUs on Windows only inside WSL2: install the course there.",
        ),
        (
            backend != "tensorflow",
            f"An NVIDIA driver is there, but this {backend} package was built without CUDA.",
        ),
        (
            True,
            "An NVIDIA driver is there, but this TensorFlow has no CUDA libraries: run "
            "`pip install 'tensorflow[and-cuda]'` in the same environment.",
        ),
    ]
    return next(sentence for holds, sentence in reasons if holds)
