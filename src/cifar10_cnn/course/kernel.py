"""Executes one notebook in a fresh kernel of this interpreter; says in a few lines what failed."""

import asyncio
import logging
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import zmq
from ipykernel.kernelspec import RESOURCES, get_kernel_dict
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_core.utils import ensure_event_loop, run_sync
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

#: What an executed notebook says about its kernel, whatever machine it ran on.
METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


class _ThisInterpreter(KernelSpecManager):
    """Knows one kernel, this interpreter: a ``python3`` kernel may belong to any other one."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return this interpreter's kernel, whatever name is asked for."""
        return KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())


@dataclass
class Outcome:
    """How an execution ended.

    Attributes:
        status: ``ok``, ``failed`` or ``interrupted``.
        cells: number of code cells that were begun.
        error: where it stopped and why, in a few lines; empty if it didn't.
    """

    status: str
    cells: int
    error: str = ""


def code_cells(notebook: NotebookNode) -> list[tuple[int, NotebookNode]]:
    """Return the cells that are executed, each with its place in the notebook."""
    return [
        (index, cell)
        for index, cell in enumerate(notebook.cells)
        if cell.cell_type == "code"
        and cell.source.strip()
        and "skip-execution" not in cell.metadata.get("tags", [])
    ]


def execute(
    notebook: NotebookNode,
    name: str,
    *,
    folder: Path,
    env: Mapping[str, str],
    cell_timeout: int,
    on_cell: Callable[[int, str], None],
) -> Outcome:
    """Execute all cells of a notebook, in place, until one fails.

    Args:
        notebook: its old outputs are removed first; it holds the new ones afterwards.
        name: what error messages call it.
        folder: the kernel's working directory.
        env: the kernel's environment.
        cell_timeout: seconds that one cell may take.
        on_cell: called before each cell with its number, from 1, and its source.
    """
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata.update(METADATA)
    manager = _kernel_manager()
    client = NotebookClient(
        notebook,
        km=manager,
        timeout=cell_timeout,
        coalesce_streams=True,
        record_timing=False,
        store_widget_state=False,
        log=_silent_log(),
    )
    number, source = 0, ""
    # What Python writes to stderr is in the outputs; what a dying process writes must not get
    # between the runner's own lines.
    last_words = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end
    try:
        with client.setup_kernel(
            cwd=str(folder), env=dict(env), stderr=last_words, cleanup_kc=True
        ):
            try:
                for number, (index, cell) in enumerate(code_cells(notebook), start=1):
                    source = cell.source
                    on_cell(number, source)
                    client.execute_cell(cell, index, execution_count=number)
            except BaseException:
                client.shutdown_kernel = "immediate"
                raise
    except CellExecutionError as error:
        reason = f"{error.ename}: {error.evalue}"
    except CellTimeoutError:
        reason = f"The cell ran longer than {cell_timeout} seconds."
    except DeadKernelError:
        last_words.seek(0)
        said = last_words.read().decode(errors="replace").strip().splitlines()[-1:]
        reason = " ".join(["The kernel died; most often because the memory was full.", *said])
    except RuntimeError as error:
        reason = f"The kernel did not start: {error}"
    except KeyboardInterrupt:
        return Outcome("interrupted", number, f"{name}.ipynb was interrupted at cell [{number}].")
    else:
        return Outcome("ok", number)
    finally:
        _leave_nothing(manager)
        last_words.close()
    return Outcome("failed", number, _describe(name, number, source, reason))


def _kernel_manager() -> AsyncKernelManager:
    """Return a manager of kernels of this interpreter, their messages encrypted where that works.

    Without it, ipykernel 7.4 warns at each start, and others on a shared machine might listen.
    """
    manager = AsyncKernelManager(kernel_spec_manager=_ThisInterpreter())
    if manager.has_trait("transport_encryption") and zmq.has("curve"):
        manager.transport_encryption = "auto"
    return manager


def _describe(name: str, number: int, source: str, reason: str) -> str:
    """Return where a notebook stopped and why; the traceback is in the notebook's page."""
    code = source.strip().splitlines()
    shown = code[:5] + (["…"] if len(code) > 5 else [])
    why = "\n".join(_ANSI.sub("", reason).strip().splitlines()[:4])[:600]
    return "\n".join(
        [f"{name}.ipynb stopped at cell [{number}]:", *(f"    {line}" for line in shown), why]
    )


def _leave_nothing(manager: AsyncKernelManager) -> None:
    """End what an interrupt may leave behind: a kernel just started, tasks that wait for it."""
    if manager.has_kernel:
        run_sync(manager.shutdown_kernel)(now=True)
    loop = ensure_event_loop()
    if loop.is_running():  # the caller's own, as inside JupyterLab: its tasks are not ours
        return
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


def _silent_log() -> logging.Logger:
    """Return a logger that says nothing: what nbclient logs, our messages say in plain words."""
    log = logging.getLogger("cifar10_cnn.course.kernel")
    log.setLevel(logging.CRITICAL + 1)
    return log
