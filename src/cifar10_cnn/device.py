"""The processor that Keras computes on: started quietly, named plainly.

This module and ``operations`` alone call TensorFlow (or another Keras backend) directly. From this
one the package takes Keras: `from cifar10_cnn.device import keras`. Importing Keras anywhere first
would let TensorFlow's nine start-up lines through.
"""

import contextlib
import ctypes
import importlib
import logging
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from cifar10_cnn.common import checks
from cifar10_cnn.common.errors import CourseError

#: What convolutions and matrix products compute in.
Precision = Literal["bf16", "fp32"]
#: Where Linux tells what the processor can do; other systems have no such file.
CPU_FACTS = Path("/proc/cpuinfo")
_BF16_REWRITING = "auto_mixed_precision_onednn_bfloat16"  # TensorFlow's option
#: How a convolution's pictures are laid out for its kernels' gradient, ``operations.convolution``.
Layout = Literal["alone", "side by side", "swapped"]
#: Pixels; wider pictures are no faster side by side than alone.
NARROW = 15
#: Channels; fewer are no faster in the pictures' place than in their own.
MANY_CHANNELS = 64
# What glibc calls the settings of its memory (malloc.h), and the most that it lets one of them be.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _MMAP_THRESHOLD_MAX = -1, -3, 32 * 2**20


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


def arithmetic() -> str:
    """Return the precision of training, and with which instructions a CPU computes in bf16.

    How fast networks are beside each other depends on both. Used by ``benchmarks``.

    Returns:
        ``bf16 (AMX)``, ``bf16 (AVX-512)``, ``bf16`` on a GPU, or ``fp32``.
    """
    computed_in = precision()
    if computed_in == "fp32" or _gpu_names(keras.backend.backend()):
        return computed_in
    return f"bf16 ({'AMX' if 'amx_bf16' in _cpu_facts() else 'AVX-512'})"


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
    that it does not know, such as those of ``operations.in_one_pass``. With fp32 nothing changes.
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


def layout_for_gradients(width: int | None, channels: int) -> Layout:
    """Return how ``operations.convolution`` learns fastest on this processor.

    Args:
        width: of the pictures, pixels; None where it is not known beforehand.
        channels: number of the pictures' channels.

    Returns:
        ``alone`` where nothing else gains: in float32, not under TensorFlow on a CPU, or if the
        pictures are wide enough or their channels too few.
    """
    if width is None or not _rewrites_to_bf16():
        return "alone"
    if "amx_bf16" in _cpu_facts():
        return "side by side" if width <= NARROW else "alone"
    return "swapped" if channels >= MANY_CHANNELS else "alone"


def keep_freed_memory() -> None:
    """Let this process use freed memory again, where TensorFlow would have it given back.

    Its reading of data from Python sets glibc to ask the system for every array of 128 KiB or more,
    and to give it back when it is freed (``ApplyPython311MemoryPatch``, under any Python): in each
    step the system then clears memory anew, page by page. TensorFlow does so whenever a ``fit``
    begins to read, so this must come after. Without glibc nothing changes.
    """
    if libc := _glibc():
        libc.mallopt(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD_MAX)
        libc.mallopt(_M_TRIM_THRESHOLD, 32 * _MMAP_THRESHOLD_MAX)


@cache
def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None


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
