"""The ablation: each ingredient can be left out, what was trained stays, losses by hand."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from cifar10_cnn import device, models, profiles
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data import dataset as data
from cifar10_cnn.device import keras
from cifar10_cnn.studies import ablate as ablation
from cifar10_cnn.training import recipes

PROFILE = profiles.get("smoke")


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> data.Dataset:
    """Return few pictures, and keep what is trained in a folder of its own."""
    whole = data.load(PROFILE, "practice")
    monkeypatch.setenv("CIFAR10_HOME", str(tmp_path))
    few = [data.Split(s.images[:60], s.labels[:60]) for s in (whole.train, whole.validation)]
    return replace(whole, train=few[0], validation=few[1])


def ablate(
    dataset: data.Dataset, seeds: list[int], *names: str, recipe: str = "sprint"
) -> tuple[pd.DataFrame, str]:
    screen = Console(file=io.StringIO(), width=200)
    file = ablation.ablate(dataset, PROFILE, seeds, screen, recipe=recipe, names=names)
    return ablation.load(file), screen.file.getvalue()


@pytest.mark.parametrize("recipe", ablation.RECIPES)
def test_every_ingredient_can_be_left_out(dataset: data.Dataset, recipe: str) -> None:
    rows, _ = ablate(dataset, [0], recipe=recipe)
    names = [each.name for each in ablation.ingredients(recipe)]
    there = names if device.precision() == "bf16" else [each for each in names if each != "bf16"]
    assert rows["ingredient"].tolist() == there
    assert (rows["recipe"] == recipe).all()
    assert (rows["precision"] == device.precision()).all()
    assert (rows["seconds"] > 0).all()
    assert rows["accuracy"].between(0, 1).all()


@pytest.mark.parametrize("recipe", ablation.RECIPES)
def test_without_an_ingredient_a_recipe_is_another(recipe: str) -> None:
    whole, *others = ablation.ingredients(recipe)
    assert whole.name == ablation.WHOLE
    for each in others:
        settings = replace(recipes.get(recipe), **each.recipe)
        assert settings != recipes.get(recipe) or not each.recipe


def test_the_whole_is_trained_beside_what_is_named(dataset: data.Dataset) -> None:
    rows, _ = ablate(dataset, [0], "ReLU", recipe="dash")
    assert rows["ingredient"].tolist() == [ablation.WHOLE, "ReLU"]


def test_what_a_recipe_lacks_cannot_be_left_out() -> None:
    with pytest.raises(CourseError, match="no ingredient of dash 'growing pictures'"):
        ablation.ingredients("dash", ["growing pictures"])
    with pytest.raises(CourseError, match="no recipe to take apart 'marathon'"):
        ablation.ingredients("marathon")


def test_rows_of_two_recipes_stay_beside_each_other(dataset: data.Dataset) -> None:
    ablate(dataset, [0], "ReLU")
    rows, _ = ablate(dataset, [0], "ReLU", recipe="dash")
    table = ablation.table(rows)
    assert table.index.tolist() == [
        *(("dash", name) for name in (ablation.WHOLE, "ReLU")),
        *(("sprint", name) for name in (ablation.WHOLE, "ReLU")),
    ]


def test_what_was_trained_is_not_trained_again(dataset: data.Dataset) -> None:
    ablate(dataset, [0], ablation.WHOLE)
    rows, said = ablate(dataset, [0, 1], ablation.WHOLE)
    assert rows["seed"].tolist() == [0, 1]
    assert "seed 0" not in said


def test_rows_of_another_recipe_do_not_count(
    dataset: data.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    ablate(dataset, [0], ablation.WHOLE)
    today = {name: recipes.get(name) for name in ablation.RECIPES}
    changed = {**today, "sprint": replace(today["sprint"], learning_rate=0.1)}
    monkeypatch.setattr(recipes, "get", changed.get)
    rows, said = ablate(dataset, [0], ablation.WHOLE)
    assert "seed 0" in said
    assert len(rows) == 1


@pytest.mark.parametrize(("precision", "trained"), [("bf16", ["bf16"]), ("fp32", [])])
def test_bf16_is_left_out_only_where_it_is_there(
    dataset: data.Dataset, monkeypatch: pytest.MonkeyPatch, precision: str, trained: list[str]
) -> None:
    monkeypatch.setattr(device, "precision", lambda wanted=None: precision)
    monkeypatch.setattr(
        ablation, "_train", lambda *_: {"seconds": 1.0, "accuracy": 0.5, "accuracy_views": 0.5}
    )
    rows, _ = ablate(dataset, [0], ablation.WHOLE, "bf16")
    assert rows["ingredient"].tolist() == [ablation.WHOLE, *trained]


def changed(name: str) -> tuple[keras.Model, keras.Model]:
    """Return the sprint's network, and what it is without an ingredient."""
    model = models.build("fast_cnn")
    models.adapt(model, np.random.default_rng(0).integers(0, 256, (50, 32, 32, 3), dtype=np.uint8))
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    ingredient = next(each for each in ablation.INGREDIENTS if each.name == name)
    return model, ingredient.network(copy)


def test_a_learnt_first_layer_can_learn() -> None:
    whole, without = changed("whitening")
    assert len(without.trainable_weights) == len(whole.trainable_weights) + 2


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("batch norm in one operation", keras.layers.BatchNormalization),
        ("layout for gradients", keras.layers.Conv2D),
    ],
)
def test_with_layers_of_kerass_own_it_is_the_same_network(name: str, kind: type) -> None:
    whole, without = changed(name)
    pictures = np.random.default_rng(1).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    assert kind in {type(layer) for layer in without.layers}
    assert kind not in {type(layer) for layer in whole.layers}
    np.testing.assert_allclose(
        whole.predict(pictures, verbose=0), without.predict(pictures, verbose=0), atol=1e-4
    )


def test_another_activation_is_in_place_of_relu() -> None:
    whole, gelu = changed("ReLU")
    assert keras.layers.ReLU not in {type(layer) for layer in gelu.layers}
    for before, after in zip(whole.get_weights(), gelu.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_losses_are_paired_by_seed_and_times_told_by_precision() -> None:
    rows = pd.DataFrame(
        [
            (ablation.WHOLE, "nothing", 0, "bf16", 0.90, 60),
            (ablation.WHOLE, "nothing", 1, "bf16", 0.92, 60),
            (ablation.WHOLE, "nothing", 2, "fp32", 0.91, 80),
            ("bf16", "fp32", 0, "bf16", 0.89, 90),
            ("bf16", "fp32", 1, "bf16", 0.90, 120),
            ("ReLU", "GELU", 0, "bf16", 0.89, 90),
            ("ReLU", "GELU", 2, "fp32", 0.88, 88),
        ],
        columns=["ingredient", "instead", "seed", "precision", "accuracy_views", "seconds"],
    ).assign(recipe="sprint")
    table, told = ablation.table(rows), ablation.told(rows.assign(data="", profile="", device=""))
    assert set(table.index.get_level_values("recipe")) == {"sprint"}
    table, told = (each.loc["sprint"] for each in (table, told))
    assert table.index.tolist() == [ablation.WHOLE, "ReLU", "bf16"]
    assert table.loc["bf16", "points"] == pytest.approx(1.5)
    assert table.loc["bf16", "± points"] == pytest.approx(np.std([1, 2], ddof=1))
    assert (table.loc["bf16", "instead"], table.loc["bf16", "n"]) == ("fp32", 2)
    assert table.loc["bf16", "times as long, bf16"] == pytest.approx(1.75)
    assert told.loc["bf16", "times as long, fp32"] == "–"
    assert told["points lost"].tolist() == ["–", "+2.00 ± 1.41", "+1.50 ± 0.71"]
    assert table.loc["ReLU", "points"] == pytest.approx(2.0)
    assert told.loc["ReLU", "times as long, bf16"] == "1.50"
    assert told.loc["ReLU", "times as long, fp32"] == "1.10"


def test_what_saves_time_alone_saves_more_than_the_seconds_waver() -> None:
    """The README says so, of the rows that the repository shows."""
    times = ablation.table(ablation.load(ablation.shown_path())).loc[
        "sprint", "times as long, bf16"
    ]
    same = times[["pass-through kernels", "mirroring in turn", "falling learning rate"]]
    assert round(same.max(), 2) == 1.05
    assert times[["batch norm in one operation", "layout for gradients", "bf16"]].min() > 1.1


def test_what_more_seeds_tell() -> None:
    """The README says so, of the rows that the repository shows."""
    rows = ablation.load(ablation.shown_path())
    table = ablation.table(rows)
    points, error = table["points"], table["± points"] / np.sqrt(table["n"])
    kernels, mirroring = "pass-through kernels", "mirroring in turn"
    assert (table.loc["sprint", "n"][[kernels, mirroring]] == 10).all()
    assert points["dash", kernels] > 2 * error["dash", kernels]
    assert round(points["dash", kernels], 1) == 0.7
    assert (abs(points["sprint"]) < error["sprint"])[[kernels, mirroring]].all()
    assert round(points["standard", mirroring], 1) == 0.2
    assert points["standard", mirroring] < table.loc[("standard", mirroring), "± points"]
    right = rows[rows["recipe"] == "standard"].pivot(
        index="seed", columns="ingredient", values="accuracy_views"
    )
    assert (right[ablation.WHOLE] > right[mirroring]).tolist() == [True] * 3
