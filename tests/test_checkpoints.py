"""Resume: a killed training ends with the weights and the history of one that nobody killed."""

import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from cifar10_cnn import training
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data.batches import Shuffled
from cifar10_cnn.device import keras

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


def made(units: int = 4, rate: float = 0.01) -> keras.Model:
    """A model with all that a training changes: weights, statistics, random states, averages."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.RandomFlip("horizontal"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(8, "relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(units, "softmax"),
        ]
    )
    optimizer = keras.optimizers.Adam(rate)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


Outcome = tuple[dict[str, list[float]], list[np.ndarray]]


def trained(
    folder: Path,
    *more: keras.callbacks.Callback,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    model: keras.Model | None = None,
    epochs: int = EPOCHS,
) -> Outcome:
    """Train five batches an epoch as notebook 04 does; return history and final weights."""
    model = model or made()
    images = Shuffled(IMAGES, LABELS, batch_size=12, seed=0)
    history = model.fit(
        images,
        epochs=epochs,
        validation_data=VALIDATION,
        callbacks=[*more, *callbacks, training.Resume(folder, images, callbacks)],
        shuffle=False,
        verbose=0,
    ).history
    del history["seconds"]
    return history, model.get_weights()


def killed_at(batch: int, folder: Path, **options: object) -> None:
    with pytest.raises(KilledError):
        trained(folder, Killer(batch), **options)


def same(ours: Outcome, theirs: Outcome) -> bool:
    return ours[0] == theirs[0] and all(map(np.array_equal, ours[1], theirs[1]))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return trained(tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.parametrize("batch", [2, 5, 14])
def test_a_training_goes_on_after_its_last_whole_epoch(
    batch: int, undisturbed: Outcome, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    killed_at(batch, tmp_path)
    begun: list[int] = []
    note = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: begun.append(epoch))
    assert same(trained(tmp_path, note), undisturbed)
    assert begun == list(range(batch // 5, EPOCHS))
    assert (f"Going on after epoch {batch // 5}." in capsys.readouterr().out) == (batch >= 5)


def test_what_was_trained_is_what_plain_keras_trains(undisturbed: Outcome) -> None:
    model, images = made(), Shuffled(IMAGES, LABELS, batch_size=12, seed=0)
    options = {"epochs": EPOCHS, "shuffle": False, "verbose": 0, "validation_data": VALIDATION}
    history = model.fit(images, **options).history
    assert same((history, model.get_weights()), undisturbed)


def test_a_finished_training_is_not_trained_again(undisturbed: Outcome, tmp_path: Path) -> None:
    trained(tmp_path)
    model = made()
    assert same(trained(tmp_path, Killer(0), model=model), undisturbed)
    history = model.fit(IMAGES, LABELS, epochs=2, verbose=0).history  # as anywhere in Keras
    assert len(history["loss"]) == 2


def cut(share: float) -> Callable[[bytes], bytes]:
    return lambda raw: raw[: int(len(raw) * share)]


def flip(share: float) -> Callable[[bytes], bytes]:
    def flipped(raw: bytes) -> bytes:
        place = int(share * (len(raw) - 1))
        return raw[:place] + bytes([raw[place] ^ 4]) + raw[place + 1 :]

    return flipped


@pytest.mark.parametrize("damage", [cut(0), cut(0.5), cut(0.99), flip(0), flip(0.3), flip(0.6)])
def test_a_damaged_checkpoint_is_not_gone_on_from(
    damage: Callable, undisturbed: Outcome, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    killed_at(12, tmp_path)
    checkpoint = tmp_path / "checkpoint.npz"
    checkpoint.write_bytes(damage(checkpoint.read_bytes()))
    assert same(trained(tmp_path), undisturbed)
    out = capsys.readouterr().out
    assert f"{checkpoint} is damaged: the training begins again." in out
    assert "Going on" not in out


def test_a_checkpoint_that_cannot_be_read_now_is_left_where_it_is(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint.npz"
    checkpoint.mkdir()  # whoever is root may read anything else
    with pytest.raises(CourseError, match=r"checkpoint\.npz cannot be read \(.*\): check its path"):
        trained(tmp_path)
    assert checkpoint.exists()


@pytest.mark.parametrize(
    "other",
    [{"model": lambda: made(units=5)}, {"model": lambda: made(rate=0.02)}, {"epochs": 4}],
    ids=["layers", "learning rate", "epochs"],
)
def test_another_training_begins_anew(
    other: dict, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    killed_at(8, tmp_path)
    options = {name: value() if callable(value) else value for name, value in other.items()}
    history, _ = trained(tmp_path, **options)
    assert len(history["loss"]) == other.get("epochs", EPOCHS)
    assert "Going on" not in capsys.readouterr().out


@pytest.mark.parametrize("batch", [0, 8])
def test_interrupted_the_cell_runs_again_with_the_same_model(
    batch: int, undisturbed: Outcome, tmp_path: Path
) -> None:
    model = made()
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, Killer(batch, KeyboardInterrupt), model=model)
    assert same(trained(tmp_path, model=model), undisturbed)


def counting(folder: Path) -> list[keras.callbacks.Callback]:
    """Keras' callbacks of which each decides by what it remembers of the epochs before."""
    return [
        keras.callbacks.EarlyStopping(
            "loss", patience=2, min_delta=0.02, restore_best_weights=True
        ),
        keras.callbacks.ReduceLROnPlateau("accuracy", factor=0.5, patience=1, min_delta=0.05),
        keras.callbacks.ModelCheckpoint(
            folder / "model.keras", monitor="val_accuracy", save_best_only=True
        ),
    ]


def saved(folder: Path) -> list[np.ndarray]:
    return keras.models.load_model(folder / "model.keras").get_weights()


def test_keras_callbacks_remember_what_was_before_a_kill(tmp_path: Path) -> None:
    folder = tmp_path / "undisturbed"
    folder.mkdir()
    expected = trained(folder, callbacks=counting(folder), epochs=15)
    best = saved(folder)
    epochs = len(expected[0]["loss"])
    assert EPOCHS < epochs < 15  # it stopped early
    assert len(set(expected[0]["learning_rate"])) > 1
    killed_at(5 * epochs // 2, tmp_path, callbacks=counting(tmp_path), epochs=15)
    # Interrupted, too: the cell runs again with a model whose learning rate was lowered.
    model, callbacks = made(), counting(tmp_path)
    interrupt = Killer(5, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, interrupt, callbacks=callbacks, model=model, epochs=15)
    assert same(trained(tmp_path, callbacks=callbacks, model=model, epochs=15), expected)
    assert all(map(np.array_equal, saved(tmp_path), best))
    # Stopped early, it trains no more, and has the weights of its best epoch.
    outcome = trained(tmp_path, Killer(0), callbacks=counting(tmp_path), epochs=15)
    assert same(outcome, expected)


@pytest.mark.parametrize("write", [1, 3])
def test_a_full_disk_stops_it_with_a_word_and_loses_nothing(
    write: int, undisturbed: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync, calls = os.fsync, iter(range(100))

    def full(descriptor: int) -> None:
        if next(calls) == 2 * write:  # one for the file, one for its folder
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(CourseError, match=r"could not be written \(No space left on device\)"):
            trained(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.npz"]  # of the epoch before
    assert same(trained(tmp_path), undisturbed)
