"""Checkpoints: all that a training needs to go on as if nothing had happened, two of them in turn.

A checkpoint is one file, numpy's with a checksum behind it, written whole or not at all: every
weight, the optimizer's state, the states of all random numbers, the metrics of the epoch that runs,
the history, and what other callbacks have counted. Keras' BackupAndRestore keeps the weights and
the optimizer of whole epochs alone.
"""

import hashlib
import inspect
import io
import json
import shutil
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cifar10_cnn import models
from cifar10_cnn.common import files
from cifar10_cnn.data.batches import Shuffled
from cifar10_cnn.device import keras

#: After so many seconds of training within an epoch a checkpoint is written: as much is repeated.
SECONDS_BETWEEN = 60.0
#: Of the checkpoints, in a run's folder.
FOLDER = "checkpoints"
#: Pictures that validation looks at at once.
VALIDATION_BATCH = 500
#: Bytes of the SHA-256 that a checkpoint ends with: a zip's own sums leave its names out.
_MARK = 32
#: What a callback remembers: its kind, and its attributes by name.
_Memory = tuple[str, dict[str, Any]]


@dataclass
class Position:
    """How far a training is.

    Attributes:
        epoch: number of epochs that are finished.
        step: number of batches of the next one that are learnt from.
        seconds: how long those batches took.
        rows: the finished epochs' numbers, a dict for each.
        best: name of the best epoch's model file; empty if none is kept.
        digest: SHA-256 of that file.
        stopped: whether a callback has ended the training.
    """

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    rows: list[dict[str, float]] = field(default_factory=list)
    best: str = ""
    digest: str = ""
    stopped: bool = False


class Checkpoints(keras.callbacks.Callback):
    """Trains a model, writes checkpoints meanwhile, and goes on from the newest that is whole.

    Args:
        folder: the run's; gets ``model.keras`` and ``checkpoints/``.
        plan: what the weights depend on, as JSON can hold it; checkpoints of another one are
            deleted.
        network: what is trained and saved, compiled.
        keeps: the model of the ``best`` epoch by validation accuracy, or of the ``last`` one.
    """

    def __init__(
        self,
        folder: Path,
        plan: Mapping[str, Any],
        network: keras.Model,
        keeps: Literal["best", "last"] = "best",
    ) -> None:
        super().__init__()
        self.set_model(network)  # a finished training has no fit, in which Keras would do so
        self._folder, self._file = folder / FOLDER, folder / "model.keras"
        self._newest, self._before = self._folder / "newest.npz", self._folder / "before.npz"
        self._plan, self._keeps = json.loads(json.dumps(plan)), keeps
        #: How far the training is.
        self.at = Position()
        self._restored: dict[str, np.ndarray] = {}
        self._others: Sequence[keras.callbacks.Callback] = ()
        self._forgot: list[_Memory] = []
        self._known: list[_Memory] = []
        self._find()
        if self.at.rows or self.at.step:
            batch = f", batch {self.at.step}" if self.at.step else ""
            print(f"Going on after epoch {self.at.epoch}{batch}.")

    def fit(
        self,
        pictures: Shuffled,
        *,
        epochs: int,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        **options: Any,
    ) -> None:
        """Do what ``model.fit`` does, from where the training is, and save the network.

        Args:
            pictures: to learn from.
            epochs: how many there will have been.
            callbacks: called before an epoch's checkpoint is written; what they count and the best
                weights that they keep come back with the rest.
            options: what else ``model.fit`` takes.

        Raises:
            CourseError: if a checkpoint cannot be written, for example because the disk is full;
                those before it stay.
        """
        if self.at.epoch > epochs:  # it is in a later row of epochs already
            return
        self._pictures, self._others = pictures, callbacks
        model = self.model
        model.stop_training = self.at.stopped
        rate = model.optimizer.get_config().get("learning_rate")
        try:
            while self.at.epoch < epochs and not model.stop_training:
                pictures.begin(self.at.epoch, self.at.step)
                model.fit(
                    pictures,
                    initial_epoch=self.at.epoch,
                    # What is left of an epoch has fewer batches than the next one.
                    epochs=self.at.epoch + 1 if self.at.step else epochs,
                    shuffle=False,
                    validation_batch_size=VALIDATION_BATCH,
                    callbacks=[*callbacks, self],
                    **options,
                )
                if self.at.epoch < epochs and not self.at.stopped:
                    self._find()  # the others were told that this was the end, and may act on it
        except KeyboardInterrupt:
            self._find()  # what was learnt since then will be learnt again
            self._save()
            print(
                f"Stopped in epoch {self.at.epoch + 1} of {epochs}. The network so far is in "
                f"{self._file}; the same call goes on."
            )
            raise
        finally:
            # Callbacks may have lowered it: with another rate the same call would be another plan.
            if self.at.epoch < epochs and not self.at.stopped and isinstance(rate, float):
                model.optimizer.learning_rate = rate
        if self._restored and (self.at.stopped or self.at.epoch == epochs):
            self._restore()  # it was killed just before it was saved
            self._end()
        self._save()

    def history(self) -> dict[str, list[float]]:
        """Return one number an epoch for each metric."""
        return {key: [row[key] for row in self.at.rows] for key in self.at.rows[0]}

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Give the other callbacks back what they knew; Keras has just told them to forget it."""
        self._forgot = [_memory(each) for each in self._others]
        by_kind = defaultdict(list)
        for kind, known in self._known:
            by_kind[kind].append(known)
        for each in self._others:
            if mine := by_kind[type(each).__name__]:
                vars(each).update(mine.pop(0))

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Put everything back as it was; Keras has just set the metrics to zero."""
        # Under JAX Keras begins an epoch more, of which it looks at one batch.
        self._pictures.begin(self.at.epoch, self.at.step)
        if self._restored:
            self._restore()
            self._restored = {}
        elif self.at == Position():  # what an interrupt in the first minute goes back to
            self._make_variables()
            self.model.reset_metrics()
            self._write()
        self._begun = self._written = time.perf_counter()
        self._step_before, self._seconds_before = self.at.step, self.at.seconds

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Write a checkpoint if the last one is old."""
        now = time.perf_counter()
        if now - self._written < SECONDS_BETWEEN or batch + 1 >= len(self._pictures):
            return
        self.at.step = self._step_before + batch + 1
        self.at.seconds = self._seconds_before + now - self._begun
        self._write()
        self._written = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep the network, if it is the best so far, and write a checkpoint."""
        row = {key: float(value) for key, value in (logs or {}).items()}
        if "seconds" in row:
            row["seconds"] = round(row["seconds"] + self._seconds_before, 3)
        rows = [*self.at.rows, row]
        best, digest = self.at.best, self.at.digest
        accuracies = [each.get("val_accuracy", 0.0) for each in rows]
        if self._keeps == "best" and np.argmax(accuracies) == epoch:
            best = f"epoch-{epoch + 1:03}.keras"
            models.save(self.model, self._folder / best)
            digest = _digest(self._folder / best)
        stopped = bool(self.model.stop_training)
        before, self.at = self.at, Position(epoch + 1, 0, 0.0, rows, best, digest, stopped)
        self._write()
        for file in self._folder.glob("epoch-*.keras"):
            if file.name not in (best, before.best):  # the checkpoint before still needs its own
                file.unlink()

    def _find(self) -> None:
        """Read the newest checkpoint that is whole and of this plan; delete what is not."""
        self.at, self._restored, self._known = Position(), {}, []
        for file in filter(Path.exists, (self._newest, self._before)):
            try:
                if self._read(file):
                    return
            except Exception as error:  # a damaged file makes numpy raise almost anything
                print(f"{file} is damaged ({error}): it is left out.")
                with suppress(OSError):
                    file.unlink()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _read(self, file: Path) -> bool:
        """Take over what a checkpoint holds, and say whether it is one of this plan."""
        whole = file.read_bytes()
        content, mark = whole[:-_MARK], whole[-_MARK:]
        if hashlib.sha256(content).digest() != mark:
            raise ValueError("its checksum is another one")
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        about = json.loads(arrays.pop("about").tobytes())
        if about["plan"] != self._plan:
            return False
        at = Position(**about["at"])
        if at.best and _digest(self._folder / at.best) != at.digest:
            raise ValueError(f"its {at.best} was changed")
        self.at, self._restored, self._known = at, arrays, _unpacked(about["known"], arrays)
        return True

    def _write(self) -> None:
        """Write a checkpoint; the newest so far becomes the one before it."""
        arrays: dict[str, Any] = {
            name: keras.ops.convert_to_numpy(value)
            for name, value in _variables(self.model).items()
        }
        memories = zip(map(_memory, self._others), self._forgot, strict=True)
        self._known = [_learnt(now, before) for now, before in memories]
        known, lists = _packed(self._known)
        about = json.dumps({"plan": self._plan, "at": asdict(self.at), "known": known}).encode()
        arrays |= {"about": np.frombuffer(about, np.uint8), **lists}
        packed = io.BytesIO()
        np.savez(packed, **arrays)
        content = packed.getvalue()
        with files.writing(self._newest):
            if self._newest.exists():
                self._newest.replace(self._before)
        files.write(self._newest, content + hashlib.sha256(content).digest())

    def _restore(self) -> None:
        """Set the model, its optimizer, metrics and random numbers as the checkpoint says."""
        self._make_variables()
        for name, variable in _variables(self.model).items():
            variable.assign(self._restored[name])
        if not self.at.step:
            self.model.reset_metrics()

    def _make_variables(self) -> None:
        """Let everything be there that Keras would make in the first step."""
        model = self.model
        model.optimizer.build(model.trainable_variables)
        pictures, labels = self._pictures[0]
        model.compute_metrics(pictures, labels, model(pictures))

    def _end(self) -> None:
        """Let the other callbacks do what they do at the end of a training."""
        for each in self._others:
            each.set_model(self.model)
            each.on_train_begin()
        self.on_train_begin()
        for each in self._others:
            each.on_train_end()

    def _save(self) -> None:
        """Write ``model.keras``: the best epoch's network, else the network as it is."""
        if self.at.best:
            files.write(self._file, (self._folder / self.at.best).read_bytes())
        else:
            models.save(self.model, self._file)


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Return every variable that a training changes, each under a name of its own."""
    found = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    unique = {id(variable): variable for variable in found}
    return {f"variable-{number}": each for number, each in enumerate(unique.values())}


def _memory(callback: keras.callbacks.Callback) -> _Memory:
    """Return a callback's numbers and texts, lists of them, and of arrays, as the best weights.

    Without what it was made with: that are its settings, and Keras' own turn some of them round.
    """
    found = {}
    settings = inspect.signature(type(callback)).parameters
    for name, value in vars(callback).items():
        if name in settings:
            continue
        plain = value.item() if isinstance(value, np.generic) else value
        if _is_plain(plain):
            found[name] = plain
        elif isinstance(plain, list) and (all(map(_is_plain, plain)) or _are_arrays(plain)):
            found[name] = [*plain]  # it may grow
    return type(callback).__name__, found


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, (bool, int, float, str))


def _are_arrays(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(each, np.ndarray) for each in value)
    )


def _learnt(now: _Memory, before: _Memory) -> _Memory:
    """Return what a callback knows now and did not when the training began."""
    (kind, knows), (_, knew) = now, before
    return kind, {
        name: value
        for name, value in knows.items()
        if _are_arrays(value) or name not in knew or value != knew[name]
    }


def _packed(memories: Sequence[_Memory]) -> tuple[list[Any], dict[str, np.ndarray]]:
    """Return memories as JSON can hold them, and apart from them the arrays that it cannot."""
    told: list[Any] = []
    arrays: dict[str, np.ndarray] = {}
    for number, (kind, known) in enumerate(memories):
        lists = {name: value for name, value in known.items() if _are_arrays(value)}
        rest = {name: value for name, value in known.items() if name not in lists}
        told.append((kind, rest, {name: len(value) for name, value in lists.items()}))
        for name, value in lists.items():
            arrays |= {f"{number}-{name}-{place}": each for place, each in enumerate(value)}
    return told, arrays


def _unpacked(told: list[Any], arrays: dict[str, np.ndarray]) -> list[_Memory]:
    """Return memories as they were, and take what belongs to them out of ``arrays``."""
    memories = []
    for number, (kind, known, lists) in enumerate(told):
        for name, length in lists.items():
            known[name] = [arrays.pop(f"{number}-{name}-{place}") for place in range(length)]
        memories.append((kind, known))
    return memories


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
