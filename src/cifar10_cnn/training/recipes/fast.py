"""The fast recipes: past 90 % while the teacher is still talking, and on from there."""

from functools import partial

from cifar10_cnn.training.recipes.recipe import Recipe

_fast = partial(Recipe, optimizer="unit_muon", learning_rate=0.24, linear=True, one_hot=True)

FAST = (
    _fast("dash", "fast_cnn", batch_size=500, epochs=1, sizes=(22,), label_smoothing=0.2),
    # Neither shifts nor smoothed labels gain it anything: `ablate` has both in its last rows.
    _fast("sprint", "fast_cnn", batch_size=1_000, epochs=5, sizes=(20, 20, 24, 28, 32), shift=0),
    _fast(
        "standard",
        "wide_fast_cnn",
        newton_schulz=5,
        batch_size=2_000,
        epochs=10,
        sizes=(16, 20) + (24,) * 4 + (32,) * 4,
        label_smoothing=0.2,
    ),
    # Shifts as airbench96 has them: longer trainings need more variety.
    _fast(
        "marathon",
        "widest_fast_cnn",
        batch_size=1_500,
        epochs=28,
        sizes=(20,) * 8 + (26,) * 8 + (32,) * 12,
        shift=4,
        erased=0.3,
        label_smoothing=0.2,
    ),
)
