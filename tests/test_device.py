"""The start of Keras: quiet, quick, and plain about the device."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cifar10_cnn import device
from cifar10_cnn.common import workarounds
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.device import keras


def in_new_process(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    unset = {key: value for key, value in os.environ.items() if key != "TF_ENABLE_ONEDNN_OPTS"}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**unset, **env},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )


def test_one_line_names_the_device_and_only_what_comes_later_reaches_standard_error() -> None:
    code = (
        "import sys\n"
        "from cifar10_cnn import device, models\n"
        "device.start()\n"
        "models.build('plain_cnn')(device.keras.ops.zeros((1, 32, 32, 3)))\n"
        "print('an error', file=sys.stderr)"
    )
    done = in_new_process(code)
    assert done.stderr == "an error\n"
    assert re.fullmatch(r"Device: .+ · TensorFlow [\d.]+ · Keras [\d.]+\n", done.stdout)


@pytest.mark.parametrize(
    ("machine", "own", "expected"),
    [("x86_64", None, "1"), ("AMD64", None, "1"), ("x86_64", "0", "0"), ("arm64", None, None)],
)
def test_onednn_is_on_where_it_is_faster_unless_the_user_says_otherwise(
    machine: str, own: str | None, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", own or "")
    if own is None:
        monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS")
    monkeypatch.setattr(workarounds.platform, "machine", lambda: machine)
    workarounds.set_tensorflow_variables()
    assert os.environ.get("TF_ENABLE_ONEDNN_OPTS") == expected


@pytest.mark.parametrize(
    ("gpus", "hidden", "driver", "hint"),
    [
        (["NVIDIA H200"], "0", True, "Keras computes on NVIDIA H200."),
        ([], "-1", True, "CUDA_VISIBLE_DEVICES hides"),
        ([], "0", False, "No NVIDIA driver was found"),
        ([], "0", True, r"pip install 'tensorflow\[and-cuda\]'"),
    ],
)
def test_hint_says_why_there_is_no_gpu_and_what_to_do(
    gpus: list[str], hidden: str, driver: bool, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    monkeypatch.setattr(device, "_gpu_names", lambda: gpus)
    monkeypatch.setattr(device.platform, "system", lambda: "Linux")
    monkeypatch.setattr(device.shutil, "which", lambda name: "/usr/bin/x" if driver else None)
    assert re.search(hint, device.gpu_hint())
    assert device.describe().startswith("NVIDIA H200 · TensorFlow" if gpus else "CPU, ")


@pytest.fixture
def cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file in which the system tells what the processor can do; there is no GPU."""
    for name in ("ONEDNN_MAX_CPU_ISA", "TF_ENABLE_ONEDNN_OPTS", "CIFAR10_PRECISION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(device, "CPU_FACTS", tmp_path / "cpuinfo")
    monkeypatch.setattr(device, "_gpu_names", list)
    return tmp_path / "cpuinfo"


AMX, INTEL = "GenuineIntel avx512_bf16 amx_bf16", "GenuineIntel avx512_bf16 avx512_fp16"
AMD = "AuthenticAMD fma avx512_bf16"


@pytest.mark.parametrize(
    ("facts", "requested", "arithmetic"),
    [
        (AMX, "auto", "bf16 (AMX)"),
        (INTEL, "auto", "fp32"),
        (INTEL, "bf16", "bf16 (AVX-512)"),
        (AMD, "auto", "bf16 (AVX-512)"),
        ("AuthenticAMD fma avx512f", "auto", "fp32"),
        (AMD, "fp32", "fp32"),
    ],
)
def test_bf16_is_used_where_the_processor_is_faster_with_it(
    facts: str, requested: str, arithmetic: str, cpu: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpu.write_text(f"processor : 0\nflags : {facts} sse2\n")
    precision = arithmetic[:4]
    assert device.precision(requested) == precision
    monkeypatch.setenv("CIFAR10_PRECISION", requested)
    assert (device.precision(), device.arithmetic()) == (precision, arithmetic)


@pytest.mark.parametrize(
    ("variable", "value", "facts"),
    [
        ("ONEDNN_MAX_CPU_ISA", "AVX2", set()),
        ("ONEDNN_MAX_CPU_ISA", "avx512_core", set()),
        ("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16", {"avx512_bf16"}),
        ("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_AMX", {"avx512_bf16", "amx_bf16"}),
        ("ONEDNN_MAX_CPU_ISA", "ALL", {"avx512_bf16", "amx_bf16"}),
        ("TF_ENABLE_ONEDNN_OPTS", "0", set()),
        ("TF_ENABLE_ONEDNN_OPTS", "1", {"avx512_bf16", "amx_bf16"}),
    ],
)
def test_instructions_that_onednn_is_told_not_to_use_do_not_count(
    variable: str, value: str, facts: set[str], cpu: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpu.write_text(AMX)
    monkeypatch.setenv(variable, value)
    assert device.cpu_facts() - {"GenuineIntel"} == facts
    assert device.precision() == ("bf16" if "amx_bf16" in facts else "fp32")


@pytest.mark.parametrize(("able", "expected"), [(True, "bf16"), (False, "fp32")])
def test_on_a_gpu_bf16_is_keras_policy_inside_its_block_if_the_gpu_can(
    able: bool, expected: str, cpu: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpu.write_text(AMX)
    monkeypatch.setattr(device, "_gpu_names", lambda: ["a GPU"])
    monkeypatch.setattr(device, "_gpu_has_bf16", lambda: able)
    assert device.precision() == device.arithmetic() == expected
    with device.computing_in(device.precision()):
        layer = keras.layers.Dense(2)
    assert layer.compute_dtype == ("bfloat16" if able else "float32")
    assert (layer.variable_dtype, keras.layers.Dense(2).compute_dtype) == ("float32", "float32")


def test_bf16_cannot_be_forced_where_there_is_none(cpu: Path) -> None:
    assert device.precision() == "fp32"  # there is no such file
    with pytest.raises(CourseError, match="machine lacks: use fp32"):
        device.precision("bf16")
    with pytest.raises(CourseError, match="no precision 'fp8': choose one of auto, bf16, fp32"):
        device.precision("fp8")


def test_bf16_keeps_eight_binary_digits_and_only_inside_its_block() -> None:
    if device.cpu_facts().isdisjoint({"avx512_bf16", "amx_bf16"}):
        pytest.skip("this processor has no bf16 instructions")
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    model = keras.Sequential([keras.Input((64,)), layer])
    values = np.full((256, 64), 1 + 2**-10, np.float32)  # rounds to 1 with 8 digits
    exact = model.predict(values, verbose=0)[0, 0]
    assert exact == pytest.approx(64 + 64 * 2**-10, abs=1e-4)
    with device.computing_in("bf16"):
        assert model.predict(values, verbose=0)[0, 0] == 64
    with pytest.raises(ZeroDivisionError), device.computing_in("bf16"):
        _ = 1 / 0
    assert model.predict(values, verbose=0)[0, 0] == exact


def test_no_epoch_waits_for_tensorflows_autotuning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread may sleep for as long as the epoch has lasted when the epoch is over."""
    iterator = importlib.import_module("keras.src.backend.tensorflow.trainer").TFEpochIterator
    own, enabled = iterator._get_iterator, []

    def watched(self: object) -> object:
        pipeline = own(self)
        enabled.append(pipeline.options().autotune.enabled)
        return pipeline

    monkeypatch.setattr(iterator, "_get_iterator", watched)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.zeros((4, 3)), np.zeros((4, 1)), epochs=2, verbose=0)
    assert enabled
    assert not any(enabled)
