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
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from cifar10_cnn.common import paths
from cifar10_cnn.data import dataset as data
from cifar10_cnn.device import keras
from cifar10_cnn.profiles import Profile
from cifar10_cnn.training import checkpoints, recipes
from cifar10_cnn.training import runs as training
from cifar10_cnn.training import trainer as fitting

CONTEXT = multiprocessing.get_context("forkserver")
# Loaded once: each training's process is a copy of one that has it all.
CONTEXT.set_forkserver_preload(["cifar10_cnn.training.runs", "sklearn.model_selection"])
#: What a training is about at a moment, in their order.
PHASES = (
    "loading",
    "steps",
    "writing a checkpoint",
    "end of an epoch",
    "end of the training",
)
_FILE_EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree")


class Moments:
    """Names the phase of each moment, and sends the process a signal at the one that is wanted."""

    def __init__(self, home: Path, wanted: int | None, sent: int, disk: "Disk") -> None:
        self._home, self._wanted, self._sent, self._disk = str(home), wanted, sent, disk
        self.phases: list[str] = []
        self._phase = PHASES[0]
        sys.addaudithook(self._on_event)

    def pass_by(self, phase: str | None = None) -> None:
        self._phase = phase or self._phase
        self.phases.append(self._phase)
        if len(self.phases) == self._wanted:
            os.kill(os.getpid(), self._sent)

    @contextmanager
    def within(self, phase: str) -> Iterator[None]:
        before, self._phase = self._phase, phase
        yield
        self._phase = before

    def _on_event(self, event: str, arguments: tuple) -> None:
        if event in _FILE_EVENTS and str(arguments[0]).startswith(self._home):
            if event == "os.rename":
                self._disk.renamed(*map(str, arguments[:2]))
            self.pass_by()


class Disk:
    """Writes down what has reached the disk, so that a power cut can be played afterwards.

    Without a sync, a new name may stand there without its content, and a changed name may be
    changed no more: what Linux' file systems may leave.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._log = folder, folder / "log"

    def watch(self) -> None:
        """Begin to write down what this process does."""
        self._folder.mkdir(exist_ok=True)
        self._log.unlink(missing_ok=True)
        self._file = os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        sync = os.fsync

        def noted(descriptor: int) -> None:
            sync(descriptor)
            about = os.fstat(descriptor)
            self._note("synced", about.st_ino, about.st_mtime_ns)

        os.fsync = noted

    def renamed(self, old: str, new: str) -> None:
        """Keep what a name stood for before it stands for something else."""
        kept = ""
        if Path(new).exists():
            kept = str(self._folder / f"{time.monotonic_ns()}")
            os.link(new, kept)
        self._note("renamed", old, new, kept, Path(new).parent.stat().st_ino)

    def _note(self, *told: Any) -> None:
        os.write(self._file, (json.dumps(told) + "\n").encode())

    def lose_power(self, home: Path) -> int:
        """Take away what was not synced, and return how many files and names that were."""
        contents: dict[int, int] = {}
        names: list[tuple[str, str, str, int]] = []
        for line in self._log.read_text().splitlines():
            match json.loads(line):
                case "synced", inode, changed:
                    contents[inode] = changed
                    names = [each for each in names if each[3] != inode]
                case "renamed", old, new, kept, folder:
                    names.append((old, new, kept, folder))
        for old, new, kept, _ in reversed(names):
            if Path(new).exists() and not Path(old).exists():
                Path(new).rename(old)
                if kept:
                    os.link(kept, new)
        lost = [
            file
            for file in home.rglob("*")
            if file.is_file()
            and file.stat().st_size
            and contents.get(file.stat().st_ino) != file.stat().st_mtime_ns
        ]
        for file in lost:
            file.write_bytes(b"")
        return len(names) + len(lost)


def _train(home: Path, source: Path, name: str, kill: tuple[int | None, int], result: Path) -> None:
    os.environ["CIFAR10_HOME"] = str(home)
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - the process has nothing to say
    disk = Disk(home.with_suffix(".disk"))
    disk.watch()
    moments = Moments(home, *kill, disk)

    checkpoints.SECONDS_BETWEEN = 0.0  # a checkpoint after every batch
    write, save = checkpoints.Checkpoints._write, checkpoints.Checkpoints._save

    def writing(self: checkpoints.Checkpoints) -> None:
        with moments.within("writing a checkpoint"):
            write(self)

    def saving(self: checkpoints.Checkpoints) -> None:
        with moments.within("end of the training"):
            save(self)

    checkpoints.Checkpoints._write = writing  # type: ignore[method-assign]
    checkpoints.Checkpoints._save = saving  # type: ignore[method-assign]
    profile = Profile("tiny", 150, 20, 20, epochs=3, experiment_images=50, experiment_epochs=1)
    recipe = {
        # Sizes grow: three calls of Keras' fit.
        "growing": replace(
            recipes.get("sprint"),
            batch_size=50,
            epochs=4,
            sizes=(16, 16, 20, 24),
        ),
        # Dropout, augmentation, Adam, a falling rate, and early stopping.
        "regularized": replace(
            recipes.get("regularized_cnn"), batch_size=50, epochs=4, stops_on="loss", patience=2
        ),
    }[name]
    pass_by = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: moments.pass_by("steps"),
        on_epoch_end=lambda epoch, logs: moments.pass_by("end of an epoch"),
        on_train_batch_begin=lambda batch, logs: moments.pass_by("steps"),
        on_train_batch_end=lambda batch, logs: moments.pass_by("steps"),
    )
    dataset = data.load(profile, str(source))
    plan = fitting.Plan(recipe, recipe.epochs, 0, dataset.fingerprint, "fp32")
    folder = paths.runs_folder() / name
    history = fitting.fit(plan, folder, dataset, [pass_by])
    with moments.within("end of the training"):
        training.save_run(folder, dataset, profile, history)
    weights = hashlib.sha256()
    for weight in keras.models.load_model(folder / "model.keras", compile=False).get_weights():
        weights.update(weight.tobytes())
    del history["seconds"]
    told = {"weights": weights.hexdigest(), "history": history, "phases": moments.phases}
    result.write_text(json.dumps(told))


def train(
    home: Path, source: Path, name: str, moment: int | None = None, sent: int = signal.SIGKILL
) -> dict[str, Any] | None:
    """Train and return what came out; None if the process died as it was told.

    Args:
        home: where the course keeps its cache and its runs.
        source: an archive of pictures.
        name: ``growing`` or ``regularized``.
        moment: number of the moment at which the process gets a signal, from 1.
        sent: that signal; one that was put to sleep is woken after a second.
    """
    result = home.with_suffix(".json")
    result.unlink(missing_ok=True)
    process = CONTEXT.Process(target=_train, args=(home, source, name, (moment, sent), result))
    process.start()
    if sent == signal.SIGSTOP:
        _wake(psutil.Process(process.pid))
    process.join(300)
    if process.exitcode == -signal.SIGKILL:
        return None
    assert process.exitcode == 0
    return json.loads(result.read_text())


def _wake(process: psutil.Process) -> None:
    """Wait until a process sleeps, as in a laptop that is closed, and wake it a second later."""
    deadline = time.monotonic() + 120
    while process.status() != psutil.STATUS_STOPPED:
        assert time.monotonic() < deadline, "it never fell asleep"
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGCONT)
