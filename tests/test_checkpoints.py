"""Checkpoints: damage falls back to the one before, says so, and changes nothing of the outcome."""

import errno
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from cifar10_cnn import checkpoints, fitting
from cifar10_cnn.batches import Shuffled
from cifar10_cnn.device import keras
from cifar10_cnn.errors import CourseError

EPOCHS = 3
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (60, 8, 8, 3), dtype=np.uint8)
LABELS = RNG.integers(0, 4, 60)
VALIDATION = IMAGES[:20], LABELS[:20]


class KilledError(Exception):
    """Ends a training where no code of ours is asked."""


class Killer(keras.callbacks.Callback):
    """Raises an error before a batch, counted over all epochs from 0."""

    def __init__(self, batch: int, error: type[BaseException] = KilledError) -> None:
        super().__init__()
        self._left, self._error = batch, error

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        if self._left == 0:
            raise self._error
        self._left -= 1


@pytest.fixture(autouse=True)
def after_every_batch(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN", 0.0)
    yield


def made(units: int = 4) -> keras.Model:
    """A model with all that a training changes: weights, statistics, dropout, Adam's averages."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(8, "relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(units, "softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def trained(folder: Path, *callbacks: keras.callbacks.Callback, model: keras.Model | None = None):
    """Train five batches an epoch and return history and final weights."""
    model = model or made()
    pictures = Shuffled(IMAGES, LABELS, batch_size=12, seed=0)
    history = fitting.fit_model(
        model,
        pictures,
        folder,
        epochs=EPOCHS,
        callbacks=callbacks,
        validation_data=VALIDATION,
        verbose=0,
    )
    return history, model.get_weights()


def same(ours: tuple, theirs: tuple) -> bool:
    return ours[0] == theirs[0] and all(map(np.array_equal, ours[1], theirs[1]))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple:
    return trained(tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.parametrize("batch", range(1, 5 * EPOCHS))
def test_a_training_goes_on_at_the_batch_where_it_ended(
    batch: int, undisturbed: tuple, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(KilledError):
        trained(tmp_path, Killer(batch))
    assert same(trained(tmp_path), undisturbed)
    told = f"Going on after epoch {batch // 5}"
    told += f", batch {batch % 5}." if batch % 5 else "."
    assert told in capsys.readouterr().out


def test_what_was_trained_is_what_plain_keras_trains(undisturbed: tuple) -> None:
    model = made()
    pictures = Shuffled(IMAGES, LABELS, batch_size=12, seed=0)
    history = model.fit(
        pictures,
        epochs=EPOCHS,
        shuffle=False,
        verbose=0,
        validation_data=VALIDATION,
        validation_batch_size=checkpoints.VALIDATION_BATCH,
    ).history
    assert same((history, model.get_weights()), undisturbed)


def test_the_saved_network_is_the_best_epochs(undisturbed: tuple, tmp_path: Path) -> None:
    history, _ = trained(tmp_path)
    saved = keras.models.load_model(tmp_path / "model.keras")
    accuracy = saved.evaluate(*VALIDATION, verbose=0, return_dict=True)["accuracy"]
    assert accuracy == pytest.approx(max(history["val_accuracy"]))


def damages() -> dict[str, Callable[[bytes], bytes]]:
    """Ways to damage a file, by name."""

    def cut(tenth: int) -> Callable[[bytes], bytes]:
        return lambda raw: raw[: len(raw) * tenth // 10]

    def flip(share: float) -> Callable[[bytes], bytes]:
        def flipped(raw: bytes) -> bytes:
            place = int(share * len(raw))
            return raw[:place] + bytes([raw[place] ^ 0xFF]) + raw[place + 1 :]

        return flipped

    return {
        **{f"cut at {tenth} tenths": cut(tenth) for tenth in range(10)},
        **{f"a byte changed at {share:.0%}": flip(share) for share in (0.3, 0.5, 0.7, 0.99)},
        "zeros": lambda raw: bytes(len(raw)),
        "another file": lambda raw: b"PK not at all",
    }


@pytest.mark.faults
@pytest.mark.parametrize("how", damages())
def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(
    how: str, undisturbed: tuple, tmp_path: Path, capsys: pytest.CaptureFixture, tally
) -> None:
    with pytest.raises(KilledError):
        trained(tmp_path, Killer(8))
    newest = tmp_path / "checkpoints" / "newest.npz"
    newest.write_bytes(damages()[how](newest.read_bytes()))
    assert same(trained(tmp_path), undisturbed)
    out = capsys.readouterr().out
    assert f"{newest} is damaged" in out
    assert "Going on after epoch 1, batch 2." in out
    tally("checkpoints damaged", 1)


@pytest.mark.faults
def test_with_both_checkpoints_damaged_it_begins_anew(
    undisturbed: tuple, tmp_path: Path, tally
) -> None:
    with pytest.raises(KilledError):
        trained(tmp_path, Killer(8))
    for file in (tmp_path / "checkpoints").glob("*.npz"):
        file.write_bytes(b"")
    assert same(trained(tmp_path), undisturbed)
    tally("checkpoints damaged", 2)


@pytest.mark.faults
def test_a_damaged_best_model_counts_as_a_damaged_checkpoint(
    undisturbed: tuple, tmp_path: Path, tally
) -> None:
    with pytest.raises(KilledError):
        trained(tmp_path, Killer(8))
    for file in (tmp_path / "checkpoints").glob("*.keras"):
        file.write_bytes(file.read_bytes()[:-100])
    assert same(trained(tmp_path), undisturbed)
    saved = keras.models.load_model(tmp_path / "model.keras")
    assert saved.count_params() == made().count_params()
    tally("checkpoints damaged", 1)


def test_another_plan_begins_anew(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(KilledError):
        trained(tmp_path, Killer(8))
    history, _ = trained(tmp_path, model=made(units=5))
    assert len(history["loss"]) == EPOCHS
    assert "Going on" not in capsys.readouterr().out


@pytest.mark.faults
@pytest.mark.parametrize("batch", [2, 8])
def test_an_interrupt_leaves_a_model_and_says_how_to_go_on(
    batch: int, undisturbed: tuple, tmp_path: Path, capsys: pytest.CaptureFixture, tally
) -> None:
    model = made()
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, Killer(batch, KeyboardInterrupt), model=model)
    assert "the same call goes on" in capsys.readouterr().out
    keras.models.load_model(tmp_path / "model.keras").predict(IMAGES, verbose=0)
    # As in a notebook: the cell runs again with the same model.
    assert same(trained(tmp_path, model=model), undisturbed)
    tally("interrupts", 1)


@pytest.mark.faults
def test_a_full_disk_stops_it_with_a_word_and_loses_nothing(
    undisturbed: tuple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tally
) -> None:
    sync, calls = os.fsync, iter(range(100))

    def full(descriptor: int) -> None:
        if next(calls) == 9:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(CourseError, match=r"could not be written \(No space left on device\)"):
            trained(tmp_path)
    assert not list(tmp_path.rglob("*.part"))
    assert same(trained(tmp_path), undisturbed)
    tally("full disks", 1)


def test_only_what_may_be_needed_is_kept(tmp_path: Path) -> None:
    trained(tmp_path)
    kept = sorted(file.name for file in (tmp_path / "checkpoints").iterdir())
    assert kept[-2:] == ["before.npz", "newest.npz"] or kept[0] == "before.npz"
    assert len([name for name in kept if name.endswith(".keras")]) <= 2


def test_checkpoints_of_another_program_version_are_left_out(
    undisturbed: tuple, tmp_path: Path
) -> None:
    with pytest.raises(KilledError):
        trained(tmp_path, Killer(8))
    for file in (tmp_path / "checkpoints").glob("*.npz"):
        with np.load(file) as archive:
            arrays = dict(archive)
        about = json.loads(arrays["about"].tobytes())
        del about["at"]["rows"]
        about["at"]["lines"] = []
        arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
        np.savez(file, **arrays)
    assert same(trained(tmp_path), undisturbed)
