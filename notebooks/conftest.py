"""What nbval 0.11.0 gets wrong when it runs these notebooks as tests, put right.

As it comes, nbval notices a dead kernel only at the cell time-out, fails a cell that sends
thousands of messages, passes a cell whose ``%magic`` does not exist or that prints warnings, and
runs on after a failure, which follow-up errors then bury. This file touches nbval's inside, so
requirements.txt pins its version; ``tests/test_nbval.py`` proves each repair.
"""

import os
import subprocess
import time
from collections.abc import Generator
from math import inf
from queue import Empty

import nbval.plugin
import pytest
from jupyter_client.manager import KernelManager
from nbval.kernel import NbvalKernelspecManager, RunningKernel
from nbval.plugin import IPyNbCell

from cifar10_cnn.common import paths

# The kernels' environment. It is taken now, since pytest imports this file before the first test
# runs: what a test sets reaches no notebook. What you set wins over these defaults, which keep the
# run small and off the network ("auto" would try to download CIFAR-10 where it is not there yet).
ENVIRONMENT = {
    "CIFAR10_PROFILE": "smoke",
    "CIFAR10_DATA": "cifar10" if (paths.data_folder() / "cifar10.npz").is_file() else "practice",
    **os.environ,
}


class KernelDiedError(RuntimeError):
    """The kernel's process ended while a cell was running."""


class WatchedKernel(RunningKernel):
    """nbval's kernel, with all its messages held, its process watched and its last reply kept."""

    def __init__(self, kernel_name: str, cwd: str | None = None, startup_timeout: float = 60):
        """Start a kernel as nbval does, but for the environment and the message queue."""
        self.reply: dict | None = None
        self.km = KernelManager(
            kernel_name=kernel_name, kernel_spec_manager=NbvalKernelspecManager()
        )
        self.km.start_kernel(cwd=cwd, env=ENVIRONMENT, stderr=subprocess.DEVNULL)
        self.kc = self.km.client()
        # nbval reads a cell's messages after the cell has ended. Until then ZeroMQ holds 1,000 and
        # the socket some thousands; the rest is dropped. 0 means: hold all, on this side at least.
        self.kc.context.rcvhwm = 0
        self.kc.start_channels()
        try:
            self.kc.wait_for_ready(timeout=startup_timeout)
            self._ensure_iopub_up()
        except RuntimeError:
            self.stop()
            raise

    def execute_cell_input(self, cell_input: str, allow_stdin: bool | None = None) -> str:
        """Send a cell to the kernel; forget the reply to the one before."""
        self.reply = None
        return super().execute_cell_input(cell_input, allow_stdin)

    def get_message(self, stream: str, timeout: float | None = None) -> dict:
        """Return the next message; if nothing comes after the cell's reply, "idle" has come.

        A kernel under load drops messages too, on its side, and "idle" is the last one. nbval waits
        for it and then fails the cell, though the reply, never dropped, says that the cell ended.
        """
        try:
            return super().get_message(stream, timeout)
        except Empty:
            if stream != "iopub" or self.reply is None or self.reply["msg_type"] != "execute_reply":
                raise
            idle = {"execution_state": "idle"}
            return {**self.reply, "msg_type": "status", "content": idle}

    def await_reply(self, msg_id: str, timeout: float | None = None) -> None:
        """Wait for the reply to a request and keep it; look every second if the kernel still lives.

        Raises:
            KernelDiedError: if it does not.
            Empty: after ``timeout`` seconds, which nbval takes for a cell that runs too long.
        """
        deadline = time.monotonic() + (inf if timeout is None else timeout)
        while True:
            try:
                wait = max(0, min(1, deadline - time.monotonic()))
                message = self.get_message("shell", timeout=wait)
            except Empty:
                if not self.is_alive():
                    status = self.km.provisioner.process.returncode  # -9: often out of memory
                    raise KernelDiedError(f"The kernel died: exit status {status}") from None
                if time.monotonic() >= deadline:
                    raise
            else:
                if message["parent_header"].get("msg_id") == msg_id:
                    self.reply = message
                    return


nbval.plugin.RunningKernel = WatchedKernel


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to run cells without those before them."""
    alone = any(".ipynb::" in each for each in config.args)
    if alone or config.getoption("numprocesses", None):
        reason = "A notebook's cells follow one another"
        raise pytest.UsageError(f"{reason}: name whole notebooks, and run pytest without -n.")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a cell when an earlier one of its notebook failed: its error would say nothing new."""
    if failed := getattr(item.parent, "first_failure", None):
        pytest.skip(f"{failed} of {item.path.name} failed, so the cells after it did not run")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a cell whose kernel died, that warns, or whose reply is an error that was not shown."""
    if not isinstance(item, IPyNbCell):
        return (yield)
    try:
        result = yield
    except KernelDiedError as error:
        item.raise_cell_error(str(error))
    reply = item.parent.kernel.reply["content"]
    # An unknown %magic is such a case: IPython prints a line and sends no error message.
    if reply["status"] != "ok" and not item.options["check_exception"]:
        error = f"{reply.get('ename', reply['status'])}: {reply.get('evalue', '')}"
        item.raise_cell_error(error, "\n".join(reply.get("traceback", [])))
    # A student would see it in red. The committed outputs have none: publish takes it away.
    if warned := [out.text for out in item.test_outputs or () if out.get("name") == "stderr"]:
        item.raise_cell_error(f"The cell writes to standard error: {''.join(warned)}")
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember the first cell of a notebook that failed, or whose kernel did not start."""
    report = yield
    if isinstance(item, IPyNbCell) and report.failed:
        item.parent.first_failure = getattr(item.parent, "first_failure", item.name)
    return report
