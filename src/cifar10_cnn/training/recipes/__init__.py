"""How each network is trained, as data: our own recipes, the published ones, follow-ups."""

from cifar10_cnn.common import checks
from cifar10_cnn.training.recipes.fast import FAST
from cifar10_cnn.training.recipes.follow_ups import FOLLOW_UPS, TUNED
from cifar10_cnn.training.recipes.published import PUBLISHED
from cifar10_cnn.training.recipes.recipe import Part, Published, Recipe

__all__ = ["TUNED", "Part", "Published", "Recipe", "fast", "get", "names"]

_COURSE = (
    Recipe(
        "dense_baseline",
        "dense_baseline",
        optimizer="adam",
        learning_rate=0.001,
        batch_size=64,
        cosine=True,
    ),
    Recipe("plain_cnn", "plain_cnn", optimizer="adam", learning_rate=0.001, batch_size=64),
    # Batch normalization bears twice the step size.
    Recipe(
        "regularized_cnn",
        "regularized_cnn",
        optimizer="adam",
        learning_rate=0.002,
        batch_size=64,
        cosine=True,
    ),
)

_RECIPES = {recipe.name: recipe for recipe in (*_COURSE, *FAST, *PUBLISHED, *FOLLOW_UPS)}


def names() -> tuple[str, ...]:
    """Return the names that ``get`` takes: the course's own, the published, the follow-ups."""
    return tuple(_RECIPES)


def fast() -> tuple[str, ...]:
    """Return the names of the fast recipes, the shortest training first."""
    return tuple(recipe.name for recipe in FAST)


def get(name: str) -> Recipe:
    """Return the recipe called ``name``.

    Raises:
        CourseError: if there is none of that name.
    """
    return _RECIPES[checks.chosen(name, _RECIPES, "recipe")]
