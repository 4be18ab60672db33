"""``notebooks/conftest.py`` mends nbval: pytest itself, run on small notebooks, proves each repair.

The notebooks stand in a temporary course, beside copies of this repository's ``pyproject.toml`` and
``notebooks/conftest.py``. One run of pytest executes most of them; the tests read its report.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

REPOSITORY = Path(__file__).resolve().parents[1]
#: Seconds for one run: far more than it takes, and half of the cell time-out, 300.
LIMIT = 150

pytestmark = pytest.mark.long
NEVER = "raise AssertionError('this cell must not run')"
ENVIRONMENT = "import os; assert (os.environ['CIFAR10_PROFILE'], os.environ['CIFAR10_DATA']) == {}"
NOTEBOOKS = {
    "changed": [("print((32, 32, 3))", "nbval-check-output", "(32, 32, 4)\n"), NEVER],
    # flush sends each line as a message of its own
    "chatty": ["for line in range(8000): print(line, flush=True)", "assert line == 7999"],
    "dead": ["import os; os._exit(7)", NEVER],
    "failing": ["first = 1", "1 / 0", NEVER, NEVER],
    "fine": [
        ("print((32, 32, 3))", "nbval-check-output", "(32, 32, 3)\n"),
        ("print((32, 32, 3))", "", "(32, 32, 4)\n"),
        ("1 / 0", "raises-exception", ""),
        "from pathlib import Path; assert Path.cwd().name == 'notebooks'",
        ENVIRONMENT.format(("smoke", "practice")),
        "get_ipython().kernel._publish_status = lambda *_, **__: None",
    ],
    "magic": ["%there_is_no_such_magic", NEVER],
    "warning": ["import warnings; warnings.warn('careful')", NEVER],
}
ALONE = {
    "cached": [ENVIRONMENT.format(("quick", "cifar10"))],
    "slow": ["import time; time.sleep(60)", NEVER],
}


class Outcome(NamedTuple):
    """What pytest reported of one cell: passed, failure, error or skipped, and its message."""

    name: str
    message: str


def write_notebook(path: Path, cells: list[str | tuple[str, str, str]]) -> None:
    """Write a notebook of code cells, each a source or (source, tag, stored output)."""
    notebook = new_notebook()
    for count, cell in enumerate(cells, 1):
        source, tag, text = (cell, "", "") if isinstance(cell, str) else cell
        new = new_code_cell(source, execution_count=count)
        if tag:
            new.metadata["tags"] = [tag]
        if text:
            new.outputs = [new_output("stream", name="stdout", text=text)]
        notebook.cells.append(new)
    nbformat.write(notebook, path)


def make_course(root: Path, notebooks: dict[str, list]) -> None:
    """Write a course of some notebooks, tested as this repository is."""
    (root / "notebooks").mkdir()
    shutil.copy(REPOSITORY / "pyproject.toml", root)
    shutil.copy(REPOSITORY / "notebooks" / "conftest.py", root / "notebooks")
    for name, cells in notebooks.items():
        write_notebook(root / "notebooks" / f"{name}.ipynb", cells)


def run_pytest(root: Path, *arguments: str, **variables: str) -> dict[tuple[str, int], Outcome]:
    """Run pytest in ``root`` and return the outcome of each cell, by notebook and cell number."""
    # What the outer pytest and its user have set must not reach the inner one.
    ours = ("PYTEST", "CIFAR10_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--junit-xml=report.xml", *arguments],
        cwd=root,
        env={**environment, "CIFAR10_HOME": str(root), **variables},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert run.returncode in (0, 1), run.stdout + run.stderr
    outcomes = {}
    for case in ElementTree.parse(root / "report.xml").iter("testcase"):
        folder, name, *_ = case.attrib["classname"].split(".")
        if folder != "notebooks":
            continue
        problem = next(iter(case.findall("failure") + case.findall("error")), case.find("skipped"))
        outcomes[name, int(case.attrib["name"].removeprefix("Cell "))] = (
            Outcome("passed", "")
            if problem is None
            else Outcome(problem.tag, f"{problem.get('message')}\n{problem.text}")
        )
    return outcomes


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], Outcome]:
    """The outcome of each cell of ``NOTEBOOKS`` after one run of plain ``pytest``."""
    root = tmp_path_factory.mktemp("course")
    make_course(root, NOTEBOOKS)
    # A test that changes the environment runs first: the notebooks must not see it.
    (root / "tests").mkdir()
    leak = "import os\n\ndef test_leak():\n    os.environ['CIFAR10_PROFILE'] = 'full'\n"
    (root / "tests" / "test_leak.py").write_text(leak)
    return run_pytest(root)


@pytest.mark.parametrize(
    ("notebook", "cell", "messages"),
    [
        # Had pytest waited for the cell time-out, the run would have passed its LIMIT.
        ("dead", 0, ["The kernel died: exit status 7", "os._exit(7)"]),
        ("warning", 0, ["standard error", "careful"]),
        ("magic", 0, ["there_is_no_such_magic"]),
        ("failing", 1, ["ZeroDivisionError"]),
        ("changed", 0, ["(32, 32, 4)", "(32, 32, 3)"]),
    ],
)
def test_what_is_wrong_fails_with_its_reason(outcomes, notebook, cell, messages):
    assert outcomes[notebook, cell].name == "failure"
    for message in messages:
        assert message in outcomes[notebook, cell].message


def test_8000_messages_pass(outcomes):
    assert outcomes["chatty", 0].name == "passed", outcomes["chatty", 0].message
    assert outcomes["chatty", 1].name == "passed", outcomes["chatty", 1].message


@pytest.mark.parametrize(
    ("notebook", "failed", "skipped"),
    [
        ("changed", 0, [1]),
        ("dead", 0, [1]),
        ("failing", 1, [2, 3]),
        ("magic", 0, [1]),
        ("warning", 0, [1]),
    ],
)
def test_cells_after_the_first_failure_are_skipped_and_say_why(outcomes, notebook, failed, skipped):
    for cell in skipped:
        assert outcomes[notebook, cell].name == "skipped"
        assert f"Cell {failed} of {notebook}.ipynb failed" in outcomes[notebook, cell].message


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        (0, "the tagged output is the stored one"),
        (1, "an untagged output is not compared"),
        (2, "the exception is meant"),
        (3, "the kernel starts in the notebooks' folder"),
        (4, "profile smoke and the practice set are the defaults, whatever a test has set"),
        (5, "a reply ends the cell even if the message after it, 'idle', is lost"),
    ],
)
def test_what_is_right_passes_though_notebooks_before_it_failed(outcomes, cell, why):
    assert outcomes["fine", cell].name == "passed", f"{why}: {outcomes['fine', cell].message}"


def test_a_cell_alone_is_refused_in_a_sentence(tmp_path):
    make_course(tmp_path, {"fine": ["first = 1", "first"]})
    words = [sys.executable, "-m", "pytest", "notebooks/fine.ipynb::Cell 1"]
    run = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert "A notebook's cells follow one another: name whole notebooks" in run.stderr


def test_what_the_user_sets_wins_the_cache_is_used_and_a_cell_may_run_too_long(tmp_path):
    make_course(tmp_path, ALONE)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cifar10.npz").touch()
    outcomes = run_pytest(tmp_path, "--nbval-cell-timeout=2", CIFAR10_PROFILE="quick")
    assert outcomes["cached", 0] == Outcome("passed", "")
    assert outcomes["slow", 0].name == "failure"
    assert "Timeout of 2 seconds" in outcomes["slow", 0].message
    assert outcomes["slow", 1].name == "skipped"
