"""How each network is trained, as data: the course's own recipes, published ones, follow-ups."""

from cifar10_cnn.common import checks
from cifar10_cnn.training.recipes.basic import BASIC
from cifar10_cnn.training.recipes.fast import FAST
from cifar10_cnn.training.recipes.follow_ups import FOLLOW_UPS, TUNED
from cifar10_cnn.training.recipes.published import PUBLISHED
from cifar10_cnn.training.recipes.recipe import Part, Published, Recipe

__all__ = ["TUNED", "Part", "Published", "Recipe", "fast", "get", "names"]

_RECIPES = {recipe.name: recipe for recipe in (*BASIC, *FAST, *PUBLISHED, *FOLLOW_UPS)}


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
