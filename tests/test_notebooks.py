"""The committed notebooks are what a student should meet, and the checks for it can fail."""

import base64
import re
from collections.abc import Callable
from pathlib import Path

import nbformat
import notebook_checks as checks
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

REPOSITORY = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
TEST_COMMAND = (
    "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt "
    "&& .venv/bin/python -m pytest"
)
PNG = b"\x89PNG\r\n\x1a\n, and so on"


def rule(check: checks.Check) -> str:
    return check.__name__.removeprefix("check_")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("check", checks.CHECKS, ids=rule)
def test_committed_notebook(check, path):
    problems = "\n".join(check(checks.read(path), path))
    assert not problems, problems


def test_figures_holds_what_the_notebooks_show_and_nothing_else():
    assert checks.stray_figures(REPOSITORY) == []


def test_no_two_figures_have_the_same_name():
    shown = [
        output.metadata.figure.name
        for path in NOTEBOOKS
        for _, output in checks.outputs(checks.read(path))
        if "figure" in output.get("metadata", {})
    ]
    assert sorted(shown) == sorted(set(shown))


@pytest.mark.parametrize("file", ["README.md", ".ci/run"])
def test_readme_and_ci_run_the_same_tests(file):
    lines = (REPOSITORY / file).read_text(encoding="utf-8").splitlines()
    assert TEST_COMMAND in [line.strip() for line in lines]


@pytest.fixture
def good(tmp_path: Path) -> tuple[NotebookNode, Path]:
    """A notebook that keeps every rule, and its place in a course of two."""
    for folder in ("notebooks", "figures"):
        (tmp_path / folder).mkdir()
    (tmp_path / "figures" / "01_bars.png").write_bytes(PNG)
    (tmp_path / "figures" / "results.json").touch()
    nbformat.write(new_notebook(), tmp_path / "notebooks" / "02_next.ipynb")
    opening = (
        "# Load\n\n**Aims**: see it. **Needs**: nothing. **Leaves**: nothing.\n\n"
        "<!-- generated:time -->full 9 s<!-- /generated:time -->"
    )
    start = "Data: CIFAR-10 · profile full · seed 0 · 45,000 training images and/or 1/2\n"
    image = new_output(
        "display_data",
        {"image/png": base64.b64encode(PNG).decode(), "text/plain": "<CourseFigure>"},
        metadata={"image/png": {"alt": "Ten bars."}, "figure": {"name": "01_bars"}},
    )
    notebook = new_notebook(
        cells=[
            new_markdown_cell(opening),
            code(
                1, "from cifar10_cnn import data\nfrom cifar10_cnn.profiles import current", start
            ),
            code(2, "%precision 3\ndata.CLASS_NAMES[0]", "airplane\n", tag=checks.COMPARED),
            new_code_cell("data.load", execution_count=3, outputs=[image]),
            new_markdown_cell("See [here](#there), `a[0](x)` and [keras](https://keras.io/a/b)."),
            new_markdown_cell("**Recap.** Next: [02](02_next.ipynb)"),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    path = tmp_path / "notebooks" / "01_load.ipynb"
    nbformat.write(notebook, path)
    return checks.read(path), path


def code(count: int | None, source: str, text: str, tag: str = "") -> NotebookNode:
    output = new_output("stream", name="stdout", text=text)
    metadata = {"tags": [tag]} if tag else {}
    return new_code_cell(source, execution_count=count, outputs=[output], metadata=metadata)


@pytest.mark.parametrize("check", checks.CHECKS, ids=rule)
def test_a_good_notebook_keeps_the_rule(good, check):
    assert list(check(*good)) == []


def cell(number: int, **values: object) -> Callable[[NotebookNode], None]:
    """Change some fields of a cell of ``good``."""
    return lambda notebook: notebook.cells[number].update(values)


def output(number: int, **values: object) -> Callable[[NotebookNode], None]:
    """Change some fields of a cell's only output."""
    return lambda notebook: notebook.cells[number].outputs[0].update(values)


def data(**values: str) -> Callable[[NotebookNode], None]:
    """Change or add to what the figure of ``good`` shows; ``_`` stands for ``/``."""
    return lambda notebook: (
        notebook.cells[3]
        .outputs[0]
        .data.update({kind.replace("_", "/", 1): value for kind, value in values.items()})
    )


def metadata(**values: dict) -> Callable[[NotebookNode], None]:
    """Change the metadata of the figure of ``good``; ``_`` stands for ``/``."""
    return lambda notebook: (
        notebook.cells[3]
        .outputs[0]
        .metadata.update({kind.replace("_", "/"): value for kind, value in values.items()})
    )


def trusted(notebook: NotebookNode) -> None:
    notebook.cells[1].metadata["trusted"] = True


def other_kernel(notebook: NotebookNode) -> None:
    notebook.metadata.kernelspec["name"] = "student-env"


ERROR = {"output_type": "error", "ename": "ValueError", "evalue": "", "traceback": []}
TIME = "<!-- generated:time --><!-- /generated:time -->"
BREAKS = [
    ("format", cell(1, surprise=1), "not a valid notebook"),
    ("format", other_kernel, "'student-env', not 'python3'"),
    ("executed", cell(2, execution_count=7), "[1, 7, 3], not 1 to 3"),
    ("executed", cell(2, execution_count=None), "[1, None, 3], not 1 to 3"),
    ("executed", cell(2, outputs=[nbformat.from_dict(ERROR)]), "shows ValueError"),
    ("executed", output(2, name="stderr"), "wrote to stderr"),
    ("figures", metadata(image_png={"alt": " "}), "without alt text"),
    ("figures", metadata(figure={}), "without a figure name"),
    ("figures", data(**{"image_svg+xml": "<svg/>"}), "image/svg+xml"),
    ("figures", data(image_png=base64.b64encode(b"b").decode()), "01_bars.png is not the image"),
    ("figures", metadata(figure=nbformat.from_dict({"name": "01_pies"})), "01_pies.png is not"),
    ("sizes", data(image_png="A" * 300_001), "bytes"),
    ("sizes", output(2, text="é" * 150_000), "bytes"),
    ("sizes", cell(2, source="1\n" * 15), "15 lines"),
    ("leftovers", output(2, text="1/9\r2/9\r"), "progress bar"),
    ("leftovers", output(2, text="1/9 ━━━━━\n9/9 ━━━━━\n"), "progress bar"),
    ("leftovers", output(2, text="Working ━━━━━━━━  40% 0:00:01"), "progress bar"),
    ("leftovers", output(2, text="50%|███  | 5/9 [00:01<00:01, 4.9it/s]"), "progress bar"),
    ("leftovers", output(2, text="saved in /home/ada/course/runs"), "/home/ada/course/runs"),
    ("leftovers", output(2, text=r"saved in C:\Users\ada"), r"C:\Users"),
    ("nothing_to_trust", cell(4, source='<b onclick="run()">x</b>'), "holds a script: 'onclick"),
    ("nothing_to_trust", data(text_html="<iframe src='x'></iframe>"), 'holds a script: "<iframe'),
    ("nothing_to_trust", data(**{"application_x.widget": "{}"}), "application/x.widget"),
    ("nothing_to_trust", trusted, "that is trusted"),
    ("opening", cell(0, cell_type="code"), "does not say its aims"),
    ("opening", cell(0, source=f"aims leaves {TIME}"), "does not say what it needs"),
    ("opening", cell(0, source=f"aims needs {TIME}"), "does not say what it leaves"),
    ("opening", cell(0, source="aims needs leaves"), "lacks <!-- generated:time -->"),
    ("opening", cell(0, source=f"aims needs leaves {TIME}"), "was not filled in"),
    ("closing", cell(5, source="Next: [02](02_next.ipynb)"), "no recap"),
    ("closing", cell(5, source="**Recap.** Next: 02_next.ipynb"), "does not link to 02_next.ipynb"),
    ("links", cell(4, source="[a](03_lost.ipynb#top)"), "03_lost.ipynb#top leads nowhere"),
    ("links", cell(4, source="<img src='../figures/lost.png'>"), "lost.png leads nowhere"),
    ("compared_cells", cell(2, metadata={}), "no cell is tagged"),
    # nbval compares nothing then, and says nothing
    ("compared_cells", cell(2, execution_count=None), "tagged but was not executed"),
    ("compared_cells", cell(2, outputs=[]), "tagged but printed nothing"),
    ("real_data", output(1, text="Data: practice set · profile full · seed 0"), "CIFAR-10"),
    ("real_data", output(1, text="Data: CIFAR-10 · profile quick · seed 0"), "profile full"),
]


@pytest.mark.parametrize(
    ("name", "damage", "report"), BREAKS, ids=[f"{name}: {report}" for name, _, report in BREAKS]
)
def test_a_notebook_that_breaks_the_rule_is_reported(good, name, damage, report):
    notebook, path = good
    damage(notebook)
    problems = getattr(checks, f"check_{name}")(notebook, path)
    assert re.search(re.escape(report), "\n".join(problems))


def test_each_rule_is_broken_at_least_once():
    assert {name for name, _, _ in BREAKS} == {rule(check) for check in checks.CHECKS}


def test_a_stray_figure_is_reported(good):
    course = good[1].parents[1]
    assert checks.stray_figures(course) == []
    (course / "figures" / "00_old.png").touch()
    assert checks.stray_figures(course) == ["00_old.png"]
