"""Model files from strangers: plain networks load, whatever could run code is refused."""

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar10_cnn import models
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.device import keras
from cifar10_cnn.training import runs

layers = keras.layers


def of(*parts: keras.layers.Layer, shape: tuple[int, ...] = (32, 32, 3)) -> keras.Model:
    return keras.Sequential([keras.Input(shape), *parts])


def small() -> keras.Model:
    return of(layers.Flatten(), layers.Dense(10, "softmax"))


def test_a_compiled_network_with_branches_of_plain_keras_loads(tmp_path: Path) -> None:
    images = keras.Input((32, 32, 3))
    x = layers.Conv2D(4, 3, padding="same", kernel_regularizer="l2", activation="gelu")(images)
    y = layers.SeparableConv2D(4, 3, padding="same", depthwise_constraint="max_norm")(images)
    x = layers.GlobalAveragePooling2D()(layers.Add()([x, y]))
    model = keras.Model(images, layers.Dense(10, "softmax", kernel_initializer="he_normal")(x))
    model.compile(keras.optimizers.Adam(0.1), "sparse_categorical_crossentropy", ["accuracy"])
    model.save(tmp_path / "a.keras")
    assert models.load(tmp_path / "a.keras").count_params() == model.count_params()


def changed(tmp_path: Path, change: Callable[[list[dict[str, Any]]], None]) -> Path:
    """Save a small network and let ``change`` edit the configurations of its layers."""
    file = tmp_path / "changed.keras"
    small().save(file)
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    change(config["config"]["layers"])
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file


def refused(file: Path) -> str:
    with pytest.raises(CourseError) as caught:
        models.load(file)
    assert str(file) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("module", "name", "registered"),
    [
        ("os", "system", None),
        ("builtins", "eval", None),
        ("subprocess", "run", "cifar10_cnn>NoSuchLayer"),
        ("keras.utils", "get_file", None),
        ("keras.config", "enable_unsafe_deserialization", None),
        ("keras.layersevil", "Dense", None),
        ("keras.layers", "TFSMLayer", None),
        ("keras.layers", "Lambda", None),
        ("keras.layers", "TextVectorization", None),
        ("tensorflow", "py_function", None),
        (None, "Dense", None),
    ],
)
def test_foreign_code_is_refused(
    tmp_path: Path, module: str | None, name: str, registered: str | None
) -> None:
    code = {"module": module, "class_name": name, "registered_name": registered}
    file = changed(tmp_path, lambda parts: parts[1].update(code))
    assert f"asks for {module}.{name}, which may run any code" in refused(file)
    file = changed(tmp_path, lambda parts: parts[2]["config"].update(activation=code))
    assert f"asks for {module}.{name}" in refused(file)


@pytest.mark.parametrize(
    "content", [b"", b"text", pickle.dumps({"a": 1}), b"\x89HDF\r\n\x1a\n" + bytes(100), b"PK\3\4"]
)
def test_what_is_no_keras_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.keras").write_bytes(content)
    assert "is no Keras model" in refused(tmp_path / "a.keras")


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.keras"
    small().save(file)
    content = file.read_bytes()
    for tenth in range(10):
        file.write_bytes(content[: len(content) * tenth // 10])
        assert "is no Keras model" in refused(file)


def test_a_bomb_is_refused_before_it_unpacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small().save(tmp_path / "a.keras")
    monkeypatch.setattr(models.saving, "_LIMIT", 2**10)
    assert "would take more than 1,024 bytes" in refused(tmp_path / "a.keras")


@pytest.mark.parametrize("path", [None, 5, b"a.keras"])
def test_what_is_no_path_and_where_no_file_is(path: object, tmp_path: Path) -> None:
    assert "There is no model file" in refused(tmp_path / "none.keras")
    with pytest.raises(CourseError, match="is no path"):
        models.load(path)  # type: ignore[arg-type]


def not_a_number() -> keras.Model:
    model = small()
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    return model


def of_two_images() -> keras.Model:
    one, two = keras.Input((32, 32, 3)), keras.Input((32, 32, 3))
    values = layers.Flatten()(layers.Add()([one, two]))
    return keras.Model([one, two], layers.Dense(10, "softmax")(values))


def of_two_outputs(form: Callable[[Any, Any], Any]) -> keras.Model:
    images = keras.Input((32, 32, 3))
    one, two = (layers.Dense(10, "softmax")(layers.Flatten()(images)) for _ in range(2))
    return keras.Model(images, form(one, two))


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: of(layers.Flatten(), layers.Dense(10)), "its last layer must be a softmax"),
        (lambda: of(layers.Conv2D(10, 3, activation="softmax")), "does not return probabilities"),
        (not_a_number, "There is nan among the probabilities"),
        (of_two_images, "does not take an image of shape"),
        (lambda: of_two_outputs(lambda one, two: [one, two]), "does not return probabilities"),
        (lambda: of_two_outputs(lambda one, two: {"a": one}), "does not return probabilities"),
        (lambda: of(layers.Flatten(), layers.Dense(9), shape=(32, 32, 1)), "but (None, 32"),
        (lambda: of(layers.Dense(10, "softmax"), shape=(3072,)), "but (None, 3072)"),
        (
            lambda: of(layers.Flatten(), layers.Embedding(5, 1), layers.Flatten()),
            "does not take an image of shape",
        ),
    ],
)
def test_a_network_for_something_else_is_refused(
    tmp_path: Path, build: Callable[[], keras.Model], sentence: str
) -> None:
    build().save(tmp_path / "a.keras")
    assert sentence in refused(tmp_path / "a.keras")


def option(**changes: Any) -> dict[str, Any]:
    good = {"temperature": 1, "threshold": 0.5, "rejected": 0.1, "accepted_ood": 0.1}
    return {"reject_option": {**good, **changes}}


@pytest.mark.parametrize(
    "about",
    [
        {"classes": 5},
        {"classes": [1, 2]},
        {"classes": []},
        {"reject_option": 5},
        {"reject_option": {"other": 1}},
        option(temperature=0),
        option(threshold="a"),
        option(rejected=None, accepted_ood=7),
    ],
)
def test_metadata_beside_a_model_that_makes_no_sense(tmp_path: Path, about: dict[str, Any]) -> None:
    (tmp_path / "a.json").write_text(json.dumps(about))
    with pytest.raises(CourseError, match=r"a\.keras .*makes? no sense"):
        runs.classes_and_reject_option(tmp_path / "a.keras")
