"""Model files of other people: looked through before Keras builds anything of them."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cifar10_cnn.common import checks, files
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.device import keras
from cifar10_cnn.models.basic import IMAGE_SHAPE

#: Where the parts of a network come from; a file may name any other code, and Keras would run it.
_KNOWN = (
    "keras.layers.",
    "keras.initializers.",
    "keras.regularizers.",
    "keras.constraints.",
    "keras.activations.",
    "keras.models.",
    "keras.src.models.",
    "keras.dtype_policies.",
)
#: Layers that run code or read files of the one who made them.
_DANGEROUS = {
    "Lambda",
    "TFSMLayer",
    "TorchModuleWrapper",
    "JaxLayer",
    "FlaxLayer",
    "StringLookup",
    "IntegerLookup",
    "TextVectorization",
}
#: Bytes that a file may unpack to.
_LIMIT = 2**31


def load(file: str | Path) -> keras.Model:
    """Load a classifier of pictures from a ``.keras`` file that may come from anyone, uncompiled.

    Raises:
        CourseError: if there is no such file, it is damaged, it asks for code that is neither
            Keras' nor the course's, or it does not answer a picture with probabilities.
    """
    path = files.path(file)
    if not path.is_file():
        raise CourseError(f"There is no model file {path}: check the path.")
    try:
        _check(path)
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except CourseError:
        raise
    except Exception as error:  # a damaged file makes Keras raise almost anything
        raise CourseError(
            f"{path} is no Keras model ({_first_line(error)}): give a .keras file."
        ) from error
    _try_out(model, path)
    return model


def _try_out(model: keras.Model, path: Path) -> None:
    """Refuse a network that does not answer a picture with a probability for each class."""
    try:
        said = model.predict(np.full((1, *IMAGE_SHAPE), 128, dtype="uint8"), verbose=0)
    except Exception as error:  # what a network does with a picture that it is not made for
        wanted = getattr(model, "input_shape", "something else")
        raise CourseError(
            f"{path} does not take a picture of shape {IMAGE_SHAPE} ({_first_line(error)}): it "
            f"wants {wanted}."
        ) from error
    try:
        checks.probabilities(said)
    except ValueError as error:
        raise CourseError(
            f"{path} does not return one probability for each class ({error}): its last layer must "
            "be a softmax."
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _check(path: Path) -> None:
    """Refuse a file that names code of its own, or would fill the memory."""
    with zipfile.ZipFile(path) as archive:
        if sum(info.file_size for info in archive.infolist()) > _LIMIT:
            raise CourseError(f"{path} would take more than {_LIMIT:,} bytes: no model of ours.")
        config = json.loads(archive.read("config.json"))
    config.pop("compile_config", None)  # it is not used
    for module, name, registered in _parts(config):
        own = keras.saving.get_registered_object(registered) is not None
        known = module == "keras" or f"{module}.".startswith(_KNOWN)
        if name in _DANGEROUS or not (own or known):
            raise CourseError(
                f"{path} asks for {module}.{name}, which may run any code on this machine: it is "
                "not loaded. If you trust its author, load it with Keras yourself."
            )


def _parts(config: Any) -> Iterator[tuple[str, str, str]]:
    """Yield module, class and registered name of everything that Keras would look up."""
    if isinstance(config, dict):
        if "class_name" in config and "module" in config:
            yield (
                str(config["module"]),
                str(config["class_name"]),
                str(config.get("registered_name")),
            )
        for value in config.values():
            yield from _parts(value)
    elif isinstance(config, list):
        for value in config:
            yield from _parts(value)
