"""How much to run: one name, read from ``CIFAR10_PROFILE``, sets all sizes and epochs."""

import os
from dataclasses import dataclass

from cifar10_cnn.common import checks


@dataclass(frozen=True)
class Profile:
    """Sizes of one way to run the course.

    Attributes:
        name: ``smoke``, ``quick`` or ``full``.
        train_images: how many training images are loaded; None means all that are not validation.
        validation_images: how many training images are set aside for validation.
        test_images: how many test images are loaded; None means all.
        epochs: the most epochs that the final training of notebook 04 takes.
        experiment_images: training images for each of the small experiments.
        experiment_epochs: epochs of each of the small experiments.
        recipe_epochs: the most epochs that a recipe with a number of its own may take in a
            comparison; None means as many as it says.
        seed: seed of every split, shuffle and initial weight.
    """

    name: str
    train_images: int | None
    validation_images: int
    test_images: int | None
    epochs: int
    experiment_images: int
    experiment_epochs: int
    recipe_epochs: int | None = None
    seed: int = 0


_PROFILES = {
    profile.name: profile
    for profile in (
        # Tests and CI: every cell runs, on little.
        Profile("smoke", 1_000, 300, 500, 2, 500, 2, recipe_epochs=1),
        # A student's laptop: all images where it is affordable.
        Profile("quick", None, 5_000, None, 4, 5_000, 6, recipe_epochs=3),
        # An instructor, the evening before class: everything. The experiments of notebook 04 stay
        # smaller by intent: with fewer images a network overfits sooner.
        Profile("full", None, 5_000, None, 14, 12_000, 10),
    )
}


def names() -> tuple[str, ...]:
    """Return the names of all profiles, smallest first."""
    return tuple(_PROFILES)


def get(name: str) -> Profile:
    """Return the profile called ``name``.

    Raises:
        CourseError: if there is none of that name.
    """
    return _PROFILES[checks.chosen(name, _PROFILES, "profile")]


def current() -> Profile:
    """Return the profile that ``CIFAR10_PROFILE`` names, ``quick`` if it is unset or empty.

    Used in every notebook.

    Raises:
        CourseError: if the variable names no profile.
    """
    return get(os.environ.get("CIFAR10_PROFILE") or "quick")
