"""The networks, against parameter counts worked out by hand and against plain Keras."""

from pathlib import Path

import numpy as np
import pytest

from cifar10_cnn import models
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.device import keras
from cifar10_cnn.training import recipes

# A convolution has (3·3·channels in + 1)·channels out, a dense layer (values in + 1)·values out.
CHANNELS = [(3, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 128)]
CONVOLUTIONS = [(3 * 3 * inputs + 1) * outputs for inputs, outputs in CHANNELS]


#: One of each kind; the others after the quick tests.
QUICK = ("dense_baseline", "regularized_cnn", "fast_cnn", "rescaled_maxnorm_cnn")
NAMES = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.long) for name in models.names()
]


def counts(model: keras.Model, kind: type) -> list[int]:
    return [layer.count_params() for layer in model.layers if isinstance(layer, kind)]


@pytest.mark.parametrize("classes", [10, 3])
def test_parameters_layer_by_layer(classes: int) -> None:
    baseline = models.build("dense_baseline", classes)
    dense = [(32 * 32 * 3 + 1) * 128, (128 + 1) * classes]
    assert counts(baseline, keras.layers.Dense) == dense
    plain = models.build("plain_cnn", classes)
    assert counts(plain, keras.layers.Conv2D) == CONVOLUTIONS
    assert counts(plain, keras.layers.Dense) == [(4 * 4 * 128 + 1) * classes]
    assert plain.count_params() == sum(CONVOLUTIONS) + (4 * 4 * 128 + 1) * classes
    # Batch normalization: mean, variance, scale and shift of each map; the first two are not
    # trained by the optimizer.
    regularized, maps = models.build("regularized_cnn", classes), 2 * (32 + 64 + 128)
    assert regularized.count_params() == plain.count_params() + 4 * maps
    trainable = sum(int(np.prod(weight.shape)) for weight in regularized.trainable_weights)
    assert trainable == plain.count_params() + 2 * maps


def test_plain_cnn_computes_what_plain_keras_computes() -> None:
    ours = models.build("plain_cnn")
    theirs = keras.Sequential([keras.Input((32, 32, 3))])
    for filters in (32, 64, 128):
        theirs.add(keras.layers.Conv2D(filters, 3, padding="same", activation="relu"))
        theirs.add(keras.layers.Conv2D(filters, 3, padding="same", activation="relu"))
        theirs.add(keras.layers.MaxPooling2D())
    theirs.add(keras.layers.Flatten())
    theirs.add(keras.layers.Dense(10, activation="softmax"))
    theirs.set_weights(ours.get_weights())
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    np.testing.assert_allclose(
        ours.predict(images, verbose=0),
        theirs.predict(images.astype("float32") / 255, verbose=0),
        atol=1e-5,
    )


@pytest.mark.parametrize("name", NAMES)
def test_raw_pixels_in_probabilities_out_and_the_same_from_a_file(
    name: str, tmp_path: Path
) -> None:
    model = models.build(name, 3)
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    models.adapt(model, images)
    probabilities = model.predict(images, verbose=0)
    assert probabilities.shape == (4, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    models.save(model, tmp_path / "model.keras")
    loaded = models.load(tmp_path / "model.keras")
    as_float = loaded.predict(images.astype("float32"), verbose=0)
    np.testing.assert_allclose(probabilities, as_float, atol=1e-6)


def test_augmentation_acts_in_training_only_and_keeps_pixels_in_range() -> None:
    images = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3)).astype("float32")
    for layer in models.augmentation():
        same = keras.ops.convert_to_numpy(layer(images, training=False))
        np.testing.assert_array_equal(same, images)
        changed = keras.ops.convert_to_numpy(layer(images, training=True))
        assert (changed != images).any()
        assert changed.min() >= 0
        assert changed.max() <= 255


def test_a_digest_changes_with_settings_and_optimizer_but_not_with_names_and_modules(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def digest(kind: type, units: int, name: str, rate: float = 0.1) -> str:
        last = kind(units, name=name)
        model = keras.Sequential([keras.Input((8,)), last])
        model.compile(keras.optimizers.SGD(rate))
        return models.digest(model)

    class Dense(keras.layers.Dense):
        """One of another module."""

    monkeypatch.setattr(Dense, "__module__", "keras.layers")
    first = digest(Dense, 10, "one")
    monkeypatch.setattr(Dense, "__module__", "another")
    assert digest(Dense, 10, "two") == first
    assert len({first, digest(Dense, 11, "one"), digest(Dense, 10, "one", rate=0.2)}) == 3


#: Of the networks that the shipped tables were measured with.
FINGERPRINTS = {"fast_cnn": "7c58694a6b43", "regularized_cnn": "ce9bb7721474"}


@pytest.mark.parametrize("name", FINGERPRINTS)
def test_a_network_that_nobody_changed_counts_as_the_same(name: str) -> None:
    assert models.fingerprint(name) == FINGERPRINTS[name]


def test_an_error_names_the_valid_names_and_numbers() -> None:
    with pytest.raises(CourseError, match="no model 'resnet': choose one of dense_baseline"):
        models.build("resnet")
    with pytest.raises(CourseError, match="no recipe 'resnet': choose one of dense_baseline"):
        recipes.get("resnet")
    with pytest.raises(ValueError, match="whole number from 2 to 100000, not 1"):
        models.build("plain_cnn", 1)


def test_each_model_has_a_recipe() -> None:
    for name in models.names():
        every = [each.name for each in map(recipes.get, recipes.names()) if each.model == name]
        assert name in every or set(every) & set(recipes.fast())


def test_cosine_schedule_against_a_hand_computed_one() -> None:
    recipe = recipes.Recipe(
        "falling", "plain_cnn", optimizer="adam", learning_rate=0.002, batch_size=64, cosine=True
    )
    model = models.build("plain_cnn")
    recipe.compile(model, 650, epochs=2)
    steps = 2 * 11  # 650 images are ten batches of 64 and a smaller one
    schedule = model.optimizer._learning_rate
    for step in (0, 5, 11, 22, 30):
        part = min(step, steps) / steps
        by_hand = 0.002 * 0.5 * (1 + np.cos(np.pi * part))
        assert float(schedule(step)) == pytest.approx(by_hand, abs=1e-8)
