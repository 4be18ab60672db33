"""The fast network's pieces against a direct computation, numpy or plain Keras."""

from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from cifar10_cnn import device, models
from cifar10_cnn.data import practice
from cifar10_cnn.device import keras
from cifar10_cnn.models import fast_operations as operations
from cifar10_cnn.models.fast import (
    Convolution,
    DiracInitializer,
    FusedBatchNormalization,
    PolynomialGELU,
    Whitening,
)

MaxPooling2D = keras.layers.MaxPooling2D
PICTURES = 300
README = Path(__file__).parents[1] / "README.md"


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """Return smooth noise of -1 to 1, neighbours alike as in photos."""
    noise = np.random.default_rng(0).normal(size=(PICTURES, 12, 12, 3))
    for axis in (1, 2):
        noise += np.roll(noise, 1, axis)
    return (noise / np.abs(noise).max()).astype("float32")


def patches_of(pictures: np.ndarray) -> np.ndarray:
    """Return all patches of 2 by 2 pixels as rows of 12 numbers: row, column, colour."""
    rows = [
        pictures[:, y : y + 2, x : x + 2].reshape(len(pictures), -1)
        for y in range(pictures.shape[1] - 1)
        for x in range(pictures.shape[2] - 1)
    ]
    return np.concatenate(rows).astype("float64")


def adapted(pictures: np.ndarray, **settings: float) -> Whitening:
    layer = Whitening(**settings)
    layer.build((None, None, None, 3))
    layer.adapt(pictures)
    return layer


def test_whitening_filters_are_the_patches_eigenvectors_over_their_spread(
    pictures: np.ndarray,
) -> None:
    filters, offsets = (np.array(weight) for weight in adapted(pictures).weights)
    patches = patches_of(pictures)
    values, vectors = np.linalg.eigh(np.cov(patches.T))
    expected = (vectors / np.sqrt(values + 1e-4))[:, ::-1]  # the widest spread first
    ours = filters.reshape(12, 24)
    np.testing.assert_allclose(np.abs(ours[:, :12]), np.abs(expected), rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(ours[:, 12:], -ours[:, :12])
    np.testing.assert_allclose(offsets, -patches.mean(axis=0) @ ours, atol=1e-5)


def test_whitened_patches_are_uncorrelated_and_of_spread_one(pictures: np.ndarray) -> None:
    answers = np.array(adapted(pictures, epsilon=0.0)(pictures)).reshape(-1, 24)[:, :12]
    np.testing.assert_allclose(np.cov(answers.T), np.eye(12), atol=5e-3)
    np.testing.assert_allclose(answers.mean(axis=0), 0, atol=5e-3)


def test_whitening_learns_nothing_in_training(pictures: np.ndarray) -> None:
    assert adapted(pictures).trainable_weights == []


@pytest.mark.parametrize("scale", [True, False])
def test_fused_batch_norm_does_what_kerass_own_does(scale: bool) -> None:
    values = np.random.default_rng(0).normal(2, 3, (64, 8, 8, 5)).astype("float32")
    ours = FusedBatchNormalization(scale=scale, momentum=0.6, epsilon=1e-3)
    theirs = keras.layers.BatchNormalization(scale=scale, momentum=0.6, epsilon=1e-3)
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


@pytest.mark.parametrize("layout", get_args(device.Layout))
@pytest.mark.parametrize("pictures", [7, 16, 99])
@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("size", [(7, 7), (3, 5), (6, 9), (8, 4)])
def test_convolution_learns_what_kerass_own_does(
    layout: device.Layout,
    pictures: int,
    pooled: bool,
    size: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of 7 and of 99 pictures the last row of 16 is not full, of 99 not the last 96 swapped."""
    rng = np.random.default_rng(0)
    values, wanted = (
        rng.normal(size=(pictures, *sides, channels)).astype("float32")
        for sides, channels in ((size, 4), ([side // 2 for side in size], 6))
    )
    asked = []
    monkeypatch.setattr(
        device, "layout_for_gradients", lambda *facts: asked.append(facts) or layout
    )
    learnt = []
    for kind in (partial(Convolution, pooled=pooled), keras.layers.Conv2D):
        keras.utils.set_random_seed(0)
        # Two, so that the gradient of the pictures counts as well.
        first = keras.layers.Conv2D(5, 3, padding="same", use_bias=False)
        second = kind(6, 3, padding="same", use_bias=False)
        model = keras.Sequential([keras.Input((*size, 4)), first, second, MaxPooling2D()])
        model.compile(keras.optimizers.SGD(1.0), "mse")
        model.fit(values, wanted, batch_size=pictures, epochs=2, verbose=0)
        learnt.append([*model.get_weights(), model.predict(values, verbose=0)])
    for ours, theirs in zip(*learnt, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert set(asked) == {(size[1], 5)}


def test_a_pooled_convolution_leaves_out_what_no_pooling_reads_of_pictures_of_any_size() -> None:
    """After the first size TensorFlow takes all others as unknown."""
    pictures = keras.Input((None, None, 4))
    pooled = Convolution(6, 3, padding="same", pooled=True)
    ours = keras.Model(pictures, pooled(pictures))
    theirs = keras.layers.Conv2D(6, 3, padding="same")
    theirs.build(pictures.shape)
    theirs.set_weights(pooled.get_weights())
    for height, width in ((7, 5), (4, 9), (6, 8), (5, 5)):
        values = np.random.default_rng(0).normal(size=(3, height, width, 4)).astype("float32")
        even = (slice(None), slice(height // 2 * 2), slice(width // 2 * 2))
        answers = ours.predict(values, verbose=0)
        np.testing.assert_allclose(answers, theirs(values)[even], atol=1e-5)
        assert pooled.compute_output_shape(values.shape) == answers.shape
    assert type(pooled).from_config(pooled.get_config()).pooled


def test_leaving_out_what_nobody_reads_makes_no_other_network() -> None:
    networks = [
        keras.Sequential([keras.Input((7, 7, 4)), Convolution(filters, 3, pooled=pooled)])
        for filters, pooled in ((6, True), (6, False), (5, False))
    ]
    with_it, without, other = map(models.digest, networks)
    assert with_it == without != other


@pytest.mark.parametrize(
    "settings",
    [
        {"padding": "valid"},
        {"padding": "same", "strides": 2},
        {"padding": "same", "dilation_rate": 2},
        {"padding": "same", "groups": 2},
    ],
    ids=str,
)
def test_other_convolutions_are_kerass_own(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "layout_for_gradients", lambda *_: "swapped")
    values = np.random.default_rng(0).normal(size=(3, 7, 7, 4)).astype("float32")
    ours, theirs = (kind(6, 3, **settings) for kind in (Convolution, keras.layers.Conv2D))
    theirs.build(values.shape)
    ours.build(values.shape)
    ours.set_weights(theirs.get_weights())
    np.testing.assert_array_equal(ours(values), theirs(values))


def test_the_polynomial_is_gelu_to_a_hundredth_wherever_it_is_asked() -> None:
    values = np.linspace(-9, 9, 1801, dtype="float32")
    ours, gelu = PolynomialGELU()(values), keras.activations.gelu(values, approximate=False)
    np.testing.assert_allclose(ours, gelu, atol=0.01)
    np.testing.assert_allclose(ours[values > 3], values[values > 3], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_polynomials_gradient_is_its_slope(dtype: str) -> None:
    """Against the difference of two values beside each: bf16 rounds both to three digits."""
    values = np.linspace(-4, 4, 81, dtype="float32")
    layer = PolynomialGELU(dtype=dtype)
    found = operations.gradient(
        lambda x: keras.ops.sum(keras.ops.cast(layer(x), "float32")), values
    )
    rise = np.array(PolynomialGELU()(values + 0.01)) - np.array(PolynomialGELU()(values - 0.01))
    np.testing.assert_allclose(found, rise / 0.02, atol=2e-2 if dtype == "bfloat16" else 2e-3)


@pytest.mark.parametrize(("into", "filters"), [(4, 6), (6, 4), (5, 5)])
def test_pass_through_hands_its_inputs_on(into: int, filters: int) -> None:
    keras.utils.set_random_seed(0)
    layer = keras.layers.Conv2D(
        filters, 3, padding="same", use_bias=False, kernel_initializer=DiracInitializer()
    )
    values = np.random.default_rng(0).normal(size=(2, 9, 9, into)).astype("float32")
    answers = np.array(layer(values))
    same = min(into, filters)
    ratio = answers[..., :same] / values[..., :same]
    np.testing.assert_allclose(ratio, ratio[0, 0, 0, 0], rtol=1e-3)
    assert np.linalg.norm(layer.kernel) == pytest.approx(1, rel=1e-5)
    if filters > into:
        assert np.std(answers[..., into:]) > 0


def test_the_networks_parameters_are_those_counted_by_hand() -> None:
    whitening = 2 * 2 * 3 * 24 + 24
    kernels = 9 * (24 * 64 + 64 * 64 + 64 * 128 + 128 * 128 + 128 * 128 + 128 * 128)
    batch_norm = 3 * 2 * (64 + 128 + 128)  # offset, running mean, running variance
    assert models.build("fast_cnn").count_params() == whitening + kernels + batch_norm + 128 * 10


def test_the_multiplications_are_those_counted_by_hand() -> None:
    whitening = 31 * 31 * 12 * 24
    # The pooling of 31, 15 and 7 pixels reads 30, 14 and 6 of them.
    first = 9 * (30 * 30 * 24 * 64 + 15 * 15 * 64 * 64)
    second = 9 * (14 * 14 * 64 * 128 + 7 * 7 * 128 * 128)
    third = 9 * (6 * 6 * 128 * 128 + 3 * 3 * 128 * 128)
    by_hand = whitening + first + second + third + 128 * 10
    assert models.multiplications(models.build("fast_cnn"), (32, 32, 3)) == by_hand


def test_the_wide_networks_last_layer_is_given_means_and_half_the_highest_values() -> None:
    network = models.build("wide_fast_cnn")
    *_, last = (layer for layer in network.layers if isinstance(layer, PolynomialGELU))
    look = keras.Model(network.input, [last.output, network.get_layer("head").input])
    pictures = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3))
    values, given = (np.array(each) for each in look(pictures))
    assert values.shape == (5, 3, 3, 256)
    by_hand = values.mean(axis=(1, 2)) + values.max(axis=(1, 2)) / 2
    np.testing.assert_allclose(given, by_hand, rtol=1e-5, atol=1e-6)


def test_what_no_pooling_reads_is_the_share_of_the_multiplications_that_the_readme_names() -> None:
    network = models.build("wide_fast_cnn")
    needed, all_of_them = (
        models.multiplications(each, (32, 32, 3)) for each in (network, models.plain(network))
    )
    assert f"saves {100 * (1 - needed / all_of_them):.0f} %" in README.read_text()


@pytest.mark.parametrize("size", [20, 26, 32])
def test_a_network_takes_pictures_of_any_size(size: int) -> None:
    model = models.build("fast_cnn", 4)
    answers = model.predict(np.zeros((2, size, size, 3), np.uint8), verbose=0)
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-5)
    assert answers.shape == (2, 4)


def test_a_saved_network_answers_as_before(tmp_path: Path) -> None:
    images = practice.make(20, 10)[0]
    model = models.build("fast_cnn")
    models.adapt(model, images)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    ours, theirs = (each.predict(images, verbose=0) for each in (model, loaded))
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", ["plain_cnn", "batchnorm_cnn", "maxnorm_cnn"])
def test_adapting_leaves_other_networks_alone(name: str) -> None:
    model = models.build(name)
    before = model.get_weights()
    models.adapt(model, np.zeros((5, 32, 32, 3), np.uint8))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_wide_network_hands_on_16_bits_only_where_convolutions_compute_in_them() -> None:
    def precisions() -> set[str]:
        return {layer.compute_dtype for layer in models.build("wide_fast_cnn").layers[1:]}

    assert precisions() == {"float32"}
    with device.computing_in("bf16"):
        model = models.build("wide_fast_cnn")
        assert precisions() == {"bfloat16", "float32"}
        assert models.build("fast_cnn").layers[-4].compute_dtype == "float32"
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert model.output.dtype == "float32"
    assert precisions() == {"float32"}


def test_a_wide_network_of_keras_own_layers_answers_as_it_was_trained(tmp_path: Path) -> None:
    images, labels = practice.make(60, 20)[:2]
    with device.computing_in("bf16"):
        model = models.build("wide_fast_cnn")
        models.adapt(model, images)
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(images, labels, epochs=5, batch_size=10, verbose=0)
        answers = model.predict(images, verbose=0)
    models.save(models.plain(model), tmp_path / "plain.keras")
    plain = keras.models.load_model(tmp_path / "plain.keras")
    assert {layer.compute_dtype for layer in plain.layers} == {"float32"}
    assert not any(type(layer).__module__.startswith("cifar10_cnn") for layer in plain.layers)
    assert np.ptp(answers) > 0.1  # else any network would answer alike
    np.testing.assert_allclose(plain.predict(images, verbose=0), answers, atol=0.05)


@pytest.mark.parametrize("layout", get_args(device.Layout))
@pytest.mark.parametrize("pooled", [False, True])
def test_a_convolution_has_keras_own_gradient_outside_a_graph(
    pooled: bool, layout: device.Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "layout_for_gradients", lambda *_: layout)
    values = np.random.default_rng(0).normal(size=(5, 7, 7, 2)).astype("float32")
    ours, theirs = (
        kind(3, 3, padding="same", use_bias=False)
        for kind in (partial(Convolution, pooled=pooled), keras.layers.Conv2D)
    )
    for layer in (ours, theirs):
        layer.build(values.shape)
    ours.set_weights(theirs.get_weights())
    slopes = [
        operations.gradient(
            lambda x, layer=layer: keras.ops.sum(MaxPooling2D()(layer(x)) ** 2), values
        )
        for layer in (ours, theirs)
    ]
    np.testing.assert_allclose(*slopes, atol=1e-4)
