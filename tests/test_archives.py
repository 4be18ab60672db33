"""Archives and folders from strangers: read without harm, or refused in a moment."""

import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import official
import pytest

from cifar10_cnn.common.errors import DataError
from cifar10_cnn.data import readers

MEBIBYTE = bytes(2**20)


def everything(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize(
    ("name", "about"),
    [
        ("{outside}/absolute", {}),
        ("../../../climbing", {}),
        ("up", {"type": tarfile.SYMTYPE, "linkname": "../../.."}),
        ("cifar-10-batches-bin/test_batch.bin", {"type": tarfile.SYMTYPE, "linkname": "{secret}"}),
        ("cifar-10-batches-bin/test_batch.bin", {"type": tarfile.LNKTYPE, "linkname": "{secret}"}),
        ("zero", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 5}),
        ("pipe", {"type": tarfile.FIFOTYPE}),
        ("/", {"type": tarfile.DIRTYPE}),
        ("setuid", {"mode": 0o6777, "uid": 0}),
    ],
)
def test_nothing_gets_out_of_an_archive(tmp_path: Path, name: str, about: dict[str, Any]) -> None:
    """What is no file is passed over, and what is one is read and never written."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    secret = tmp_path / "secret"
    secret.write_bytes(b"of another")
    places = {"outside": tmp_path, "secret": secret}
    file = official.write_tar(inner / "cifar.tar", official.binary_members())
    with tarfile.open(file, "a") as archive:
        info = tarfile.TarInfo(name.format(**places))
        for key, value in about.items():
            setattr(info, key, value.format(**places) if isinstance(value, str) else value)
        archive.addfile(info)
    before = everything(tmp_path)
    arrays = readers.read(file)
    assert readers.fingerprint(arrays) == readers.fingerprint(official.expected())
    assert everything(tmp_path) == before
    assert secret.read_bytes() == b"of another"


def test_a_zip_of_links_and_ways_out(tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in official.image_members().items():
            archive.writestr(name, content)
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("../../climbing", b"x")
        archive.writestr(f"{tmp_path}/absolute", b"x")
        archive.writestr(zipfile.ZipInfo(""), b"nameless")
    assert len(readers.read(file).train_labels) == 200
    assert everything(tmp_path) == {"a.zip"}


def test_member_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bomb.tar.gz"
    with tarfile.open(file, "w:gz", compresslevel=1) as archive:
        info = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
        info.size = 65 * 2**20
        archive.addfile(info, io.BytesIO(bytes(info.size)))
    with pytest.raises(DataError, match="would take 68,157,440 bytes"):
        readers.read(file)


def test_a_zip_that_unpacks_to_far_more_than_cifar(tmp_path: Path) -> None:
    file = tmp_path / "bomb.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(1025):
            archive.writestr(f"notes-{number}", MEBIBYTE)
    with pytest.raises(DataError, match=r"or 1,073,741,824 bytes: that is not CIFAR-10"):
        readers.read(file)


def test_what_never_ends_is_not_begun(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(DataError, match=f"{path} is neither a file nor a folder"):
            readers.read(path)


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_far_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    """Such as a home folder, which would be searched for minutes."""
    members = official.image_members()
    if form == "folder":
        path = official.unpack(tmp_path, members)
    else:
        path = official.write_tar(tmp_path / "a.tar", members)
    monkeypatch.setattr(readers, "_MEMBERS_LIMIT", 100)
    with pytest.raises(DataError, match="more than 100 files"):
        readers.read(path)
