"""The fast recipes: past 90 % while the teacher is still talking, and on from there."""

from cifar10_cnn.training.recipes.recipe import Recipe

FAST = (
    Recipe(
        "dash",
        "fast_cnn",
        optimizer="unit_muon",
        learning_rate=0.24,
        linear=True,
        batch_size=500,
        epochs=1,
        sizes=(22,),
        label_smoothing=0.2,
        one_hot=True,
    ),
    # Neither shifts nor smoothed labels gain it anything: `ablate` has both in its last rows.
    Recipe(
        "sprint",
        "fast_cnn",
        optimizer="unit_muon",
        learning_rate=0.24,
        linear=True,
        batch_size=1_000,
        epochs=5,
        sizes=(20, 20, 24, 28, 32),
        shift=0,
        one_hot=True,
    ),
    Recipe(
        "standard",
        "wide_fast_cnn",
        optimizer="unit_muon",
        newton_schulz=5,
        learning_rate=0.24,
        linear=True,
        batch_size=2_000,
        epochs=10,
        sizes=(16, 20) + (24,) * 4 + (32,) * 4,
        label_smoothing=0.2,
        one_hot=True,
    ),
    # Shifts as airbench96 has them: longer trainings need more variety.
    Recipe(
        "marathon",
        "widest_fast_cnn",
        optimizer="unit_muon",
        learning_rate=0.24,
        linear=True,
        batch_size=1_500,
        epochs=28,
        sizes=(20,) * 8 + (26,) * 8 + (32,) * 12,
        shift=4,
        erased=0.3,
        label_smoothing=0.2,
        one_hot=True,
    ),
)
