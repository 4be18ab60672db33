"""The fast networks' pieces against a direct computation, numpy or plain Keras."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import tensorflow as tf

from cifar10_cnn import device, models
from cifar10_cnn.data import practice
from cifar10_cnn.device import keras
from cifar10_cnn.models import fast, fast_operations
from cifar10_cnn.models.fast_layers import (
    Convolution,
    DiracInitializer,
    FusedBatchNormalization,
    PolynomialGELU,
    Whitening,
)

layers = keras.layers


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def gradient(function: Callable[[Any], Any], values: np.ndarray) -> np.ndarray:
    tensor = tf.convert_to_tensor(values)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        result = function(tensor)
    return tape.gradient(result, tensor).numpy()


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Return smooth noise of -1 to 1, neighbours alike as in photos."""
    noise = random(300, 12, 12, 3)
    for axis in (1, 2):
        noise += np.roll(noise, 1, axis)
    return noise / np.abs(noise).max()


def adapted(images: np.ndarray, **settings: float) -> Whitening:
    layer = Whitening(**settings)
    layer.build((None, None, None, 3))
    layer.adapt(images)
    assert layer.trainable_weights == []
    return layer


def test_whitening_filters_are_the_patches_eigenvectors_over_their_standard_deviations(
    images: np.ndarray,
) -> None:
    # All patches of 2 by 2 pixels as rows of 12 numbers: row, column, colour.
    patches = np.concatenate(
        [
            images[:, y : y + 2, x : x + 2].reshape(len(images), -1)
            for y in range(11)
            for x in range(11)
        ]
    ).astype("float64")
    values, vectors = np.linalg.eigh(np.cov(patches.T))
    expected = (vectors / np.sqrt(values + 1e-4))[:, ::-1]  # the largest variance first
    filters, biases = (np.array(weight) for weight in adapted(images).weights)
    ours = filters.reshape(12, 24)
    np.testing.assert_allclose(np.abs(ours[:, :12]), np.abs(expected), rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(ours[:, 12:], -ours[:, :12])
    np.testing.assert_allclose(biases, -patches.mean(axis=0) @ ours, atol=1e-5)


@pytest.mark.parametrize("scale", [True, False])
def test_fused_batch_norm_does_what_kerass_own_does(scale: bool) -> None:
    values = 2 + 3 * random(64, 8, 8, 5)
    ours = FusedBatchNormalization(scale=scale, momentum=0.6, epsilon=1e-3)
    theirs = layers.BatchNormalization(scale=scale, momentum=0.6, epsilon=1e-3)
    for layer in (ours, theirs):
        layer.build(values.shape)
        layer.beta.assign(np.arange(5))
        if scale:
            layer.gamma.assign(np.arange(1, 6))
    for training in (True, True, False):
        np.testing.assert_allclose(
            ours(values, training=training), theirs(values, training=training), atol=1e-3, rtol=2e-4
        )
    np.testing.assert_allclose(ours.moving_mean, theirs.moving_mean, rtol=1e-4)
    # TensorFlow divides the sum of squares by n - 1, Keras by n.
    np.testing.assert_allclose(ours.moving_variance, theirs.moving_variance, rtol=1e-3)


@pytest.mark.parametrize("layout", get_args(fast_operations.Layout))
@pytest.mark.parametrize(
    ("count", "pooled", "size"),
    # Of 7 and of 99 images the last row of 16 is not full, of 99 not the last 96 swapped.
    [(7, False, (7, 7)), (16, True, (7, 7)), (99, True, (3, 5)), (7, True, (6, 9))],
)
def test_a_convolution_trains_as_kerass_own_does(
    layout: str, count: int, pooled: bool, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    values, targets = random(count, *size, 4), random(count, size[0] // 2, size[1] // 2, 6)
    asked = []
    monkeypatch.setattr(
        fast_operations, "memory_layout", lambda *facts: asked.append(facts) or layout
    )
    results, slopes = [], []
    for kind in (partial(Convolution, pooled=pooled), layers.Conv2D):
        keras.utils.set_random_seed(0)
        # Two, so that the gradient of the images counts as well.
        first = layers.Conv2D(5, 3, padding="same", use_bias=False)
        second = kind(6, 3, padding="same", use_bias=False)
        model = keras.Sequential([keras.Input((*size, 4)), first, second, layers.MaxPooling2D()])
        slopes.append(gradient(lambda x, model=model: keras.ops.sum(model(x) ** 2), values))
        model.compile(keras.optimizers.SGD(1.0), "mse")
        model.fit(values, targets, batch_size=count, epochs=2, verbose=0)
        results.append([*model.get_weights(), model.predict(values, verbose=0)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    np.testing.assert_allclose(*slopes, atol=1e-3)
    assert set(asked) == {(size[1], 5)}


def test_a_pooled_convolution_leaves_out_what_no_pooling_reads_of_images_of_any_size() -> None:
    """After the first size TensorFlow takes all others as unknown."""
    inputs = keras.Input((None, None, 4))
    pooled = Convolution(6, 3, padding="same", pooled=True)
    ours = keras.Model(inputs, pooled(inputs))
    theirs = layers.Conv2D(6, 3, padding="same")
    theirs.build(inputs.shape)
    theirs.set_weights(pooled.get_weights())
    for height, width in ((7, 5), (4, 9), (5, 5)):
        values = random(3, height, width, 4)
        even = (slice(None), slice(height // 2 * 2), slice(width // 2 * 2))
        outputs = ours.predict(values, verbose=0)
        np.testing.assert_allclose(outputs, theirs(values)[even], atol=1e-5)
        assert pooled.compute_output_shape(values.shape) == outputs.shape
    assert type(pooled).from_config(pooled.get_config()).pooled
    whole = Convolution(6, 3, padding="same")
    digests = [models.digest(keras.Sequential([inputs, layer])) for layer in (pooled, whole)]
    assert digests[0] == digests[1]  # it leaves out what changes no result


@pytest.mark.parametrize(
    ("fact", "width", "channels", "in_bf16"),
    [
        ("avx512_bf16", 7, 64, "swapped"),
        ("avx512_bf16", 40, 256, "swapped"),
        ("avx512_bf16", 7, 63, "unchanged"),
        ("amx_bf16", 15, 24, "side by side"),
        ("amx_bf16", 7, 256, "side by side"),
        ("amx_bf16", 16, 256, "unchanged"),
    ],
)
def test_processor_and_layer_set_the_memory_layout_in_16_bits(
    fact: str, width: int, channels: int, in_bf16: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "_gpu_names", list)
    monkeypatch.setattr(device, "cpu_facts", lambda: {"avx512_bf16", fact})
    assert fast_operations.memory_layout(width, channels) == "unchanged"
    with device.computing_in("bf16"):
        assert fast_operations.memory_layout(width, channels) == in_bf16


def test_the_polynomial_is_gelu_to_a_hundredth_for_any_value() -> None:
    values = np.linspace(-9, 9, 1801, dtype="float32")
    ours, gelu = PolynomialGELU()(values), keras.activations.gelu(values, approximate=False)
    np.testing.assert_allclose(ours, gelu, atol=0.01)
    np.testing.assert_allclose(ours[values > 3], values[values > 3], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_polynomials_gradient_is_its_slope(dtype: str) -> None:
    """Against the difference of two values beside each: bf16 rounds both to three digits."""
    values = np.linspace(-4, 4, 81, dtype="float32")
    layer = PolynomialGELU(dtype=dtype)
    slope = gradient(lambda x: keras.ops.sum(keras.ops.cast(layer(x), "float32")), values)
    rise = np.array(PolynomialGELU()(values + 0.01)) - np.array(PolynomialGELU()(values - 0.01))
    np.testing.assert_allclose(slope, rise / 0.02, atol=2e-2 if dtype == "bfloat16" else 2e-3)


@pytest.mark.parametrize(("inputs", "filters"), [(4, 6), (6, 4), (5, 5)])
def test_dirac_kernels_are_of_unit_norm_and_hand_their_inputs_on(inputs: int, filters: int) -> None:
    layer = layers.Conv2D(
        filters, 3, padding="same", use_bias=False, kernel_initializer=DiracInitializer()
    )
    values = random(2, 9, 9, inputs)
    outputs = np.array(layer(values))
    same = min(inputs, filters)
    ratio = outputs[..., :same] / values[..., :same]
    np.testing.assert_allclose(ratio, ratio[0, 0, 0, 0], rtol=1e-3)
    assert np.linalg.norm(layer.kernel) == pytest.approx(1, rel=1e-5)
    if filters > inputs:
        assert np.std(outputs[..., inputs:]) > 0


def test_parameters_are_those_counted_by_hand() -> None:
    whitening = 2 * 2 * 3 * 24 + 24
    kernels = 9 * (24 * 64 + 64 * 64 + 64 * 128 + 128 * 128 + 128 * 128 + 128 * 128)
    batch_norm = 3 * 2 * (64 + 128 + 128)  # bias, running mean, running variance
    assert models.build("fast_cnn").count_params() == whitening + kernels + batch_norm + 128 * 10


def test_the_wide_networks_last_layer_is_given_means_plus_half_the_maxima() -> None:
    network = models.build("wide_fast_cnn")
    *_, last = (layer for layer in network.layers if isinstance(layer, PolynomialGELU))
    features = keras.Model(network.input, [last.output, network.get_layer("head").input])
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3))
    values, pooled = (np.array(each) for each in features(images))
    assert values.shape == (5, 3, 3, 256)
    by_hand = values.mean(axis=(1, 2)) + values.max(axis=(1, 2)) / 2
    np.testing.assert_allclose(pooled, by_hand, rtol=1e-5, atol=1e-6)


def test_a_network_takes_images_of_any_size() -> None:
    model = models.build("fast_cnn", 4)
    for size in (20, 26, 32):
        outputs = model.predict(np.zeros((2, size, size, 3), np.uint8), verbose=0)
        np.testing.assert_allclose(outputs.sum(axis=1), 1, rtol=1e-5)
        assert outputs.shape == (2, 4)


def test_the_wide_network_hands_on_16_bits_only_where_convolutions_compute_in_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(device, "_gpu_names", list)

    def precisions(name: str) -> set[str]:
        return {layer.compute_dtype for layer in models.build(name).layers[1:]}

    assert precisions("wide_fast_cnn") == {"float32"}
    with device.computing_in("bf16"):
        model = models.build("wide_fast_cnn")
        assert precisions("wide_fast_cnn") == {"bfloat16", "float32"}
        assert precisions("fast_cnn") == {"float32"}
    assert {weight.dtype for weight in model.weights} == {model.output.dtype} == {"float32"}


def test_a_shipped_file_is_small_of_keras_own_layers_and_gives_the_trained_outputs(
    tmp_path: Path,
) -> None:
    images, labels = practice.make(60, 20)[:2]
    with device.computing_in(device.precision()):
        model = fast.fast_cnn(widths=(32, 48, 48), activation=PolynomialGELU)
        models.adapt(model, images)
        model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
        model.fit(images, labels, epochs=3, batch_size=10, verbose=0)
        outputs = model.predict(images, verbose=0)
    models.save(models.plain(model), tmp_path / "plain.keras")
    (tmp_path / "small.keras").write_bytes(models.compressed_bytes(model))
    sizes = [(tmp_path / name).stat().st_size for name in ("small.keras", "plain.keras")]
    assert sizes[0] < 0.6 * sizes[1]
    assert np.ptp(outputs) > 0.1  # else any network would give alike outputs
    for name in ("small.keras", "plain.keras"):
        network = keras.models.load_model(tmp_path / name)
        assert {layer.compute_dtype for layer in network.layers} == {"float32"}
        assert not any(type(layer).__module__.startswith("cifar10_cnn") for layer in network.layers)
        np.testing.assert_allclose(network.predict(images, verbose=0), outputs, atol=0.05)
