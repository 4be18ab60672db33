"""Each number that notebooks 05, 07, 08 and 09 print, and their figures tell, is counted again.

``printed.py`` executes a notebook; ``recounts`` says what it must tell, by means of its own.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import nbformat
import printed
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from recounts import RECOUNTS

from cifar10_cnn.common import paths

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
#: Taken before ``conftest.py`` sets others: these tests use whatever data is there.
DATA = paths.data_folder()
ENVIRONMENT = {
    "CIFAR10_PROFILE": os.environ.get("CIFAR10_PROFILE", "smoke"),
    "CIFAR10_DATA": os.environ.get(
        "CIFAR10_DATA", "cifar10" if (DATA / "cifar10.npz").is_file() else "practice"
    ),
}


class Lines(NamedTuple):
    """What a notebook told, and what it should have told."""

    told: list[str]
    recounted: list[str]


@pytest.fixture(scope="module", params=RECOUNTS)
def lines(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lines]:
    """A notebook is executed once, with your data and the shipped network: your runs stay out."""
    home = tmp_path_factory.mktemp("course")
    (home / "data").symlink_to(DATA, target_is_directory=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**ENVIRONMENT, "CIFAR10_HOME": str(home)}.items():
            patch.setenv(name, value)
        told = printed.execute(NOTEBOOKS / f"{request.param}.ipynb")
        yield Lines(told.lines, list(RECOUNTS[request.param](told.names)))


def test_each_number_is_what_it_should_be(lines: Lines) -> None:
    faults = printed.faults(*lines)
    assert not faults, "\n\n".join(faults)


def test_each_number_that_is_wrong_is_noticed(lines: Lines) -> None:
    wrong = [
        (moved, wanted)
        for line, wanted in zip(*lines, strict=True)
        for moved in printed.moved(line)
    ]
    assert wrong
    assert not [pair for pair in wrong if printed.says(*pair)]


def test_a_line_too_many_or_too_few_is_noticed(lines: Lines) -> None:
    assert printed.faults([*lines.told, "7 more"], lines.recounted)
    assert printed.faults(lines.told[:-1], lines.recounted)


@pytest.mark.parametrize(
    ("line", "wanted", "same"),
    [
        ("accuracy  87.5%", "accuracy 87.46%", True),
        ("accuracy 87.5%", "accuracy 87.44%", False),
        ("1,234 pictures", "1234 pictures", True),
        ("1,234 pictures", "1234 images", False),
        ("from −0.37 to 0.35", "from -0.372 to 0.351", True),
        ("from 0.37 to 0.35", "from -0.372 to 0.351", False),
        ("p = 7.2e-07", "p = 7.24e-07", True),
        ("p = 7.2e-07", "p = 7.3e-07", False),
        ("f1-score 2", "f1-score 1.9999999", True),
        ("seed 0, 1", "seed 0, 1, 2", False),
    ],
)
def test_numbers_are_compared_as_far_as_they_are_printed(
    line: str, wanted: str, same: bool
) -> None:
    assert printed.says(line, wanted) is same


def test_the_value_that_ends_a_cell_is_told(tmp_path: Path) -> None:
    notebook = tmp_path / "small.ipynb"
    cells = [new_code_cell(source) for source in ("a = 5", "print(a)\na + 1")]
    nbformat.write(new_notebook(cells=cells), notebook)
    told = printed.execute(notebook)
    assert told.lines == ["5", "6"]
    assert told.names["a"] == 5
