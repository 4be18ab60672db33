"""The benchmark: jobs in processes of their own, and its tables against numbers by hand."""

import io
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import official
import pandas as pd
import pytest
from rich.console import Console

from cifar10_cnn import device, profiles
from cifar10_cnn.data import dataset as data
from cifar10_cnn.studies import bench, compare, engine
from cifar10_cnn.training import recipes

SMOKE = profiles.get("smoke")


def a_training(seed: int, seconds: float, unit: float, accuracy: float) -> dict[str, Any]:
    return {
        "recipe": "sprint",
        "seed": seed,
        "seconds": seconds,
        "unit": unit,
        "accuracy": accuracy,
        "accuracy_tta": accuracy + 0.01,
        "seconds_to_72%": seconds / 2,
        "seconds_to_80%": seconds,
        "seconds_to_90%": None,
        "tta_seconds": 4.0,
        "start_seconds": 9.0,
        "peak_mib": 1536.0 + seed,
        "parameters": 570_296,
    }


@pytest.fixture
def rows() -> pd.DataFrame:
    both = [a_training(0, 60, 60, 0.89), a_training(1, 120, 80, 0.91)]
    facts = {"data": "CIFAR-10", "profile": "full", "device": "CPU", "precision": "bf16"}
    return pd.DataFrame([{**facts, "peer": "PyTorch", **row} for row in both])


def test_times_are_in_the_unit_of_their_own_minutes(rows: pd.DataFrame) -> None:
    line = bench.table(rows).loc["sprint"]
    assert line["time"] == "1.25 ± 0.35 U"  # 60 / 60 and 120 / 80
    assert line["to 72 %"] == "0.62 ± 0.18 U"
    assert line["to 90 %"] == "–"
    assert line["test accuracy (TTA)"] == "91.00 ± 1.41 %"
    assert line["without TTA"] == "90.00 ± 1.41 %"
    assert (line["memory"], line["n"], line["parameters"]) == ("1.5 GiB", "2", "570,296")
    without_peer = bench.table(rows.assign(unit=np.nan))
    assert without_peer.loc["sprint", "time"] == "90.0 ± 42.4 s"


def test_the_shortest_training_comes_first_and_machines_of_two_kinds_apart(
    rows: pd.DataFrame,
) -> None:
    dash = rows.query("seed == 1").assign(recipe="dash", seconds=18.0)
    slower = rows.assign(precision="fp32", seconds=4 * rows["seconds"], unit=4 * rows["unit"])
    lines = bench.table(pd.concat([slower, rows, dash], ignore_index=True))
    assert lines.index.tolist() == ["dash", "sprint", "sprint"]
    assert lines["precision"].tolist() == ["bf16", "bf16", "fp32"]
    assert lines["time"].tolist()[1:] == ["1.25 ± 0.35 U"] * 2
    assert lines["seconds"].tolist()[1:] == ["90 ± 42", "360 ± 170"]


def test_the_origin_names_data_profile_device_and_unit(rows: pd.DataFrame) -> None:
    line = "CIFAR-10 · profile full · seed 0, 1 · CPU · U = 70.0 ± 14.1 s (PyTorch)"
    assert bench.origin(rows) == line


def test_each_training_stands_between_two_measurements_of_its_unit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dataset = data.split(official.expected(), SMOKE, "own images", "f" * 64)
    monkeypatch.setenv("CIFAR10_HOME", str(tmp_path))
    jobs: list[str] = []

    def output(*arguments: str) -> dict[str, Any]:
        jobs.append(" ".join(arguments[2:]) if arguments[0] == "-m" else "peer")
        return {"seconds": 50.0 + len(jobs), "device": "PyTorch"}

    monkeypatch.setattr(bench, "_output", output)
    monkeypatch.setattr(bench, "find_spec", lambda name: name)
    cases, screen = bench.cases(["dash", "sprint"], [3]), io.StringIO()
    file = bench.run(cases, dataset, SMOKE, Console(file=screen, width=200))
    assert jobs == [
        *("peer", "dash 3 smoke practice", "peer"),
        *("sprint 3 smoke practice", "peer"),
    ]
    rows = bench.rows(file)
    assert rows["unit"].tolist() == [(51 + 53) / 2, (53 + 55) / 2]
    assert set(rows["precision"]) == {device.arithmetic()}
    bench.run(cases, dataset, SMOKE, Console(quiet=True))
    assert len(jobs) == 5
    # Without PyTorch it says so, and goes on.
    monkeypatch.setattr(bench, "find_spec", lambda name: None)
    more = bench.cases(["dash"], [4])
    file = bench.run(more, dataset, SMOKE, Console(file=screen, width=200))
    assert "pip install -e '.[bench]'" in screen.getvalue()
    assert bench.rows(file)["unit"].isna().tolist() == [False, False, True]
    # With other arithmetic it is another measurement.
    monkeypatch.setattr(device, "arithmetic", lambda: "bf16 (of another kind)")
    assert len(engine.missing(bench.STUDY, bench.cases(["dash"], [3]), dataset, SMOKE)) == 1


def check(row: dict[str, Any]) -> None:
    """Check what a training by the dash tells."""
    assert 0 < row["seconds"] < 120
    assert 0 < row["accuracy"] <= 1
    assert 0 < row["accuracy_tta"] <= 1
    assert row["parameters"] == 570_296
    assert row["peak_mib"] > 100
    assert row["start_seconds"] > 1
    assert {"seconds_to_72%", "seconds_to_80%", "seconds_to_90%"} <= set(row)


@pytest.mark.long
def test_a_training_is_measured_from_start_to_test() -> None:
    dataset = data.split(official.expected(), SMOKE, "own images", "f" * 64)
    names = {"recipe": "dash", "precision": "fp32", "seed": 0}
    check(bench._train(bench.STUDY.plan(dataset, SMOKE, **names), dataset))


@pytest.mark.long
def test_a_job_is_a_process_of_its_own() -> None:
    check(bench._output("-m", bench.__name__, "dash", "0", "smoke", "practice"))


@pytest.mark.skipif(not find_spec("torch"), reason="needs PyTorch, as the benchmark does")
def test_the_peer_measures_without_the_package() -> None:
    row = bench._peer()
    assert row["seconds"] > 0
    assert "PyTorch" in row["device"]


def test_dash_is_as_good_as_the_best_published_network_in_a_tenth_of_its_time() -> None:
    """Notebook 06 says so, and that the longer recipes are better than all of them."""
    rows = bench.rows()
    assert set(rows["precision"]) == {"bf16 (AVX-512)"}
    fast = rows.groupby("recipe")[["accuracy", "seconds"]].mean()
    runs = compare.rows().query("protocol == 'honest' and precision == 'bf16'")
    published = [recipe for recipe in map(recipes.get, recipes.names()) if recipe.published]
    names = [recipe.name for recipe in published if not recipe.classes]
    others = runs[runs["recipe"].isin(names)].groupby("recipe")
    assert (len(fast), len(others)) == (4, 6)
    accuracies = others["test_accuracy"].mean()
    best = accuracies.idxmax()
    assert fast.loc[["sprint", "standard", "marathon"], "accuracy"].min() > accuracies[best]
    assert fast.loc["dash", "accuracy"] == pytest.approx(accuracies[best], abs=0.005)
    assert fast.loc["dash", "seconds"] < 30
    seeds = others.get_group(best).groupby("seed")["seconds"]
    whole = seeds.apply(lambda s: s.median() * len(s)).mean()
    assert whole > 10 * fast.loc["dash", "seconds"]
