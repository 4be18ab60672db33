"""How much to run: one name, read from ``CIFAR10_PROFILE``, sets all sizes and epochs."""

from dataclasses import dataclass

from cifar10_cnn.common import settings
from cifar10_cnn.common.errors import CourseError


@dataclass(frozen=True)
class Profile:
    """Sizes of one way to run the course: how many images are loaded, and trained on how long."""

    name: str  # smoke, quick or full
    train_images: int | None  # None means all that are not validation
    validation_images: int  # training images set aside
    test_images: int | None  # None means all
    epochs: int  # at most, of notebook 04's final training
    experiment_images: int  # training images of each of the small experiments
    experiment_epochs: int
    recipe_epochs: int | None = None  # at most, of recipes in a comparison; None: as they say
    seed: int = 0  # of every split, shuffle and initial weight


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
    # Not by `checks`, which loads numpy: the command line's help comes at once.
    if not isinstance(name, str) or name not in _PROFILES:
        raise CourseError(f"There is no profile {name!r}: choose one of {', '.join(_PROFILES)}.")
    return _PROFILES[name]


def current() -> Profile:
    """Return the profile that ``CIFAR10_PROFILE`` names, ``quick`` if it is unset or empty.

    Used in every notebook.

    Raises:
        CourseError: if the variable names no profile.
    """
    return get(settings.get("PROFILE", "quick"))
