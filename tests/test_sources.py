"""The readers, against hand-made archives in each official form."""

import io
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import official
import pytest
from PIL import Image

from cifar10_cnn.common.errors import DataError
from cifar10_cnn.data import readers as sources
from cifar10_cnn.data.readers import CLASS_NAMES, Arrays


def assert_same(found: Arrays, expected: Arrays) -> None:
    for name, one, other in zip(Arrays._fields, found, expected, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=name)


def as_archive(folder: Path, members: dict[str, bytes]) -> Path:
    return official.write_tar(folder / "cifar.tar.gz", members)


@pytest.mark.parametrize("form", [as_archive, official.unpack])
@pytest.mark.parametrize("members", [official.python_members, official.binary_members])
def test_official_forms_keep_pictures_labels_and_order(
    tmp_path: Path, form: Callable, members: Callable
) -> None:
    found = sources.read(form(tmp_path, members()))
    assert_same(found, official.expected())
    assert found.train_images.dtype == np.uint8
    assert found.train_labels.dtype == np.int64


def test_known_picture_is_the_right_way_round(tmp_path: Path) -> None:
    archive = as_archive(tmp_path, official.python_members())
    image = sources.read(archive).train_images[0]
    assert tuple(image[0, 0]) == (255, 0, 0), "red belongs to the top left"
    assert tuple(image[0, 31]) == (0, 255, 0), "green belongs to the top right"
    assert tuple(image[31, 0]) == (0, 0, 255), "blue belongs to the bottom left"
    assert tuple(image[5, 9]) == (10, 20, 30)


def write_zip(folder: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(folder / "pictures.zip", "w") as archive:
        for name, contents in members.items():
            archive.writestr(name, contents)
    return folder / "pictures.zip"


@pytest.mark.parametrize("form", [as_archive, official.unpack, write_zip])
def test_class_folders(tmp_path: Path, form: Callable) -> None:
    found, expected = sources.read(form(tmp_path, official.picture_members())), official.expected()
    assert sources.fingerprint(found) == sources.fingerprint(expected)
    assert not np.array_equal(found.train_labels, np.sort(found.train_labels)), "not shuffled"


def test_class_folders_in_another_order_give_the_same_arrays(tmp_path: Path) -> None:
    members = official.picture_members()
    backwards = dict(reversed(members.items()))
    (tmp_path / "b").mkdir()
    found = sources.read(as_archive(tmp_path / "b", backwards))
    assert_same(found, sources.read(as_archive(tmp_path, members)))


def test_jpeg_pictures_and_grey_ones_become_rgb(tmp_path: Path) -> None:
    members = official.picture_members("jpg")
    raw = io.BytesIO()
    Image.fromarray(np.full((32, 32), 77, np.uint8)).save(raw, "PNG")
    members["train/frog/grey.png"] = raw.getvalue()
    found = sources.read(as_archive(tmp_path, members))
    assert found.train_images.shape == (201, 32, 32, 3)
    grey = np.flatnonzero((found.train_images == 77).all(axis=(1, 2, 3)))
    assert [CLASS_NAMES[label] for label in found.train_labels[grey]] == ["frog"]


def test_fingerprint_depends_on_content_not_on_order() -> None:
    arrays = official.expected()
    order = np.random.default_rng(0).permutation(len(arrays.train_labels))
    shuffled = arrays._replace(
        train_images=arrays.train_images[order], train_labels=arrays.train_labels[order]
    )
    assert sources.fingerprint(shuffled) == sources.fingerprint(arrays)
    relabelled = arrays._replace(train_labels=(arrays.train_labels + 1) % 10)
    assert sources.fingerprint(relabelled) != sources.fingerprint(arrays)
    changed = arrays.test_images.copy()
    changed[3, 4, 5, 1] ^= 1
    assert sources.fingerprint(arrays._replace(test_images=changed)) != sources.fingerprint(arrays)


class Evil:
    """Unpickled by Python's own loader, this would run a command."""

    def __reduce__(self) -> tuple:
        return print, ("code from a stranger ran",)


def test_pickle_cannot_run_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    members = official.python_members()
    members["cifar-10-batches-py/data_batch_3"] = pickle.dumps({b"data": Evil()}, protocol=2)
    with pytest.raises(DataError, match=r"data_batch_3 .*print"):
        sources.read(as_archive(tmp_path, members))
    assert capsys.readouterr().out == ""


def cut(contents: bytes) -> bytes:
    return contents[: len(contents) // 2]


def test_truncated_archive_names_the_file(tmp_path: Path) -> None:
    archive = as_archive(tmp_path, official.python_members())
    archive.write_bytes(cut(archive.read_bytes()))
    with pytest.raises(DataError, match=r"cifar\.tar\.gz is damaged or incomplete.*SHA-256"):
        sources.read(archive)


def test_truncated_binary_batch_names_the_file(tmp_path: Path) -> None:
    members = official.binary_members()
    members["cifar-10-batches-bin/data_batch_2.bin"] += b"x"
    with pytest.raises(DataError, match=r"data_batch_2\.bin has .* no multiple of 3,073"):
        sources.read(as_archive(tmp_path, members))


@pytest.mark.parametrize(
    ("members", "missing"),
    [
        (official.python_members, "cifar-10-batches-py/test_batch"),
        (official.binary_members, "cifar-10-batches-bin/data_batch_4.bin"),
    ],
)
def test_missing_batch_is_named(tmp_path: Path, members: Callable, missing: str) -> None:
    contents = members()
    del contents[missing]
    name = Path(missing).stem
    with pytest.raises(DataError, match=f"lacks {name}"):
        sources.read(as_archive(tmp_path, contents))


def test_nine_classes_are_refused_by_name(tmp_path: Path) -> None:
    members = {
        name: raw for name, raw in official.picture_members().items() if "test/deer" not in name
    }
    with pytest.raises(DataError, match="no pictures in test/deer: all ten classes"):
        sources.read(as_archive(tmp_path, members))


def test_unknown_class_is_refused_with_the_valid_names(tmp_path: Path) -> None:
    members = official.picture_members()
    members["train/giraffe/1.png"] = members["train/frog/data_batch_1_6.png"]
    with pytest.raises(DataError, match=r"'giraffe': the classes are airplane, automobile"):
        sources.read(as_archive(tmp_path, members))


def test_picture_of_another_size_is_named(tmp_path: Path) -> None:
    members = official.picture_members()
    raw = io.BytesIO()
    Image.new("RGB", (33, 32)).save(raw, "PNG")
    members["test/ship/wide.png"] = raw.getvalue()
    with pytest.raises(DataError, match=r"test/ship/wide\.png has 33×32 pixels: resize it"):
        sources.read(as_archive(tmp_path, members))


def test_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    members = official.picture_members()
    members["test/ship/broken.png"] = cut(members["test/ship/test_batch_8.png"])
    with pytest.raises(DataError, match=r"test/ship/broken\.png cannot be read as a picture"):
        sources.read(as_archive(tmp_path, members))


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ({b"data": np.zeros((2, 3072)), b"labels": [0, 1]}, "type 'f8' and shape"),
        ({b"data": np.zeros((2, 3071), np.uint8), b"labels": [0, 1]}, r"\(2, 3071\)"),
        ({b"data": np.zeros((2, 3072), np.uint8), b"labels": [0]}, r"2 pictures but labels"),
        ({b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, 10]}, "labels from 0 to 10"),
        ({b"labels": [0]}, "no official python batch"),
        ({b"data": np.zeros((1, 3072), np.uint8), b"labels": [[0]]}, "no list of whole numbers"),
        ({b"data": [[0]], b"labels": [0]}, "no official python batch"),
    ],
)
def test_wrong_batch_contents(tmp_path: Path, contents: dict, message: str) -> None:
    members = official.python_members()
    members["cifar-10-batches-py/data_batch_1"] = pickle.dumps(contents, protocol=2)
    with pytest.raises(DataError, match=message):
        sources.read(as_archive(tmp_path, members))


def test_archive_that_writes_elsewhere_writes_nothing(tmp_path: Path) -> None:
    members = {"../../escaped.txt": b"x", "/tmp/escaped": b"x", **official.python_members()}
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    sources.read(as_archive(inner, members))
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == ["cifar.tar.gz"]


def test_member_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bomb.tar.gz"
    with tarfile.open(file, "w:gz", compresslevel=1) as archive:
        info = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
        info.size = 65 * 2**20
        archive.addfile(info, io.BytesIO(bytes(info.size)))
    with pytest.raises(DataError, match="would take 68,157,440 bytes"):
        sources.read(file)


@pytest.mark.parametrize("contents", [b"", b"no archive", b"PK\x03\x04 broken zip"])
def test_file_of_no_known_form(tmp_path: Path, contents: bytes) -> None:
    (tmp_path / "file.bin").write_bytes(contents)
    with pytest.raises(DataError, match=r"file\.bin"):
        sources.read(tmp_path / "file.bin")


def test_folder_without_cifar_and_missing_path(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(DataError, match="holds no CIFAR-10"):
        sources.read(tmp_path)
    with pytest.raises(DataError, match="There is no file or folder"):
        sources.read(tmp_path / "missing.tar.gz")


def test_file_without_a_name_is_passed_over(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "nameless.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(""), b"anything")
    with pytest.raises(DataError, match="holds no CIFAR-10"):
        sources.read(tmp_path / "nameless.zip")
