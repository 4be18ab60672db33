"""Notebook 04's training, interrupted and restarted as people do it: in a real kernel."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jupyter_client import BlockingKernelClient, KernelManager

from cifar10_cnn.course import kernel

pytestmark = pytest.mark.long

BUILD = """
import hashlib, sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_checkpoints import IMAGES, LABELS, VALIDATION, counting, made
from cifar10_cnn import training
from cifar10_cnn.data import batches
from cifar10_cnn.device import keras
class Slow(keras.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
        open("{folder}/begun", "a").write("x")
        time.sleep({pause})
folder = Path({folder!r})
images = batches.Shuffled(IMAGES, LABELS, batch_size=12, seed=0)
callbacks = [*counting(folder), Slow()]
model = made()
"""
FIT = """
history = model.fit(
    images, epochs=4, validation_data=VALIDATION, shuffle=False, verbose=0,
    callbacks=[*callbacks, training.Resume(folder, images, callbacks)],
).history
weights = b"".join(weight.tobytes() for weight in model.get_weights())
del history["seconds"]
print("ended", hashlib.sha256(weights).hexdigest(), history)
"""
USE = "print(keras.models.load_model(folder / 'model.keras').predict(IMAGES, verbose=0).shape)"


class Notebook:
    """A kernel and the cells of a notebook that trains, in a folder of its own."""

    def __init__(self, folder: Path, pause: float = 0.0) -> None:
        folder.mkdir()
        self.folder = folder
        tests = str(Path(__file__).parent)
        self.build = BUILD.format(folder=str(folder), pause=pause, tests=tests)
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
        self.client.execute(FIT)
        deadline = time.monotonic() + 60
        while not begun.exists() or len(begun.read_text()) < batches:
            assert time.monotonic() < deadline, "it never began"
            time.sleep(0.01)

    def interrupt(self) -> str:
        """Press the stop button and return the name of the cell's error."""
        self.manager.interrupt_kernel()
        # Until then the kernel drops what it is asked to run.
        return self.client.get_shell_msg(timeout=60)["content"].get("ename", "")

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
    notebook: Callable[..., Notebook],
) -> None:
    undisturbed = notebook("undisturbed")
    undisturbed.run(undisturbed.build)
    expected = ended(undisturbed.run(FIT)[0])

    stopped = notebook("stopped", pause=0.2)
    stopped.run(stopped.build)
    for batches in (2, 7):  # the stop button, in the first epoch and in the second
        stopped.begin(batches)
        assert stopped.interrupt() == "KeyboardInterrupt"
    assert stopped.run(USE) == ("(60, 4)\n", "")
    stopped.begin(7)  # the menu's "restart kernel"
    stopped.restart()
    stopped.run(stopped.build)
    printed, error = stopped.run(FIT)
    assert not error
    assert "Going on after epoch 2." in printed
    assert ended(printed) == expected
