"""Corruptions against numpy, Pillow and what can be said without computing."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data import corruptions, practice
from cifar10_cnn.data.batches import GREY

IMAGES = practice.make(train=20, test=10).train_images


@pytest.mark.parametrize("name", corruptions.names())
def test_stronger_is_further_from_the_original(name: str) -> None:
    kept = IMAGES.copy()
    changes = []
    for strength in corruptions.STRENGTHS:
        worse = corruptions.corrupt(IMAGES, name, strength)
        assert worse.shape == IMAGES.shape
        assert worse.dtype == np.uint8
        changes.append(np.abs(worse.astype(float) - IMAGES).mean())
    assert changes == sorted(changes)
    assert changes[0] > 0
    assert np.array_equal(IMAGES, kept)


def test_noise_has_the_spread_that_it_says() -> None:
    grey = np.full((50, 32, 32, 3), 128, np.uint8)
    worse = corruptions.corrupt(grey, "noise", 5).astype(float)
    assert worse.mean() == pytest.approx(128, abs=0.5)
    assert worse.std() == pytest.approx(25.5, rel=0.02)


def test_brightness_and_contrast_by_hand() -> None:
    image = np.array([[[[10, 100, 250]], [[30, 100, 150]]]], np.uint8)
    assert corruptions.corrupt(image, "brightness", 2).tolist() == [
        [[[36, 126, 255]], [[56, 126, 176]]]
    ]
    assert corruptions.corrupt(image, "contrast", 2).tolist() == [
        [[[15, 100, 225]], [[25, 100, 175]]]
    ]


def test_blur_is_a_gaussian_one() -> None:
    point = np.zeros((1, 31, 31, 3), np.uint8)
    point[0, 15, 15] = 255
    blurred = corruptions.corrupt(point, "blur", 5)[0, :, :, 0].astype(float)
    rows = np.arange(31) - 15
    spread = np.sqrt((blurred.sum(axis=1) * rows**2).sum() / blurred.sum())
    assert spread == pytest.approx(1.0, abs=0.1)


def test_jpeg_is_pillows() -> None:
    file = io.BytesIO()
    Image.fromarray(IMAGES[0]).save(file, "JPEG", quality=40)
    expected = np.asarray(Image.open(file))
    assert np.array_equal(corruptions.corrupt(IMAGES, "JPEG", 5)[0], expected)


def test_pixelate_leaves_fewer_pixels() -> None:
    coarse = corruptions.corrupt(IMAGES, "pixelate", 5)[0]
    assert len(np.unique(coarse, axis=0)) <= 21  # 65 % of 32 rows
    assert len(np.unique(coarse.transpose(1, 0, 2), axis=0)) <= 21


def test_rotation_is_pillows_in_the_middle() -> None:
    smooth = np.stack(
        [np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(3))) for image in IMAGES]
    )
    turned = corruptions.corrupt(smooth, "rotation", 5).astype(float)

    def away(number: int, angle: int) -> float:
        theirs = Image.fromarray(smooth[number]).rotate(angle, Image.Resampling.BILINEAR)
        return np.abs(turned[number] - np.asarray(theirs))[8:24, 8:24].mean()

    assert away(0, 30) < 1.5 < away(0, -30)
    assert away(1, -30) < 1.5 < away(1, 30)


def test_occlusion_greys_out_one_square() -> None:
    white = np.full((30, 32, 32, 3), 255, np.uint8)
    masks = (corruptions.corrupt(white, "occlusion", 4) == GREY).all(axis=-1)
    assert (masks.sum(axis=(1, 2)) == 16 * 16).all()
    assert (masks.any(axis=1).sum(axis=1) == 16).all()
    assert len({mask.tobytes() for mask in masks}) > 20


def test_unknown_names_and_strengths() -> None:
    with pytest.raises(CourseError, match="no corruption 'snow': choose one of noise, blur"):
        corruptions.corrupt(IMAGES, "snow", 1)
    with pytest.raises(ValueError, match="strength must be a whole number from 1 to 5, not 6"):
        corruptions.corrupt(IMAGES, "noise", 6)


def test_mixed_tiles_are_the_images_tiles() -> None:
    """Each tile gets a number; after mixing all are there, whole, and not where they were."""
    tiles = np.arange(16, dtype=np.uint8).reshape(4, 4)
    image = np.repeat(tiles.repeat(8, axis=0).repeat(8, axis=1)[..., None], 3, axis=2)
    mixed = corruptions.shuffled_tiles(np.stack([image, 255 - image]), seed=1)
    corners = mixed[0, ::8, ::8, 0]
    assert sorted(corners.flat) == list(range(16))
    assert (corners != tiles).sum() > 8
    assert np.array_equal(mixed[0, ..., 0], corners.repeat(8, axis=0).repeat(8, axis=1))
    assert np.array_equal(mixed[1], 255 - mixed[0])
    with pytest.raises(ValueError, match="multiples of 4"):
        corruptions.shuffled_tiles(np.zeros((1, 30, 32, 3), np.uint8))
