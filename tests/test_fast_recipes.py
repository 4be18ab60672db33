"""The fast recipes: schedule by hand, sizes, what they learn, and what a kill costs."""

import errno
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cifar10_cnn import models, profiles
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data import dataset as data
from cifar10_cnn.device import keras
from cifar10_cnn.training import recipes, trainer

PROFILE = profiles.get("smoke")
TINY = replace(recipes.get("sprint"), name="tiny", batch_size=50, epochs=4, sizes=(16, 16, 20, 24))


@pytest.fixture(scope="module")
def dataset(course_home: Path) -> data.Dataset:
    """Return few of the practice set's images: drawing them takes seconds."""
    whole = data.load(PROFILE, "practice")
    few = data.Split(whole.train.images[:200], whole.train.labels[:200])
    return replace(whole, train=few)


def test_the_rate_falls_along_a_straight_line_to_zero() -> None:
    rate = recipes.get("sprint").rate(8)
    assert [float(rate(step)) for step in range(9)] == pytest.approx(
        [0.24, 0.21, 0.18, 0.15, 0.12, 0.09, 0.06, 0.03, 0.0]
    )


def test_each_row_of_epochs_of_one_size_is_a_part(dataset: data.Dataset) -> None:
    parts = list(TINY.parts(dataset.train, 10, epochs=4, seed=0))
    shapes = [(part.initial_epoch, part.epochs, part.x[0][0].shape[1]) for part in parts]
    assert shapes == [(0, 2, 16), (2, 3, 20), (3, 4, 24)]


def test_each_recipe_says_its_learning_rate_and_its_network() -> None:
    for name in recipes.names():
        settings = recipes.get(name).settings()
        assert {"model", "optimizer", "learning_rate", "batch_size"} <= set(settings)
    assert recipes.get("sprint").model == "fast_cnn"
    assert recipes.get("plain_cnn").model == "plain_cnn"


def test_labels_are_smoothed() -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Softmax()])
    replace(TINY, optimizer="sgd", label_smoothing=0.2).compile(model, 100, 1)
    values = np.array([[1.0, 2.0, 3.0]])
    loss = model.evaluate(values, np.array([[0.0, 0.0, 1.0]]), verbose=0)[0]
    logs = values[0] - np.log(np.exp(values[0]).sum())
    # 0.2 of the label is spread over all three classes.
    assert loss == pytest.approx(-(0.8 * logs[2] + 0.2 * logs.mean()), rel=1e-4)


def tiny(_: keras.Model) -> keras.Model:
    """A network for images of any size that is built in no time."""
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((None, None, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(8, 3),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(10, "softmax"),
        ]
    )


def trained(
    folder: Path | None, dataset: data.Dataset, *callbacks: keras.callbacks.Callback
) -> tuple[list[np.ndarray], dict[str, list[float]]]:
    recipe = replace(TINY, optimizer="momentum")
    plan = trainer.Training(recipe, 4, 0, dataset.fingerprint, precision="fp32", keep="last")
    model, history = trainer.fit(plan, dataset, folder=folder, callbacks=callbacks, network=tiny)
    del history["seconds"]
    return model.get_weights(), history


class Killer(keras.callbacks.Callback):
    """Raises an error where an epoch begins."""

    def __init__(self, number: int, error: BaseException) -> None:
        super().__init__()
        self._number, self._error = number, error

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if epoch == self._number:
            raise self._error


def test_a_stopped_training_ends_with_the_weights_of_an_undisturbed_one(
    dataset: data.Dataset, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    expected, history = trained(None, dataset)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, dataset, Killer(1, KeyboardInterrupt()))
    assert "Stopped. The same call goes on" in capsys.readouterr().out
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(CourseError, match=r"could not be written \(No space left on device\)"):
        trained(tmp_path, dataset, Killer(2, full))
    weights, resumed = trained(tmp_path, dataset)
    assert all(map(np.array_equal, weights, expected))
    assert resumed == history
    assert len(history["loss"]) == 4
    file = keras.models.load_model(tmp_path / "model.keras")
    assert all(map(np.array_equal, file.get_weights(), expected))


def test_a_training_ends_with_a_rate_of_zero(dataset: data.Dataset) -> None:
    model = models.build(TINY.model)
    TINY.compile(model, len(dataset.train), 4)
    steps = [
        len(part.x) * (part.epochs - part.initial_epoch)
        for part in TINY.parts(dataset.train, 10, epochs=4, seed=0)
    ]
    assert steps == [8, 4, 4]
    rate = model.optimizer._learning_rate
    assert float(rate(sum(steps))) == 0
    assert float(rate(sum(steps) - 1)) > 0


@pytest.mark.long
def test_it_learns_the_practice_set(course_home: Path) -> None:
    """Better than the most frequent class by far, after a few seconds."""
    whole = data.load(PROFILE, "practice")
    recipe = replace(TINY, epochs=6, sizes=(16,) * 6)
    plan = trainer.Training(recipe, 6, 0, whole.fingerprint)
    assert trainer.fit(plan, whole)[1]["accuracy"][-1] > 0.4
