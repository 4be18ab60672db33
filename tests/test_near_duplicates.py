"""Searches among images: what was planted is found."""

import numpy as np
import pytest

from cifar10_cnn.data import near_duplicates


def test_near_duplicates_finds_planted_copies() -> None:
    rng = np.random.default_rng(1)
    images = rng.integers(0, 226, (200, 4, 4, 3), dtype=np.uint8).repeat(8, 1).repeat(8, 2)
    images[150] = images[20]
    images[30] = images[90] + 10  # a brighter copy: every value differs by 10
    images[60] = images[7]
    images[60, 0, 0] = 255 - images[7, 0, 0]
    pairs = near_duplicates.within(images, 3)
    assert [pair[:2] for pair in pairs] == [(20, 150), (7, 60), (30, 90)]
    assert pairs[0][2] == 0
    assert pairs[2][2] == pytest.approx(10)


def test_near_duplicates_survives_empty_and_few_images() -> None:
    images = np.zeros((3, 8, 8, 3), np.uint8)
    images[2, ::2] = 200
    assert near_duplicates.within(images, 5)[0] == (0, 1, 0.0)
    with pytest.raises(ValueError, match=r"\(1, 8, 8, 3\)"):
        near_duplicates.within(np.zeros((1, 8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match=r"\(5, 10, 10, 3\)"):
        near_duplicates.within(np.zeros((5, 10, 10, 3), np.uint8))


def test_odd_images_finds_the_extremes() -> None:
    images = np.random.default_rng(0).integers(60, 190, (7, 8, 8, 3), dtype=np.uint8)
    images[1] //= 8
    images[2] = 255 - images[2] // 8
    images[3] = (100, 120, 140)  # one colour everywhere
    images[4, :, :4], images[4, :, 4:] = 0, 255
    images[5] = (200, 20, 100)
    images[5, ::2] += 20
    images[6] = images[6, ..., :1]  # grey
    images[4, 0, 0] = (0, 9, 0)  # not quite grey
    images[4] ^= np.array([0, 0, 3], dtype=np.uint8)
    odd = near_duplicates.extremes(images)
    assert odd == {
        "darkest": 1,
        "brightest": 2,
        "least contrast": 3,
        "most contrast": 4,
        "least colourful": 6,
        "most colourful": 5,
    }
    with pytest.raises(ValueError, match=r"\(8, 8, 3\)"):
        near_duplicates.extremes(images[0])
    with pytest.raises(ValueError, match=r"\(0, 8, 8, 3\)"):
        near_duplicates.extremes(images[:0])


def test_twins_are_found_across_splits_and_strangers_are_not() -> None:
    rng = np.random.default_rng(5)
    others = rng.integers(0, 256, (60, 16, 16, 3), dtype=np.uint8)
    images = rng.integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    images[1] = others[33]
    images[4] = np.clip(others[7] + rng.integers(-9, 10, others[7].shape), 0, 255)
    first, second = near_duplicates.between(images, others)
    assert first == (1, 33, 0.0)
    assert second[:2] == (4, 7)
    difference = images[4].astype(float) - others[7]
    assert second[2] == pytest.approx(np.sqrt((difference**2).mean()))
    assert near_duplicates.between(images, others, farthest=1.0) == [first]
    with pytest.raises(ValueError, match=r"\(16, 16, 3\) and of \(8, 8, 3\)"):
        near_duplicates.between(images, others[:, :8, :8])
