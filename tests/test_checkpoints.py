"""Checkpoints: damage falls back to the one before, says so, and changes nothing of the outcome."""

import errno
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data.batches import Shuffled
from cifar10_cnn.device import keras
from cifar10_cnn.training import checkpoints
from cifar10_cnn.training import trainer as fitting

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


def trained(
    folder: Path,
    *callbacks: keras.callbacks.Callback,
    model: keras.Model | None = None,
    epochs: int = EPOCHS,
):
    """Train five batches an epoch and return history and final weights."""
    model = model or made()
    pictures = Shuffled(IMAGES, LABELS, batch_size=12, seed=0)
    history = fitting.fit_model(
        model,
        pictures,
        folder,
        epochs=epochs,
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
        **{f"a byte changed at {share:.0%}": flip(share) for share in (0.3, 0.5, 0.7)},
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
def test_a_bit_changed_anywhere_is_noticed(
    tmp_path: Path, capsys: pytest.CaptureFixture, tally
) -> None:
    plan: dict[str, str] = {}
    with pytest.raises(KilledError):
        pictures = Shuffled(IMAGES, LABELS, batch_size=12, seed=0)
        whole = checkpoints.Checkpoints(tmp_path, plan, model := made())
        whole.fit(pictures, epochs=2, callbacks=[Killer(7)], verbose=0)
    newest, before = (tmp_path / "checkpoints" / f"{name}.npz" for name in ("newest", "before"))
    content, other = newest.read_bytes(), before.read_bytes()
    expected = checkpoints.Checkpoints(tmp_path, plan, model)
    rng = np.random.default_rng(0)
    for place in rng.choice(len(content), 300, replace=False):
        changed = bytearray(content)
        changed[place] ^= 1 << rng.integers(8)
        newest.write_bytes(changed)
        before.write_bytes(other)
        found = checkpoints.Checkpoints(tmp_path, plan, model)
        assert f"{newest} is damaged" in capsys.readouterr().out
        assert found.at.step == expected.at.step - 1
    tally("checkpoints damaged", 300)


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
@pytest.mark.parametrize(
    "damage",
    [lambda file: file.write_bytes(file.read_bytes()[:-100]), lambda file: file.unlink()],
    ids=["cut", "gone"],
)
def test_a_damaged_best_model_counts_as_a_damaged_checkpoint(
    undisturbed: tuple,
    tmp_path: Path,
    damage: Callable[[Path], object],
    capsys: pytest.CaptureFixture,
    tally,
) -> None:
    with pytest.raises(KilledError):
        trained(tmp_path, Killer(8))
    for file in (tmp_path / "checkpoints").glob("*.keras"):
        damage(file)
    assert same(trained(tmp_path), undisturbed)
    assert "is damaged (" in capsys.readouterr().out
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
@pytest.mark.parametrize("batch", [0, 3])
def test_an_interrupt_before_the_first_minute_is_over_begins_as_the_first_time(
    batch: int, undisturbed: tuple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tally
) -> None:
    """The cell runs again with a model that has learnt something already."""
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN", 60.0)
    model = made()
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, Killer(batch, KeyboardInterrupt), model=model)
    assert same(trained(tmp_path, model=model), undisturbed)
    tally("interrupts", 1)


class Counter(keras.callbacks.Callback):
    """A callback as a student might write it: it changes what is learnt by what it has counted."""

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.batches, self.losses = 0, []

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.batches += 1

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.losses.append(logs["loss"])
        slower = 1 + len(self.losses) / 5 + self.batches / 70
        self.model.optimizer.learning_rate = 0.02 / slower


def counting() -> list[keras.callbacks.Callback]:
    """Callbacks of which each decides by what it remembers of the epochs before."""
    return [
        keras.callbacks.EarlyStopping(
            "loss", patience=2, min_delta=0.02, restore_best_weights=True
        ),
        Counter(),
        keras.callbacks.ReduceLROnPlateau("accuracy", factor=0.5, patience=1, min_delta=0.05),
    ]


@pytest.mark.faults
def test_other_callbacks_remember_what_was_before_a_kill(tmp_path: Path, tally) -> None:
    expected = trained(tmp_path / "undisturbed", *counting(), epochs=20)
    assert EPOCHS < len(expected[0]["loss"]) < 20  # it stopped early
    for batch in range(7, 5 * len(expected[0]["loss"]), 11):
        folder = tmp_path / str(batch)
        with pytest.raises(KilledError):
            trained(folder, Killer(batch), *counting(), epochs=20)
        assert same(trained(folder, *counting(), epochs=20), expected), batch
        tally("trainings with callbacks killed", 1)


@pytest.mark.faults
def test_a_lowered_learning_rate_makes_no_other_training(tmp_path: Path, tally) -> None:
    """The cell runs again with the model whose learning rate the callbacks have changed."""
    expected = trained(tmp_path / "undisturbed", *counting(), epochs=20)
    model = made()
    for batch in (17, 9):
        with pytest.raises(KeyboardInterrupt):
            trained(tmp_path, Killer(batch, KeyboardInterrupt), *counting(), model=model, epochs=20)
    assert same(trained(tmp_path, *counting(), model=model, epochs=20), expected)
    tally("interrupts", 2)


def test_one_that_had_stopped_early_trains_no_more(tmp_path: Path) -> None:
    """Killed after its last epoch, before the network was saved."""
    expected = trained(tmp_path / "undisturbed", *counting(), epochs=20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints.Checkpoints, "_save", killed)
        with pytest.raises(KilledError):
            trained(tmp_path, *counting(), epochs=20)
    begun: list[int] = []
    note = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: begun.append(epoch))
    assert same(trained(tmp_path, *counting(), note, epochs=20), expected)
    assert not begun
    assert (tmp_path / "model.keras").exists()


def killed(*_: object) -> None:
    raise KilledError


def test_at_most_a_minute_is_learnt_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock on which each batch takes 25 seconds."""
    monkeypatch.undo()
    clock = iter(range(0, 10**6, 25))
    monkeypatch.setattr(checkpoints.time, "perf_counter", lambda: next(clock))
    steps = []
    write = checkpoints.Checkpoints._write

    def noted(self: checkpoints.Checkpoints) -> None:
        write(self)
        steps.append((self.at.epoch, self.at.step))

    monkeypatch.setattr(checkpoints.Checkpoints, "_write", noted)
    trained(tmp_path)
    assert steps[:4] == [(0, 0), (0, 3), (1, 0), (1, 3)]
    assert checkpoints.SECONDS_BETWEEN <= 60


@pytest.mark.faults
def test_a_full_disk_stops_it_with_a_word_and_loses_nothing(
    undisturbed: tuple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tally
) -> None:
    sync, calls = os.fsync, iter(range(100))

    def full(descriptor: int) -> None:
        if next(calls) == 8:
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
        with np.load(io.BytesIO(file.read_bytes()[:-32])) as archive:
            arrays = dict(archive)
        about = json.loads(arrays["about"].tobytes())
        del about["at"]["rows"]
        about["at"]["lines"] = []
        arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
        packed = io.BytesIO()
        np.savez(packed, **arrays)
        content = packed.getvalue()
        file.write_bytes(content + hashlib.sha256(content).digest())
    assert same(trained(tmp_path), undisturbed)
