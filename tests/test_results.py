"""The tables of a comparison, against numbers computed by hand."""

import statistics
from pathlib import Path

import official
import pandas as pd
import pytest

from cifar10_cnn.common import files, paths
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data import dataset as data
from cifar10_cnn.profiles import Profile
from cifar10_cnn.studies import compare as comparison
from cifar10_cnn.studies import results
from cifar10_cnn.training import recipes

PROFILE = Profile("tiny", 100, 20, 20, epochs=2, experiment_images=50, experiment_epochs=1)


def run(
    recipe: str, protocol: str, seed: int, test_accuracy: float, precision: str = "bf16", **more
) -> pd.DataFrame:
    """A run of three epochs whose second one was kept."""
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


def test_means_and_spread_over_seeds(rows: pd.DataFrame) -> None:
    row = results.summary(rows).loc[("strided_cnn", "published", "bf16")]
    assert row["runs"] == 3
    assert row["test_accuracy"] == pytest.approx(statistics.mean([0.63, 0.64, 0.66]))
    assert row["test_accuracy_sd"] == pytest.approx(statistics.stdev([0.63, 0.64, 0.66]))
    assert row["test_loss"] == pytest.approx(2 - statistics.mean([0.63, 0.64, 0.66]))
    assert (row["epochs"], row["kept_epoch"], row["seconds"]) == (3, 2, 6.0)
    assert row["train_accuracy"] == pytest.approx(0.7)
    assert row["val_accuracy"] == pytest.approx(0.5)


def test_one_run_has_no_spread(rows: pd.DataFrame) -> None:
    assert pd.isna(results.summary(rows).loc[("intro_cnn", "published", "bf16")].test_accuracy_sd)


def test_table_puts_published_and_measured_side_by_side(rows: pd.DataFrame) -> None:
    table = results.table(rows)
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
    below = results.shortfalls(rows)
    assert list(below) == ["intro_cnn", "batchnorm_cnn"]  # as in recipes
    assert below["batchnorm_cnn"] == recipes.get("batchnorm_cnn").published.shortfall


def test_follow_ups_are_compared_with_what_they_follow(rows: pd.DataFrame) -> None:
    table = results.follow_ups(rows)
    assert list(table["network"]) == ["strided_cnn"]
    assert table["gain"][0] == pytest.approx(65 - (60 + 62) / 2)
    assert table["change"][0] == recipes.get("strided_cnn_adamw").change


def test_honest_runs_without_follow_ups_and_without_the_other_precision(
    rows: pd.DataFrame,
) -> None:
    kept = results.honest(rows)
    assert results.test_accuracies(kept) == {"strided_cnn": [0.60, 0.62], "dense_baseline": [0.46]}
    histories = results.histories(kept)
    assert len(histories["strided_cnn"]) == 2
    assert histories["strided_cnn"][0]["val_accuracy"] == [0.35, 0.55, 0.5]


def test_scores_by_optimizer_count_the_published_one_and_no_longer_training(
    rows: pd.DataFrame,
) -> None:
    longer = run("strided_cnn_30", "honest", 0, 0.9)
    scores = results.by_optimizer(pd.concat([rows, longer]))
    assert scores == {"rmsprop": [0.60, 0.62], "adamw": [0.65]}


def test_precisions_are_compared_on_seeds_that_both_have(rows: pd.DataFrame) -> None:
    extra = run("strided_cnn", "honest", 2, 0.9)  # in bf16 alone
    table = results.precisions(pd.concat([rows, extra]))
    row = table.loc[("strided_cnn", "honest")]
    assert len(table) == 1
    assert row["runs each"] == 2
    assert row["bf16 (%)"] == pytest.approx(61)
    assert row["fp32 (%)"] == pytest.approx(60.5)
    assert row["± bf16"] == pytest.approx(100 * statistics.stdev([0.60, 0.62]))
    assert row["difference"] == pytest.approx(0.5)
    assert row["times as fast"] == pytest.approx(1)


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> data.Dataset:
    monkeypatch.setenv("CIFAR10_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(paths, "shipped_tables", lambda: tmp_path)
    return data.split(official.expected(), PROFILE, "own pictures", "f" * 64)


def store(rows: pd.DataFrame, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    rows.to_csv(file, index=False)


def test_own_runs_come_first_once_all_are_there(
    rows: pd.DataFrame, dataset: data.Dataset, tmp_path: Path
) -> None:
    store(rows, tmp_path / "compare.csv")
    _, line = results.load(PROFILE, dataset)
    assert line.startswith("the repository's runs on CIFAR-10 · profile full · seed 0, 1, 2 · CPU")
    mine = rows.assign(data="own pictures", profile="tiny")
    own = results.results_path(PROFILE, dataset)
    store(mine[mine["recipe"] != "intro_cnn"], own)
    assert results.load(PROFILE, dataset)[1].startswith("the repository's runs")
    store(mine, own)
    loaded, line = results.load(PROFILE, dataset)
    assert line.startswith("your own runs on own pictures · profile tiny")
    assert len(loaded) == len(rows)


@pytest.mark.faults
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a,b\n1,2\n", b'"'])
def test_a_damaged_table_is_named_and_the_shown_one_taken(
    rows: pd.DataFrame, dataset: data.Dataset, capsys: pytest.CaptureFixture, content: bytes, tally
) -> None:
    store(rows, results.shown_path())
    own = results.results_path(PROFILE, dataset)
    own.parent.mkdir(parents=True)
    own.write_bytes(content)
    assert results.load(PROFILE, dataset)[1].startswith("the repository's runs")
    assert f"{own} is damaged" in capsys.readouterr().out
    tally("tables damaged", 1)


@pytest.mark.faults
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\0"])
def test_a_run_whose_record_is_damaged_is_trained_again(
    dataset: data.Dataset, content: bytes, tally
) -> None:
    run = next(comparison.runs(["strided_cnn"], [0], "fp32"))
    folder = run.folder(PROFILE, dataset)
    folder.mkdir(parents=True)
    (folder / "run.json").write_bytes(content)
    assert not run.finished(PROFILE, dataset)
    with pytest.raises(CourseError, match="There is no finished run"):
        results.collect(PROFILE, dataset)
    tally("tables damaged", 1)


@pytest.mark.faults
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"a,b\n1,2\n"])
def test_a_run_whose_history_is_damaged_is_named_and_left_out(
    dataset: data.Dataset, capsys: pytest.CaptureFixture, content: bytes | None, tally
) -> None:
    run = next(comparison.runs(["strided_cnn"], [0], "fp32"))
    folder = run.folder(PROFILE, dataset)
    folder.mkdir(parents=True)
    about = {"plan": run.plan(PROFILE, dataset).told(), "data": "CIFAR-10", "profile": "tiny"}
    files.write_json(folder / "run.json", about)
    if content is not None:
        (folder / "history.csv").write_bytes(content)
    with pytest.raises(CourseError, match="There is no finished run"):
        results.collect(PROFILE, dataset)
    assert f"{folder} is damaged" in capsys.readouterr().out
    tally("tables damaged", 1)


def test_the_runs_just_shipped_are_called_the_repositorys(
    rows: pd.DataFrame, dataset: data.Dataset
) -> None:
    own = results.results_path(PROFILE, dataset)
    store(rows, own)
    results.ship(own)
    assert results.load(PROFILE, dataset)[1].startswith("the repository's runs")


def test_runs_of_another_machine_stay_when_new_ones_are_shipped(
    dataset: data.Dataset, tmp_path: Path
) -> None:
    earlier = [run("plain_cnn", "honest", seed, 0.7) for seed in (0, 1)]
    store(pd.concat([*earlier, run("of_yesterday", "honest", 0, 0.9)]), tmp_path / "compare.csv")
    new = tmp_path / "runs" / "compare.csv"
    store(pd.concat([run("plain_cnn", "honest", seed, 0.8) for seed in (1, 2)]), new)
    shown = pd.read_csv(results.ship(new)).dropna(subset="test_accuracy")
    kept = list(shown[["recipe", "seed", "test_accuracy"]].itertuples(index=False, name=None))
    assert kept == [("plain_cnn", 0, 0.7), ("plain_cnn", 1, 0.8), ("plain_cnn", 2, 0.8)]


def test_trainings_with_other_settings_do_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "shipped_tables", lambda: tmp_path)
    columns = {"data": "CIFAR-10", "profile": "full", "ingredient": ["nothing", "ReLU"]}
    rows = pd.DataFrame(columns)
    before = [rows.assign(settings="old", seed=0), rows.assign(settings="new", seed=1)]
    store(pd.concat(before), tmp_path / "ablate.csv")
    file = tmp_path / "runs" / "ablate.csv"
    store(rows.assign(settings="new", seed=2), file)
    shown = pd.read_csv(results.ship(file))
    assert shown["seed"].tolist() == [1, 1, 2, 2]


def test_measurements_of_another_kind_of_machine_stay_if_the_recipe_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "shipped_tables", lambda: tmp_path)
    same = {"job": "train", "data": "CIFAR-10", "profile": "full", "seed": 0}
    sprint = recipes.get("sprint").identity()
    columns = ["precision", "recipe", "settings"]
    before = [("bf16", "sprint", sprint), ("bf16", "dash", "old"), ("fp32", "sprint", sprint)]
    peers = pd.DataFrame({"job": "peer", "recipe": "airbench94", "precision": ["bf16", "fp32"]})
    shown = pd.DataFrame(before, columns=columns).assign(**same)
    store(pd.concat([shown, peers.assign(profile="full")]), tmp_path / "bench.csv")
    now = pd.DataFrame([("fp32", "sprint", sprint)], columns=columns).assign(**same)
    file = tmp_path / "runs" / "bench.csv"
    store(pd.concat([now, peers.tail(1).assign(profile="full", seconds=9.0)]), file)
    found = pd.read_csv(results.ship(file))
    kinds = list(found[["recipe", "precision"]].itertuples(index=False, name=None))
    assert kinds == [
        *[("sprint", "bf16"), ("airbench94", "bf16")],
        *[("sprint", "fp32"), ("airbench94", "fp32")],
    ]
    assert found["seconds"].tolist()[-1] == 9.0


@pytest.mark.parametrize("change", [{"data": "practice set"}, {"profile": "smoke"}])
def test_only_full_runs_on_cifar10_are_shown(
    rows: pd.DataFrame, dataset: data.Dataset, tmp_path: Path, change: dict
) -> None:
    mixed = pd.concat([rows, run("plain_cnn", "honest", 0, 0.7, **change)])
    store(mixed, tmp_path / "mine.csv")
    with pytest.raises(CourseError, match="only those of the full profile on CIFAR-10"):
        results.ship(tmp_path / "mine.csv")


def test_nothing_trained_is_an_error_that_says_what_to_do(dataset: data.Dataset) -> None:
    with pytest.raises(CourseError, match="python -m cifar10_cnn compare"):
        results.collect(PROFILE, dataset)


def test_trials_by_optimizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "shipped_tables", lambda: tmp_path)
    facts = {"data": "CIFAR-10", "profile": "full", "seed": 0, "device": "CPU"}
    trials = pd.DataFrame(
        {
            "optimizer": ["sgd", "sgd", "adam"],
            "learning_rate": [0.1, 0.2, 0.001],
            "validation_accuracy": [0.5, 0.4, 0.6],
            **facts,
        }
    )
    store(trials, tmp_path / "tune.csv")
    pairs, line = results.load_trials()
    assert pairs == {"sgd": [(0.1, 0.5), (0.2, 0.4)], "adam": [(0.001, 0.6)]}
    assert line == "CIFAR-10 · profile full · seed 0 · CPU"


def test_learning_rates_are_the_best_that_the_search_found() -> None:
    trials, _ = results.load_trials()
    assert set(trials) == set(recipes.TUNED)
    for optimizer, rate in recipes.TUNED.items():
        best = max(trials[optimizer], key=lambda trial: trial[1])[0]
        assert rate == best, optimizer


def test_each_shown_reproduction_below_its_published_figure_has_its_reason() -> None:
    below = results.shortfalls(pd.read_csv(results.shown_path()))
    published = (recipe for recipe in map(recipes.get, recipes.names()) if recipe.published)
    assert {recipe.name for recipe in published if recipe.published.shortfall} == set(below)


def test_the_reason_given_for_the_batchnorm_cnn_holds_in_the_runs_shown() -> None:
    rows = pd.read_csv(results.shown_path()).query("recipe == 'batchnorm_cnn'")
    late = rows[(rows["protocol"] == "published") & (rows["epoch"] > 15)]
    runs = late.groupby(["precision", "seed"])["val_accuracy"]
    assert (runs.max() - runs.min() > 0.03).all()
    assert set(late["precision"]) == {"bf16", "fp32"}
    honest = rows[rows["protocol"] == "honest"]["test_accuracy"].dropna()
    assert honest.mean() > recipes.get("batchnorm_cnn").published.test_accuracy
