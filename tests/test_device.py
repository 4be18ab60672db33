"""The start of Keras: quiet, and plain about the device."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cifar10_cnn import device
from cifar10_cnn.common.errors import CourseError


def in_new_process(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )


def test_nothing_reaches_standard_error_and_one_line_names_the_device() -> None:
    code = (
        "from cifar10_cnn import device, models\n"
        "device.start()\n"
        "import keras\n"
        "models.build('plain_cnn')(keras.ops.zeros((1, 32, 32, 3)))"
    )
    done = in_new_process(code)
    assert done.stderr == ""
    assert re.fullmatch(r"Device: .+ · TensorFlow [\d.]+ · Keras [\d.]+\n", done.stdout)


def test_startup_messages_can_be_asked_for() -> None:
    done = in_new_process(
        "import cifar10_cnn.device", CIFAR10_STARTUP_MESSAGES="1", TF_CPP_MIN_LOG_LEVEL="0"
    )
    assert done.stderr != ""


def test_errors_after_the_start_are_still_seen() -> None:
    code = "import sys\nfrom cifar10_cnn import device\nprint('seen', file=sys.stderr)"
    assert in_new_process(code).stderr == "seen\n"


def test_hint_names_a_hidden_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_gpu_names", lambda backend: [])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert "CUDA_VISIBLE_DEVICES hides" in device.gpu_hint()


def test_hint_tells_how_to_get_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(device, "_gpu_names", lambda backend: [])
    monkeypatch.setattr(device.platform, "system", lambda: "Linux")
    monkeypatch.setattr(device.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    assert "pip install 'tensorflow[and-cuda]'" in device.gpu_hint()


def test_a_gpu_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_gpu_names", lambda backend: ["NVIDIA H200"])
    assert device.describe().startswith("NVIDIA H200 · TensorFlow")
    assert device.gpu_hint() == "Keras computes on NVIDIA H200."


@pytest.mark.parametrize(
    ("facts", "wanted", "precision"),
    [
        ("vendor_id : GenuineIntel\nflags : fma avx512_bf16 amx_bf16 amx_tile", "auto", "bf16"),
        ("vendor_id : GenuineIntel\nflags : fma avx512_bf16 avx512_fp16", "auto", "fp32"),
        ("vendor_id : GenuineIntel\nflags : fma avx512_bf16 avx512_fp16", "bf16", "bf16"),
        ("vendor_id : AuthenticAMD\nflags : fma avx512_bf16", "auto", "bf16"),
        ("vendor_id : AuthenticAMD\nflags : fma avx512f", "auto", "fp32"),
        ("vendor_id : AuthenticAMD\nflags : fma avx512_bf16", "fp32", "fp32"),
    ],
)
def test_bf16_is_used_where_the_processor_is_faster_with_it(
    facts: str, wanted: str, precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor : 0\n{facts} sse2\n")
    monkeypatch.setattr(device, "CPU_FACTS", tmp_path / "cpuinfo")
    monkeypatch.setattr(device, "_gpu_names", lambda backend: [])
    assert device.precision(wanted) == precision
    monkeypatch.setenv("CIFAR10_PRECISION", wanted)
    assert device.precision() == precision


@pytest.mark.parametrize(("able", "expected"), [(True, "bf16"), (False, "fp32")])
def test_on_a_gpu_bf16_is_used_if_the_gpu_can(
    able: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "_gpu_names", lambda backend: ["a GPU"])
    monkeypatch.setattr(device, "_gpu_has_bf16", lambda backend: able)
    monkeypatch.setattr(device, "_cpu_facts", lambda: {"amx_bf16"})
    assert device.precision() == expected


def test_on_a_gpu_bf16_is_keras_policy_inside_its_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_gpu_names", lambda backend: ["a GPU"])
    keras = device.keras
    with device.computing_in("bf16"):
        layer = keras.layers.Dense(2)
    assert (layer.compute_dtype, layer.variable_dtype) == ("bfloat16", "float32")
    assert keras.layers.Dense(2).compute_dtype == "float32"


@pytest.mark.parametrize(
    ("fact", "width", "channels", "in_bf16"),
    [
        ("avx512_bf16", 7, 64, "swapped"),
        ("avx512_bf16", 40, 256, "swapped"),
        ("avx512_bf16", 7, 63, "alone"),
        ("avx512_bf16", None, 64, "alone"),
        ("amx_bf16", 15, 24, "side by side"),
        ("amx_bf16", 7, 256, "side by side"),
        ("amx_bf16", 16, 256, "alone"),
        ("amx_bf16", None, 256, "alone"),
    ],
)
def test_what_lays_pictures_out_for_gradients_is_processor_and_layer_in_16_bits(
    fact: str,
    width: int | None,
    channels: int,
    in_bf16: device.Layout,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(device, "_gpu_names", lambda backend: [])
    monkeypatch.setattr(device, "_cpu_facts", lambda: {"avx512_bf16", fact})
    assert device.layout_for_gradients(width, channels) == "alone"
    with device.computing_in("bf16"):
        assert device.layout_for_gradients(width, channels) == in_bf16
    assert device.layout_for_gradients(width, channels) == "alone"


@pytest.mark.parametrize(
    ("facts", "gpus", "expected"),
    [
        ("GenuineIntel avx512_bf16 amx_bf16", [], "bf16 (AMX)"),
        ("AuthenticAMD avx512_bf16", [], "bf16 (AVX-512)"),
        ("GenuineIntel avx512_bf16", [], "fp32"),
        ("GenuineIntel avx512_bf16 amx_bf16", ["a GPU"], "bf16"),
    ],
)
def test_a_benchmark_names_the_instructions_that_its_ratios_depend_on(
    facts: str, gpus: list[str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text(facts)
    monkeypatch.setattr(device, "CPU_FACTS", tmp_path / "cpuinfo")
    monkeypatch.setattr(device, "_gpu_names", lambda backend: gpus)
    monkeypatch.setattr(device, "_gpu_has_bf16", lambda backend: True)
    assert device.arithmetic() == expected


def test_bf16_cannot_be_forced_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "CPU_FACTS", tmp_path / "not there")
    assert device.precision() == "fp32"
    with pytest.raises(CourseError, match="machine lacks: use fp32"):
        device.precision("bf16")


def test_an_unknown_precision_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIFAR10_PRECISION", "fp8")
    with pytest.raises(CourseError, match="no precision 'fp8': choose one of auto, bf16, fp32"):
        device.precision()


def test_bf16_keeps_eight_binary_digits_and_only_inside_its_block() -> None:
    if device._cpu_facts().isdisjoint({"avx512_bf16", "amx_bf16"}):
        pytest.skip("this processor has no bf16 instructions")
    keras = device.keras
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    model = keras.Sequential([keras.Input((64,)), layer])
    values = np.full((256, 64), 1 + 2**-10, np.float32)  # rounds to 1 with 8 digits
    exact = model.predict(values, verbose=0)[0, 0]
    assert exact == pytest.approx(64 + 64 * 2**-10, abs=1e-4)
    with device.computing_in("bf16"):
        assert model.predict(values, verbose=0)[0, 0] == 64
    assert model.predict(values, verbose=0)[0, 0] == exact
    with pytest.raises(ZeroDivisionError), device.computing_in("bf16"):
        _ = 1 / 0
    assert model.predict(values, verbose=0)[0, 0] == exact


def test_no_epoch_waits_for_tensorflows_autotuning() -> None:
    """Its thread may sleep for as long as the epoch has lasted when the epoch is over."""
    trainer = importlib.import_module("keras.src.backend.tensorflow.trainer")
    asked = []
    own = trainer.TFEpochIterator._get_iterator

    def watched(self: object) -> object:
        pipeline = own(self)
        asked.append(pipeline.options().autotune.enabled)
        return pipeline

    model = device.keras.Sequential([device.keras.Input((3,)), device.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer.TFEpochIterator, "_get_iterator", watched)
        model.fit(np.zeros((4, 3)), np.zeros((4, 1)), epochs=2, verbose=0)
    assert asked
    assert not any(asked)
