"""The benchmark: jobs in processes of their own, and its tables against numbers by hand."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from cifar10_cnn import device, models, profiles
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.device import keras
from cifar10_cnn.models.fast import Convolution
from cifar10_cnn.studies import bench as benchmarks
from cifar10_cnn.studies import bench_jobs as jobs
from cifar10_cnn.studies import bench_tables as tables
from cifar10_cnn.studies import compare as comparison
from cifar10_cnn.studies import peer, results
from cifar10_cnn.training import recipes

SMOKE = profiles.get("smoke")


def a_training(seed: int, seconds: float, unit: float, accuracy: float) -> dict[str, Any]:
    return {
        "job": "train",
        "recipe": "sprint",
        "seed": seed,
        "seconds": seconds,
        "unit": unit,
        "accuracy": accuracy,
        "accuracy_views": accuracy + 0.01,
        "seconds_to_72%": seconds / 2,
        "seconds_to_80%": seconds,
        "seconds_to_90%": None,
        "views_seconds": 4.0,
        "start_seconds": 9.0,
        "peak_mib": 1536.0 + seed,
        "parameters": 570_296,
        "data": "CIFAR-10",
        "profile": "full",
        "device": "CPU",
    }


@pytest.fixture
def rows() -> pd.DataFrame:
    speeds = [
        {"job": "speed", "recipe": "standard", "seconds": 50.0},
        {"job": "speed", "recipe": "standard", "seconds": 40.0},
        {"job": "peer", "recipe": "airbench94", "seconds": 60.0},
        {"job": "peer", "recipe": "airbench94", "seconds": 80.0},
    ]
    both = [a_training(0, 60, 60, 0.89), a_training(1, 120, 80, 0.91)]
    told = {"profile": "full", "device": "CPU", "precision": "bf16"}
    return pd.DataFrame([{**told, **row} for row in (*speeds, *both)])


@pytest.fixture
def two_kinds(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what was measured on a machine with fast bf16, and on one that is half as fast."""
    slower = rows.assign(precision="fp32", seconds=2 * rows["seconds"])
    slower.loc[slower["job"] != "speed", "seconds"] *= 2
    return pd.concat([rows, slower.assign(unit=4 * rows["unit"])], ignore_index=True)


def test_times_are_told_in_the_unit_of_their_own_minutes(rows: pd.DataFrame) -> None:
    told = tables.trainings(rows).loc["sprint"]
    assert told["training"] == "1.25 ± 0.35 U"  # 60 / 60 and 120 / 80
    assert told["to 72 %"] == "0.62 ± 0.18 U"
    assert told["to 90 %"] == "–"
    assert told["test accuracy"] == "91.00 ± 1.41 %"
    assert told["one view"] == "90.00 ± 1.41 %"
    assert (told["memory"], told["n"], told["parameters"]) == ("1.5 GiB", "2", "570,296")


def test_the_shortest_training_comes_first(rows: pd.DataFrame) -> None:
    dash = rows.query("seed == 1").assign(recipe="dash", seconds=18.0)
    longer = rows.query("seed == 1").assign(recipe="standard", seconds=338.0)
    told = tables.trainings(pd.concat([longer, rows, dash], ignore_index=True))
    assert told.index.tolist() == ["dash", "sprint", "standard"]


def test_machines_of_two_kinds_are_told_apart(two_kinds: pd.DataFrame) -> None:
    told = tables.trainings(two_kinds[::-1])  # in whatever order they were measured
    assert told.index.tolist() == ["sprint", "sprint"]
    assert told["in"].tolist() == ["bf16", "fp32"]
    assert told["training"].tolist() == ["1.25 ± 0.35 U", "1.25 ± 0.35 U"]
    assert told["seconds"].tolist() == ["90 ± 42", "360 ± 170"]
    speeds = tables.speeds(two_kinds).set_index("in", append=True)["as fast"]
    assert speeds["`standard`, Keras", "bf16"] == "1.57 ± 0.25"
    assert speeds["`standard`, Keras", "fp32"] == "3.15 ± 0.49"  # 280 / 100 and 280 / 80
    assert "U = 70.0 ± 14.1 s in bf16, 280.0 ± 56.6 s in fp32" in tables.origin(two_kinds)


def test_without_a_peer_times_are_seconds(rows: pd.DataFrame) -> None:
    assert tables.trainings(rows.assign(unit=np.nan)).loc["sprint", "training"] == "90.0 ± 42.4 s"


def test_one_slow_timing_does_not_change_a_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = iter([1_000.0, 100.0, 2_000.0])
    monkeypatch.setattr(comparison, "images_per_second", lambda *_: next(rates))
    assert jobs.speed("standard") == {"seconds": 50.0}  # 50,000 pictures at 1,000 a second


def test_speeds_are_ratios_to_the_peer(rows: pd.DataFrame) -> None:
    told = tables.speeds(rows)
    assert told.loc["`standard`, Keras", "as fast"] == "1.57 ± 0.25"  # 70 / 50 and 70 / 40
    assert told.loc["`standard`, Keras", "pictures a second"] == "1,125 ± 177"
    assert told.loc["airbench94, PyTorch (U)", "s an epoch"] == "70.0 ± 14.1"
    assert "P1, Keras" not in told.index


def test_the_fastest_step_is_told_part_by_part(rows: pd.DataFrame) -> None:
    names = ("seconds", "forward_seconds", "backward_seconds", "update_seconds", "batch_seconds")
    steps = [
        {"job": "step", "recipe": "standard", "precision": "bf16", "share_of_peak": 0.612}
        | dict(zip(names, numbers, strict=True))
        for numbers in ((0.6, 0.2, 0.39, 0.01, 0.002), (0.5, 0.15, 0.33, 0.02, 0.0034))
    ]
    told = tables.steps(pd.concat([rows, pd.DataFrame(steps)])).loc["standard"]
    assert told.tolist() == ["bf16", "500 ms", "150 ms", "330 ms", "20 ms", "3.4 ms", "61%"]


def test_the_origin_names_data_profile_device_and_unit(rows: pd.DataFrame) -> None:
    assert tables.origin(rows) == "CIFAR-10 · profile full · CPU · U = 70.0 ± 14.1 s in bf16"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Let jobs take no time; return the list of those that ran."""
    monkeypatch.setenv("CIFAR10_HOME", str(tmp_path))
    ran: list[str] = []

    def measured(job: str, arguments: tuple[str, ...]) -> dict[str, Any]:
        ran.append(" ".join((job, *arguments)))
        told = {"seconds": 50.0 + len(ran), "device": "CPU", "share_of_peak": 0.5}
        if job == "train":
            told |= {"accuracy_views": 0.9, "settings": recipes.get(arguments[0]).identity()}
        return told

    monkeypatch.setattr(benchmarks, "_measured", measured)
    return ran


def bench(seeds: list[int]) -> tuple[pd.DataFrame, str]:
    screen = io.StringIO()
    file = benchmarks.bench(["dash"], seeds, "practice", SMOKE, Console(file=screen, width=200))
    return benchmarks.load(file), screen.getvalue()


def test_a_training_stands_between_two_measurements_of_its_unit(
    told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmarks, "find_spec", lambda name: name)
    monkeypatch.setattr(device, "precision", lambda: "fp32")
    rows, _ = bench([3])
    assert told == [
        "speed standard",
        "speed batchnorm_cnn",
        "step standard",
        "peer standard",
        "peer airbench94",
        "train dash 3 smoke practice",
        "peer airbench94",
    ]
    assert rows.loc[rows["job"] == "train", "unit"].tolist() == [(55 + 57) / 2]
    assert set(rows["precision"]) == {"fp32"}


def test_without_pytorch_it_says_so_and_goes_on(
    told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmarks, "find_spec", lambda name: None)
    rows, said = bench([0])
    assert "pip install -e '.[bench]'" in said
    assert set(rows["job"]) == {"speed", "step", "train"}


def test_trainings_of_other_seeds_stay(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmarks, "find_spec", lambda name: name)
    bench([0])
    bench([1])
    rows, _ = bench([1])
    assert rows.loc[rows["job"] == "train", "seed"].tolist() == [0, 1]
    assert ((rows["job"] == "peer") & (rows["recipe"] == "standard")).sum() == 1


def test_trainings_with_other_arithmetic_stay(
    told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmarks, "find_spec", lambda name: name)
    kinds = ["bf16 (AMX)", "bf16 (AVX-512)", "fp32"]
    for arithmetic in (*kinds, "fp32"):
        monkeypatch.setattr(device, "arithmetic", lambda told=arithmetic: told)
        rows, _ = bench([0])
    assert rows.loc[rows["job"] == "train", "precision"].tolist() == kinds


def test_trainings_of_a_recipe_that_was_changed_do_not_stay(
    told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmarks, "find_spec", lambda name: name)
    bench([0])
    changed = replace(recipes.get("dash"), learning_rate=0.1)
    monkeypatch.setattr(recipes, "get", lambda name: changed)
    rows, _ = bench([1])
    assert rows.loc[rows["job"] == "train", "seed"].tolist() == [1]


def test_a_benchmark_that_was_stopped_at_its_start_can_begin_again(
    told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmarks, "find_spec", lambda name: name)
    benchmarks.path(SMOKE).parent.mkdir(parents=True)
    benchmarks.path(SMOKE).write_text("job,profile,recipe,seconds\nspeed,smoke,standard,57\n")
    rows, _ = bench([0])
    assert (rows["job"] == "speed").sum() == 2


def test_a_job_that_fails_is_told() -> None:
    with pytest.raises(
        CourseError, match=r"job train nonsense 0 smoke practice failed: .*nonsense"
    ):
        benchmarks._measured("train", ("nonsense", "0", "smoke", "practice"))


def test_a_real_job_measures_a_training_from_start_to_test() -> None:
    told = benchmarks._measured("train", ("dash", "0", "smoke", "practice"))
    assert 0 < told["seconds"] < 120
    assert 0.05 < told["accuracy"] <= 1
    assert told["parameters"] == 570_296
    assert told["peak_mib"] > told["data_mib"] > 0
    assert told["start_seconds"] > 1


def test_the_peer_of_standard_is_the_same_network_and_takes_as_many_pictures_a_step() -> None:
    theirs, ours = peer.NETWORKS["standard"], recipes.get("standard")
    layers = models.build(ours.model).layers
    averaging = keras.layers.GlobalAveragePooling2D
    filters = [layer.filters for layer in layers if isinstance(layer, Convolution)]
    assert [width for width in theirs.widths for _ in range(2)] == filters
    assert theirs.batch_size == ours.batch_size
    assert theirs.means == any(isinstance(layer, averaging) for layer in layers)


def test_trainings_shown_are_of_the_recipes_of_today() -> None:
    trained = pd.read_csv(benchmarks.shown_path()).query("job == 'train'")
    for name, settings in trained.groupby("recipe")["settings"]:
        assert set(settings) == {recipes.get(str(name)).identity()}, f"measure {name} again"


def test_dash_is_as_good_as_the_best_published_network_in_a_tenth_of_its_time() -> None:
    """Notebook 06 says so, and that the longer recipes are better than all of them."""
    rows = pd.read_csv(benchmarks.shown_path()).query(
        "job == 'train' and precision == 'bf16 (AVX-512)'"
    )
    fast = rows.groupby("recipe")[["accuracy", "seconds"]].mean()
    runs = pd.read_csv(results.shown_path()).query("protocol == 'honest' and precision == 'bf16'")
    found = [recipe for recipe in map(recipes.get, recipes.names()) if recipe.published]
    names = [recipe.name for recipe in found if not recipe.classes]
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
