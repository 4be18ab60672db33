"""What a notebook prints, with the arrays that it came from; and numbers compared as printed."""

import ast
import contextlib
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import Any

import nbformat
import pytest
from recounts.shared import Line

from cifar10_cnn import data, plots
from cifar10_cnn.course import kernel

# A minus belongs to a number at the start of a word alone: not in f1-score, 2-core.
_NUMBER = re.compile(r"(?:(?<![^\s(])[-−])?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]\d+)?")
_VALUE = re.compile(rf"{_NUMBER.pattern}|\b(?:{'|'.join(data.CLASS_NAMES)})\b", re.IGNORECASE)


@dataclass(frozen=True)
class Printed:
    """What a notebook printed, and from what.

    Attributes:
        lines: each printed line that holds a value; each figure as (name, title, alt text).
        names: the notebook's variables, as they are after its last cell.
    """

    lines: list[Line]
    names: dict[str, Any]


def execute(notebook: Path) -> Printed:
    """Execute a notebook in this process, so that its arrays need not leave another one."""
    names: dict[str, Any] = {}
    stdout, figures = io.StringIO(), {}

    def show(figure: plots.CourseFigure, name: str, source: object) -> None:
        figures[f"figure {len(figures)}"] = (name, figure.title, figure.alt)
        print(list(figures)[-1])

    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(stdout):
        patch.setattr(plots, "show", show)
        for _, cell in kernel.code_cells(nbformat.read(notebook, as_version=4)):
            _execute(cell.source, names)
    lines = [figures.get(line, line) for line in stdout.getvalue().splitlines()]
    return Printed([line for line in lines if isinstance(line, tuple) or values(line)], names)


def _execute(source: str, names: dict[str, Any]) -> None:
    """Execute a cell; the value of an expression that ends it is printed, as Jupyter does."""
    tree = ast.parse(source)
    last = [tree.body.pop()] if isinstance(tree.body[-1], ast.Expr) else []
    exec(compile(tree, "cell", "exec"), names)
    exec(compile(ast.Interactive(last), "cell", "single"), names)


def faults(lines: Iterable[Line], recounted: Iterable[Line]) -> list[str]:
    """Return each line that does not say what it should, with what it should say."""
    return [
        f"printed:   {line}\nrecounted: {target}"
        for line, target in zip_longest(lines, recounted)
        if line is None or target is None or not says(line, target)
    ]


def says(line: Line, target: Line) -> bool:
    """Tell whether a line says its recounted values, as far as they are printed.

    A printed line says these in this order and no others. A figure's alt text says them in this
    order, and maybe more, such as sizes; its title says none but those of the recounted figure.
    """
    if isinstance(line, str) and isinstance(target, str):
        pair = values(line), values(target)
        return len(pair[0]) == len(pair[1]) and all(map(same, *pair))
    if isinstance(line, str) or isinstance(target, str) or line[0] != target[0]:
        return False
    alt, ours = iter(values(line[2])), values(" ".join(target[1:]))
    in_order = all(any(same(each, value) for each in alt) for value in values(target[2]))
    return in_order and all(any(same(each, value) for value in ours) for each in values(line[1]))


def values(text: str) -> list[str]:
    """Return the numbers and the class names in a text, as they stand there."""
    return _VALUE.findall(text)


def same(printed: str, exact: str) -> bool:
    """Tell whether a value is another one, rounded to its own last place."""
    if not (_NUMBER.fullmatch(printed) and _NUMBER.fullmatch(exact)):
        return printed.lower() == exact.lower()
    # Half of the last place, and a little, since a sum in another order may round otherwise.
    number = _number(printed)
    return abs(number - _number(exact)) <= Decimal("0.505") * _unit(number)


def moved(line: str) -> list[str]:
    """Return a line as often as it has numbers, each time with one moved by two last places."""
    return [
        line[: match.start()]
        + str(_number(match[0]) + 2 * _unit(_number(match[0])))
        + line[match.end() :]
        for match in _NUMBER.finditer(line)
    ]


def moved_lines(lines: Sequence[Line], recounted: Sequence[Line]) -> list[tuple[Line, Line]]:
    """Return each wrong line beside its recounted one: printed, or a figure's title or alt text."""
    wrong: list[tuple[Line, Line]] = []
    for line, target in zip(lines, recounted, strict=True):
        if isinstance(line, str):
            wrong += [(each, target) for each in moved(line)]
        else:
            name, title, alt = line
            wrong += [((name, each, alt), target) for each in moved(title)]
            wrong += [((name, title, each), target) for each in moved(alt)]
    return wrong


def _unit(number: Decimal) -> Decimal:
    """Return what a number's last place counts."""
    return Decimal(1).scaleb(int(number.as_tuple().exponent))


def _number(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace("−", "-"))
