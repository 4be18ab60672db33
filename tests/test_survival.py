"""A training in a process of its own, which is killed where it hurts most."""

import hashlib
import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import killed
import official
import pytest

from cifar10_cnn.common import files
from cifar10_cnn.data import dataset as data
from cifar10_cnn.device import keras
from cifar10_cnn.profiles import Profile
from cifar10_cnn.training import checkpoints, recipes, runs, trainer

pytestmark = pytest.mark.long

PROFILE = Profile("tiny", 150, 20, 20, epochs=3, experiment_images=50, experiment_epochs=1)
RECIPES = {
    # Sizes grow: three calls of Keras' fit.
    "growing": replace(
        recipes.get("sprint"), batch_size=50, epochs=4, sizes=(16, 16, 20, 24), shift=2
    ),
    # Dropout, augmentation, Adam, a falling rate, and early stopping.
    "regularized": replace(
        recipes.get("regularized_cnn"), batch_size=50, epochs=4, stops_on="loss", patience=2
    ),
}


def suicidal(function: Callable[..., Any], call: int) -> Callable[..., Any]:
    """Return a function that ends the process at one of its calls, counted from 1."""
    calls = iter(range(1, 1000))

    def wrapper(*arguments: Any, **options: Any) -> Any:
        if next(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)

    return wrapper


def _train(folder: Path, name: str, moment: str, call: int) -> None:
    places = {
        "writing a checkpoint": (files, "write"),
        "end of an epoch": (checkpoints.Resume, "on_epoch_end"),  # ModelCheckpoint has written
        "steps": (checkpoints.Resume, "on_train_batch_end"),
        "end of the training": (runs, "save_run"),
    }
    if moment:
        owner, method = places[moment]
        setattr(owner, method, suicidal(getattr(owner, method), call))
    recipe = RECIPES[name]
    dataset = data.split(official.expected(), PROFILE, "own images", "f" * 64)
    training = trainer.Training(recipe, 4, 0, dataset.fingerprint, precision="fp32")
    _, history = trainer.fit(training, dataset, folder=folder)
    runs.save_run(folder, dataset, PROFILE, history)
    weights = hashlib.sha256()
    for weight in keras.models.load_model(folder / "model.keras", compile=False).get_weights():
        weights.update(weight.tobytes())
    del history["seconds"]
    outcome = {"weights": weights.hexdigest(), "history": history}
    folder.with_suffix(".json").write_text(json.dumps(outcome))


def train(folder: Path, name: str, moment: str = "", call: int = 0) -> dict[str, Any] | None:
    """Train in a process of its own; return what came out, or None if it was killed."""
    process = killed.CONTEXT.Process(target=_train, args=(folder, name, moment, call))
    process.start()
    process.join(300)
    if process.exitcode == -signal.SIGKILL:
        return None
    assert process.exitcode == 0
    return json.loads(folder.with_suffix(".json").read_text())


@pytest.mark.parametrize(
    ("name", "moments"),
    [
        ("growing", [("steps", 4), ("writing a checkpoint", 2)]),
        ("regularized", [("end of an epoch", 2), ("end of the training", 1)]),
    ],
)
def test_killed_it_ends_with_the_same_weights_and_history(
    name: str, moments: list[tuple[str, int]], tmp_path: Path
) -> None:
    expected = train(tmp_path / "undisturbed", name)
    for moment in moments:
        assert train(tmp_path / "killed", name, *moment) is None
    assert train(tmp_path / "killed", name) == expected
    names = {file.name for file in (tmp_path / "killed").iterdir()}
    assert names == {"model.keras", "history.csv", "run.json"}
