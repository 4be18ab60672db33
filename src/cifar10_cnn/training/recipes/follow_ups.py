"""Published recipes with one change each: what P4's author would try next, and P2's 25 epochs."""

from dataclasses import replace
from typing import Any

from cifar10_cnn.training.recipes.published import PUBLISHED
from cifar10_cnn.training.recipes.recipe import Recipe


def _follow_up(name: str, follows: str, change: str, **settings: Any) -> Recipe:
    base = next(recipe for recipe in PUBLISHED if recipe.name == follows)
    return replace(base, name=name, follows=follows, change=change, published=None, **settings)


#: Learning rates that `python -m cifar10_cnn tune --profile full` found.
TUNED = {
    "sgd": 0.05,
    "momentum": 0.005,
    "rmsprop": 0.0005,
    "adam": 0.001,
    "adamw": 0.0005,
    "muon": 0.001,
}

FOLLOW_UPS = (
    _follow_up("two_conv_cnn_25", "two_conv_cnn", "25 epochs", epochs=25),
    _follow_up("strided_cnn_30", "strided_cnn", "30 epochs", epochs=30),
    _follow_up("four_conv_cnn_30", "four_conv_cnn", "30 epochs", epochs=30),
    _follow_up(
        "rescaled_maxnorm_cnn",
        "maxnorm_cnn",
        "pixels divided by 255, not standardized",
        model="rescaled_maxnorm_cnn",
    ),
    _follow_up("deep_maxnorm_cnn", "maxnorm_cnn", "six convolutions", model="deep_maxnorm_cnn"),
    *(
        _follow_up(
            f"strided_cnn_{optimizer}",
            "strided_cnn",
            f"{optimizer}, learning rate {rate:g}",
            optimizer=optimizer,
            learning_rate=rate,
        )
        for optimizer, rate in TUNED.items()
        if optimizer != "rmsprop"  # its best rate is the published one
    ),
)
