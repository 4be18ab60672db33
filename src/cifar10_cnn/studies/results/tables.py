"""The rows of a comparison as means over the seeds, and as tables that a reader sees.

Used in notebook 06 and for the README.
"""

import pandas as pd

from cifar10_cnn.common import checks
from cifar10_cnn.studies.results.runs import COLUMNS
from cifar10_cnn.training import recipes
from cifar10_cnn.training.recipes import Published, Recipe


def summary(results: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each recipe, protocol and precision, in the order of ``recipes``.

    Used in notebook 06.

    Returns:
        Index: recipe, protocol, precision. Columns: ``parameters``; ``runs``, how many seeds;
        ``epochs``, trained; ``kept_epoch``, whose model was tested; ``seconds``, the median
        epoch's; mean and standard deviation (NaN for one run) of ``test_accuracy`` and
        ``test_loss``; means of ``train_accuracy`` and ``val_accuracy`` at the last epoch.
    """
    checks.frame(results, "results", *COLUMNS)
    by = ["recipe", "protocol", "precision", "seed"]
    each = results.groupby(by, sort=False).agg(
        parameters=("parameters", "first"),
        epochs=("epoch", "max"),
        seconds=("seconds", "median"),
        train_accuracy=("accuracy", "last"),
        val_accuracy=("val_accuracy", "last"),
        test_accuracy=("test_accuracy", "max"),
        test_loss=("test_loss", "max"),
    )
    kept = results.dropna(subset="test_accuracy").set_index(by)["epoch"]
    groups = each.assign(kept_epoch=kept).reset_index().groupby(by[:-1], sort=False)
    table = groups.agg(
        parameters=("parameters", "first"),
        runs=("seed", "count"),
        epochs=("epochs", "mean"),
        kept_epoch=("kept_epoch", "mean"),
        seconds=("seconds", "median"),
        train_accuracy=("train_accuracy", "mean"),
        val_accuracy=("val_accuracy", "mean"),
        test_accuracy=("test_accuracy", "mean"),
        test_accuracy_sd=("test_accuracy", "std"),
        test_loss=("test_loss", "mean"),
        test_loss_sd=("test_loss", "std"),
    )
    order = {name: position for position, name in enumerate(recipes.names())}
    return table.sort_index(level="recipe", key=lambda names: names.map(order.get), kind="stable")


def table(results: pd.DataFrame) -> pd.DataFrame:
    """Return the published networks and the course's own, published figures beside ours, as text.

    Used in notebook 06 and for the README. Of two precisions the one with more runs is shown.

    Returns:
        One row a recipe; accuracies as mean ± standard deviation over n seeds.
    """
    means = summary(results).xs(usual_precision(results), level="precision")
    rows = {}
    for name in means.index.unique("recipe"):
        recipe = recipes.get(name)
        if recipe.follows:
            continue
        published = recipe.published
        faithful, honest = (_row(means, name, protocol) for protocol in ("published", "honest"))
        first = means.loc[name].iloc[0]
        rows[name] = {
            "system": _system(recipe),
            "parameters": f"{first.parameters:,.0f}",
            "epochs": f"{first.epochs:.3g}",
            "s/epoch published": _published_seconds(published),
            "s/epoch here": f"{first.seconds:.1f}",
            "test accuracy published": _published_figure(published),
            "reproduced": _figure(faithful, published),
            "honest": _figure(honest, published),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("network")


def shortfalls(results: pd.DataFrame) -> dict[str, str]:
    """Return why some reproductions stay below their published figure, mean over the seeds.

    Used in notebook 06 and for the README.

    Returns:
        By recipe, what its ``published.shortfall`` says; without the recipes that reach theirs.
    """
    means = summary(results).xs(usual_precision(results), level="precision")
    reasons = {}
    for name in means.index.unique("recipe"):
        told, row = recipes.get(name).published, _row(means, name, "published")
        if told is None or row is None or _reaches(row, told):
            continue
        reasons[str(name)] = told.shortfall
    return reasons


def _reaches(row: pd.Series, told: Published) -> bool:
    """Say whether some runs are at least as good as published."""
    if told.test_accuracy:
        return bool(row.test_accuracy >= told.test_accuracy)
    return told.test_loss is None or bool(row.test_loss <= told.test_loss)


def usual_precision(results: pd.DataFrame) -> str:
    """Return the precision with the most runs."""
    checks.frame(results, "results", "precision", "test_accuracy")
    counts = results.dropna(subset="test_accuracy")["precision"].value_counts()
    if counts.empty:
        raise ValueError("No run among the results was tested: none has a test accuracy.")
    return counts.idxmax()


def honest(results: pd.DataFrame) -> pd.DataFrame:
    """Keep the honest runs of the usual precision on all ten classes, without the follow-ups.

    Used in notebook 06.
    """
    names = [r.name for r in map(recipes.get, recipes.names()) if not (r.follows or r.classes)]
    rows = _usual_honest(results)
    return rows[rows["recipe"].isin(names)]


def _usual_honest(results: pd.DataFrame) -> pd.DataFrame:
    checks.frame(results, "results", "recipe", "protocol", "precision")
    usual = results["precision"] == usual_precision(results)
    return results[usual & (results["protocol"] == "honest")]


def by_optimizer(results: pd.DataFrame) -> dict[str, list[float]]:
    """Return the test accuracy of P4a's network, 0 to 1, of each seed, by optimizer.

    Each optimizer has its own best learning rate; the published one, RMSprop, is among them. Used
    in notebook 06.
    """
    scores = test_accuracies(_usual_honest(results))
    base = recipes.get("strided_cnn")
    each = [recipe for recipe in map(recipes.get, recipes.names()) if recipe.model == base.model]
    return {
        recipe.optimizer: scores[recipe.name]
        for recipe in each
        if recipe.epochs == base.epochs and recipe.name in scores
    }


def test_accuracies(results: pd.DataFrame) -> dict[str, list[float]]:
    """Return the test accuracy of each run, 0 to 1, by recipe.

    Used in notebook 06.
    """
    checks.frame(results, "results", "recipe", "test_accuracy")
    kept = results.dropna(subset="test_accuracy")
    return kept.groupby("recipe", sort=False)["test_accuracy"].apply(list).to_dict()


def histories(results: pd.DataFrame) -> dict[str, list[dict[str, list[float]]]]:
    """Return the training history of each run, as ``model.fit`` gives it, by recipe.

    Used in notebook 06.
    """
    checks.frame(results, "results", *COLUMNS)
    return {
        str(name): [
            run[["accuracy", "val_accuracy", "loss", "val_loss"]].to_dict("list")
            for _, run in runs.groupby(["protocol", "precision", "seed"])
        ]
        for name, runs in results.groupby("recipe", sort=False)
    }


def _row(means: pd.DataFrame, name: str, protocol: str) -> pd.Series | None:
    return means.loc[(name, protocol)] if (name, protocol) in means.index else None


def _system(recipe: Recipe) -> str:
    """Return whose network it is and, where it knows some classes only, how many."""
    whose = recipe.published.system if recipe.published else "ours"
    return f"{whose}, {len(recipe.classes)} classes" if recipe.classes else whose


def _published_seconds(published: Published | None) -> str:
    if published is None or published.seconds_an_epoch is None:
        return "–"
    return "{}–{}".format(*published.seconds_an_epoch)


def _published_figure(published: Published | None) -> str:
    if published is None or published.figure() is None:
        return "–"
    accuracy, loss = published.test_accuracy, published.test_loss
    return f"{100 * accuracy:.2f} %" if accuracy else f"loss {loss:.4f}"


def _figure(row: pd.Series | None, published: Published | None) -> str:
    """Return the test accuracy of some runs or, where only a loss was published, their loss too."""
    if row is None:
        return "–"
    spread = f" ± {100 * row.test_accuracy_sd:.2f}" if row.runs > 1 else ""
    text = f"{100 * row.test_accuracy:.2f}{spread} % (n = {row.runs:.0f})"
    if published and published.test_accuracy is None and published.test_loss:
        text += f", loss {row.test_loss:.4f}"
    return text


def follow_ups(results: pd.DataFrame) -> pd.DataFrame:
    """Return what each change of a published recipe brought, on the honest protocol.

    Used in notebook 06.

    Returns:
        One row a follow-up; test accuracies in percent, ``gain`` in percentage points.
    """
    means = (
        summary(results)
        .xs(usual_precision(results), level="precision")
        .xs("honest", level="protocol")
    )
    rows = [
        {
            "network": recipe.follows,
            "change": recipe.change,
            "runs": int(means.loc[name, "runs"]),
            "before (%)": 100 * means.loc[recipe.follows, "test_accuracy"],
            "after (%)": 100 * means.loc[name, "test_accuracy"],
        }
        for name in means.index
        if (recipe := recipes.get(name)).follows in means.index
    ]
    frame = pd.DataFrame(rows)
    return frame.assign(gain=frame["after (%)"] - frame["before (%)"])


def precisions(results: pd.DataFrame) -> pd.DataFrame:
    """Return what bf16 costs and saves, for each recipe that was trained in both precisions.

    Used in notebook 06.

    Returns:
        One row a recipe and protocol: mean test accuracy in percent, its standard deviation and the
        number of runs by precision, the difference of the means in percentage points, and how many
        times as long an epoch takes in fp32. Only seeds that both have are counted.
    """
    checks.frame(results, "results", *COLUMNS)
    by = ["recipe", "protocol", "seed"]
    pairs = results.groupby([*by, "precision"]).agg(
        accuracy=("test_accuracy", "max"), seconds=("seconds", "median")
    )
    both = pairs.unstack("precision").dropna().groupby(by[:-1])
    means, spread = both.mean(), both.std()
    return pd.DataFrame(
        {
            "runs each": both.size(),
            "bf16 (%)": 100 * means[("accuracy", "bf16")],
            "± bf16": 100 * spread[("accuracy", "bf16")],
            "fp32 (%)": 100 * means[("accuracy", "fp32")],
            "± fp32": 100 * spread[("accuracy", "fp32")],
            "difference": 100 * (means[("accuracy", "bf16")] - means[("accuracy", "fp32")]),
            "times as fast": means[("seconds", "fp32")] / means[("seconds", "bf16")],
        }
    )
