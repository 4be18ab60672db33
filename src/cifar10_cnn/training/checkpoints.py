"""Checkpoints: a killed training repeats at most one epoch, and ends as if nothing had happened."""

import hashlib
import io
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from cifar10_cnn import models
from cifar10_cnn.common import files
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data.batches import Shuffled
from cifar10_cnn.device import keras

#: In a run's folder.
FILE = "checkpoint.npz"
#: What Keras' own callbacks count from epoch to epoch.
_COUNTERS = ("wait", "best", "best_epoch", "stopped_epoch", "cooldown_counter")
_COUNTING = (
    keras.callbacks.EarlyStopping,
    keras.callbacks.ModelCheckpoint,
    keras.callbacks.ReduceLROnPlateau,
)


class Seconds(keras.callbacks.Callback):
    """Adds each epoch's seconds to its logs and to the history. Used by ``trainer.fit``."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Start the clock."""
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add the duration, if no callback before has done so."""
        if logs is not None:
            logs.setdefault("seconds", round(time.perf_counter() - self._start, 3))


class Resume(Seconds):
    """Lets the same call of ``model.fit`` go on after its last whole epoch, equal bit for bit.

    Beyond BackupAndRestore it keeps the random states of dropout and augmentation, the order of the
    images, the history of all epochs with their ``seconds``, and what EarlyStopping,
    ModelCheckpoint and ReduceLROnPlateau have counted. It stands last in the list of callbacks;
    ``fit`` needs ``shuffle=False``: the batches have their order already. Used in notebook 04.

    Args:
        folder: of the run; gets ``checkpoint.npz``, which ``save_run`` deletes.
        batches: the training images, as given to ``model.fit``.
        callbacks: the others in the list.
        key: what the weights depend on; by default of model, optimizer, loss, batches and epochs.

    Raises:
        ValueError: if the batches are not ``Shuffled``: the order of others can't be repeated.
    """

    def __init__(
        self,
        folder: str | Path,
        batches: Shuffled,
        callbacks: Iterable[keras.callbacks.Callback] = (),
        *,
        key: str = "",
    ) -> None:
        super().__init__()
        if not isinstance(batches, Shuffled):
            raise ValueError(f"Images come as batches.Shuffled, not as {type(batches).__name__}.")
        self.batches, self._callbacks, self._given_key = batches, [*callbacks], key
        self.history: dict[str, list[float]] = {}  # one number an epoch for each metric
        self._epoch, self._stopped, self._epoch_at_end = 0, False, 0
        self._file = files.path(folder) / FILE
        counting = [each for each in self._callbacks if isinstance(each, _COUNTING)]
        self._counting = {f"{type(each).__name__}({each.monitor})": each for each in counting}

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Set everything as the checkpoint says; without one, write the first."""
        folder = self._file.parent
        taken = f"Another program trains in {folder}: wait for it, or stop it first."
        self._alone = files.alone(folder.with_name(f".{folder.name}.lock"), taken, wait=False)
        self._alone.__enter__()
        model = self.model
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        self._key = self._given_key or self._make_key()
        if checkpoint := self._read():
            self._restore(*checkpoint)
        else:  # a call that is interrupted in its first epoch goes back to here
            self._epoch, self._stopped, self.history = 0, False, {}
            self._write()
        # As BackupAndRestore does it; a number that no training reaches if it had been stopped.
        model._initial_epoch = sys.maxsize if self._stopped else self._epoch
        model.history.history.update({name: [*row] for name, row in self.history.items()})

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Let the images come in this epoch's order."""
        super().on_epoch_begin(epoch, logs)
        self.batches.begin(epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write a checkpoint."""
        super().on_epoch_end(epoch, logs)
        numbers = logs or {}
        for callback in self._counting.values():
            if callback.monitor not in numbers:  # Keras would only warn, and keep no best epoch
                raise CourseError(
                    f"{type(callback).__name__} watches {callback.monitor!r}, which this training "
                    f"does not measure: let it watch one of {', '.join(numbers)}."
                )
        for name, value in numbers.items():
            self.history.setdefault(name, []).append(float(value))
        self._epoch, self._stopped = epoch + 1, bool(self.model.stop_training)
        self._write()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Let a later call without this callback begin with its own first epoch."""
        self._alone.__exit__(None, None, None)
        self.model._initial_epoch = None
        self._epoch_at_end = self._epoch

    def _make_key(self) -> str:
        optimizer = self.model.optimizer
        changing = (keras.callbacks.ReduceLROnPlateau, keras.callbacks.LearningRateScheduler)
        if changes := any(isinstance(each, changing) for each in self._callbacks):
            # By what a callback has made of it this would be another training.
            rate, optimizer.learning_rate = float(optimizer.learning_rate), 0.0
        loss = keras.saving.serialize_keras_object(self.model.loss)
        epochs = self.params["epochs"]
        settings = [models.digest(self.model), loss, self.batches.settings(), epochs]
        if changes:
            optimizer.learning_rate = rate
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()

    def _read(self) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
        """Return the checkpoint, if there is one of this training; a damaged one is left out."""
        try:
            content = self._file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise files.unreadable(self._file, error) from error
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                arrays = dict(archive)  # a zip file: each array has its checksum
            about = json.loads(str(arrays.pop("about")))
        except files.DAMAGE:
            print(f"{self._file} is damaged: the training begins again.")
            return None
        return (about, arrays) if about["key"] == [self._key, keras.__version__] else None

    def _write(self) -> None:
        variables = _variables(self.model).items()
        arrays = {name: keras.ops.convert_to_numpy(variable) for name, variable in variables}
        counters = {}
        for name, each in self._counting.items():
            counters[name] = {key: vars(each)[key] for key in _COUNTERS if key in vars(each)}
            weights = getattr(each, "best_weights", None) or []
            arrays |= {f"{name}-{number}": weight for number, weight in enumerate(weights)}
        state = {"epoch": self._epoch, "stopped": self._stopped, "history": self.history}
        about = {"key": [self._key, keras.__version__], **state, "counters": counters}
        arrays["about"] = np.array(json.dumps(about, default=float))  # numpy's numbers, too
        packed = io.BytesIO()
        np.savez(packed, **arrays)
        files.write(self._file, packed.getvalue())

    def _restore(self, about: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """Set model, optimizer, random states and the other callbacks' counters."""
        for name, variable in _variables(self.model).items():
            variable.assign(arrays[name])
        for name, each in self._counting.items():
            vars(each).update(about["counters"].get(name, {}))
            if weights := [arrays[key] for key in arrays if key.startswith(f"{name}-")]:
                vars(each)["best_weights"] = weights
        self._epoch, self._stopped = about["epoch"], about["stopped"]
        self.history = about["history"]
        if self._epoch > self._epoch_at_end:
            print(f"Going on after epoch {self._epoch}.")


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Return all that training changes in a model, random states included, by numbered names."""
    unique = {id(each): each for each in (*model.variables, *model.optimizer.variables)}
    return {f"variable-{number}": each for number, each in enumerate(unique.values())}
