"""The practice set: what it consists of, that it repeats, and how hard it is."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cifar10_cnn.data import practice
from cifar10_cnn.data.readers import Arrays


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    return practice.make(train=2_000, test=500)


def test_classes_are_balanced_and_shuffled(arrays: Arrays) -> None:
    for labels, share in ((arrays.train_labels, 200), (arrays.test_labels, 50)):
        assert np.bincount(labels).tolist() == [share] * 10
        # Sorted or cyclic labels would repeat or count up; shuffled ones do neither.
        assert len(np.unique(np.diff(labels))) > 10


def test_a_count_that_ten_does_not_divide_is_balanced_give_or_take_one() -> None:
    counts = np.bincount(practice.make(train=23, test=10).train_labels, minlength=10)
    assert counts.sum() == 23
    assert set(counts.tolist()) == {2, 3}


def test_images_use_the_range_of_brightness(arrays: Arrays) -> None:
    assert arrays.train_images.min() < 10
    assert arrays.train_images.max() > 245
    assert 80 < arrays.train_images.mean() < 160
    # No image is a single flat colour.
    assert arrays.train_images.std(axis=(1, 2, 3)).min() > 3


def test_the_same_seed_draws_the_same_set() -> None:
    one, other = practice.make(40, 20, seed=5), practice.make(40, 20, seed=5)
    for first, second in zip(one, other, strict=True):
        np.testing.assert_array_equal(first, second)


def test_making_a_set_leaves_the_global_dice_alone() -> None:
    before = np.random.get_state()[1].tolist()  # noqa: NPY002 - the global state is the point
    practice.make(10, 10)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_no_image_comes_twice_nor_in_both_splits(arrays: Arrays) -> None:
    images = [
        image.tobytes() for images in (arrays.train_images, arrays.test_images) for image in images
    ]
    assert len(set(images)) == 2_500


@pytest.mark.parametrize("label", range(10))
def test_every_class_is_drawn_in_many_ways(label: int) -> None:
    rng = np.random.default_rng(label)
    images = np.array([practice.draw(label, rng) for _ in range(40)])
    assert images.shape == (40, 32, 32, 3)
    assert images.dtype == np.uint8
    # Seen without fine detail, every two of them still differ clearly.
    coarse = images.reshape(40, 4, 8, 4, 8, 3).mean(axis=(2, 4)).reshape(40, -1)
    distances = np.abs(coarse[:, None] - coarse[None]).mean(axis=2)
    assert distances[~np.eye(40, dtype=bool)].min() > 3


@pytest.mark.parametrize("label", [-1, 10, 3.5, "cat"])
def test_a_wrong_label_is_named(label: object) -> None:
    with pytest.raises(ValueError, match=f"label must be .* from 0 to 9, not {label!r}"):
        practice.draw(label, np.random.default_rng(0))  # type: ignore[arg-type]


def _accuracy(features: np.ndarray, arrays: Arrays, c: float) -> float:
    """Fit logistic regression on the first images and score it on the rest, the test images."""
    split = len(arrays.train_labels)
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=200, tol=1e-2))
    classifier.fit(features[:split], arrays.train_labels)
    return float(classifier.score(features[split:], arrays.test_labels))


def test_mean_colour_tells_little_and_pixels_tell_more(arrays: Arrays) -> None:
    images = np.concatenate([arrays.train_images, arrays.test_images]) / 255
    by_colour = _accuracy(images.mean(axis=(1, 2)), arrays, c=1)
    by_pixels = _accuracy(
        images.reshape(-1, 8, 4, 8, 4, 3).mean(axis=(2, 4)).reshape(len(images), -1),
        arrays,
        c=0.003,
    )
    # Chance is 0.1: backdrops give a hint, as in real images, and no more.
    assert by_colour < 0.33
    assert 0.25 < by_pixels < 0.6
    assert by_pixels > by_colour + 0.03
