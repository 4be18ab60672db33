"""Data and models as people have them: litter, links, cut and flipped archives, no rights."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import official
import pytest
import requests
from typer.testing import CliRunner

from cifar10_cnn import models
from cifar10_cnn.__main__ import app
from cifar10_cnn.common import files
from cifar10_cnn.common.errors import CourseError, DataError
from cifar10_cnn.data import dataset as data
from cifar10_cnn.data import download, readers, store
from cifar10_cnn.device import keras
from cifar10_cnn.evaluation import scores
from cifar10_cnn.profiles import Profile

PROFILE = Profile("tiny", 100, 20, 20, epochs=1, experiment_images=50, experiment_epochs=1)


def refusing(number: int) -> Callable[..., None]:
    def opened(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return opened


@pytest.mark.parametrize("number", [errno.EACCES, errno.EMFILE, errno.ESTALE])
def test_a_good_cache_that_cannot_be_read_just_now_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setenv("CIFAR10_HOME", str(tmp_path))
    store.store(data.cache_path(), official.expected(), "CIFAR-10")
    content = data.cache_path().read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(store.np, "load", refusing(number))
        with pytest.raises(
            CourseError, match=rf"cifar10\.npz cannot be read \({os.strerror(number)}"
        ):
            data.load(PROFILE, "auto")
    assert data.cache_path().read_bytes() == content


def test_a_full_memory_is_not_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIFAR10_HOME", str(tmp_path))
    store.store(data.cache_path(), official.expected(), "CIFAR-10")

    def full(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(store.np, "load", full)
    with pytest.raises(MemoryError):
        data.load(PROFILE, "auto")
    assert data.cache_path().exists()


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
@pytest.mark.parametrize("harm", ["a bit flipped", "the last bytes cut"])
def test_the_checksum_of_a_compressed_archive_is_looked_at(
    tmp_path: Path, kind: str, harm: str
) -> None:
    file = tmp_path / f"images.tar.{kind}"
    official.write_tar(file, official.image_members())
    readers.read(file)
    content = bytearray(file.read_bytes())
    if harm == "a bit flipped":
        content[len(content) // 10] ^= 1
    else:
        content = content[:-5]
    file.write_bytes(content)
    with pytest.raises(DataError):
        readers.read(file)


def test_litter_is_left_out_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = official.unpack(tmp_path / "images", official.image_members())
    litter = ("__MACOSX/train/cat/._0000.png", "train/cat/._0000.png", "train/cat/notes.txt")
    for name in (*litter, "train/.ipynb_checkpoints/0000-checkpoint.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"no image")
    arrays = readers.read(folder)
    assert readers.fingerprint(arrays) == readers.fingerprint(official.expected())
    assert "4 files that are no images were left out" in capsys.readouterr().out


def test_an_image_is_known_by_its_content(tmp_path: Path) -> None:
    folder = official.unpack(tmp_path / "images", official.image_members())
    file = next((folder / "train" / "cat").iterdir())
    file.rename(file.with_suffix(".jfif"))
    assert len(readers.read(folder).train_labels) == 200


def test_links_an_archives_folder_and_a_friends_cache_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIFAR10_HOME", str(tmp_path))
    whole = readers.fingerprint(official.expected())
    real = official.unpack(tmp_path / "real", official.image_members())
    (tmp_path / "linked").mkdir()
    for name in ("train", "test"):
        (tmp_path / "linked" / name).symlink_to(real / name)
    (tmp_path / "folder").mkdir()
    monkeypatch.setattr(readers, "OFFICIAL_MD5", official.digests())
    official.write_tar(tmp_path / "folder" / "cifar-10-python.tar.gz", official.python_members())
    store.store(tmp_path / "of a friend", official.expected(), "own images")
    for name in ("linked", "folder", "of a friend"):
        assert data.load(PROFILE, str(tmp_path / name)).fingerprint == whole


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError("Could not find a suitable TLS CA certificate bundle"), "certificate bundle"),
        (requests.exceptions.ProxyError("HTTPSConnectionPool: NewConnectionError"), "HTTPS_PROXY"),
    ],
)
def test_each_fault_of_a_download_has_its_own_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(download, "_download", fails)
    monkeypatch.setattr(download, "RETRIES", 0)
    with pytest.raises(DataError, match=sentence):
        download.official_archive(tmp_path)


def test_a_mirror_may_be_the_address_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fails(url: str, *_: object, **__: object) -> None:
        asked.append(url)
        raise requests.ConnectionError

    monkeypatch.setattr(download, "_download", fails)
    monkeypatch.setattr(download, "RETRIES", 0)
    monkeypatch.setenv("CIFAR10_MIRROR", "http://school.example/files/")
    with pytest.raises(DataError):
        download.official_archive(tmp_path)
    assert asked[0] == "http://school.example/files/cifar-10-python.tar.gz"


@pytest.mark.parametrize("words", [["data", "import"], ["predict"], ["evaluate"]])
def test_a_path_that_is_too_long_is_one_sentence(words: list[str]) -> None:
    done = CliRunner().invoke(app, [*words, "n" * 5_000])
    assert done.exit_code == 1
    assert done.stderr.endswith("check its path and its rights.\n")
    assert len(done.stderr.splitlines()) == 1


def test_a_path_below_a_folder_one_may_not_enter_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", refusing(errno.EACCES))
        with pytest.raises(CourseError, match=r"a/b cannot be read \(Permission denied\)"):
            files.path("a/b")


def test_a_model_of_a_newer_keras_is_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = models.build("dense_baseline")
    with monkeypatch.context() as patch:
        patch.setattr("keras.src.saving.saving_lib.keras_version", "99.1.0")
        model.save(tmp_path / "model.keras")
    with pytest.raises(CourseError, match=r"saved by Keras 99\.1\.0, newer than"):
        models.load(tmp_path / "model.keras")


@pytest.mark.parametrize("scaled", [True, False])
def test_a_model_for_scaled_pixels_is_noticed(scaled: bool) -> None:
    """It tells bright images from dark ones, by a mean above or below the half of what it knows."""
    images = np.full((40, 32, 32, 3), 50, np.uint8)
    images[20:] = 200
    inputs = keras.Input((32, 32, 3))
    mean = keras.layers.GlobalAveragePooling2D()(inputs)
    layer = keras.layers.Dense(2, "softmax")
    model = keras.Model(inputs, layer(mean))
    middle = 0.5 if scaled else 127.5
    layer.set_weights([np.array([[-1.0, 1.0]] * 3), np.array([3 * middle, -3 * middle])])
    split = data.Split(images, np.repeat([0, 1], 20))
    assert scores.takes_scaled_pixels(model, split) == scaled
