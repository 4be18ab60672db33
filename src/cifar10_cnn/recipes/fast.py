"""The fast recipes: past 90 % while the teacher is still talking, and on from there."""

from functools import partial

from cifar10_cnn.recipes.recipe import Recipe

_fast = partial(
    Recipe,
    optimizer="unit_muon",
    learning_rate=0.24,
    batch_size=500,
    linear=True,
    label_smoothing=0.2,
    one_hot=True,
)

FAST = (
    _fast("dash", "fast_cnn", epochs=1, sizes=(24,)),
    _fast("sprint", "fast_cnn", epochs=6, sizes=(20, 20, 24, 24, 28, 32)),
    _fast("standard", "wide_fast_cnn", epochs=9, sizes=(20, 20, 20, 24, 24, 28, 28, 32, 32)),
    _fast(
        "marathon",
        "widest_fast_cnn",
        epochs=36,
        sizes=(20,) * 12 + (26,) * 12 + (32,) * 12,
        erased=0.3,
    ),
)
