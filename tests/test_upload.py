"""Notebook 09's upload: an image is classified, anything else named, and no traceback is shown."""

import base64
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from test_predict import READ, REFUSED

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "09_your_image.ipynb"
UPLOAD = """
import base64
import datetime

content = base64.b64decode({content!r})
now = datetime.datetime.now(datetime.timezone.utc)
upload.value = [
    dict(name="a", type="image", size=len(content), last_modified=now, content=memoryview(content))
]
"""


class WithoutWidgets(NotebookClient):
    """Leaves what the widget shows with the cell that uploads.

    nbclient's own widgets talk to the kernel while they wait for it, and may miss its reply.
    """

    def handle_comm_msg(self, *_: object) -> None:
        pass


@pytest.mark.long
def test_an_uploaded_image_is_classified_and_anything_else_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIFAR10_PROFILE", "smoke")
    monkeypatch.setenv("CIFAR10_HOME", str(tmp_path))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    contents = {**READ, **{name: content for name, (content, _) in REFUSED.items()}}
    for content in contents.values():
        source = UPLOAD.format(content=base64.b64encode(content).decode())
        notebook.cells.append(nbformat.v4.new_code_cell(source))
    WithoutWidgets(notebook, timeout=300).execute()
    shown = []
    for cell in notebook.cells[-len(contents) :]:
        [output] = cell.outputs
        shown.append(str(output.get("text", output.get("metadata"))))
    outputs = dict(zip(contents, shown, strict=True))
    for name in READ:
        assert "09_upload" in outputs[name], name
        assert "32×32 pixels" in outputs[name], name
    for name, (_, sentence) in REFUSED.items():
        assert sentence in outputs[name], name
        assert "This file" in outputs[name], name
        assert outputs[name].count("\n") == 1, name
