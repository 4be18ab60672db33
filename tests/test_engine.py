"""The study engine: what is missing is trained, what kills and damage cost, whose rows are read."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import official
import pandas as pd
import pytest
from rich.console import Console

from cifar10_cnn import models
from cifar10_cnn.common import paths
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data import dataset as data
from cifar10_cnn.device import keras
from cifar10_cnn.profiles import Profile
from cifar10_cnn.studies import ablate, bench, compare, engine, tune
from cifar10_cnn.training import recipes

PROFILE = Profile(
    "tiny", 160, 20, 40, 2, experiment_images=50, experiment_epochs=1, recipe_epochs=2
)


class KilledError(Exception):
    pass


def small(_: str, classes: int = 10) -> keras.Model:
    """A network that learns in no time."""
    layers = [keras.layers.Flatten(), keras.layers.Dense(classes, "softmax")]
    return keras.Sequential([keras.Input((32, 32, 3)), *layers])


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> data.Dataset:
    monkeypatch.setenv("CIFAR10_HOME", str(tmp_path))
    dataset = data.split(official.expected(), PROFILE, "own images", "f" * 64)
    cases = [a_case(), a_case(recipe="two_conv_cnn")]
    engine.missing(compare.STUDY, cases, dataset, PROFILE)  # keys are of the real networks
    monkeypatch.setattr(models, "build", small)
    return dataset


def a_case(protocol: str = "honest", seed: int = 0, recipe: str = "strided_cnn") -> engine.Names:
    return {"recipe": recipe, "protocol": protocol, "precision": "fp32", "seed": seed}


def run(cases: list[engine.Names], dataset: data.Dataset) -> tuple[pd.DataFrame, str]:
    """Train what is missing; return the table, and what is seen where output is no terminal."""
    screen = io.StringIO()
    file = compare.run(cases, dataset, PROFILE, Console(file=screen, width=200))
    return compare.rows(file), screen.getvalue()


def patch_epochs(monkeypatch: pytest.MonkeyPatch, call: Callable[[int], None]) -> None:
    """Call something with the number of each epoch that ends, from 0 on."""
    monkeypatch.setattr(engine._Epochs, "on_epoch_end", lambda self, epoch, logs=None: call(epoch))


def test_what_has_finished_is_not_trained_again(dataset: data.Dataset) -> None:
    cases = [a_case(seed=0), a_case(seed=1)]
    rows, screen = run(cases, dataset)
    assert "0 trainings are there, 2 to do." in screen
    assert "2 of 2: strided_cnn · honest · fp32 · 1" in screen
    assert re.search(
        r"\n   best accuracy [\d.]+% · best val_accuracy [\d.]+% · best test_accuracy", screen
    )
    again, screen = run(cases, dataset)
    assert screen == "2 trainings are there, 0 to do.\n"
    pd.testing.assert_frame_equal(again, rows)


def test_a_killed_study_goes_on_and_loses_no_finished_training(
    dataset: data.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune, "RATES", {"adam": (0.0001, 0.001, 0.01)})
    built: list[str] = []

    def killed(name: str, classes: int = 10) -> keras.Model:
        built.append(name)
        if len(built) == 2:
            raise KeyboardInterrupt
        return small(name, classes)

    cases, quiet = tune.cases(), Console(quiet=True)
    with monkeypatch.context() as patch:
        patch.setattr(models, "build", killed)
        with pytest.raises(KeyboardInterrupt):
            tune.run(cases, dataset, PROFILE, quiet)
    missing = engine.missing(tune.STUDY, cases, dataset, PROFILE)
    assert [case.names["learning_rate"] for case in missing] == [0.001, 0.01]
    rows = tune.rows(tune.run(cases, dataset, PROFILE, quiet))
    assert rows["learning_rate"].tolist() == [0.0001, 0.001, 0.01]


def test_a_killed_training_goes_on_after_its_last_epoch(
    dataset: data.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(epoch: int) -> None:
        if epoch == 1:
            raise KilledError

    with monkeypatch.context() as patch:
        patch_epochs(patch, killed)
        with pytest.raises(KilledError):
            run([a_case()], dataset)
    epochs: list[int] = []
    patch_epochs(monkeypatch, epochs.append)
    rows, _ = run([a_case()], dataset)
    assert epochs == [1]
    assert rows["epoch"].tolist() == [1, 2]
    folder = compare.STUDY.folder(dataset, PROFILE)
    left = sorted(file.name for file in folder.iterdir() if file.suffix != ".lock")
    assert left == ["compare.csv", "strided_cnn-honest-fp32-0.json"]


def test_killed_between_training_and_test_nothing_is_trained_again(
    dataset: data.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(compare.scores, "evaluate", killed)
        with pytest.raises(KilledError):
            run([a_case()], dataset)
    epochs: list[int] = []
    patch_epochs(monkeypatch, epochs.append)
    rows, _ = run([a_case()], dataset)
    assert epochs == []
    assert rows["test_accuracy"].notna().sum() == 1


@pytest.mark.parametrize(
    ("names", "profile", "images"),
    [
        ({"seed": 1}, {}, {}),
        ({"precision": "bf16"}, {}, {}),
        ({"protocol": "published"}, {}, {}),
        ({"recipe": "two_conv_cnn"}, {}, {}),
        ({}, {"recipe_epochs": 3}, {}),
        ({}, {}, {"fingerprint": "0" * 64}),
    ],
)
def test_another_training_is_missing(
    dataset: data.Dataset, names: dict, profile: dict, images: dict
) -> None:
    (case,) = engine.missing(compare.STUDY, [a_case()], dataset, PROFILE)
    engine.keep(case, [{"epoch": 1}])
    assert engine.missing(compare.STUDY, [a_case()], dataset, PROFILE) == []
    other = (replace(dataset, **images), replace(PROFILE, **profile))
    assert engine.missing(compare.STUDY, [a_case() | names], *other)


def test_trainings_of_a_recipe_or_a_network_that_was_changed_are_left_out(
    dataset: data.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    for recipe in ("strided_cnn", "two_conv_cnn"):
        (case,) = engine.missing(compare.STUDY, [a_case(recipe=recipe)], dataset, PROFILE)
        engine.keep(case, [{"epoch": 1}])
    changed = replace(recipes.get("strided_cnn"), batch_size=16)
    monkeypatch.setitem(recipes._RECIPES, "strided_cnn", changed)
    rows = compare.rows(engine.collect(compare.STUDY, dataset, PROFILE))
    assert rows["recipe"].tolist() == ["two_conv_cnn"]
    assert engine.missing(compare.STUDY, [a_case()], dataset, PROFILE)
    monkeypatch.delitem(recipes._RECIPES, "two_conv_cnn")
    with pytest.raises(CourseError, match="run `python -m cifar10_cnn compare`"):
        engine.collect(compare.STUDY, dataset, PROFILE)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\0"])
def test_a_damaged_training_is_named_and_done_again(
    dataset: data.Dataset, capsys: pytest.CaptureFixture, content: bytes
) -> None:
    (case,) = engine.missing(compare.STUDY, [a_case()], dataset, PROFILE)
    engine.keep(case, [{"epoch": 1}])
    case.file.write_bytes(content)
    assert engine.missing(compare.STUDY, [a_case()], dataset, PROFILE)
    assert f"{case.file} is damaged: the training is done again." in capsys.readouterr().out
    with pytest.raises(CourseError, match="no finished training"):
        engine.collect(compare.STUDY, dataset, PROFILE)


def test_unknown_names_are_refused_before_anything_is_loaded() -> None:
    with pytest.raises(CourseError, match="no recipe 'vgg'"):
        compare.cases(["vgg"], [0], "fp32")
    with pytest.raises(CourseError, match="no precision 'fp8'"):
        compare.cases(["sprint"], [0], "fp8")
    with pytest.raises(CourseError, match="no optimizer 'nadam': choose one of sgd"):
        tune.cases(["nadam"])
    with pytest.raises(CourseError, match="plain_cnn is no fast recipe: choose of dash"):
        bench.cases(["plain_cnn"], [0])


# Tables: your own, and the shipped ones.


def lines(*recipe_names: str, seeds: tuple[int, ...] = (0,), **facts: Any) -> pd.DataFrame:
    """Rows of runs of one epoch."""
    known = {"data": "CIFAR-10", "profile": "full", "device": "CPU", "parameters": 1000}
    numbers = dict.fromkeys(compare.COLUMNS[8:], 0.5) | {"epoch": 1}
    names = [a_case(recipe=name, seed=seed) for name in recipe_names for seed in seeds]
    return pd.DataFrame([{**each, **known, **numbers, **facts} for each in names])


def store(rows: pd.DataFrame, file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    rows.to_csv(file, index=False)
    return file


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "shipped_tables", lambda: tmp_path / "shipped")
    (tmp_path / "shipped").mkdir()
    return tmp_path / "shipped"


def test_own_runs_come_first_once_all_are_there(dataset: data.Dataset, shipped: Path) -> None:
    store(lines("strided_cnn", "intro_cnn", seeds=(0, 1, 2)), shipped / "compare.csv")
    theirs = "the repository's runs on CIFAR-10 · profile full · seed 0, 1, 2 · CPU"
    assert compare.load(PROFILE, dataset)[1] == theirs
    own = compare.STUDY.folder(dataset, PROFILE) / "compare.csv"
    store(lines("strided_cnn", data="own images", profile="tiny"), own)
    assert compare.load(PROFILE, dataset)[1] == theirs
    store(lines("strided_cnn", "intro_cnn", data="own images", profile="tiny"), own)
    rows, line = compare.load(PROFILE, dataset)
    assert line == "your own runs on own images · profile tiny · seed 0 · CPU"
    assert len(rows) == 2


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a,b\n1,2\n", b'"'])
def test_a_damaged_table_is_named_and_the_shipped_one_taken(
    dataset: data.Dataset, shipped: Path, capsys: pytest.CaptureFixture, content: bytes
) -> None:
    store(lines("strided_cnn"), shipped / "compare.csv")
    own = store(lines("strided_cnn"), compare.STUDY.folder(dataset, PROFILE) / "compare.csv")
    own.write_bytes(content)
    assert compare.load(PROFILE, dataset)[1].startswith("the repository's runs")
    assert f"{own} is damaged" in capsys.readouterr().out


def test_rows_just_shipped_are_called_the_repositorys(dataset: data.Dataset, shipped: Path) -> None:
    own = store(lines("strided_cnn"), compare.STUDY.folder(dataset, PROFILE) / "compare.csv")
    engine.ship(compare.STUDY, own)
    assert compare.load(PROFILE, dataset)[1].startswith("the repository's runs")


def test_shipping_writes_down_the_settings_of_the_recipes(tmp_path: Path, shipped: Path) -> None:
    file = store(lines("strided_cnn", "intro_cnn", seeds=(0, 1)), tmp_path / "compare.csv")
    assert engine.ship(compare.STUDY, file).read_bytes() == file.read_bytes()
    settings = json.loads(engine.settings_path().read_text())
    assert settings["compare"]["intro_cnn"] == recipes.get("intro_cnn").settings()


@pytest.mark.parametrize("change", [{"data": "practice set"}, {"profile": "smoke"}])
def test_only_full_trainings_on_cifar10_are_shipped(
    tmp_path: Path, shipped: Path, change: dict
) -> None:
    mixed = pd.concat([lines("strided_cnn"), lines("plain_cnn", **change)])
    file = store(mixed, tmp_path / "compare.csv")
    with pytest.raises(CourseError, match="only those of the full profile on CIFAR-10"):
        engine.ship(compare.STUDY, file)


@pytest.mark.parametrize("study", [compare.STUDY, tune.STUDY, ablate.STUDY, bench.STUDY])
def test_shipped_tables_are_of_the_recipes_and_networks_of_today(study: engine.Study) -> None:
    rows = engine.rows(study.name)
    recorded = json.loads(engine.settings_path().read_text())[study.name]
    assert set(recorded) == set(rows["recipe"])
    for name, settings in recorded.items():
        assert settings == recipes.get(name).settings(), f"measure {name} again"
    if "parameters" in rows:
        for name, count in rows.dropna(subset="parameters").groupby("recipe")["parameters"]:
            recipe = recipes.get(str(name))
            model = models.build(recipe.model, len(recipe.classes or range(10)))
            assert set(count) == {model.count_params()}
    by = [*study.names, *({"epoch"} & set(rows))]
    assert not rows.duplicated(by).any()
