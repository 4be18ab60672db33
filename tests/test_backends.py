"""The fast recipes on another backend of Keras: from the same start they learn the same."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

LEARN = """
import json, os, sys
from dataclasses import replace

import numpy as np

from cifar10_cnn import data, models
from cifar10_cnn.device import keras
from cifar10_cnn.training import recipes

name, weights = sys.argv[1:]
images = np.random.default_rng(0).integers(0, 256, (200, 32, 32, 3), dtype=np.uint8)
split = data.Split(images, np.arange(200) % 10)
recipe = replace(recipes.get(name), batch_size=50, epochs=3, sizes=(16, 16, 20))
model = models.build(recipe.model)
models.adapt(model, images)
if os.path.exists(weights):
    model.load_weights(weights)
else:
    model.save_weights(weights)
recipe.compile(model, len(split), 3)
losses = []
for part in recipe.parts(split, 10, epochs=3, seed=0, model=model):
    losses += model.fit(**vars(part), verbose=0).history["loss"]
print(json.dumps([keras.backend.backend(), *losses]))
"""


def losses(backend: str, recipe: str, weights: Path) -> list[float]:
    """Return three epochs' losses in float32, from the weights of the file if it is there."""
    done = subprocess.run(
        [sys.executable, "-c", LEARN, recipe, str(weights)],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    used, *numbers = json.loads(done.stdout.splitlines()[-1])
    assert used == backend
    return numbers


@pytest.mark.skipif(find_spec("jax") is None, reason="pip install jax")
@pytest.mark.parametrize("recipe", ["sprint", "standard"])
def test_jax_learns_what_tensorflow_learns(recipe: str, tmp_path: Path) -> None:
    weights = tmp_path / "start.weights.h5"
    ours, theirs = (losses(backend, recipe, weights) for backend in ("tensorflow", "jax"))
    assert ours[-1] != pytest.approx(ours[0], rel=1e-2)
    assert theirs == pytest.approx(ours, rel=1e-2)
