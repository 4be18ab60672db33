"""What a notebook prints, with the arrays that it came from; and numbers compared as printed."""

import ast
import contextlib
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import Any

import nbformat
import pytest

from cifar10_cnn import plots
from cifar10_cnn.course import kernel

# A minus belongs to a number at the start of a word alone: not in f1-score, 2-core.
_NUMBER = re.compile(r"(?:(?<![^\s(])[-−])?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]\d+)?")


@dataclass(frozen=True)
class Told:
    """What a notebook told, and from what.

    Attributes:
        lines: each printed line that holds a digit; of each figure its title and its alt text.
        names: the notebook's variables, as they are after its last cell.
    """

    lines: list[str]
    names: dict[str, Any]


def execute(notebook: Path) -> Told:
    """Execute a notebook in this process, so that its arrays need not leave another one."""
    names: dict[str, Any] = {}
    told = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(told):
        patch.setattr(plots, "show", _tell)
        for _, cell in kernel.code_cells(nbformat.read(notebook, as_version=4)):
            _execute(cell.source, names)
    return Told([line for line in told.getvalue().splitlines() if re.search(r"\d", line)], names)


def _tell(figure: plots.CourseFigure, name: str, source: object) -> None:
    print(f"{name}: {figure.title}\n{name}: {figure.alt}")


def _execute(source: str, names: dict[str, Any]) -> None:
    """Execute a cell; the value of an expression that ends it is printed, as Jupyter does."""
    tree = ast.parse(source)
    shown = [tree.body.pop()] if isinstance(tree.body[-1], ast.Expr) else []
    exec(compile(tree, "cell", "exec"), names)
    exec(compile(ast.Interactive(shown), "cell", "single"), names)


def faults(lines: Iterable[str], recounted: Iterable[str]) -> list[str]:
    """Return each line that does not say what it should, with what it should say.

    Args:
        lines: as printed.
        recounted: the same lines, their numbers unrounded.
    """
    return [
        f"printed:   {line}\nrecounted: {wanted}"
        for line, wanted in zip_longest(lines, recounted)
        if line is None or wanted is None or not says(line, wanted)
    ]


def says(line: str, wanted: str) -> bool:
    """Tell whether two lines have the same words, and numbers equal as far as printed."""
    line, wanted = (" ".join(text.split()) for text in (line, wanted))
    if _NUMBER.sub("#", line) != _NUMBER.sub("#", wanted):
        return False
    pairs = zip(map(_value, numbers(line)), map(_value, numbers(wanted)), strict=True)
    # Half of the last place, and a little, since a sum in another order may round otherwise.
    return all(abs(printed - exact) <= Decimal("0.505") * unit(printed) for printed, exact in pairs)


def numbers(text: str) -> list[str]:
    """Return the numbers in a text, as they stand there."""
    return _NUMBER.findall(text)


def moved(line: str) -> list[str]:
    """Return a line as often as it has numbers, each time with one moved by two last places."""
    return [
        line[: found.start()]
        + str(_value(found[0]) + 2 * unit(_value(found[0])))
        + line[found.end() :]
        for found in _NUMBER.finditer(line)
    ]


def unit(number: Decimal) -> Decimal:
    """Return what a number's last place counts."""
    return Decimal(1).scaleb(int(number.as_tuple().exponent))


def _value(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace("−", "-"))
