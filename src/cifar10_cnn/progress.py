"""Progress of a course run: bars with elapsed time in a terminal, a few plain lines elsewhere."""

from collections.abc import Callable
from types import TracebackType

from nbformat import NotebookNode
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from cifar10_cnn.kernel import code_cells
from cifar10_cnn.summary import NotebookRecord, duration


class CourseProgress:
    """Context that shows one bar a notebook, or, where output is no terminal, two lines."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(20),
            TextColumn("cell {task.completed}/{task.total}"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[now]}", table_column=None),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> "CourseProgress":
        """Start to draw."""
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the last state on the screen."""
        self._bars.stop()

    def skip(self, name: str) -> None:
        """Say that a notebook has finished before and is not run again."""
        self._line(f"{name}: finished before, kept")

    def start(self, name: str, notebook: NotebookNode) -> Callable[[int, str], None]:
        """Begin a notebook; return what to call before each of its cells."""
        cells = len(code_cells(notebook))
        self._bar = self._bars.add_task(name, total=cells, now="starting a kernel")
        if not self._console.is_terminal:
            self._line(f"{name}: {cells} cells …")

        def on_cell(number: int, source: str) -> None:
            now = escape(source.strip().splitlines()[0][:40])
            self._bars.update(self._bar, completed=number - 1, now=now)

        return on_cell

    def end(self, name: str, record: NotebookRecord) -> None:
        """End a notebook: its bar keeps its time."""
        done = record.cells if record.status == "ok" else record.cells - 1
        self._bars.update(self._bar, completed=done, now=record.status)
        self._bars.stop_task(self._bar)
        if not self._console.is_terminal:
            self._line(f"{name}: {record.status} after {duration(record.seconds)}")

    def _line(self, text: str) -> None:
        self._console.print(text, soft_wrap=True, highlight=False, markup=False)
