"""Each number that notebooks 05, 07, 08 and 09 print, and their figures state, is counted again.

``printed.py`` executes a notebook; ``recounts`` says what it must print, by means of its own.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import printed
import pytest
from recounts import RECOUNTS
from recounts.shared import Line

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
    """What a notebook printed, and what it should have printed."""

    printed: list[Line]
    recounted: list[Line]


#: The quickest is tested by default.
PARAMS = [
    pytest.param(name, marks=[] if name == "09_your_image" else pytest.mark.long)
    for name in RECOUNTS
]


@pytest.fixture(scope="module", params=PARAMS)
def lines(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lines]:
    """A notebook is executed once, with your data and the shipped network: your runs stay out."""
    home = tmp_path_factory.mktemp("course")
    (home / "data").symlink_to(DATA, target_is_directory=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**ENVIRONMENT, "CIFAR10_HOME": str(home)}.items():
            patch.setenv(name, value)
        result = printed.execute(NOTEBOOKS / f"{request.param}.ipynb")
        yield Lines(result.lines, list(RECOUNTS[request.param](result.names)))


def test_each_number_is_what_it_should_be(lines: Lines) -> None:
    faults = printed.faults(*lines)
    assert not faults, "\n\n".join(faults)


def test_a_wrong_number_or_a_missing_line_is_noticed(lines: Lines) -> None:
    """Each one in a printed line; in a figure it may be a size, or another right one."""
    wrong = printed.moved_lines(*lines)
    missed = [line for line, target in wrong if printed.says(line, target)]
    assert wrong
    assert not [line for line in missed if isinstance(line, str)]
    assert len(missed) < 0.2 * len(wrong), missed
    assert printed.faults(lines.printed[:-1], lines.recounted)


@pytest.mark.parametrize(
    ("line", "target", "same"),
    [
        ("accuracy  87.5%", "accuracy 87.46%", True),
        ("accuracy 87.5%", "accuracy 87.44%", False),
        ("1,234 images", "1234", True),
        ("a cat, 0.5", "cat 0.51", True),
        ("a cat, 0.5", "dog 0.51", False),
        (("a", "Cat 5 %", "Of 10 images, cat 5 %"), ("a", "", "cat 5.2"), True),
        (("a", "Cat 6 %", "Of 10 images, cat 5 %"), ("a", "", "cat 5.2"), False),
        (("a", "Cat", "Of 10 images, cat 6 %"), ("a", "", "cat 5.2"), False),
        (("a", "Cat", "cat 5 %"), ("b", "", "cat 5.2"), False),
        ("from −0.37 to 0.35", "from -0.372 to 0.351", True),
        ("p = 7.2e-07", "p = 7.24e-07", True),
        ("p = 7.2e-07", "p = 7.3e-07", False),
        ("f1-score 2", "f1-score 1.9999999", True),
        ("seed 0, 1", "seed 0, 1, 2", False),
    ],
)
def test_numbers_are_compared_as_far_as_they_are_printed(
    line: Line, target: Line, same: bool
) -> None:
    assert printed.says(line, target) is same
