"""A notebook's training, interrupted and restarted as people do it: in a real kernel."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jupyter_client import BlockingKernelClient, KernelManager

from cifar10_cnn.course import kernel

pytestmark = pytest.mark.faults

BUILD = """
import hashlib, sys, time
import numpy as np
sys.path.insert(0, {tests!r})
from test_checkpoints import IMAGES, LABELS, VALIDATION, counting, made
from cifar10_cnn.data import batches
from cifar10_cnn.training import checkpoints, trainer as fitting
from cifar10_cnn.device import keras
checkpoints.SECONDS_BETWEEN = {seconds}
class Slow(keras.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
        open("{folder}/begun", "a").write("x")
        time.sleep({pause})
model = made()
pictures = batches.Shuffled(IMAGES, LABELS, batch_size=12, seed=0)
"""
FIT = """
history = fitting.fit_model(
    model, pictures, {folder!r}, epochs=4, validation_data=VALIDATION,
    callbacks=[*counting(), Slow()], verbose=0,
)
weights = b"".join(weight.tobytes() for weight in model.get_weights())
del history["learning_rate"]
print("ended", hashlib.sha256(weights).hexdigest(), history)
"""
USE = "print(keras.models.load_model({folder!r} + '/model.keras').predict(IMAGES, verbose=0).shape)"


class Notebook:
    """A kernel and the cells of a notebook that trains, in a folder of its own."""

    def __init__(self, folder: Path, pause: float = 0.0, seconds: float = 0.0) -> None:
        folder.mkdir()
        self.folder = folder
        told = {"folder": str(folder), "pause": pause, "seconds": seconds}
        tests = str(Path(__file__).parent)
        self.build, self.fit, self.use = (
            cell.format(**told, tests=tests) for cell in (BUILD, FIT, USE)
        )
        self.manager = KernelManager(kernel_spec_manager=kernel._ThisInterpreter())
        self.manager.start_kernel()
        self.client = self._connected()

    def _connected(self) -> BlockingKernelClient:
        client = self.manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        return client

    def run(self, cell: str) -> tuple[str, str]:
        """Run a cell and return what it printed and the name of its error."""
        printed: list[str] = []

        def hook(message: dict) -> None:
            printed.append(message["content"].get("text", ""))

        reply = self.client.execute_interactive(cell, output_hook=hook, timeout=120)
        return "".join(printed), reply["content"].get("ename", "")

    def begin(self, batches: int) -> None:
        """Begin to train, and return after so many batches have begun."""
        begun = self.folder / "begun"
        begun.unlink(missing_ok=True)
        self._begun = self.client.execute(self.fit)
        deadline = time.monotonic() + 60
        while not begun.exists() or len(begun.read_text()) < batches:
            assert time.monotonic() < deadline, "it never began"
            time.sleep(0.01)

    def last(self) -> tuple[str, str]:
        """Return what the cell printed that was begun, and its error's name."""
        printed = error = ""
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            content = message["content"]
            printed += content.get("text", "")
            error = content.get("ename", error)
            over = content.get("execution_state") == "idle"
            if over and message["parent_header"]["msg_id"] == self._begun:
                # Until then the kernel drops what it is asked to run.
                self.client.get_shell_msg(timeout=60)
                return printed, error

    def restart(self) -> None:
        self.client.stop_channels()
        self.manager.restart_kernel(now=True)
        self.client = self._connected()

    def end(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Callable[..., Notebook]]:
    opened: list[Notebook] = []

    def start(name: str, **options: float) -> Notebook:
        opened.append(Notebook(tmp_path / name, **options))
        return opened[-1]

    yield start
    for each in opened:
        each.end()


def ended(printed: str) -> str:
    [line] = [each for each in printed.splitlines() if each.startswith("ended")]
    return line


def test_interrupted_and_restarted_it_ends_as_if_nothing_had_happened(
    notebook: Callable[..., Notebook], tally: Callable[[str, int], None]
) -> None:
    undisturbed = notebook("undisturbed")
    undisturbed.run(undisturbed.build)
    expected = ended(undisturbed.run(undisturbed.fit)[0])

    stopped = notebook("stopped", pause=0.2)
    stopped.run(stopped.build)
    for batches in (2, 6):  # the stop button, twice
        stopped.begin(batches)
        stopped.manager.interrupt_kernel()
        printed, error = stopped.last()
        assert error == "KeyboardInterrupt"
        assert f"The network so far is in {stopped.folder}/model.keras; the same call" in printed
        assert stopped.run(stopped.use) == ("(60, 4)\n", "")
        tally("interrupts", 1)
    stopped.begin(3)  # the menu's "restart kernel"
    stopped.restart()
    tally("kernels restarted", 1)
    stopped.run(stopped.build)
    printed, error = stopped.run(stopped.fit)
    assert not error
    assert "Going on after epoch" in printed
    assert ended(printed) == expected


def test_interrupted_in_its_first_minute_it_begins_as_the_first_time(
    notebook: Callable[..., Notebook], tally: Callable[[str, int], None]
) -> None:
    undisturbed = notebook("undisturbed")
    undisturbed.run(undisturbed.build)
    expected = ended(undisturbed.run(undisturbed.fit)[0])

    stopped = notebook("stopped", pause=0.2, seconds=60)
    stopped.run(stopped.build)
    stopped.begin(3)
    stopped.manager.interrupt_kernel()
    assert stopped.last()[1] == "KeyboardInterrupt"
    assert ended(stopped.run(stopped.fit)[0]) == expected
    tally("interrupts", 1)
