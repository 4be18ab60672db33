"""What a committed notebook must be: one function a rule, each returns what breaks it.

``test_notebooks.py`` applies them to the notebooks, and to notebooks made to break each rule.
"""

import ast
import base64
import importlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

MOST_LINES = 14
MOST_BYTES = 300_000
COMPARED = "nbval-check-output"

# A link's target in Markdown, or in the HTML that Markdown may hold.
_LINK = re.compile(r"""\]\(\s*<?([^)\s>]+)|(?:href|src)=["']([^"']+)["']""")
_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
# What runs code in a browser.
_SCRIPT = re.compile(r"<(?:script|iframe|object|embed)\b.*|\bon\w+\s*=\s*[\"']", re.IGNORECASE)
# What a progress bar leaves behind: moves of the cursor, Keras's bar, tqdm's, an expected end.
# Keras and rich draw bars of ━ with a number before or behind; model.summary() frames its table.
_PROGRESS = re.compile(r"\r(?!\n)|\x08|\d ━━|━━ *\d|█.*it/s|\bETA\b")
# An absolute path of two parts or more, not the end of an address, nor of a word such as "and/or".
_MACHINE_PATH = re.compile(r"(?<![\w.:/<~])/[\w.+-]+/[\w.+-][\w./+-]*|\b[A-Za-z]:\\\w+")
_PACKAGE = "cifar10_cnn"


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
    """Return an output's text, of whatever kind; pictures have none."""
    kinds = {kind: shown for kind, shown in output.get("data", {}).items() if kind != "image/png"}
    texts = [shown if isinstance(shown, str) else json.dumps(shown) for shown in kinds.values()]
    return "\n".join([output.get("text", ""), *texts])


def figures(notebook: NotebookNode) -> dict[str, bytes]:
    """Return each figure's name and bytes."""
    return {
        output.metadata.figure.name: base64.b64decode(output.data["image/png"])
        for _, output in outputs(notebook)
        if "image/png" in output.get("data", {}) and "figure" in output.metadata
    }


def check_format(notebook: NotebookNode, path: Path) -> list[str]:
    """It is valid nbformat 4 and its kernel is called python3, which every Jupyter has."""
    problems = []
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        problems.append(f"not a valid notebook: {error.message}")
    kernel = notebook.metadata.get("kernelspec", {}).get("name")
    return problems + ([f"kernelspec {kernel!r}, not 'python3'"] if kernel != "python3" else [])


def check_executed(notebook: NotebookNode, path: Path) -> list[str]:
    """All cells were executed once, from the first to the last, without error or stderr."""
    counts = [cell.execution_count for cell in code_cells(notebook)]
    problems = []
    if counts != [*range(1, len(counts) + 1)]:
        problems.append(f"execution counts {counts}, not 1 to {len(counts)}")
    for where, output in outputs(notebook):
        if output.output_type == "error":
            problems.append(f"{where} shows {output.ename}")
        if output.get("name") == "stderr":
            problems.append(f"{where} wrote to stderr: {output.text[:80]!r}")
    return problems


def check_figures_are_described(notebook: NotebookNode, path: Path) -> list[str]:
    """Each picture is a PNG with an alt text and the name of its file in ``figures/``."""
    problems = []
    for where, output in outputs(notebook):
        for kind in output.get("data", {}):
            if kind.startswith("image/") and kind != "image/png":
                problems.append(f"{where} shows {kind}, not image/png")
            if kind == "image/png":
                if not output.metadata.get(kind, {}).get("alt", "").strip():
                    problems.append(f"{where} shows a picture without alt text")
                if not output.metadata.get("figure", {}).get("name"):
                    problems.append(f"{where} shows a picture without a figure name")
    return problems


def check_figure_files(notebook: NotebookNode, path: Path) -> list[str]:
    """Each figure lies in ``figures/``, with the same bytes."""
    problems = []
    for name, content in figures(notebook).items():
        file = path.parents[1] / "figures" / f"{name}.png"
        if not file.is_file():
            problems.append(f"figures/{file.name} is not there")
        elif file.read_bytes() != content:
            problems.append(f"figures/{file.name} is not the picture in the notebook")
    return problems


def check_sizes(notebook: NotebookNode, path: Path) -> list[str]:
    """No output is larger than 300 kB as it is stored: a picture counts in base64."""
    sizes = [
        (where, len(json.dumps(output, ensure_ascii=False).encode()))
        for where, output in outputs(notebook)
    ]
    return [
        f"{where} has an output of {size:,} bytes" for where, size in sizes if size > MOST_BYTES
    ]


def check_progress_bars(notebook: NotebookNode, path: Path) -> list[str]:
    """No progress bar was left behind: a page of them hides what a cell found."""
    return [
        f"{where} left a progress bar: {found[0]!r}"
        for where, output in outputs(notebook)
        if (found := _PROGRESS.search(printed(output)))
    ]


def check_nothing_to_trust(notebook: NotebookNode, path: Path) -> list[str]:
    """No script of ours, in outputs or texts: Jupyter asks nobody to trust this notebook."""
    texts = [(f"cell {number}", cell.source) for number, cell in enumerate(notebook.cells)
             if cell.cell_type == "markdown"]  # fmt: skip
    for number, cell in enumerate(notebook.cells):
        if cell.metadata.get("trusted"):  # what Jupyter writes down of those who trust it
            texts.append((f"cell {number}", "<script> that is trusted"))
    for where, output in outputs(notebook):
        for kind, content in output.get("data", {}).items():
            texts.append((where, content if kind == "text/html" else ""))
            if "javascript" in kind or "widget" in kind:
                texts.append((where, f"<script> of type {kind}"))
    return [
        f"{where} holds a script: {found[0]!r}"
        for where, text in texts
        if (found := _SCRIPT.search(text))
    ]


def check_machine_paths(notebook: NotebookNode, path: Path) -> list[str]:
    """No output names a folder of the machine that it was made on."""
    return [
        f"{where} shows a path of one machine: {found[0]}"
        for where, output in outputs(notebook)
        if (found := _MACHINE_PATH.search(printed(output)))
    ]


def check_cell_lengths(notebook: NotebookNode, path: Path) -> list[str]:
    """No code cell has more than 14 lines; the aim is ten, since a cell carries one idea."""
    lengths = [len(cell.source.splitlines()) for cell in code_cells(notebook)]
    return [
        f"code cell {number} has {length} lines"
        for number, length in enumerate(lengths, 1)
        if length > MOST_LINES
    ]


def check_opening(notebook: NotebookNode, path: Path) -> list[str]:
    """The first cell says what the notebook aims at, needs, leaves behind and how long it takes."""
    opening = notebook.cells[0]
    if opening.cell_type != "markdown":
        return ["the first cell is not text"]
    text = opening.source.lower()
    says = {
        "its aims": r"\baims?\b|\byou will\b",
        "what it needs": "need",
        "what it leaves": "leave",
    }
    problems = [
        f"the first cell does not say {what}"
        for what, word in says.items()
        if not re.search(word, text)
    ]
    time = re.search(r"<!-- generated:time -->(.*?)<!-- /generated:time -->", text, re.DOTALL)
    if time is None:
        problems.append("the first cell lacks <!-- generated:time --><!-- /generated:time -->")
    elif not re.search(r"\d", time[1]):
        problems.append("the first cell's time was not filled in: publish does it")
    return problems


def check_closing(notebook: NotebookNode, path: Path) -> list[str]:
    """The last cell is a recap, and links to the next notebook if there is one."""
    closing = notebook.cells[-1]
    if closing.cell_type != "markdown":
        return ["the last cell is not text"]
    problems = [] if "recap" in closing.source.lower() else ["the last cell has no recap"]
    later = sorted(file.name for file in path.parent.glob("*.ipynb") if file.name > path.name)
    if later and f"]({later[0]})" not in closing.source:
        problems.append(f"the last cell does not link to {later[0]}")
    return problems


def check_links(notebook: NotebookNode, path: Path) -> list[str]:
    """Each link to a file or another notebook leads to one."""
    problems = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for found in _LINK.finditer(_CODE.sub("", cell.source)):
                target = found[1] or found[2]
                file = path.parent / unquote(target.partition("#")[0])
                if not re.match(r"https?://|mailto:|#", target) and not file.exists():
                    problems.append(f"the link {target} leads nowhere")
    return problems


def check_compared_cells(notebook: NotebookNode, path: Path) -> list[str]:
    """Some cells' outputs are compared by nbval, and none of them compares nothing, silently."""
    tagged = [cell for cell in code_cells(notebook) if COMPARED in cell.metadata.get("tags", [])]
    problems = [] if tagged else [f"no cell is tagged {COMPARED}"]
    for cell in tagged:
        if cell.execution_count is None:
            problems.append(f"{cell.source[:40]!r} is tagged but was not executed")
        if not any(printed(output).strip() for output in cell.outputs):
            problems.append(f"{cell.source[:40]!r} is tagged but printed nothing to compare")
    return problems


def check_real_data(notebook: NotebookNode, path: Path) -> list[str]:
    """The outputs come from a full run on CIFAR-10, as the first code cell prints."""
    lines = "".join(printed(output) for output in code_cells(notebook)[0].outputs).splitlines()
    if any("CIFAR-10" in line and "profile full" in line for line in lines):
        return []
    return [f"the first code cell does not name CIFAR-10 and profile full in one line: {lines}"]


def check_names(notebook: NotebookNode, path: Path) -> list[str]:
    """Each ``plots.something`` that a cell uses is in the package."""
    python = TransformerManager().transform_cell  # turns %magics into Python
    tree = ast.parse("\n".join(python(cell.source) for cell in code_cells(notebook)))
    modules, problems = {}, []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == _PACKAGE:
            for alias in node.names:
                found = _find(node.module, alias.name)
                if found is None:
                    problems.append(f"there is no {node.module}.{alias.name}")
                modules[alias.asname or alias.name] = found
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = modules.get(node.value.id)
            if owner is not None and not hasattr(owner, node.attr):
                problems.append(f"there is no {node.value.id}.{node.attr}")
    return problems


def _find(module: str, name: str) -> object:
    """Return what ``from module import name`` gives, None if it fails."""
    try:
        found = getattr(importlib.import_module(module), name, None)
        return found if found is not None else importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError:
        return None


def stray_figures(course: Path) -> list[str]:
    """Return the files in ``figures/`` that no notebook shows, but for the numbers of the runs."""
    shown = {"results.json"}
    for path in (course / "notebooks").glob("*.ipynb"):
        shown |= {f"{name}.png" for name in figures(read(path))}
    return sorted(file.name for file in (course / "figures").glob("*") if file.name not in shown)


Check = Callable[[NotebookNode, Path], list[str]]
CHECKS: list[Check] = [value for name, value in globals().items() if name.startswith("check_")]
