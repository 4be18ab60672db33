"""Executes one notebook in a fresh kernel of this interpreter; says in a few lines what failed."""

import asyncio
import logging
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import zmq
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_core.utils import ensure_event_loop, run_sync
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

_SPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
#: What an executed notebook says about its kernel, whatever machine it ran on.
METADATA = {"kernelspec": _SPEC, "language_info": {"name": "python", "file_extension": ".py"}}
#: Seconds that one cell may take: as much as a whole full run may on two slow cores.
CELL_TIMEOUT = 3600
_LOG = logging.getLogger(__name__)
_LOG.disabled = True  # what nbclient logs, our messages say in plain words


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the cells that nbclient executes."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def execute(
    notebook: NotebookNode,
    name: str,
    folder: Path,
    env: Mapping[str, str],
    on_cell: Callable[[int], None],
) -> tuple[str, int, str]:
    """Execute all cells of a notebook, in place, until one fails.

    Error messages call it ``name``; the kernel works in ``folder`` with the environment ``env``;
    ``on_cell`` is called before each code cell with its number, from 1.

    Returns:
        ``ok``, ``failed`` or ``interrupted``; how many cells were begun; why it stopped, if it did.
    """
    number, source = 0, ""

    def begin(cell: NotebookNode, cell_index: int) -> None:
        nonlocal number, source
        number, source = number + 1, cell.source
        on_cell(number)

    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata.update(METADATA)
    # No folders of kernels: a `python3` found there may belong to any other interpreter.
    manager = AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    # Else ipykernel 7.4 warns at each start, and others on a shared machine might listen.
    if manager.has_trait("transport_encryption") and zmq.has("curve"):
        manager.transport_encryption = "auto"
    client = NotebookClient(
        notebook,
        km=manager,
        timeout=CELL_TIMEOUT,
        coalesce_streams=True,
        record_timing=False,
        store_widget_state=False,
        on_cell_execute=begin,
        log=_LOG,
    )
    try:
        _execute_cells(client, cwd=str(folder), env=dict(env), stderr=subprocess.DEVNULL)
    except CellExecutionError as error:
        reason = f"{error.ename}: {error.evalue}"
    except CellTimeoutError:
        reason = f"The cell ran longer than {CELL_TIMEOUT} seconds."
    except DeadKernelError:
        reason = "The kernel died; most often because the memory was full."
    except RuntimeError as error:
        reason = f"The kernel did not start: {error}"
    except KeyboardInterrupt:
        return "interrupted", number, f"{name}.ipynb was interrupted at cell [{number}]."
    else:
        return "ok", number, ""
    finally:
        _leave_nothing(manager)
    code = source.strip().splitlines()
    lines = [f"    {line}" for line in code[:5] + (["…"] if len(code) > 5 else [])]
    plain = re.sub(r"\x1b\[[0-9;]*m", "", reason)  # no colours
    why = "\n".join(plain.strip().splitlines()[:4])[:600]
    return "failed", number, "\n".join([f"{name}.ipynb stopped at cell [{number}]:", *lines, why])


def _execute_cells(client: NotebookClient, **options: object) -> None:
    """Do what `NotebookClient.execute` does, whose handler of Ctrl-C would let the runner go on."""
    with client.setup_kernel(cleanup_kc=True, **options):
        try:
            for index, cell in enumerate(client.nb.cells):
                client.execute_cell(cell, index, execution_count=client.code_cells_executed + 1)
        except BaseException:
            client.shutdown_kernel = "immediate"
            raise


def _leave_nothing(manager: AsyncKernelManager) -> None:
    """End what an interrupt may leave behind: a kernel just started, tasks that wait for it."""
    if manager.has_kernel:
        run_sync(manager.shutdown_kernel)(now=True)
    loop = ensure_event_loop()
    if not loop.is_running():  # else it is the caller's own, as inside JupyterLab
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
