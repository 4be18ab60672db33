"""What is done around habits of other libraries and systems that cost the course noise or time."""

import codecs
import contextlib
import importlib
import io
import logging
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cifar10_cnn.common import settings
from cifar10_cnn.common.errors import CourseError


def set_tensorflow_variables() -> None:
    """Set what TensorFlow reads when it is imported, but for what the user has set.

    It writes no log; and on Intel's and AMD's processors it computes with oneDNN, which TensorFlow
    2.21 by itself uses only where the processor has AVX512_VNNI. On one with AVX2 alone an epoch of
    ``standard`` takes 299 s with it, 486 to 503 s without.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if platform.machine() in {"x86_64", "AMD64"}:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # Its advice on retracing is meant for those who write training loops, not for their users.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


@contextlib.contextmanager
def mute_stderr() -> Iterator[None]:
    """Send file descriptor 2 to nowhere: TensorFlow's C++ part writes nine lines there first.

    ``CIFAR10_STARTUP_MESSAGES=1`` leaves it alone, for those who look for a driver's complaint.
    """
    if settings.get("STARTUP_MESSAGES") == "1":
        yield
        return
    sys.stderr.flush()
    before = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)


def print_on_any_console() -> None:
    """Let letters that a console lacks (of Windows, redirected; of cron) be printed as others."""
    others = {"█": "#", "·": "-", "–": "-", "…": "...", "×": "x", "±": "+/-"}

    def replace(error: Any) -> tuple[str, int]:
        missing = error.object[error.start : error.end]
        return "".join(others.get(letter, "?") for letter in missing), error.end

    codecs.register_error("cifar10_cnn", replace)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and "utf" not in stream.encoding.lower():
            stream.reconfigure(errors="cifar10_cnn")


def give_a_home() -> None:
    """Set ``HOME`` in a container whose user has none: Jupyter and matplotlib write to theirs."""
    if os.path.expanduser("~") in ("~", "/"):  # noqa: PTH111 - Path's raises an error then
        os.environ["HOME"] = tempfile.mkdtemp(prefix="home-")


@contextlib.contextmanager
def starting_keras() -> Iterator[None]:
    """Say in one sentence why Keras does not start; import it inside.

    Raises:
        CourseError: if its backend is missing, or a file of its name stands in the way.
    """
    if not os.environ.get("KERAS_BACKEND"):
        os.environ.pop("KERAS_BACKEND", None)
    try:
        with mute_stderr():
            yield
    except (ImportError, ValueError) as error:
        named = os.environ.get("KERAS_BACKEND", "")
        whose = f"KERAS_BACKEND={named}" if named else "~/.keras/keras.json"
        raise CourseError(
            f"Keras does not start ({error}): run `pip install -r requirements.txt` again; if "
            f"{whose} names another backend than tensorflow, install that one too or take it away."
        ) from error
    except AttributeError as error:
        file = sys.modules["keras"].__file__
        raise CourseError(f"{file} is found in Keras' place ({error}): rename it.") from error


def disable_autotuning() -> None:
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
