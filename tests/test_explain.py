"""Explanations of networks of which it is known where they look."""

import numpy as np
import pytest

from cifar10_cnn import models
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.device import keras
from cifar10_cnn.evaluation import explain

layers = keras.layers
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)


def corner_network(functional: bool) -> keras.Model:
    """Class 1 is more probable the more red is in the upper left quarter; nothing else counts."""
    look = layers.Conv2D(1, 1, use_bias=False, name="look")
    rescale, flat = layers.Rescaling(1 / 255), layers.Flatten()
    say = layers.Dense(2, activation="softmax")
    if functional:
        images = keras.Input((16, 16, 3))
        model = keras.Model(images, say(flat(look(rescale(images)))))
    else:
        model = keras.Sequential([keras.Input((16, 16, 3)), rescale, look, flat, say])
    look.set_weights([np.array([1.0, 0.0, 0.0]).reshape(1, 1, 3, 1)])
    quarter = np.zeros((16, 16))
    quarter[:8, :8] = 0.1
    say.set_weights([np.stack([0 * quarter, quarter], -1).reshape(256, 2), np.zeros(2)])
    return model


def linear_network() -> keras.Model:
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            layers.Dense(4, activation="softmax"),
        ]
    )


@pytest.mark.parametrize("functional", [True, False])
def test_occlusion_finds_the_only_quarter_that_counts(functional: bool) -> None:
    image = np.full((16, 16, 3), 220, np.uint8)
    fall = explain.occlusion(corner_network(functional), image, label=1, size=4, step=2)
    assert fall.shape == (16, 16)
    assert fall[:8, :8].min() > 0
    assert np.abs(fall[11:, 11:]).max() < 1e-7
    other = explain.occlusion(corner_network(functional), image, label=0, size=4, step=2)
    assert other == pytest.approx(-fall, abs=1e-6)


def test_occlusion_of_one_place_by_hand() -> None:
    """With squares as large as the image there is one place, and one fall for all pixels."""
    model, image = corner_network(True), IMAGES[0]
    grey = np.full_like(image, explain.GREY)
    said = model.predict(np.stack([image, grey]), verbose=0)[:, 1]
    fall = explain.occlusion(model, image, label=1, size=16, step=16)
    assert fall == pytest.approx(np.full((16, 16), said[0] - said[1]), abs=1e-6)


def quadrant_network(functional: bool) -> keras.Model:
    """Class 0 by red anywhere, class 1 by blue anywhere: maps of 8 × 8, then their means."""
    look = layers.Conv2D(2, 2, strides=2, use_bias=False)
    say = layers.Dense(2, activation="softmax", use_bias=False)
    parts = [layers.Rescaling(1 / 255), look, layers.ReLU(), layers.GlobalAveragePooling2D(), say]
    if functional:
        images = keras.Input((None, None, 3))
        x = images
        for part in parts:
            x = part(x)
        model = keras.Model(images, x)
    else:
        model = keras.Sequential([keras.Input((16, 16, 3)), *parts])
    kernel = np.zeros((2, 2, 3, 2))
    kernel[..., 0, 0] = kernel[..., 2, 1] = 0.25
    look.set_weights([kernel])
    say.set_weights([np.eye(2) * 9])
    return model


@pytest.mark.parametrize("functional", [True, False])
def test_grad_cam_finds_the_colour_of_the_class(functional: bool) -> None:
    images = np.zeros((2, 16, 16, 3), np.uint8)
    images[:, 2:6, 2:6, 0] = 255  # red in the upper left
    images[:, 10:14, 10:14, 2] = 255  # blue in the lower right
    red, blue = explain.grad_cam(quadrant_network(functional), images, np.array([0, 1]))
    assert red.shape == (16, 16)
    assert red[3:5, 3:5].min() == pytest.approx(1)
    assert red[9:, 9:].max() == 0
    assert blue[11:13, 11:13].min() == pytest.approx(1)
    assert blue[:7, :7].max() == 0


def test_grad_cam_shows_a_pattern_everywhere_though_it_counts_in_a_corner() -> None:
    """It weighs a map as a whole; occlusion tells, and so the notebook says."""
    model, red = corner_network(True), np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 255
    assert explain.grad_cam(model, red[None], np.array([1])) == pytest.approx(np.ones((1, 16, 16)))
    falls = explain.occlusion(model, red, 1, size=4)
    assert falls[:8, :8].min() > 0
    assert falls[12:, 12:].max() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", ["regularized_cnn", "fast_cnn", "maxnorm_cnn"])
def test_grad_cam_of_the_course_and_of_others(name: str) -> None:
    images = RNG.integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    found = explain.grad_cam(models.build(name), images, np.array([0, 3, 9]))
    assert found.shape == (3, 32, 32)
    assert found.min() >= 0
    assert found.max() <= 1


def test_dense_network_has_no_maps() -> None:
    with pytest.raises(CourseError, match=r"dense_baseline has no feature maps.*occlusion"):
        explain.grad_cam(
            models.build("dense_baseline"), np.zeros((1, 32, 32, 3), np.uint8), np.array([0])
        )


def test_maps_inside_of_a_layer_that_is_a_model_are_said_to_be_there() -> None:
    base = keras.Sequential(
        [keras.Input((16, 16, 3)), layers.Conv2D(2, 3), layers.GlobalMaxPooling2D()], name="base"
    )
    model = keras.Sequential([keras.Input((16, 16, 3)), base, layers.Dense(2, "softmax")])
    images = np.full((1, 16, 16, 3), 200, np.uint8)
    with pytest.raises(CourseError, match=r"not inside of another model, or explain.occlusion"):
        explain.grad_cam(model, images, np.array([0]))
    assert explain.heat_maps(model, images, np.array([0]))[1] == "occlusion"


def test_gradient_is_that_of_calculus() -> None:
    values = RNG.normal(size=(3, 4)).astype("float32")
    found = explain._gradient(lambda x, power: keras.ops.sum(x**power), values, 3)
    assert found == pytest.approx(3 * values**2, rel=1e-5)


def test_fooled_moves_along_the_sign_of_the_gradient() -> None:
    """Of a linear network the gradient of the cross-entropy is W (p - truth)."""
    model, labels = linear_network(), np.array([0, 1, 2, 3, 0, 1])
    weights, _ = model.layers[-1].get_weights()
    truth = np.eye(4)[labels]
    slopes = ((model.predict(IMAGES, verbose=0) - truth) @ weights.T).reshape(IMAGES.shape)
    expected = np.clip(IMAGES + 3.0 * np.sign(slopes), 0, 255)
    found = explain.fgsm(model, IMAGES, labels, strength=3)
    assert (found == expected).mean() > 0.999  # a slope of nearly zero may have either sign
    assert found.dtype == np.uint8


def test_layers_that_work_in_training_alone_are_still() -> None:
    """Else a image is explained, or fooled, by another one: mirrored, moved, with gaps."""
    plain = quadrant_network(functional=False)
    augmented = keras.Sequential([
        keras.Input((16, 16, 3)),
        layers.RandomFlip(),
        layers.RandomTranslation(0.4, 0.4),
        *plain.layers[:-1],
        layers.Dropout(0.5),
        plain.layers[-1],
    ])  # fmt: skip
    classes = np.arange(len(IMAGES)) % 2
    for function in (explain.fgsm, explain.grad_cam):
        expected = function(plain, IMAGES, classes)
        assert function(augmented, IMAGES, classes) == pytest.approx(expected, abs=1e-5)


def test_many_images_give_what_few_give() -> None:
    model = quadrant_network(True)
    many = RNG.integers(0, 256, (230, 16, 16, 3), dtype=np.uint8)
    labels = np.arange(230) % 2
    one_by_one = [
        explain.grad_cam(model, many[i : i + 1], labels[i : i + 1]) for i in (0, 150, 229)
    ]
    assert explain.grad_cam(model, many, labels)[[0, 150, 229]] == pytest.approx(
        np.concatenate(one_by_one), abs=1e-5
    )


def test_embeddings_are_what_the_last_layer_multiplies() -> None:
    model = quadrant_network(True)
    seen = explain.embeddings(model, IMAGES)
    blocks = IMAGES.reshape(6, 8, 2, 8, 2, 3).mean(axis=(2, 4)) / 255
    assert seen == pytest.approx(blocks[..., [0, 2]].mean(axis=(1, 2)), abs=1e-5)


def test_model_without_a_graph_is_refused_by_name() -> None:
    class Own(keras.Model):
        def call(self, inputs: object) -> object:
            return inputs

    model = Own(name="own")
    with pytest.raises(CourseError, match=r"own is no chain or graph of layers.*keras.Model"):
        explain.fgsm(model, IMAGES, np.zeros(6, int))


def test_places_are_grad_cams_or_else_found_by_occlusion() -> None:
    images = np.zeros((2, 16, 16, 3), np.uint8)
    images[0, 2:6, 2:6, 0] = images[1, 9:12, 9:12, 2] = 255
    model, classes = quadrant_network(True), np.array([0, 1])
    places, method = explain.heat_maps(model, images, classes)
    assert method == "Grad-CAM"
    assert np.array_equal(places, explain.grad_cam(model, images, classes))
    white = np.full((2, 16, 16, 3), 220, np.uint8)
    linear = keras.Sequential(
        [keras.Input((16, 16, 3)), layers.Rescaling(1 / 255), layers.Flatten(),
         layers.Dense(2, activation="softmax")]
    )  # fmt: skip
    quarter = np.zeros((16, 16, 3, 2))
    quarter[:8, :8, :, 1] = 0.05
    linear.layers[-1].set_weights([quarter.reshape(-1, 2), np.zeros(2)])
    places, method = explain.heat_maps(linear, white, np.array([1, 0]))
    assert method == "occlusion"
    assert places[0, :8, :8].min() > 0
    assert places[0, 11:, 11:].max() < 1e-6
    assert places[1].max() == 0  # hiding it makes class 0 more probable


def test_images_of_another_size_are_refused_by_shape() -> None:
    small = np.zeros((1, 8, 8, 3), np.uint8)
    with pytest.raises(CourseError, match=r"takes images of the shape \(16, 16, 3\), not \(8, 8"):
        explain.grad_cam(corner_network(True), small, np.array([0]))
