"""What a committed notebook must be: one function a rule, each yields what breaks it.

``test_notebooks.py`` applies them to the notebooks, and to notebooks made to break each rule.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import nbformat
from nbformat import NotebookNode

MOST_LINES = 14
MOST_BYTES = 300_000
COMPARED = "nbval-check-output"

# A link's target in Markdown, or in the HTML that Markdown may hold.
_LINK = re.compile(r"""\]\(\s*<?([^)\s>]+)|(?:href|src)=["']([^"']+)["']""")
_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
# What runs code in a browser.
_SCRIPT = re.compile(r"<(?:script|iframe|object|embed)\b.*|\bon\w+\s*=\s*[\"']", re.IGNORECASE)
# What a progress bar leaves behind: moves of the cursor, a bar with a number, an expected end.
# Keras and rich draw bars of ━ with a number before or behind; model.summary() frames its table.
_PROGRESS = re.compile(r"\r(?!\n)|\x08|\d ━━|━━ *\d|█.*it/s|\bETA\b")
# An absolute path of two parts or more, not the end of an address, nor of a word such as "and/or".
_MACHINE_PATH = re.compile(r"(?<![\w.:/<~])/[\w.+-]+/[\w.+-][\w./+-]*|\b[A-Za-z]:\\\w+")
_TIME = re.compile(r"<!-- generated:time -->(.*?)<!-- /generated:time -->", re.DOTALL)


def read(path: Path) -> NotebookNode:
    """Read a notebook as it is: `nbformat.read` would repair some of what is wrong."""
    return nbformat.v4.reads(path.read_text(encoding="utf-8"))


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the code cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook: NotebookNode) -> Iterator[tuple[str, NotebookNode]]:
    """Yield each output with the name of its cell."""
    for number, cell in enumerate(code_cells(notebook), 1):
        for output in cell.outputs:
            yield f"code cell {number}", output


def printed(output: NotebookNode) -> str:
    """Return an output's text, of whatever kind; images have none."""
    data = {kind: value for kind, value in output.get("data", {}).items() if kind != "image/png"}
    texts = [value if isinstance(value, str) else json.dumps(value) for value in data.values()]
    return "\n".join([output.get("text", ""), *texts])


def figures(notebook: NotebookNode) -> dict[str, bytes]:
    """Return each figure's name and bytes."""
    return {
        output.metadata.figure.name: base64.b64decode(output.data["image/png"])
        for _, output in outputs(notebook)
        if "image/png" in output.get("data", {}) and output.metadata.get("figure")
    }


def check_format(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """It is valid nbformat 4 and its kernel is called python3, which every Jupyter has."""
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        yield f"not a valid notebook: {error.message}"
    kernel = notebook.metadata.get("kernelspec", {}).get("name")
    if kernel != "python3":
        yield f"kernelspec {kernel!r}, not 'python3'"


def check_executed(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """All cells were executed once, from the first to the last, without error or stderr."""
    counts = [cell.execution_count for cell in code_cells(notebook)]
    if counts != [*range(1, len(counts) + 1)]:
        yield f"execution counts {counts}, not 1 to {len(counts)}"
    for where, output in outputs(notebook):
        if output.output_type == "error":
            yield f"{where} shows {output.ename}"
        if output.get("name") == "stderr":
            yield f"{where} wrote to stderr: {output.text[:80]!r}"


def check_figures(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """Each image is a PNG with an alt text, and lies in ``figures/`` by its name."""
    for where, output in outputs(notebook):
        for kind in output.get("data", {}):
            if kind.startswith("image/") and kind != "image/png":
                yield f"{where} shows {kind}, not image/png"
            if kind == "image/png":
                if not output.metadata.get(kind, {}).get("alt", "").strip():
                    yield f"{where} shows an image without alt text"
                if not output.metadata.get("figure", {}).get("name"):
                    yield f"{where} shows an image without a figure name"
    for name, content in figures(notebook).items():
        file = path.parents[1] / "figures" / f"{name}.png"
        if not file.is_file():
            yield f"figures/{file.name} is not there"
        elif file.read_bytes() != content:
            yield f"figures/{file.name} is not the image in the notebook"


def check_sizes(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """No output is larger than 300 kB as it is stored, no code cell longer than 14 lines."""
    for where, output in outputs(notebook):
        size = len(json.dumps(output, ensure_ascii=False).encode())
        if size > MOST_BYTES:
            yield f"{where} has an output of {size:,} bytes"
    for number, cell in enumerate(code_cells(notebook), 1):
        if (lines := len(cell.source.splitlines())) > MOST_LINES:
            yield f"code cell {number} has {lines} lines"


def check_leftovers(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """No progress bar was left behind, and no output names a folder of one machine."""
    for where, output in outputs(notebook):
        if bar := _PROGRESS.search(printed(output)):
            yield f"{where} left a progress bar: {bar[0]!r}"
        if folder := _MACHINE_PATH.search(printed(output)):
            yield f"{where} shows a path of one machine: {folder[0]}"


def check_nothing_to_trust(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """No script of ours, in outputs or texts: Jupyter asks nobody to trust this notebook."""
    texts = []
    for number, cell in enumerate(notebook.cells):
        texts.append((f"cell {number}", cell.source if cell.cell_type == "markdown" else ""))
        if cell.metadata.get("trusted"):  # what Jupyter writes down of those who trust it
            texts.append((f"cell {number}", "<script> that is trusted"))
    for where, output in outputs(notebook):
        for kind, content in output.get("data", {}).items():
            texts.append((where, content if kind == "text/html" else ""))
            if "javascript" in kind or "widget" in kind:
                texts.append((where, f"<script> of type {kind}"))
    for where, text in texts:
        if script := _SCRIPT.search(text):
            yield f"{where} holds a script: {script[0]!r}"


def check_opening(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """The first cell says what the notebook aims at, needs, leaves behind and how long it takes."""
    text = notebook.cells[0].source.lower() if notebook.cells[0].cell_type == "markdown" else ""
    parts = {
        "its aims": r"\baims?\b|\byou will\b",
        "what it needs": "need",
        "what it leaves": "leave",
    }
    for what, words in parts.items():
        if not re.search(words, text):
            yield f"the first cell does not say {what}"
    time = _TIME.search(text)
    if time is None:
        yield "the first cell lacks <!-- generated:time --><!-- /generated:time -->"
    elif not re.search(r"\d", time[1]):
        yield "the first cell's time was not filled in: publish does it"


def check_closing(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """The last cell is a recap, and links to the next notebook if there is one."""
    text = notebook.cells[-1].source if notebook.cells[-1].cell_type == "markdown" else ""
    if "recap" not in text.lower():
        yield "the last cell is no recap"
    later = sorted(file.name for file in path.parent.glob("*.ipynb") if file.name > path.name)
    if later and f"]({later[0]})" not in text:
        yield f"the last cell does not link to {later[0]}"


def check_links(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """Each link to a file or another notebook leads to one."""
    for cell in notebook.cells:
        text = _CODE.sub("", cell.source) if cell.cell_type == "markdown" else ""
        for link in _LINK.finditer(text):
            target = link[1] or link[2]
            file = path.parent / unquote(target.partition("#")[0])
            if not re.match(r"https?://|mailto:|#", target) and not file.exists():
                yield f"the link {target} leads nowhere"


def check_compared_cells(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """Some cells' outputs are compared by nbval, and none of them compares nothing, silently."""
    tagged = [cell for cell in code_cells(notebook) if COMPARED in cell.metadata.get("tags", [])]
    if not tagged:
        yield f"no cell is tagged {COMPARED}"
    for cell in tagged:
        if cell.execution_count is None:
            yield f"{cell.source[:40]!r} is tagged but was not executed"
        if not any(printed(output).strip() for output in cell.outputs):
            yield f"{cell.source[:40]!r} is tagged but printed nothing to compare"


def check_real_data(notebook: NotebookNode, path: Path) -> Iterator[str]:
    """The outputs come from a full run on CIFAR-10, as the first code cell prints."""
    lines = "".join(printed(output) for output in code_cells(notebook)[0].outputs).splitlines()
    if not any("CIFAR-10" in line and "profile full" in line for line in lines):
        yield f"the first code cell does not name CIFAR-10 and profile full in one line: {lines}"


def stray_figures(course: Path) -> list[str]:
    """Return the files in ``figures/`` that are no notebook's, but for numbers and README."""
    expected = {"README.md", "results.json"}
    for path in (course / "notebooks").glob("*.ipynb"):
        expected |= {f"{name}.png" for name in figures(read(path))}
    return sorted(file.name for file in (course / "figures").glob("*") if file.name not in expected)


Check = Callable[[NotebookNode, Path], Iterator[str]]
CHECKS: list[Check] = [value for name, value in globals().items() if name.startswith("check_")]
