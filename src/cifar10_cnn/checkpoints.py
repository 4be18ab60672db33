"""Checkpoints: all that a training needs to go on as if nothing had happened, two of them in turn.

A checkpoint is one file, written whole or not at all: every weight, the optimizer's state, the
states of all random numbers, the metrics of the epoch that runs, its order of pictures, and the
history. Keras' BackupAndRestore keeps the weights and the optimizer of whole epochs alone.
"""

import hashlib
import io
import json
import shutil
import tempfile
import time
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cifar10_cnn import files
from cifar10_cnn.batches import Shuffled
from cifar10_cnn.device import keras

#: After so many seconds of training within an epoch a checkpoint is written: as much is repeated.
SECONDS_BETWEEN = 60.0
#: Of the checkpoints, in a run's folder.
FOLDER = "checkpoints"
#: Pictures that validation looks at at once.
VALIDATION_BATCH = 500
#: What reading a damaged file may raise.
_DAMAGE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


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
    """

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    rows: list[dict[str, float]] = field(default_factory=list)
    best: str = ""
    digest: str = ""


class Checkpoints(keras.callbacks.Callback):
    """Trains a model, writes checkpoints meanwhile, and goes on from the newest that is whole.

    Args:
        folder: the run's; gets ``model.keras`` and ``checkpoints/``.
        plan: what the weights depend on, as JSON can hold it; checkpoints of another one are
            deleted.
        network: what is saved; the trained model may be more than that.
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
        self._folder, self._file = folder / FOLDER, folder / "model.keras"
        self._newest, self._before = self._folder / "newest.npz", self._folder / "before.npz"
        self._plan, self._network, self._keeps = json.loads(json.dumps(plan)), network, keeps
        #: How far the training is.
        self.at = Position()
        self._restored: dict[str, np.ndarray] = {}
        self._find()
        if self.at.rows or self.at.step:
            batch = f", batch {self.at.step}" if self.at.step else ""
            print(f"Going on after epoch {self.at.epoch}{batch}.")

    def fit(
        self,
        model: keras.Model,
        pictures: Shuffled,
        *,
        epochs: int,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        **options: Any,
    ) -> None:
        """Do what ``model.fit`` does, from where the training is, and save the network.

        Args:
            model: compiled.
            pictures: to learn from.
            epochs: how many there will have been.
            callbacks: called before an epoch's checkpoint is written.
            options: what else ``model.fit`` takes.

        Raises:
            CourseError: if a checkpoint cannot be written, for example because the disk is full;
                those before it stay.
        """
        if self.at.epoch > epochs:  # it is in a later row of epochs already
            return
        self._pictures = pictures
        model.stop_training = False
        try:
            while self.at.epoch < epochs and not model.stop_training:
                # Between two epochs the order in the checkpoint is that of the one before.
                order = self._restored["order"] if self.at.step else None
                pictures.begin(self.at.epoch, self.at.step, order)
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
        except KeyboardInterrupt:
            self._find()  # what was learnt since then will be learnt again
            self._save()
            print(
                f"Stopped in epoch {self.at.epoch + 1} of {epochs}. The network so far is in "
                f"{self._file}; the same call goes on."
            )
            raise
        if self._restored and self.at.epoch == epochs:  # killed just before it was saved
            self._restore(model)
        self._save()

    def history(self) -> dict[str, list[float]]:
        """Return one number an epoch for each metric."""
        return {key: [row[key] for row in self.at.rows] for key in self.at.rows[0]}

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Put everything back as it was; Keras has just set the metrics to zero."""
        # Under JAX Keras begins an epoch more, of which it looks at one batch.
        order = self._restored["order"] if self.at.step else None
        self._pictures.begin(self.at.epoch, self.at.step, order)
        if self._restored:
            self._restore(self.model)
            self._restored = {}
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
            digest = _save(self._network, self._folder / best)
        before, self.at = self.at, Position(epoch + 1, 0, 0.0, rows, best, digest)
        self._write()
        for file in self._folder.glob("epoch-*.keras"):
            if file.name not in (best, before.best):  # the checkpoint before still needs its own
                file.unlink()

    def _find(self) -> None:
        """Read the newest checkpoint that is whole and of this plan; delete what is not."""
        self.at, self._restored = Position(), {}
        for file in (self._newest, self._before):
            try:
                self.at, self._restored = self._read(file)
            except FileNotFoundError:
                continue
            except _DAMAGE as error:
                print(f"{file} is damaged ({error}): it is left out.")
                file.unlink(missing_ok=True)
                continue
            return
        shutil.rmtree(self._folder, ignore_errors=True)

    def _read(self, file: Path) -> tuple[Position, dict[str, np.ndarray]]:
        """Return what a checkpoint holds; nothing if it is of another plan."""
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        about = json.loads(arrays.pop("about").tobytes())
        if about["plan"] != self._plan:
            raise FileNotFoundError
        at = Position(**about["at"])
        if at.best and _digest(self._folder / at.best) != at.digest:
            raise ValueError(f"its {at.best} was changed")
        return at, arrays

    def _write(self) -> None:
        """Write a checkpoint; the newest so far becomes the one before it."""
        about = json.dumps({"plan": self._plan, "at": asdict(self.at)}).encode()
        arrays = _variables(self.model)
        content = io.BytesIO()
        np.savez(
            content,
            about=np.frombuffer(about, np.uint8),
            order=self._pictures.order,
            **{name: keras.ops.convert_to_numpy(value) for name, value in arrays.items()},
        )
        if self._newest.exists():
            self._newest.replace(self._before)
        files.write(self._newest, content.getvalue())

    def _restore(self, model: keras.Model) -> None:
        """Set a model, its optimizer, metrics and random numbers as the checkpoint says."""
        model.optimizer.build(model.trainable_variables)
        pictures, labels = self._pictures[0]
        # Keras makes the metrics' variables when they are first computed.
        model.compute_metrics(pictures, labels, model(pictures))
        for name, variable in _variables(model).items():
            variable.assign(self._restored[name])
        if not self.at.step:
            model.reset_metrics()

    def _save(self) -> None:
        """Write ``model.keras``: the best epoch's network, else the network as it is."""
        if self.at.best:
            files.write(self._file, (self._folder / self.at.best).read_bytes())
        else:
            _save(self._network, self._file)


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Return every variable that a training changes, each under a name of its own."""
    found = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    unique = {id(variable): variable for variable in found}
    return {f"variable-{number}": each for number, each in enumerate(unique.values())}


def _save(network: keras.Model, file: Path) -> str:
    """Write a network's file whole or not at all and return its SHA-256."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        part = Path(folder) / file.name
        network.save(part)
        files.write(file, part.read_bytes())
    return _digest(file)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
