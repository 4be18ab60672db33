"""Archives, folders and pickles from strangers: read without harm, or refused in a moment."""

import gzip
import io
import os
import pickle
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import memory
import numpy as np
import official
import pytest

from cifar10_cnn.common.errors import CourseError, DataError
from cifar10_cnn.data import readers as sources

pytestmark = pytest.mark.faults
Tally = Callable[[str, int], None]
MEBIBYTE = bytes(2**20)


def everything(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def with_member(file: Path, name: str, **about: Any) -> Path:
    """Write a good archive with one member more."""
    with tarfile.open(file, "w") as archive:
        for member, content in {"../up.txt": b"", **official.python_members()}.items():
            info = tarfile.TarInfo(member)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        info = tarfile.TarInfo(name)
        vars_of(info, about)
        archive.addfile(info)
    return file


def vars_of(info: tarfile.TarInfo, about: dict[str, Any]) -> None:
    for key, value in about.items():
        setattr(info, key, value)


@pytest.mark.parametrize(
    ("name", "about"),
    [
        ("{outside}/absolute", {}),
        ("../../../climbing", {}),
        ("a/../../climbing", {}),
        ("link", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}),
        ("up", {"type": tarfile.SYMTYPE, "linkname": "../../.."}),
        ("cifar-10-batches-py/test_batch", {"type": tarfile.SYMTYPE, "linkname": "{secret}"}),
        ("cifar-10-batches-py/test_batch", {"type": tarfile.LNKTYPE, "linkname": "{secret}"}),
        ("train/cat/1.png", {"type": tarfile.LNKTYPE, "linkname": "nowhere"}),
        ("zero", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 5}),
        ("disk", {"type": tarfile.BLKTYPE, "devmajor": 8, "devminor": 0}),
        ("pipe", {"type": tarfile.FIFOTYPE}),
        ("/", {"type": tarfile.DIRTYPE}),
        ("setuid", {"mode": 0o6777, "uid": 0}),
    ],
)
def test_nothing_gets_out_of_an_archive(
    tmp_path: Path, name: str, about: dict[str, Any], tally: Tally
) -> None:
    """What is no file is passed over, and what is one is read and never written."""
    inner = tmp_path / "a" / "b"
    (tmp_path / "outside").mkdir()
    inner.mkdir(parents=True)
    secret = tmp_path / "secret"
    secret.write_bytes(b"of another")
    places = {"outside": tmp_path / "outside", "secret": secret}
    filled = {
        key: value.format(**places) if isinstance(value, str) else value
        for key, value in about.items()
    }
    file = with_member(inner / "cifar.tar", name.format(**places), **filled)
    before = everything(tmp_path)
    found = sources.read(file)
    assert sources.fingerprint(found) == sources.fingerprint(official.expected())
    assert everything(tmp_path) == before
    assert secret.read_bytes() == b"of another"
    tally("archives and pickles of strangers", 1)


def test_a_zip_of_links_and_ways_out(tmp_path: Path, tally: Tally) -> None:
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in official.picture_members().items():
            archive.writestr(name, content)
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("../../climbing", b"x")
        archive.writestr(f"{tmp_path}/absolute", b"x")
    assert len(sources.read(file).train_labels) == 200
    assert everything(tmp_path) == {"a.zip"}
    tally("archives and pickles of strangers", 1)


def header(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def giant(kind: bytes) -> Iterator[bytes]:
    """A member of that kind with 200 MB of zeros, then a batch."""
    yield header("x", 200 * 2**20, kind)
    yield from [MEBIBYTE] * 200
    yield header("data_batch_1", 10) + bytes(512 + 1024)


def pax(**records: str) -> Iterator[bytes]:
    """A member that is described by pax records, which hold what a header has no room for."""
    info = tarfile.TarInfo("data_batch_1")
    info.pax_headers = records
    yield info.create_pax_header(info.get_info(), "utf-8")
    yield bytes(2**16)


def sparse_map() -> Iterator[bytes]:
    """A file with more holes than memory can list (pax, format 1.0)."""
    yield from pax(**{"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "a"})
    yield b"99999999\n" + b"0\n" * 2**20


BOMBS: dict[str, Callable[[], Iterator[bytes]]] = {
    "a long name": lambda: giant(tarfile.GNUTYPE_LONGNAME),
    "a long link": lambda: giant(tarfile.GNUTYPE_LONGLINK),
    "pax": lambda: giant(tarfile.XHDTYPE),
    "pax of all": lambda: giant(tarfile.XGLTYPE),
    "Solaris' pax": lambda: giant(tarfile.SOLARIS_XHDTYPE),
    "an unknown kind": lambda: giant(b"V"),
    "a batch": lambda: giant(tarfile.REGTYPE),
    "holes": lambda: iter([header("data_batch_1", 2**40, tarfile.GNUTYPE_SPARSE), bytes(2**16)]),
    "a map of holes": sparse_map,
    "a negative size": lambda: pax(size="-1000"),
    "a huge size": lambda: pax(size=str(2**60)),
    "folders": lambda: iter([header("a/b", 0, tarfile.DIRTYPE) * 1000] * 201),
    "links": lambda: iter([header("a/b", 0, tarfile.SYMTYPE) * 1000] * 201),
    "descriptions of descriptions": lambda: iter(
        [(header("x", 10, tarfile.XHDTYPE) + b"10 a=bcde\n".ljust(512, b"\0")) * 5000]
    ),
}
READ = """
try:
    sources.read(sys.argv[1])
except DataError as error:
    print(error)
"""


@pytest.mark.skipif(not memory.POSSIBLE, reason="this system does not tell of memory like Linux")
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_takes_neither_memory_nor_time(tmp_path: Path, name: str, tally: Tally) -> None:
    """Each takes at least 200 MB or for ever in the hands of Python's own reader."""
    file = tmp_path / "bomb.tar.gz"
    with gzip.open(file, "wb", compresslevel=1) as packed:
        for part in BOMBS[name]():
            packed.write(part)
    begun = time.monotonic()
    imports = "from cifar10_cnn import sources; from cifar10_cnn.common.errors import DataError"
    kibibytes, message = memory.peak(imports, READ, str(file))
    assert time.monotonic() - begun < 30
    assert str(file) in message or "would take" in message, message
    assert kibibytes < 150_000
    tally("archives and pickles of strangers", 1)


def test_a_zip_that_unpacks_to_far_more_than_cifar(tmp_path: Path, tally: Tally) -> None:
    file = tmp_path / "bomb.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(1025):
            archive.writestr(f"notes-{number}", MEBIBYTE)
    with pytest.raises(DataError, match=r"or 1,073,741,824 bytes: that is not CIFAR-10"):
        sources.read(file)
    tally("archives and pickles of strangers", 1)


def test_what_never_ends_is_not_begun(tmp_path: Path, tally: Tally) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        with pytest.raises(DataError, match=f"{path} is neither a file nor a folder"):
            sources.read(path)
    tally("archives and pickles of strangers", 2)


def test_a_folder_of_far_too_many_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    """Such as a home folder, which would be searched for minutes."""
    official.unpack(tmp_path, official.picture_members())
    monkeypatch.setattr(sources, "_MEMBERS_LIMIT", 100)
    with pytest.raises(DataError, match="more than 100 files: name the folder that the pictures"):
        sources.read(tmp_path)
    tally("archives and pickles of strangers", 1)


@pytest.mark.parametrize("path", [None, 5, b"a.tar", "~no-such-user-here/a.tar"])
def test_what_is_no_path(path: object) -> None:
    with pytest.raises(CourseError, match=r"is no path|names the home of an unknown user"):
        sources.read(path)  # type: ignore[arg-type]


class Told:
    """Pickled, it asks for ``function(*arguments)``, and then to be filled with ``state``."""

    def __init__(self, function: Callable, arguments: tuple, state: object = None) -> None:
        self._told = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> tuple:
        return self._told


def array(shape: tuple, kind: object, content: object) -> Told:
    """An array as a pickle describes it; numpy's own reader crashes on some of these."""
    reconstruct = np.zeros(1).__reduce__()[0]
    return Told(reconstruct, (np.ndarray, (0,), b"b"), (1, shape, kind, False, content))


def nested(depth: int) -> list:
    """A list of 100 lists of 100 lists …: few bytes, and 100**depth numbers."""
    found = [0] * 100
    for _ in range(depth):
        found = [found] * 100
    return found


U1 = np.dtype("u1")
PICKLES: dict[str, object] = {
    # A segmentation fault in numpy 2.4, were it left to numpy.
    "objects without content": array((2**29,), np.dtype("O"), []),
    "objects": array((3,), np.dtype("O"), [1, 2, 3]),
    "a negative shape": array((-1, 3072), U1, b"x"),
    "more than there is": array((10_000, 3072), U1, b"x"),
    "an endless shape": array((2**62, 4), U1, b"x"),
    "a shape that is none": array(("a",), U1, b"x"),
    "no content": array((1, 3072), U1, None),
    "floats": array((1, 384), np.dtype("f8"), bytes(3072)),
    "a void": array((1,), np.dtype("V3072"), bytes(3072)),
    "dates": array((1,), np.dtype("M8[ns]"), bytes(8)),
    "a type of types": array((1,), Told(np.dtype, ([("a", "O"), ("b", "u1")],)), b""),
    "an array in an array": array((1, 3072), array((1,), U1, b"x"), bytes(3072)),
    "lists in lists": nested(5),
    "numbers": 5,
}


@pytest.mark.parametrize("name", PICKLES)
@pytest.mark.parametrize("key", [b"data", b"labels"])
def test_a_pickle_of_nonsense_is_refused(name: str, key: bytes, tally: Tally) -> None:
    """Each would end the process, fill the memory, or give something else than pictures."""
    good = {b"data": np.zeros((1, 3072), np.uint8), b"labels": [0]}
    content = pickle.dumps(good | {key: PICKLES[name]}, protocol=2)
    with pytest.raises(DataError, match=r"no official python batch|holds uint8 of shape"):
        sources._python_batch(content, "data_batch_1")
    tally("archives and pickles of strangers", 1)


def test_a_batch_as_python_2_has_pickled_it() -> None:
    """The official files are: texts are bytes there, and so is the name of the type."""
    images, labels = official.batch(1, pictures=2)
    rows = official.rows(images).tobytes()
    content = (
        b"\x80\x02}(U\x04datacnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01b"
        b"tR(K\x01K\x02M\x00\x0c\x86cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff"
        b"\xffJ\xff\xff\xff\xffK\x00tb\x89T" + len(rows).to_bytes(4, "little") + rows + b"tb"
        b"U\x06labels](K\x00K\x01eu."
    )
    found, found_labels = sources._python_batch(content, "data_batch_1")
    np.testing.assert_array_equal(found, images)
    np.testing.assert_array_equal(found_labels, labels)
