"""The processor that Keras computes on: started quietly, named plainly.

This is the only module that calls TensorFlow (or another Keras backend) directly, and the one
from which the package takes Keras: `from cifar10_cnn.device import keras`. Importing Keras anywhere
first would let TensorFlow's nine start-up lines through.
"""

import contextlib
import importlib
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path


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
with _muted_stderr():
    import keras


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
