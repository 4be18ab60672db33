"""Notebook 09's upload: a picture is answered, anything else named, and no traceback is shown."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "09_your_picture.ipynb"
UPLOAD = """
import datetime
import io

file = io.BytesIO()
large.save(file, "{kind}")
content = {content}
now = datetime.datetime.now(datetime.timezone.utc)
upload.value = [
    dict(name="a", type="image", size=len(content), last_modified=now, content=memoryview(content))
]
"""
SHOWN = "print([output.get('text', output.get('metadata')) for output in answer.outputs])"


@pytest.mark.faults
def test_an_uploaded_picture_is_answered_and_anything_else_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIFAR10_PROFILE", "smoke")
    monkeypatch.setenv("CIFAR10_HOME", str(tmp_path))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    added = [
        UPLOAD.format(kind="JPEG", content="file.getvalue()"),
        SHOWN,
        UPLOAD.format(kind="JPEG", content="b'no picture'"),
        SHOWN,
    ]
    notebook.cells += [nbformat.v4.new_code_cell(source) for source in added]
    NotebookClient(notebook, timeout=300).execute()
    answered, refused = (notebook.cells[place].outputs[0].text for place in (-3, -1))
    assert "09_upload" in answered
    assert "sure. The picture in 32×32 pixels" in answered
    assert "This file is no picture that can be read" in refused
    assert "Traceback" not in refused
