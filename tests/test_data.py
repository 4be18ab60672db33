"""Loading, splitting and caching, on hand-made sets and on faults done on purpose."""

import errno
import time
from pathlib import Path
from typing import BinaryIO

import numpy as np
import official
import pytest

from cifar10_cnn import profiles
from cifar10_cnn.common.errors import CourseError, DataError
from cifar10_cnn.data import dataset as data
from cifar10_cnn.data import download, readers, store
from cifar10_cnn.profiles import Profile

PROFILE = Profile("tiny", None, 20, None, 1, 10, 1, seed=0)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CIFAR10_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CIFAR10_DATA", "auto")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "home"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return official.write_tar(tmp_path / "cifar.tar.gz", official.binary_members())


@pytest.fixture
def taken_for_cifar10(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the hand-made images pass for the official ones."""
    monkeypatch.setattr(data, "FINGERPRINT", readers.fingerprint(official.expected()))


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens on this port."""
    monkeypatch.setattr(download, "URLS", ("http://127.0.0.1:9/cifar-10-python.tar.gz",))


def split(seed: int = 0, **sizes: int | None) -> data.Dataset:
    settings = {"train_images": None, "validation_images": 20, "test_images": None, **sizes}
    profile = Profile("tiny", epochs=1, experiment_images=10, experiment_epochs=1, seed=seed,
                      **settings)  # type: ignore[arg-type]  # fmt: skip
    return data.split(official.expected(), profile, "own images", "0" * 64)


def contents(part: data.Split) -> set[bytes]:
    return {image.tobytes() for image in part.images}


def test_splits_are_disjoint_and_lose_nothing() -> None:
    dataset = split()
    train, validation = contents(dataset.train), contents(dataset.validation)
    assert len(train) == 180
    assert len(validation) == 20
    assert not train & validation
    assert not (train | validation) & contents(dataset.test)
    expected = official.expected()
    pairs = zip(expected.train_images, expected.train_labels, strict=True)
    label_of = {image.tobytes(): label for image, label in pairs}
    assert train | validation == set(label_of)
    for part in (dataset.train, dataset.validation):
        assert [label_of[image.tobytes()] for image in part.images] == part.labels.tolist()


@pytest.mark.parametrize("sizes", [{}, {"train_images": 100, "test_images": 10}])
def test_splits_are_stratified(sizes: dict) -> None:
    dataset = split(**sizes)
    for part in (dataset.train, dataset.validation, dataset.test):
        counts = np.bincount(part.labels)
        assert (counts == len(part) // 10).all(), counts


def test_too_few_images_for_a_split() -> None:
    arrays = official.expected()
    few = arrays._replace(
        train_images=arrays.train_images[:11], train_labels=arrays.train_labels[:11]
    )
    with pytest.raises(DataError, match="11 training and 40 test images are too few"):
        data.split(few, PROFILE, "own images", "0" * 64)


def test_select_classes_relabels_and_shuffles() -> None:
    dataset = split()
    subset = data.select_classes(dataset, ("frog", "cat", "dog"))
    assert subset.class_names == ("frog", "cat", "dog")
    for whole, part in zip(
        (dataset.train, dataset.validation, dataset.test),
        (subset.train, subset.validation, subset.test),
        strict=True,
    ):
        for new, old in enumerate((6, 3, 5)):
            assert contents(data.Split(part.images[part.labels == new], part.labels)) == {
                image.tobytes() for image in whole.images[whole.labels == old]
            }
    assert not np.array_equal(subset.train.labels, np.sort(subset.train.labels))
    again = data.select_classes(dataset, ("frog", "cat", "dog"))
    np.testing.assert_array_equal(subset.train.images, again.train.images)


@pytest.mark.parametrize("names", [("cat", "cow"), ("cat",), ("cat", "cat"), ()])
def test_select_classes_refuses_wrong_names(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="two or more different names out of airplane"):
        data.select_classes(split(), names)


def test_import_then_load_from_the_cache(
    home: Path, archive: Path, taken_for_cifar10: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert data.import_path(archive) == home / "data" / "cifar10.npz"
    dataset = data.load(PROFILE)
    assert dataset.name == "CIFAR-10"
    assert dataset.origin == "CIFAR-10 · profile tiny · seed 0"
    assert len(dataset.train) == 180
    assert "180 training, 20 validation and 40 test images" in capsys.readouterr().out
    assert "60,000" in data.verify()
    assert "training: 200 images, 20 to 20 a class" in data.describe()
    mean = (official.expected().train_images / 255).mean(axis=(0, 1, 2))
    assert ", ".join(f"{value:.4f}" for value in mean) in data.describe()


def test_import_refuses_what_is_not_cifar10(home: Path, archive: Path) -> None:
    with pytest.raises(DataError, match=r"200 training and 40 test .* set CIFAR10_DATA="):
        data.import_path(archive)
    assert not (home / "data" / "cifar10.npz").exists()


def test_path_as_source_is_cached_until_it_changes(
    home: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIFAR10_DATA", str(archive))
    first = data.load(PROFILE)
    assert first.name == "own images"
    monkeypatch.setattr(readers, "read", lambda path: pytest.fail("read again"))
    assert data.load(PROFILE).fingerprint == first.fingerprint
    monkeypatch.undo()
    monkeypatch.setenv("CIFAR10_HOME", str(home))
    members = official.binary_members()
    members["cifar-10-batches-bin/data_batch_1.bin"] = official.binary_batch(*official.batch(99))
    official.write_tar(archive, members)
    assert data.load(PROFILE, str(archive)).fingerprint != first.fingerprint


@pytest.mark.parametrize("source", ["cifar-10", "no/such/path"])
def test_unknown_source_names_the_valid_ones(home: Path, source: str) -> None:
    with pytest.raises(DataError, match=f"'{source}' is neither auto, cifar10, practice nor"):
        data.load(PROFILE, source)


def test_unknown_profile_names_the_valid_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIFAR10_PROFILE", "turbo")
    with pytest.raises(CourseError, match="no profile 'turbo': choose one of smoke, quick, full"):
        profiles.current()


@pytest.mark.usefixtures("taken_for_cifar10", "unreachable")
@pytest.mark.parametrize(
    "place",
    ["keras/datasets", "keras/datasets/cifar-10-batches-py-target", "home/data", "tar"],
)
def test_a_copy_that_another_library_left_is_taken(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Keras' folders, old and new, and torchvision's where its root is our ``data/``."""
    monkeypatch.setattr(readers, "OFFICIAL_MD5", official.digests())
    if place == "tar":
        folder = tmp_path / "keras" / "datasets"
        folder.mkdir(parents=True)
        official.write_tar(folder / "cifar-10-python.tar.gz", official.python_members())
    else:
        official.unpack(tmp_path / place, official.python_members())
    assert data.load(PROFILE, "auto").name == "CIFAR-10"


@pytest.mark.usefixtures("home", "taken_for_cifar10", "unreachable")
def test_a_damaged_copy_of_another_library_is_passed_over(tmp_path: Path) -> None:
    official.unpack(tmp_path / "keras" / "datasets", official.python_members())  # not registered
    with pytest.raises(DataError, match="no network connection"):
        data.load(PROFILE, "cifar10")


def test_the_split_of_a_seed_never_changes() -> None:
    """Numbers noted when the course was first published: results rest on these splits."""
    dataset = split()
    order = {image.tobytes(): at for at, image in enumerate(official.expected().train_images)}
    validation, train = (
        [order[image.tobytes()] for image in part.images[:8]]
        for part in (dataset.validation, dataset.train)
    )
    assert validation == [187, 146, 11, 125, 186, 111, 29, 68]
    assert train == [115, 130, 79, 193, 103, 147, 20, 35]


def test_no_network_falls_back_on_the_practice_set_with_a_banner(
    home: Path, unreachable: None, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = time.monotonic()
    arrays = official.expected()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data.practice, "make", lambda: arrays)
        dataset = data.load(PROFILE, "auto")
    assert time.monotonic() - begun < 60, "an unreachable server must not hold up a class"
    assert dataset.name == "practice set"
    out = capsys.readouterr().out
    assert "PRACTICE SET: these images are drawings, NOT CIFAR-10." in out
    assert "no network connection" in " ".join(out.replace("█", "").split())
    assert {len(line) for line in out.splitlines() if line.startswith("█")} == {94}


def test_full_disk_leaves_nothing_half_written(
    home: Path, archive: Path, taken_for_cifar10: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def savez(file: BinaryIO, **_: object) -> None:
        file.write(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", savez)
    with pytest.raises(DataError, match=r"cifar10\.npz cannot be written \(No space left.*MB"):
        data.import_path(archive)
    assert not list((home / "data").glob("*.npz"))


@pytest.mark.usefixtures("home", "taken_for_cifar10", "unreachable")
@pytest.mark.parametrize("damage", ["cut", "byte", "text", "empty"])
def test_a_damaged_cache_is_named_and_fetched_again(
    archive: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    damage: str,
) -> None:
    file = data.import_path(archive)
    good = file.read_bytes()
    changed = bytearray(good)
    changed[len(changed) // 2] ^= 255
    file.write_bytes(
        {"cut": good[:-50], "byte": bytes(changed), "text": b"hello", "empty": b""}[damage]
    )
    with pytest.raises(DataError, match="no network connection"):
        data.load(PROFILE, "cifar10")
    assert "cifar10.npz is damaged" in capsys.readouterr().out
    assert not file.exists()  # it poisons no later start
    monkeypatch.setattr(download, "official_archive", lambda folder: archive)
    assert data.load(PROFILE, "cifar10").name == "CIFAR-10"


@pytest.mark.usefixtures("home", "taken_for_cifar10", "unreachable")
def test_a_cache_of_other_images_is_not_taken_for_cifar10(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is whole, and calls itself CIFAR-10."""
    data.import_path(archive)
    arrays = official.expected()
    arrays.test_images[0, 0, 0, 0] ^= 1
    store.store(data.cache_path(), arrays, "CIFAR-10")
    with pytest.raises(DataError, match="no network connection"):
        data.load(PROFILE, "cifar10")
    assert "cifar10.npz holds other images than CIFAR-10" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("field", "content"),
    [
        ("train_images", np.zeros((200, 32, 32), np.uint8)),
        ("train_images", np.zeros((200, 32, 32, 3), np.float64)),
        ("train_labels", np.full(200, 10)),
        ("test_labels", np.zeros(3, np.int64)),
        ("test_images", np.array([None] * 40)),
        ("about", np.array("[]")),
        ("about", np.array('{"format": 1}')),
    ],
)
def test_a_cache_of_something_else_is_refused(
    tmp_path: Path, field: str, content: np.ndarray
) -> None:
    """Each is a file that numpy reads."""
    arrays = official.expected()
    file = tmp_path / "cache.npz"
    store.store(file, arrays, "own images")
    with np.load(file) as whole:
        parts = dict(whole)
    np.savez_compressed(file, **{**parts, field: content})
    with pytest.raises(DataError, match=r"cache\.npz is damaged or of another version"):
        store.read(file)


def test_a_single_changed_pixel_is_found(
    home: Path, archive: Path, taken_for_cifar10: None
) -> None:
    file = data.import_path(archive)
    with np.load(file) as cached:
        arrays = dict(cached)
    arrays["test_images"][7, 3, 2, 1] ^= 1
    np.savez(file, **arrays)  # a whole file, with the right checksums of the zip format
    for command in (data.verify, data.describe):
        with pytest.raises(DataError, match=r"fingerprint .*…, not"):
            command()


def test_nothing_to_verify_or_describe(home: Path) -> None:
    for command in (data.verify, data.describe):
        with pytest.raises(DataError, match=r"There is no CIFAR-10 in .* data fetch"):
            command()
