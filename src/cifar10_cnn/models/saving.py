"""Model files: written whole, made of Keras' own layers, small, and loaded from anyone safely."""

import io
import json
import re
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from packaging.version import Version

from cifar10_cnn.common import checks, files
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.device import keras
from cifar10_cnn.models.basic import IMAGE_SHAPE
from cifar10_cnn.models.fast_layers import (
    Convolution,
    FusedBatchNormalization,
    PolynomialGELU,
    Whitening,
)

layers = keras.layers

#: Where the parts of a network come from; a file may name any other code, and Keras would run it.
_KNOWN = re.compile(
    r"keras(\.(layers|initializers|regularizers|constraints|activations|(src\.)?models|dtype_policies)"
    r"(\..*)?)?"
)
#: Layers that run code or read files of the one who made them.
_DANGEROUS = {
    *("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"),
    *("StringLookup", "IntegerLookup", "TextVectorization"),
}
#: Bytes that a file may unpack to.
_LIMIT = 2**31


def save(model: keras.Model, file: Path) -> None:
    """Write a model's file whole or not at all.

    Raises:
        CourseError: if it cannot be written, for example because the disk is full.
    """
    with files.writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            part = Path(folder) / file.name
            model.save(part)
            files.write(file, part.read_bytes())


def plain(model: keras.Model) -> keras.Model:
    """Return a copy of a network made of Keras' own layers alone: anyone can load its file.

    It computes in float32, and GELU itself stands in place of ``PolynomialGELU``.
    """
    own: dict[type, Any] = {
        Whitening: layers.Conv2D,
        Convolution: layers.Conv2D,
        FusedBatchNormalization: layers.BatchNormalization,
        PolynomialGELU: layers.Activation,
    }

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = {**layer.get_config(), "dtype": "float32"}
        for setting in ("patch", "epsilon") if isinstance(layer, Whitening) else ("pooled",):
            config.pop(setting, None)
        if isinstance(layer, Convolution):
            config["kernel_initializer"] = "glorot_uniform"
        if isinstance(layer, PolynomialGELU):
            config["activation"] = "gelu"
        return own.get(type(layer), type(layer)).from_config(config)

    copy = keras.models.clone_model(model, clone_function=clone)
    copy.set_weights(model.get_weights())
    return copy


def compressed_bytes(model: keras.Model) -> bytes:
    """Return a model as a small ``.keras`` file for anyone: ``plain``, its weights in bf16.

    Rounded to the 8 binary digits of bf16, they are zipped to half the size.
    """
    small = plain(model)
    rounded = [keras.ops.cast(weight, "bfloat16") for weight in model.get_weights()]
    small.set_weights([keras.ops.cast(weight, "float32") for weight in rounded])
    content = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        small.save(file)
        zipped = zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=9)
        with zipfile.ZipFile(file) as stored, zipped:
            for name in stored.namelist():
                zipped.writestr(name, stored.read(name))
    return content.getvalue()


def load(file: str | Path) -> keras.Model:
    """Load an image classifier from a ``.keras`` file that may come from anyone, uncompiled.

    Raises:
        CourseError: if there is no such file, it is damaged, it asks for code that is neither
            Keras' nor the course's, or it does not return probabilities for an image.
    """
    path = files.path(file)
    if not path.is_file():
        raise CourseError(f"There is no model file {path}: check the path.")
    with _refusing(f"{path} is no Keras model: give a .keras file."):
        _check(path)
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    expected = getattr(model, "input_shape", "something else")
    with _refusing(f"{path} does not take an image of shape {IMAGE_SHAPE}, but {expected}."):
        outputs = model.predict(np.full((1, *IMAGE_SHAPE), 128, dtype="uint8"), verbose=0)
    with _refusing(f"{path} does not return probabilities: its last layer must be a softmax."):
        checks.probabilities(outputs)
    return model


@contextmanager
def _refusing(sentence: str) -> Iterator[None]:
    """Raise a ``CourseError`` in place of any other: a strange file makes Keras raise anything."""
    try:
        yield
    except (CourseError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno:  # the system's, not Keras'
            raise files.unreadable(error.filename or "The file", error) from error
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CourseError(f"{sentence} ({reason})") from error


def _check(path: Path) -> None:
    """Refuse a file that names code of its own, or would fill the memory."""
    with zipfile.ZipFile(path) as archive:
        if sum(info.file_size for info in archive.infolist()) > _LIMIT:
            raise CourseError(f"{path} would take more than {_LIMIT:,} bytes: no model of ours.")
        config = json.loads(archive.read("config.json"))
        saved_by = json.loads(archive.read("metadata.json")).get("keras_version", "0")
    if Version(saved_by).release[:2] > Version(keras.__version__).release[:2]:
        raise CourseError(
            f"{path} was saved by Keras {saved_by}, newer than {keras.__version__} here: run "
            f"`pip install keras=={saved_by}`, or save it with the older one."
        )
    config.pop("compile_config", None)  # it is not used
    for part in _parts(config):
        module, name = str(part["module"]), str(part["class_name"])
        own = keras.saving.get_registered_object(str(part.get("registered_name"))) is not None
        if name in _DANGEROUS or not (own or _KNOWN.fullmatch(module)):
            raise CourseError(
                f"{path} asks for {module}.{name}, which may run any code on this machine: it is "
                "not loaded. If you trust its author, load it with Keras yourself."
            )


def _parts(config: Any) -> Iterator[dict[str, Any]]:
    """Yield everything that Keras would look up, at any depth."""
    if isinstance(config, dict):
        if "class_name" in config and "module" in config:
            yield config
        for value in config.values():
            yield from _parts(value)
    elif isinstance(config, list):
        for value in config:
            yield from _parts(value)
