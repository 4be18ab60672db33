"""The processor that Keras computes on: started quietly, named plainly.

From this module the package takes Keras: `from cifar10_cnn.device import keras`. Importing Keras
anywhere first would let TensorFlow's nine start-up lines through.
"""

import contextlib
import importlib
import os
import platform
import shutil
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from cifar10_cnn.common import checks, settings, workarounds
from cifar10_cnn.common.errors import CourseError

workarounds.set_tensorflow_variables()
with workarounds.starting_keras():
    import keras

    # Whatever keras.json says, which another project may have written.
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
if keras.backend.backend() == "tensorflow":
    workarounds.disable_autotuning()

#: What convolutions and matrix products compute in.
Precision = Literal["bf16", "fp32"]
#: Where Linux tells what the processor can do; other systems have no such file.
CPU_FACTS = Path("/proc/cpuinfo")
_BF16_REWRITING = "auto_mixed_precision_onednn_bfloat16"  # TensorFlow's option


def start() -> None:
    """Print which device computes, in one line; Keras has started without noise.

    The backend is TensorFlow unless ``KERAS_BACKEND`` names another one. Used in every notebook.
    """
    print(f"Device: {describe()}")


def describe() -> str:
    """Return device and versions, such as ``CPU, 2 cores · TensorFlow 2.21.0 · Keras 3.15.1``."""
    backend = keras.backend.backend()
    where = ", ".join(_gpu_names()) or f"CPU, {cores()} cores"
    package = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}.get(backend, backend)
    return f"{where} · {package} {version(backend)} · Keras {version('keras')}"


def cores() -> int:
    """Return the number of processor cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def precision(requested: str | None = None) -> Precision:
    """Return the precision that training computes in on this machine.

    ``bf16`` where it is faster: on a CPU with AMX, or AMD's with AVX512_BF16, under TensorFlow; on
    a GPU of NVIDIA's Ampere generation or newer under TensorFlow or JAX. The weights stay float32.
    Else ``fp32``. In fp32 a sprint takes 1.84 × as long on an AMD processor with AVX-512.

    ``requested`` is ``auto``, ``bf16`` (also where it is slower) or ``fp32``; None means what
    ``CIFAR10_PRECISION`` names, else ``auto``.

    Raises:
        CourseError: if there is no such precision, or none on this machine.
    """
    requested = requested or settings.get("PRECISION", "auto")
    checks.chosen(requested, ("auto", "bf16", "fp32"), "precision")
    if _gpu_names():
        able = faster = _gpu_has_bf16()
    else:
        facts = cpu_facts() if keras.backend.backend() == "tensorflow" else set()
        able = not facts.isdisjoint({"avx512_bf16", "amx_bf16"})
        # An Emerald Rapids of Intel's without AMX took 1.8 times as long for a training step in
        # bf16 as in float32; the same processor with AMX takes less than float32.
        faster = "amx_bf16" in facts or {"avx512_bf16", "AuthenticAMD"} <= facts
    if requested == "bf16" and not able:
        raise CourseError(
            "bf16 needs TensorFlow on a CPU with AVX512_BF16 or AMX instructions, or a GPU with "
            "compute capability 8 or more, which this machine lacks: use fp32."
        )
    return "bf16" if requested == "bf16" or (requested == "auto" and faster) else "fp32"


def arithmetic() -> str:
    """Return the precision and a CPU's instructions for it: how fast networks are depends on both.

    Used by ``bench``: ``bf16 (AMX)``, ``bf16 (AVX-512)``, ``bf16`` on a GPU, or ``fp32``.
    """
    if precision() == "fp32" or _gpu_names():
        return precision()
    return f"bf16 ({'AMX' if 'amx_bf16' in cpu_facts() else 'AVX-512'})"


def cpu_facts() -> set[str]:
    """Return the CPU's maker and its instruction sets, where the system tells.

    Those are left out that oneDNN must not use by ``ONEDNN_MAX_CPU_ISA`` or TensorFlow's switch.
    """
    try:
        facts = set(CPU_FACTS.read_text(encoding="utf-8").split())
    except OSError:
        return set()
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper() or "ALL"
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0":
        limit = "NONE"
    if limit not in ("ALL", "DEFAULT") and "AMX" not in limit:
        facts.discard("amx_bf16")
        if not any(name in limit for name in ("BF16", "FP16", "AVX10")):
            facts.discard("avx512_bf16")
    return facts


def _gpu_has_bf16() -> bool:
    """Say whether the first GPU multiplies bf16 numbers itself."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        config = importlib.import_module(backend).config
        first = config.list_physical_devices("GPU")[0]
        return config.experimental.get_device_details(first).get("compute_capability", (0,))[0] >= 8
    if backend == "jax":
        first = importlib.import_module(backend).devices()[0]
        return float(getattr(first, "compute_capability", 0)) >= 8
    return False


@contextlib.contextmanager
def computing_in(precision: Precision) -> Iterator[None]:
    """Let Keras compute in a precision for the length of a ``with`` block: build and train in it.

    With ``bf16`` convolutions and matrix products take numbers of 16 bits: 8 for the exponent, as
    in float32, and 7 in place of 23 for the digits. On a CPU TensorFlow rewrites each graph; on a
    GPU the layers that are built in the block do so by Keras' policy. Used in notebook 04.
    """
    if precision == "fp32":
        yield
    elif _gpu_names():
        with dtype_policy("mixed_bfloat16"):
            yield
    else:
        switch = importlib.import_module("tensorflow").config.optimizer.set_experimental_options
        switch({_BF16_REWRITING: True})
        try:
            yield
        finally:
            switch({_BF16_REWRITING: False})


@contextlib.contextmanager
def dtype_policy(policy: str) -> Iterator[None]:
    """Give the layers that are built in a ``with`` block one of Keras' policies."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def rewrites_to_bf16() -> bool:
    """Say whether TensorFlow lets convolutions compute in bf16 by rewriting its graphs."""
    if keras.backend.backend() != "tensorflow":
        return False
    options = importlib.import_module("tensorflow").config.optimizer.get_experimental_options()
    return bool(options.get(_BF16_REWRITING))


def _gpu_names() -> list[str]:
    """Return the names of the GPUs that the backend sees; asking starts its driver."""
    backend = keras.backend.backend()
    with workarounds.mute_stderr():
        if backend == "tensorflow":
            config = importlib.import_module(backend).config
            details = config.experimental.get_device_details
            gpus = config.list_physical_devices("GPU")
            return [details(gpu).get("device_name", gpu.name) for gpu in gpus]
        if backend == "jax":
            devices = importlib.import_module(backend).devices()
            return [device.device_kind for device in devices if device.platform != "cpu"]
        return []


def gpu_hint() -> str:
    """Say in one sentence whether a GPU is used, and if not, why not and what to do."""
    if gpus := _gpu_names():
        return f"Keras computes on {', '.join(gpus)}."
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return "CUDA_VISIBLE_DEVICES hides all GPUs: unset it to use one."
    if shutil.which("nvidia-smi") is None:
        return "No NVIDIA driver was found (no nvidia-smi): the course runs on the CPU."
    if platform.system() == "Windows":
        return "TensorFlow uses GPUs on Windows only inside WSL2: install the course there."
    return (
        "An NVIDIA driver is there, but Keras' backend has no CUDA libraries: run "
        "`pip install 'tensorflow[and-cuda]'` in the same environment."
    )
