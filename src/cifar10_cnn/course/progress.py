"""Progress of a course run and of trainings: bars in a terminal, a few plain lines elsewhere."""

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from nbformat import NotebookNode
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from cifar10_cnn.course.kernel import code_cells
from cifar10_cnn.course.summary import NotebookRecord, duration


class _Shown:
    """Context of a progress display: drawn from its start to its end."""

    _bars: Progress

    def __enter__(self) -> Self:
        """Start to draw."""
        self._began = time.monotonic()
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


class CourseProgress(_Shown):
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


class TrainingProgress(_Shown):
    """Context that shows how far a row of trainings is, and when it will end.

    The time to the end comes from what an epoch of each training has taken before, on this or
    another machine, times how much slower or faster this one has turned out so far.
    """

    def __init__(self, console: Console, expected: Sequence[float]) -> None:
        """Start with nothing trained.

        Args:
            console: where to show it.
            expected: seconds that each of the trainings is expected to take.
        """
        self._console = console
        self._expected = list(expected)
        self._position = -1
        self._done = 0.0  # expected seconds of what has been trained here
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(20),
            TimeElapsedColumn(),
            TextColumn("{task.fields[now]}", table_column=None),
            console=console,
            disable=not console.is_terminal,
        )
        self._bar = self._bars.add_task("", total=sum(self._expected), now="")

    def start(self, name: str) -> Callable[[int, int, str], None]:
        """Begin the next training; return what to call with (epoch, epochs, text) after each epoch.

        Args:
            name: what is trained.
        """
        self._position += 1
        before = sum(self._expected[: self._position])
        title = f"{self._position + 1} of {len(self._expected)}: {name}"
        self._bars.update(self._bar, description=title, completed=before, now="starting")
        if not self._console.is_terminal:
            self._line(f"{title} … {self._to_the_end(before)}")

        def on_epoch(epoch: int, epochs: int, text: str) -> None:
            self._done += self._expected[self._position] / epochs
            done = before + self._expected[self._position] * epoch / epochs
            now = f"epoch {epoch}/{epochs} · {text} · {self._to_the_end(done)}"
            self._bars.update(self._bar, completed=done, now=now)

        return on_epoch

    def end(self, text: str) -> None:
        """End a training with a line that stays."""
        self._line(f"   {text}")

    def _to_the_end(self, done: float) -> str:
        pace = (time.monotonic() - self._began) / self._done if self._done else 1.0
        return f"about {duration(pace * (sum(self._expected) - done))} to the end"

    def _line(self, text: str) -> None:
        self._bars.console.print(text, soft_wrap=True, highlight=False, markup=False)
