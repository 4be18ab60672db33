"""The readers, against hand-made archives in each official form."""

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import official
import pytest
from PIL import Image

from cifar10_cnn.common.errors import DataError
from cifar10_cnn.data import readers
from cifar10_cnn.data.readers import CLASS_NAMES, Arrays


@pytest.fixture(autouse=True)
def hand_made_pickles(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the hand-made pickles pass for the official ones."""
    if "torchvision" not in request.node.name:
        monkeypatch.setattr(readers, "OFFICIAL_MD5", official.digests())


def assert_same(actual: Arrays, expected: Arrays) -> None:
    for name, one, other in zip(Arrays._fields, actual, expected, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=name)


def as_archive(folder: Path, members: dict[str, bytes]) -> Path:
    return official.write_tar(folder / "cifar.tar.gz", members)


@pytest.mark.parametrize("form", [as_archive, official.unpack])
@pytest.mark.parametrize("members", [official.python_members, official.binary_members])
def test_official_forms_keep_images_labels_and_order(
    tmp_path: Path, form: Callable, members: Callable
) -> None:
    arrays = readers.read(form(tmp_path, members()))
    assert_same(arrays, official.expected())
    assert arrays.train_images.dtype == np.uint8
    assert arrays.train_labels.dtype == np.int64


def write_zip(folder: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(folder / "images.zip", "w") as archive:
        for name, contents in members.items():
            archive.writestr(name, contents)
    return folder / "images.zip"


@pytest.mark.parametrize("form", [as_archive, official.unpack, write_zip])
def test_class_folders(tmp_path: Path, form: Callable) -> None:
    arrays, expected = readers.read(form(tmp_path, official.image_members())), official.expected()
    assert readers.fingerprint(arrays) == readers.fingerprint(expected)
    assert not np.array_equal(arrays.train_labels, np.sort(arrays.train_labels)), "not shuffled"


def test_jpeg_images_and_grey_ones_become_rgb(tmp_path: Path) -> None:
    members = official.image_members("jpg")
    raw = io.BytesIO()
    Image.fromarray(np.full((32, 32), 77, np.uint8)).save(raw, "PNG")
    members["train/frog/grey.png"] = raw.getvalue()
    arrays = readers.read(as_archive(tmp_path, members))
    assert arrays.train_images.shape == (201, 32, 32, 3)
    grey = np.flatnonzero((arrays.train_images == 77).all(axis=(1, 2, 3)))
    assert [CLASS_NAMES[label] for label in arrays.train_labels[grey]] == ["frog"]


def test_fingerprint_depends_on_content_not_on_order() -> None:
    arrays = official.expected()
    order = np.random.default_rng(0).permutation(len(arrays.train_labels))
    shuffled = arrays._replace(
        train_images=arrays.train_images[order], train_labels=arrays.train_labels[order]
    )
    assert readers.fingerprint(shuffled) == readers.fingerprint(arrays)
    relabelled = arrays._replace(train_labels=(arrays.train_labels + 1) % 10)
    assert readers.fingerprint(relabelled) != readers.fingerprint(arrays)
    changed = arrays.test_images.copy()
    changed[3, 4, 5, 1] ^= 1
    assert readers.fingerprint(arrays._replace(test_images=changed)) != readers.fingerprint(arrays)


class Evil:
    """Unpickled, this would run a command."""

    def __reduce__(self) -> tuple:
        return print, ("code from a stranger ran",)


@pytest.mark.parametrize("content", [{b"data": Evil()}, {b"data": 1, b"labels": []}])
def test_no_pickle_but_an_official_one_is_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: dict
) -> None:
    members = official.python_members()
    members["cifar-10-batches-py/data_batch_3"] = pickle.dumps(content, protocol=2)
    with pytest.raises(DataError, match=r"data_batch_3 is not the official file .* not opened"):
        readers.read(as_archive(tmp_path, members))
    assert capsys.readouterr().out == ""


def test_the_official_digests_are_those_of_torchvision() -> None:
    assert readers.OFFICIAL_MD5["data_batch_1"] == "c99cafc152244af753f735de768cd75f"
    assert readers.OFFICIAL_MD5["test_batch"] == "40351d587109b95175f43aff81a1287e"
    assert len(set(readers.OFFICIAL_MD5.values())) == 6


def cut(contents: bytes) -> bytes:
    return contents[: len(contents) // 2]


def test_truncated_archive_names_the_file(tmp_path: Path) -> None:
    archive = as_archive(tmp_path, official.python_members())
    archive.write_bytes(cut(archive.read_bytes()))
    with pytest.raises(DataError, match=r"cifar\.tar\.gz is damaged or incomplete.*SHA-256"):
        readers.read(archive)


def test_wrong_label_is_refused(tmp_path: Path) -> None:
    members = official.binary_members()
    images, labels = official.batch(1)
    members["cifar-10-batches-bin/data_batch_2.bin"] = official.binary_batch(images, labels + 1)
    with pytest.raises(DataError, match="labels from 1 to 10, not 0 to 9"):
        readers.read(as_archive(tmp_path, members))


@pytest.mark.parametrize("contents", [b"", b"no archive", b"PK\x03\x04 broken zip"])
def test_file_of_no_known_form(tmp_path: Path, contents: bytes) -> None:
    (tmp_path / "file.bin").write_bytes(contents)
    with pytest.raises(DataError, match=r"file\.bin"):
        readers.read(tmp_path / "file.bin")
