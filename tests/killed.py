"""A whole training in a process of its own, which dies at one of its moments.

A moment is every operation on a file of its home, and every beginning and end of a batch and an
epoch: loading, learning, checkpoints and the end are all full of them.
"""

import hashlib
import json
import multiprocessing
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from cifar10_cnn import checkpoints, data, fitting, paths, recipes, training
from cifar10_cnn.device import keras
from cifar10_cnn.profiles import Profile

CONTEXT = multiprocessing.get_context("forkserver")
# Loaded once: each training's process is a copy of one that has it all.
CONTEXT.set_forkserver_preload(["cifar10_cnn.training", "sklearn.model_selection"])
_FILE_EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree")


class Moments:
    """Counts moments, and ends the process with no word at the one that is wanted."""

    def __init__(self, home: Path, deadly: int | None) -> None:
        self._home, self._deadly = str(home), deadly
        self.count = 0
        sys.addaudithook(self._on_event)

    def pass_by(self, *_: Any, **__: Any) -> None:
        self.count += 1
        if self.count == self._deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    def _on_event(self, event: str, arguments: tuple) -> None:
        if event in _FILE_EVENTS and str(arguments[0]).startswith(self._home):
            self.pass_by()


def _train(home: Path, source: Path, name: str, deadly: int | None, result: Path) -> None:
    os.environ["CIFAR10_HOME"] = str(home)
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - the process has nothing to say
    moments = Moments(home, deadly)

    checkpoints.SECONDS_BETWEEN = 0.0  # a checkpoint after every batch
    profile = Profile("tiny", 150, 20, 20, epochs=3, experiment_images=50, experiment_epochs=1)
    recipe = {
        # Sizes grow and the hardest are chosen: three calls of Keras' fit.
        "picky": replace(
            recipes.get("sprint"),
            batch_size=50,
            epochs=4,
            sizes=(16, 16, 20, 24),
            kept=(1.0, 1.0, 0.6, 1.0),
        ),
        # Dropout, augmentation, Adam, a falling rate, and early stopping.
        "regularized": replace(
            recipes.get("regularized_cnn"), batch_size=50, epochs=4, stops_on="loss", patience=2
        ),
    }[name]
    pass_by = keras.callbacks.LambdaCallback(
        on_epoch_begin=moments.pass_by,
        on_epoch_end=moments.pass_by,
        on_train_batch_begin=moments.pass_by,
        on_train_batch_end=moments.pass_by,
    )
    dataset = data.load(profile, str(source))
    plan = fitting.Plan(recipe, recipe.epochs, 0, dataset.fingerprint, "fp32")
    folder = paths.runs_folder() / name
    history = fitting.fit(plan, folder, dataset, [pass_by])
    training.record(folder, dataset, profile, history)
    weights = hashlib.sha256()
    for weight in keras.models.load_model(folder / "model.keras", compile=False).get_weights():
        weights.update(weight.tobytes())
    del history["seconds"]
    told = {"weights": weights.hexdigest(), "history": history, "moments": moments.count}
    result.write_text(json.dumps(told))


def train(home: Path, source: Path, name: str, deadly: int | None = None) -> dict[str, Any] | None:
    """Train and return what came out; None if the process died as it was told.

    Args:
        home: where the course keeps its cache and its runs.
        source: an archive of pictures.
        name: ``picky`` or ``regularized``.
        deadly: number of the moment at which it dies.
    """
    result = home.with_suffix(".json")
    result.unlink(missing_ok=True)
    process = CONTEXT.Process(target=_train, args=(home, source, name, deadly, result))
    process.start()
    process.join(300)
    if process.exitcode == -signal.SIGKILL:
        return None
    assert process.exitcode == 0
    return json.loads(result.read_text())
