"""The start of Keras: quiet, and plain about the device."""

import os
import re
import subprocess
import sys

import pytest

from cifar10_cnn import device


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
