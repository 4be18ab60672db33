"""Optimizers: names and settings, and Muon's steps against Keras' own and against numpy."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar10_cnn.device import keras
from cifar10_cnn.training import optimizers
from cifar10_cnn.training.optimizers import ConvMuon

RATE = 0.02


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def walk(
    optimizer: keras.optimizers.Optimizer, start: np.ndarray, shape: tuple[int, ...], steps: int = 4
) -> np.ndarray:
    """Return where some random gradients lead, in the shape of ``start``.

    The same numbers are given out for any ``shape`` of the weights.
    """
    variable = keras.Variable(start.reshape(shape), name="kernel")
    for step in range(steps):
        gradient = random(start.size, seed=1 + step).reshape(shape)
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    return keras.ops.convert_to_numpy(variable).reshape(start.shape)


def first_step(optimizer: keras.optimizers.Optimizer, gradient: np.ndarray) -> np.ndarray:
    """Return what a kernel of zeros becomes, one column for each filter."""
    variable = keras.Variable(np.zeros_like(gradient), name="kernel")
    optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    return np.array(variable).reshape(-1, gradient.shape[-1])


@pytest.mark.parametrize("shape", [(3, 3, 4, 8), (2, 3, 1, 16), (12, 5), (5, 12)])
def test_a_kernel_moves_as_its_matrix_with_keras_muon(shape: tuple[int, ...]) -> None:
    start = random(*shape)
    ours = walk(ConvMuon(RATE), start, shape)
    theirs = walk(keras.optimizers.Muon(RATE), start, (start.size // shape[-1], shape[-1]))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert np.abs(theirs - start).max() > RATE / 10


def small_cnn() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((6, 6, 3)),
            keras.layers.Conv2D(4, 3, bias_initializer="normal", name="convolution"),
            keras.layers.Flatten(),
            keras.layers.Dense(5, bias_initializer="normal", name="hidden"),
            keras.layers.Dense(3, bias_initializer="normal", name="probabilities"),
        ]
    )


def weights_after(
    optimizer: keras.optimizers.Optimizer, model: keras.Model
) -> dict[str, np.ndarray]:
    """Return each weight of the model by layer and name, after three steps."""
    for step in range(3):
        gradients = [
            keras.ops.convert_to_tensor(random(*weight.shape, seed=10 * step + number))
            for number, weight in enumerate(model.trainable_variables)
        ]
        optimizer.apply(gradients, model.trainable_variables)
    return {
        "/".join(weight.path.split("/")[-2:]): keras.ops.convert_to_numpy(weight)
        for weight in model.trainable_variables
    }


@pytest.mark.parametrize("excluded", [[], ["probabilities"], ["convolution"]])
def test_biases_and_excluded_layers_move_as_with_adamw(excluded: list[str]) -> None:
    ours, twin = small_cnn(), small_cnn()
    twin.set_weights(ours.get_weights())
    muon = weights_after(ConvMuon(RATE, exclude_layers=excluded), ours)
    adamw = weights_after(keras.optimizers.AdamW(RATE), twin)
    same = {path for path in muon if np.allclose(muon[path], adamw[path], rtol=1e-5, atol=1e-6)}
    biases = {"convolution/bias", "hidden/bias", "probabilities/bias"}
    assert same == biases | {f"{name}/kernel" for name in excluded}


def test_a_compiled_model_goes_on_after_saving_and_loading(tmp_path: Path) -> None:
    model = small_cnn()
    model.compile(optimizers.make("muon", RATE), "mean_squared_error")
    inputs, targets = random(8, 6, 6, 3), random(8, 3)
    model.fit(inputs, targets, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded.optimizer) is ConvMuon
    assert loaded.optimizer.exclude_layers == ["probabilities"]
    assert int(loaded.optimizer.iterations) == 1
    before = loaded.get_weights()
    for each in (model, loaded):
        each.fit(inputs, targets, shuffle=False, verbose=0)
    for old, ours, theirs in zip(before, model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_allclose(theirs, ours, rtol=1e-4, atol=1e-6)
        assert np.abs(theirs - old).max() > RATE / 100


def config(optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
    """Return all settings but the name, to which Keras adds a number."""
    return {key: value for key, value in optimizer.get_config().items() if key != "name"}


def test_every_name_makes_its_optimizer_with_keras_settings() -> None:
    plain = {
        "sgd": keras.optimizers.SGD(RATE),
        "momentum": keras.optimizers.SGD(RATE, momentum=0.9),
        "rmsprop": keras.optimizers.RMSprop(RATE),
        "adam": keras.optimizers.Adam(RATE),
        "adamw": keras.optimizers.AdamW(RATE, weight_decay=0.004),
        "muon": ConvMuon(RATE, exclude_layers=["probabilities"]),
    }
    assert optimizers.names() == (*plain, "unit_muon")
    assert config(ConvMuon(RATE)) == config(keras.optimizers.Muon(RATE))
    for name, expected in plain.items():
        made = optimizers.make(name, RATE)
        assert type(made) is type(expected)
        assert config(made) == config(expected)
        assert float(made.learning_rate) == pytest.approx(RATE)
        assert optimizers.make(name, RATE) is not made


@pytest.mark.parametrize("name", optimizers.names())
def test_a_schedule_sets_the_rate_of_each_step(name: str) -> None:
    halves = keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.1, 0.05])
    optimizer = optimizers.make(name, halves)
    variable = keras.Variable(random(3, 4), name="kernel")
    rates = []
    for _ in range(2):
        rates.append(float(optimizer.learning_rate))
        optimizer.apply([keras.ops.ones((3, 4))], [variable])
    assert rates == pytest.approx([0.1, 0.05])


@pytest.mark.parametrize("steps", [3, 5])
def test_a_unit_muon_step_has_the_length_that_rate_and_newton_schulz_steps_say(steps: int) -> None:
    """Each singular value goes through Jordan's polynomial, as a number on its own would."""
    gradient = random(3, 3, 4, 8)
    lengths = np.linalg.svd(gradient.reshape(36, 8), compute_uv=False)
    lengths /= np.linalg.norm(lengths)
    for _ in range(steps):
        lengths = 3.4445 * lengths - 4.7750 * lengths**3 + 2.0315 * lengths**5
    update = first_step(optimizers.make("unit_muon", 0.25, newton_schulz=steps), gradient)
    ours = np.linalg.svd(update, compute_uv=False) * 8**0.5 / 0.25
    np.testing.assert_allclose(np.sort(ours), np.sort(lengths), rtol=1e-3)


@pytest.mark.parametrize("name", ["batch_norm/beta", "head/kernel"])
def test_unit_muon_leaves_all_else_to_nesterovs_sgd(name: str) -> None:
    shape = (6, 3) if "kernel" in name else (6,)
    layer, _, own = name.rpartition("/")
    with keras.name_scope(layer):
        ours, theirs = (keras.Variable(random(*shape), name=own) for _ in range(2))
    unit = optimizers.make("unit_muon", 0.001, batch_size=500)
    ratio, decay = 0.22 * 500, 8.3e-6 * 500
    sgd = keras.optimizers.SGD(
        0.001 * ratio, momentum=0.85, nesterov=True, weight_decay=decay / ratio
    )
    for step in range(4):
        gradient = keras.ops.convert_to_tensor(random(*shape, seed=1 + step))
        unit.apply([gradient], [ours])
        sgd.apply([gradient], [theirs])
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
