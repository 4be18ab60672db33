"""Batches: every image once an epoch, mirrored in turn and shifted; areas against TensorFlow."""

import numpy as np
import pytest
import tensorflow as tf

from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data.batches import Batches, Shuffled, shrink

NUMBER = 23


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (NUMBER, 32, 32, 3), dtype=np.uint8)


def batches_of(
    images: np.ndarray, epoch: int = 0, size: int = 32, seed: int = 1, shift: int = 2
) -> Batches:
    """Return batches whose labels name the image: image 5 has its one in column 5."""
    labels = np.eye(len(images))
    return Batches(images, labels, size=size, batch_size=5, seed=seed, epoch=epoch, shift=shift)


def epoch_of(batches: Batches) -> dict[int, np.ndarray]:
    """Return each image of the epoch as it is shown, by its number."""
    return {
        int(label.argmax()): image
        for index in range(len(batches))
        for image, label in zip(*batches[index], strict=True)
    }


def place_of(image: np.ndarray, original: np.ndarray) -> tuple[bool, int, int]:
    """Return whether a image is mirrored, and where its window begins, by looking everywhere."""
    size = image.shape[0]
    around = np.pad(original, ((2, 2), (2, 2), (0, 0)), "reflect")
    places = [
        (mirrored, y, x)
        for mirrored in (False, True)
        for y in range(5)
        for x in range(5)
        if np.array_equal(image[:, ::-1] if mirrored else image, around[y : y + size, x : x + size])
    ]
    assert len(places) == 1
    return places[0]


def test_an_epoch_shows_every_image_once_mirrored_or_not_and_shifted(images: np.ndarray) -> None:
    batches = batches_of(images)
    assert [len(batches[index][0]) for index in range(len(batches))] == [5, 5, 5, 5, 3]
    some = epoch_of(batches)
    assert sorted(some) == list(range(NUMBER))
    places = [place_of(some[number], images[number]) for number in range(NUMBER)]
    assert 3 < sum(mirrored for mirrored, _, _ in places) < NUMBER - 3
    for axis in (1, 2):
        assert {place[axis] for place in places} == {0, 1, 2, 3, 4}


def test_two_epochs_in_a_row_show_a_image_once_as_it_is_and_once_mirrored(
    images: np.ndarray,
) -> None:
    batches = batches_of(images)
    epochs = []
    for _ in range(3):
        batches.on_epoch_begin()
        some = epoch_of(batches)
        epochs.append([place_of(some[number], images[number])[0] for number in range(NUMBER)])
    assert all(first != second for first, second in zip(*epochs[:2], strict=True))
    assert epochs[0] == epochs[2]


def test_a_training_that_goes_on_sees_the_epoch_it_would_have_seen(images: np.ndarray) -> None:
    undisturbed, resumed = batches_of(images), batches_of(images, epoch=1)
    undisturbed.on_epoch_begin()
    epoch_of(undisturbed)
    undisturbed.on_epoch_begin()
    resumed.on_epoch_begin()
    for ours, theirs in zip(undisturbed[1], resumed[1], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_small_some_are_shifted_by_one_pixel(images: np.ndarray) -> None:
    batches = batches_of(images, size=20)
    some, _ = batches[0]
    assert some.shape == (5, 20, 20, 3)
    assert some.dtype == np.uint8
    small = shrink(images, 20)
    around = np.pad(small, ((0, 0), (1, 1), (1, 1), (0, 0)), "reflect")
    for number, image in epoch_of(batches).items():
        windows = [
            around[number, y : y + 20, x : x + 20][:, ::step]
            for y in range(3)
            for x in range(3)
            for step in (1, -1)
        ]
        assert any(np.array_equal(image, window) for window in windows)


def test_a_square_of_each_image_is_greyed_out(images: np.ndarray) -> None:
    labels = np.eye(NUMBER)
    settings = {"size": 32, "batch_size": NUMBER, "seed": 1}
    whole, _ = Batches(images, labels, **settings)[0]
    holed, _ = Batches(images, labels, erased=0.25, **settings)[0]
    for before, after in zip(whole, holed, strict=True):
        rows, columns = np.nonzero((before != after).any(axis=2))
        assert 4 <= np.ptp(rows) + 1 <= 8
        assert 4 <= np.ptp(columns) + 1 <= 8
        hole = after[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert (hole == 120).all()


@pytest.mark.parametrize("size", [32, 26, 20, 16, 7])
def test_shrinking_is_tensorflows_mean_over_areas(images: np.ndarray, size: int) -> None:
    expected = tf.image.resize(images, (size, size), "area").numpy()
    small = shrink(images, size)
    assert small.dtype == np.uint8
    assert np.abs(small - expected).max() < 0.51


def test_some_do_not_grow(images: np.ndarray) -> None:
    with pytest.raises(CourseError, match="32 pixels cannot be shrunk to 33"):
        batches_of(images, size=33)


def test_shuffled_some_come_once_each_with_their_labels(images: np.ndarray) -> None:
    labels = np.arange(NUMBER)
    shuffled = Shuffled(images, labels, batch_size=5, seed=1)
    epochs = []
    for _ in range(2):
        shuffled.on_epoch_begin()
        epochs.append([shuffled[index] for index in range(len(shuffled))])
    for batches in epochs:
        for some, numbers in batches:
            np.testing.assert_array_equal(some, images[numbers])
    orders = [[number for _, numbers in batches for number in numbers] for batches in epochs]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(NUMBER))
    assert orders[0] != orders[1]


def test_an_epoch_not_shown_whole_begins_again(images: np.ndarray) -> None:
    """Under JAX Keras begins an epoch and looks at one batch of it, before the first real one."""
    batches, first, second = batches_of(images), batches_of(images, 0), batches_of(images, 1)
    batches[0]
    batches.on_epoch_begin()
    batches[0]
    batches.on_epoch_begin()
    assert np.array_equal(batches.order, first.order)
    assert len(epoch_of(batches)) == NUMBER
    batches.on_epoch_begin()
    assert np.array_equal(batches.order, second.order)
