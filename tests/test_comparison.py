"""The comparison: one training from start to test, and its tables against numbers by hand."""

import statistics

import pandas as pd
import pytest
from rich.console import Console
from test_engine import PROFILE, dataset  # noqa: F401 - a fixture

from cifar10_cnn.data import dataset as data
from cifar10_cnn.device import keras
from cifar10_cnn.studies import compare
from cifar10_cnn.training import recipes


def case(recipe: str, protocol: str = "honest", seed: int = 0) -> dict:
    return {"recipe": recipe, "protocol": protocol, "precision": "fp32", "seed": seed}


def test_one_row_an_epoch_and_the_test_figures_at_the_best_one(
    dataset: data.Dataset,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load, models = keras.models.load_model, []
    monkeypatch.setattr(
        keras.models,
        "load_model",
        lambda *args, **kw: models.append(load(*args, **kw)) or models[-1],
    )
    cases = [case("strided_cnn"), case("strided_cnn", "published"), case("strided_cnn", seed=1)]
    cases += [case("block_cnn")]
    rows = compare.rows(compare.run(cases, dataset, PROFILE, Console(quiet=True)))
    assert list(rows.columns) == compare.COLUMNS
    assert rows["epoch"].tolist() == [1, 2] * 4
    assert (rows["seconds"] > 0).all()
    assert set(rows["data"]) == {"own images"}
    honest, published, other, three = (rows[at : at + 2] for at in (0, 2, 4, 6))
    best = honest["val_accuracy"].argmax()
    tested = honest.iloc[best]
    predictions = models[0].predict(dataset.test.images, verbose=0).argmax(axis=1)
    assert tested["test_accuracy"] == pytest.approx((predictions == dataset.test.labels).mean())
    assert honest["test_accuracy"].notna().sum() == 1
    assert published["test_accuracy"].notna().tolist() == [False, True]  # the last epoch's model
    assert published["val_accuracy"].isna().all()
    assert honest["loss"].tolist() != other["loss"].tolist()
    assert models[-1].output_shape == (None, 3)
    assert len(three) == 2


def test_trainings_go_seed_by_seed_and_recipe_by_recipe() -> None:
    names = ["strided_cnn", "block_cnn", "strided_cnn_30", "plain_cnn"]
    every = [
        ("strided_cnn", "published"),
        ("strided_cnn", "honest"),
        ("block_cnn", "honest"),  # its author reports no figure
        ("strided_cnn_30", "honest"),
        ("plain_cnn", "honest"),
    ]
    expected = [case(*each, seed) for seed in (2, 1) for each in every]
    assert compare.cases(names, [2, 1], "fp32") == expected


@pytest.mark.parametrize("name", ["strided_cnn", "batchnorm_cnn", "sprint"])
def test_speed_is_measured_in_images_per_second(
    name: str,
    dataset: data.Dataset,  # noqa: F811
) -> None:
    assert compare.images_per_second(recipes.get(name), dataset, "fp32", images=50) > 1


def run(
    recipe: str, protocol: str, seed: int, test_accuracy: float, precision: str = "bf16", **more
) -> pd.DataFrame:
    """A run of three epochs whose second one was tested."""
    facts = {"data": "CIFAR-10", "profile": "full", "device": "CPU", "parameters": 1000, **more}
    return pd.DataFrame(
        {
            **{"recipe": recipe, "protocol": protocol, "precision": precision, "seed": seed},
            **facts,
            "epoch": [1, 2, 3],
            "loss": [2.0, 1.5, 1.0],
            "accuracy": [0.3, 0.5, 0.7],
            "val_loss": [1.9, 1.4, 1.6],
            "val_accuracy": [0.35, 0.55, 0.5],
            "seconds": [9.0, 4.0, 6.0],
            "test_loss": [None, 2 - test_accuracy, None],
            "test_accuracy": [None, test_accuracy, None],
        }
    )


@pytest.fixture
def rows() -> pd.DataFrame:
    return pd.concat(
        [
            run("strided_cnn", "published", 0, 0.63),
            run("strided_cnn", "published", 1, 0.64),
            run("strided_cnn", "published", 2, 0.66),
            run("strided_cnn", "honest", 0, 0.60),
            run("strided_cnn", "honest", 1, 0.62),
            run("strided_cnn", "honest", 0, 0.61, "fp32", parameters=1000),
            run("strided_cnn", "honest", 1, 0.60, "fp32"),
            run("strided_cnn_adamw", "honest", 0, 0.65),
            run("intro_cnn", "published", 0, 0.7),
            run("dense_baseline", "honest", 0, 0.46),
            run("block_cnn", "honest", 0, 0.8),
        ]
    )


def test_means_over_seeds(rows: pd.DataFrame) -> None:
    row = compare.summary(rows).loc[("strided_cnn", "published", "bf16")]
    assert row["runs"] == 3
    assert row["test_accuracies"] == [0.63, 0.64, 0.66]
    assert row["test_accuracy"] == pytest.approx(statistics.mean([0.63, 0.64, 0.66]))
    assert row["test_loss"] == pytest.approx(2 - statistics.mean([0.63, 0.64, 0.66]))
    assert (row["epochs"], row["seconds"]) == (3, 6.0)


def test_table_puts_published_and_measured_side_by_side(rows: pd.DataFrame) -> None:
    table = compare.table(rows)
    names = ["dense_baseline", "intro_cnn", "block_cnn", "strided_cnn"]  # as in recipes
    assert list(table.index) == names
    assert table.loc["block_cnn", "system"] == "P3, 3 classes"
    row = table.loc["strided_cnn"]
    assert row["system"] == "P4a"
    assert row["test accuracy published"] == "63.05 %"
    assert row["reproduced"] == "64.33 ± 1.53 % (n = 3)"
    assert row["honest"] == "61.00 ± 1.41 % (n = 2)"
    assert row["s/epoch here"] == "6.0"
    assert table.loc["intro_cnn", "test accuracy published"] == "loss 1.5843"
    assert table.loc["intro_cnn", "reproduced"] == "70.00 % (n = 1), loss 1.3000"
    assert table.loc["dense_baseline", "system"] == "ours"
    assert table.loc["dense_baseline", "reproduced"] == "–"


def test_only_reproductions_below_their_published_figure_need_a_reason() -> None:
    rows = pd.concat(
        [
            run("strided_cnn", "published", 0, 0.64),  # published: 0.6305
            run("strided_cnn", "published", 1, 0.6299),  # so their mean is just above it
            run("strided_cnn", "honest", 0, 0.60),
            run("batchnorm_cnn", "published", 0, 0.65),  # published: 0.6591
            run("intro_cnn", "published", 0, 0.40),  # its loss of 1.6 is above 1.5843
        ]
    )
    below = compare.shortfalls(rows)
    assert list(below) == ["intro_cnn", "batchnorm_cnn"]  # as in recipes
    assert below["batchnorm_cnn"] == recipes.get("batchnorm_cnn").published.shortfall


def test_follow_ups_are_compared_with_what_they_follow(rows: pd.DataFrame) -> None:
    table = compare.follow_ups(rows)
    assert list(table["network"]) == ["strided_cnn"]
    assert table["gain"][0] == pytest.approx(65 - (60 + 62) / 2)
    assert table["change"][0] == recipes.get("strided_cnn_adamw").change


def test_honest_runs_without_follow_ups_and_without_the_other_precision(
    rows: pd.DataFrame,
) -> None:
    honest = compare.honest(rows)
    assert compare.test_accuracies(honest) == {
        "strided_cnn": [0.60, 0.62],
        "dense_baseline": [0.46],
    }
    histories = compare.histories(honest)
    assert len(histories["strided_cnn"]) == 2
    assert histories["strided_cnn"][0]["val_accuracy"] == [0.35, 0.55, 0.5]


def test_scores_by_optimizer_count_the_published_one_and_no_longer_training(
    rows: pd.DataFrame,
) -> None:
    longer = run("strided_cnn_30", "honest", 0, 0.9)
    scores = compare.by_optimizer(pd.concat([rows, longer]))
    assert scores == {"rmsprop": [0.60, 0.62], "adamw": [0.65]}


def test_precisions_are_compared_on_seeds_that_both_have(rows: pd.DataFrame) -> None:
    extra = run("strided_cnn", "honest", 2, 0.9)  # in bf16 alone
    table = compare.precisions(pd.concat([rows, extra]))
    row = table.loc[("strided_cnn", "honest")]
    assert len(table) == 1
    assert row["runs each"] == 2
    assert row["bf16 (%)"] == pytest.approx(61)
    assert row["fp32 (%)"] == pytest.approx(60.5)
    assert row["± bf16"] == pytest.approx(100 * statistics.stdev([0.60, 0.62]))
    assert row["difference"] == pytest.approx(0.5)
    assert row["times as fast"] == pytest.approx(1)


def test_each_shipped_reproduction_below_its_published_figure_has_its_reason() -> None:
    below = compare.shortfalls(compare.rows())
    published = (recipe for recipe in map(recipes.get, recipes.names()) if recipe.published)
    assert {recipe.name for recipe in published if recipe.published.shortfall} == set(below)


def test_the_reason_given_for_the_batchnorm_cnn_holds_in_the_shipped_runs() -> None:
    rows = compare.rows().query("recipe == 'batchnorm_cnn'")
    late = rows[(rows["protocol"] == "published") & (rows["epoch"] > 15)]
    runs = late.groupby(["precision", "seed"])["val_accuracy"]
    assert (runs.max() - runs.min() > 0.03).all()
    assert set(late["precision"]) == {"bf16", "fp32"}
    honest = rows[rows["protocol"] == "honest"]["test_accuracy"].dropna()
    assert honest.mean() > recipes.get("batchnorm_cnn").published.test_accuracy
