"""Training survives anything: what a killed one ends with is what an undisturbed one ends with."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import killed
import numpy as np
import official
import pytest

from cifar10_cnn import checkpoints, data, fitting, profiles, recipes
from cifar10_cnn.device import keras

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    return official.write_tar(folder / "own.tar", official.picture_members())


@pytest.fixture(scope="module", params=["picky", "regularized"])
def undisturbed(
    request: pytest.FixtureRequest, source: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict]:
    home = tmp_path_factory.mktemp("undisturbed") / "home"
    outcome = killed.train(home, source, request.param)
    assert outcome is not None
    return request.param, outcome


def same(outcome: dict | None, expected: dict) -> bool:
    return outcome is not None and all(
        outcome[key] == expected[key] for key in ("weights", "history")
    )


def survives(home: Path, source: Path, name: str, expected: dict, moments: list[int]) -> None:
    """Kill a training at some moments of it, each counted from where it goes on."""
    for moment in moments:
        assert killed.train(home, source, name, moment) is None
    assert same(killed.train(home, source, name), expected)


def test_two_undisturbed_trainings_are_the_same(
    undisturbed: tuple[str, dict], source: Path, tmp_path: Path
) -> None:
    name, expected = undisturbed
    assert same(killed.train(tmp_path / "home", source, name), expected)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_killed_it_ends_with_the_same_weights_and_history(
    undisturbed: tuple[str, dict], source: Path, tmp_path: Path, share: float, tally
) -> None:
    name, expected = undisturbed
    survives(tmp_path / "home", source, name, expected, [round(share * expected["moments"])])
    tally("kill points", 1)


@pytest.mark.long
@pytest.mark.parametrize("part", range(30))
def test_killed_anywhere(
    undisturbed: tuple[str, dict], source: Path, tmp_path: Path, part: int, tally
) -> None:
    name, expected = undisturbed
    moments = np.linspace(1, expected["moments"], 30).astype(int)
    survives(tmp_path / "home", source, name, expected, [int(moments[part])])
    tally("kill points", 1)


@pytest.mark.long
def test_what_checkpoints_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tally) -> None:
    """Not a threshold, a measurement: the course's network, a profile's worth of pictures."""
    spent = 0.0
    write, save = checkpoints.Checkpoints._write, checkpoints._save

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any) -> Any:
            nonlocal spent
            begun = time.perf_counter()
            result = function(*arguments)
            spent += time.perf_counter() - begun
            return result

        return wrapper

    monkeypatch.setattr(checkpoints.Checkpoints, "_write", timed(write))
    monkeypatch.setattr(checkpoints, "_save", timed(save))
    dataset = data.load(profiles.get("quick"), "practice")
    recipe = recipes.get("regularized_cnn")
    plan = fitting.Plan(recipe, 4, 0, dataset.fingerprint)
    begun = time.perf_counter()
    fitting.fit(plan, tmp_path, dataset, [keras.callbacks.Callback()])
    share = spent / (time.perf_counter() - begun)
    tally("checkpoints' share of training time, in 0.01 %", round(10_000 * share))
