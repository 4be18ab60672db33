"""Training survives anything: what a killed one ends with is what an undisturbed one ends with."""

import itertools
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import killed
import numpy as np
import official
import pytest

from cifar10_cnn import models, profiles
from cifar10_cnn.data import dataset as data
from cifar10_cnn.device import keras
from cifar10_cnn.training import checkpoints, recipes
from cifar10_cnn.training import trainer as fitting

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    return official.write_tar(folder / "own.tar", official.picture_members())


@pytest.fixture(scope="module", params=["growing", "regularized"])
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


def moments_of(expected: dict, phase: str, number: int) -> list[int]:
    """Return some moments of a phase, counted from 1, spread over it."""
    found = [moment for moment, each in enumerate(expected["phases"], 1) if each == phase]
    places = np.linspace(0, len(found) - 1, min(number, len(found)))
    return [found[round(place)] for place in places]


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


def test_every_phase_has_its_moments(undisturbed: tuple[str, dict]) -> None:
    _, expected = undisturbed
    assert set(expected["phases"]) == set(killed.PHASES)
    for phase in killed.PHASES:
        assert len(moments_of(expected, phase, 6)) == 6


@pytest.mark.parametrize("phase", killed.PHASES[1::2] + killed.PHASES[-1:])
def test_killed_it_ends_with_the_same_weights_and_history(
    undisturbed: tuple[str, dict], source: Path, tmp_path: Path, phase: str, tally
) -> None:
    name, expected = undisturbed
    [_, middle, _] = moments_of(expected, phase, 3)
    survives(tmp_path / "home", source, name, expected, [middle])
    tally(f"kill points: {phase}", 1)


@pytest.mark.long
@pytest.mark.parametrize("spot", [*itertools.product(killed.PHASES, range(6))])
def test_killed_anywhere(
    undisturbed: tuple[str, dict], source: Path, tmp_path: Path, spot: tuple[str, int], tally
) -> None:
    name, expected = undisturbed
    phase, part = spot
    moment = moments_of(expected, phase, 6)[part]
    survives(tmp_path / "home", source, name, expected, [moment])
    tally(f"kill points: {phase}", 1)


@pytest.mark.long
def test_killed_again_and_again(
    undisturbed: tuple[str, dict], source: Path, tmp_path: Path, tally
) -> None:
    """Each time a little later, counted from where it goes on."""
    name, expected = undisturbed
    moments = [40, 3, 41, 25, 5]
    survives(tmp_path / "home", source, name, expected, moments)
    tally("kill points: again and again", len(moments))


def loses_nothing_at_a_power_cut(
    home: Path, source: Path, name: str, expected: dict, moment: int
) -> None:
    """Kill a training, take away what had not reached the disk, and go on."""
    assert killed.train(home, source, name, moment) is None
    killed.Disk(home.with_suffix(".disk")).lose_power(home)
    folder = home / "runs" / name
    if "end of an epoch" in expected["phases"][:moment]:
        assert (folder / "run.json").exists() or list((folder / "checkpoints").glob("*.npz"))
    if (folder / "run.json").exists():  # then it is finished, and must be whole
        assert json.loads((folder / "run.json").read_text())["epochs"] == 4
        assert len((folder / "history.csv").read_text().splitlines()) == 5
        keras.models.load_model(folder / "model.keras", compile=False)
    assert same(killed.train(home, source, name), expected)


def test_a_power_cut_leaves_what_was_synced(
    undisturbed: tuple[str, dict], source: Path, tmp_path: Path, tally
) -> None:
    name, expected = undisturbed
    for phase in ("steps", "end of the training"):
        moment = moments_of(expected, phase, 3)[-1]
        loses_nothing_at_a_power_cut(tmp_path / phase, source, name, expected, moment)
        tally("power cuts", 1)


@pytest.mark.long
@pytest.mark.parametrize("spot", [*itertools.product(killed.PHASES[1:], range(4))])
def test_a_power_cut_anywhere(
    undisturbed: tuple[str, dict], source: Path, tmp_path: Path, spot: tuple[str, int], tally
) -> None:
    name, expected = undisturbed
    phase, part = spot
    moment = moments_of(expected, phase, 4)[part]
    loses_nothing_at_a_power_cut(tmp_path / "home", source, name, expected, moment)
    tally("power cuts", 1)


def test_a_power_cut_is_played_as_it_is_meant(tmp_path: Path) -> None:
    """Of two files written alike the one that is not synced is lost, and so is a name."""
    home, disk = tmp_path / "home", killed.Disk(tmp_path / "disk")
    home.mkdir()
    sync = os.fsync
    try:
        disk.watch()
        for name in ("synced", "lost"):
            with (home / name).open("w") as file:
                file.write("content")
                file.flush()
                if name == "synced":
                    os.fsync(file.fileno())
        (home / "old").write_text("before")
        os.fsync((opened := (home / "old").open("r+")).fileno())
        opened.close()
        disk.renamed(str(home / "synced"), str(home / "old"))
        (home / "synced").replace(home / "old")
    finally:
        os.fsync = sync
    assert disk.lose_power(home) == 2
    contents = {file.name: file.read_text() for file in home.iterdir()}
    assert contents == {"synced": "content", "lost": "", "old": "before"}


def test_a_laptop_may_be_closed_meanwhile(
    undisturbed: tuple[str, dict], source: Path, tmp_path: Path, tally
) -> None:
    name, expected = undisturbed
    moment = moments_of(expected, "writing a checkpoint", 3)[1]
    outcome = killed.train(tmp_path / "home", source, name, moment, signal.SIGSTOP)
    assert same(outcome, expected)
    tally("trainings put to sleep", 1)


@pytest.mark.long
def test_what_checkpoints_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tally) -> None:
    """Of the course's network, on a profile's worth of pictures: less than 3 % of its time."""
    spent = 0.0
    write, save = checkpoints.Checkpoints._write, models.save

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any) -> Any:
            nonlocal spent
            begun = time.perf_counter()
            result = function(*arguments)
            spent += time.perf_counter() - begun
            return result

        return wrapper

    monkeypatch.setattr(checkpoints.Checkpoints, "_write", timed(write))
    monkeypatch.setattr(models, "save", timed(save))
    dataset = data.load(profiles.get("quick"), "practice")
    recipe = recipes.get("regularized_cnn")
    plan = fitting.Plan(recipe, 4, 0, dataset.fingerprint)
    begun = time.perf_counter()
    fitting.fit(plan, tmp_path, dataset, [keras.callbacks.Callback()])
    share = spent / (time.perf_counter() - begun)
    tally("checkpoints' share of training time, in 0.01 %", round(10_000 * share))
    assert share < 0.03
