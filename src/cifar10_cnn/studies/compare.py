"""Every recipe trained side by side: as its author did, and honestly. One row an epoch.

In the row of the epoch whose model was tested stand the test split's accuracy (0 to 1) and loss.
Protocols: ``published`` takes the author's own split and the last epoch's model; ``honest`` our
training and validation splits and the epoch that validates best. The test split is opened once, at
the end, unless the author looked at it after each epoch.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pandas as pd

from cifar10_cnn import device
from cifar10_cnn.common import checks
from cifar10_cnn.common.formats import mean_and_sd, percent
from cifar10_cnn.data import dataset as data
from cifar10_cnn.data.dataset import Dataset, Split
from cifar10_cnn.device import keras
from cifar10_cnn.evaluation import scores
from cifar10_cnn.profiles import Profile
from cifar10_cnn.studies import engine
from cifar10_cnn.studies.engine import Callbacks, Case, Names, Rows, Study
from cifar10_cnn.training import recipes, trainer
from cifar10_cnn.training.recipes import Published, Recipe
from cifar10_cnn.training.trainer import Training

_NUMBERS = ["loss", "accuracy", "val_loss", "val_accuracy", "seconds", "test_loss", "test_accuracy"]
_NAMES = ["recipe", "protocol", "precision", "seed", "data", "profile", "device"]
#: Columns of the table.
COLUMNS = [*_NAMES, "parameters", "epoch", *_NUMBERS]


def cases(names: Sequence[str], seeds: Sequence[int], precision: str) -> list[Names]:
    """Return the trainings of some recipes, all of one seed before the next.

    A recipe whose author reports a figure is trained by both protocols, any other honestly.

    Raises:
        CourseError: if there is no such recipe or precision.
        ValueError: if a seed is no whole number from 0 on.
    """
    checks.chosen(precision, ("bf16", "fp32"), "precision")
    every = [recipes.get(name) for name in checks.rows(names, "recipes")]
    return [
        {"recipe": recipe.name, "protocol": protocol, "precision": precision, "seed": seed}
        for seed in [checks.count(seed, "seed", 0) for seed in checks.rows(seeds, "seeds")]
        for recipe in every
        for protocol in ("published", "honest")
        if protocol == "honest" or (recipe.published and recipe.published.figure())
    ]


def prepare(recipe: Recipe, protocol: str, dataset: Dataset) -> Dataset:
    """Return the images that are trained on, looked at after each epoch, and tested on."""
    if recipe.classes:
        dataset = data.select_classes(dataset, recipe.classes)
    if protocol == "honest" or not recipe.published:
        return dataset
    whole = data.whole_training(dataset)
    if recipe.published.validates_on == "test":
        return replace(dataset, train=whole, validation=dataset.test)
    # Keras' validation_split=0.2 cuts at the same image.
    cut = int(0.8 * len(whole)) if recipe.published.validates_on == "last fifth" else len(whole)
    return replace(dataset, train=_part(whole, 0, cut), validation=_part(whole, cut, None))


def _part(split: Split, start: int, stop: int | None) -> Split:
    return Split(split.images[start:stop], split.labels[start:stop])


def _plan(
    dataset: Dataset, profile: Profile, *, recipe: str, protocol: str, precision: str, seed: int
) -> Training:
    settings = recipes.get(recipe)
    return Training(
        settings,
        settings.epochs_at(profile),
        seed,
        dataset.fingerprint,
        protocol,
        "bf16" if precision == "bf16" else "fp32",
        "last" if protocol == "published" else "best",
    )


def _measure(case: Case, callbacks: Callbacks) -> Rows:
    """Train and test once; a stopped training goes on after its last epoch."""
    images = prepare(case.training.recipe, case.training.part, case.dataset)
    _, history = trainer.fit(case.training, images, folder=case.folder, callbacks=callbacks)
    model = keras.models.load_model(case.folder / "model.keras", compile=False)
    report = scores.evaluate(model, images.test, images.class_names)
    table = pd.DataFrame(history).reindex(columns=_NUMBERS)
    best = table.index[-1] if case.training.keep == "last" else table["val_accuracy"].idxmax()
    table.loc[best, ["test_loss", "test_accuracy"]] = report.loss, report.accuracy
    table.insert(0, "parameters", model.count_params())
    table.insert(1, "epoch", table.index + 1)
    return table.to_dict("records")


STUDY = Study("compare", ("recipe", "protocol", "precision", "seed"), _plan)
run = partial(engine.run, STUDY, _measure)
rows = partial(engine.rows, "compare")
load = partial(engine.load, STUDY)
origin = engine.origin


def summary(results: pd.DataFrame) -> pd.DataFrame:
    """Return the mean of some runs' seeds by recipe, protocol and precision, as ``recipes`` go.

    ``runs`` counts seeds; ``seconds`` are the median epoch's; ``test_accuracies`` those of all.
    """
    # Only one row of a run has a test accuracy.
    groups = results.groupby(["recipe", "protocol", "precision"], sort=False)
    means = groups.agg(
        parameters=("parameters", "first"),
        runs=("seed", "nunique"),
        epochs=("epoch", "size"),
        seconds=("seconds", "median"),
        test_accuracy=("test_accuracy", "mean"),
        test_loss=("test_loss", "mean"),
        test_accuracies=("test_accuracy", lambda column: column.dropna().tolist()),
    )
    means["epochs"] /= means["runs"]
    order = {name: place for place, name in enumerate(recipes.names())}
    return means.sort_index(level="recipe", key=lambda names: names.map(order), kind="stable")


def table(results: pd.DataFrame) -> pd.DataFrame:
    """Return the published networks and the course's own, published figures beside ours, as text.

    Used in notebook 06. One row a recipe; of two precisions the one with more runs; accuracies as
    mean ± standard deviation over n seeds.
    """
    means = summary(results).xs(usual_precision(results), level="precision")
    lines = {}
    for name, first in means.groupby(level="recipe", sort=False).first().iterrows():
        recipe = recipes.get(str(name))
        if recipe.follows:
            continue
        published = recipe.published or Published("ours")
        accuracy, loss = published.test_accuracy, published.test_loss
        by_loss = bool(loss and not accuracy)
        figure = percent(accuracy, 2) if accuracy else f"loss {loss:.4f}" if loss else "–"
        system = f"{published.system}, {len(recipe.classes)} classes" if recipe.classes else ""
        measured = {"published": "–", "honest": "–"}
        for protocol, row in means.loc[name].iterrows():
            text = mean_and_sd([100 * one for one in row.test_accuracies], ".2f", "%")
            behind = f", loss {row.test_loss:.4f}" if by_loss else ""
            measured[str(protocol)] = f"{text} (n = {row.runs}){behind}"
        lines[name] = {
            "system": system or published.system,
            "parameters": f"{first.parameters:,.0f}",
            "epochs": f"{first.epochs:.3g}",
            "s/epoch published": "–".join(map(str, published.seconds_an_epoch or ("", ""))),
            "s/epoch here": f"{first.seconds:.1f}",
            "test accuracy published": figure,
            "reproduced": measured["published"],
            "honest": measured["honest"],
        }
    return pd.DataFrame.from_dict(lines, orient="index").rename_axis("network")


def shortfalls(results: pd.DataFrame) -> dict[str, str]:
    """Return by recipe why its reproduction, mean over the seeds, stays below the published figure.

    Used in notebook 06. Recipes that reach theirs are left out.
    """
    means = summary(results).query("protocol == 'published'")
    usual = means.xs(usual_precision(results), level="precision").droplevel("protocol")
    reasons = {}
    for name, row in usual.iterrows():
        published = recipes.get(str(name)).published
        if published is None or published.figure() is None:
            continue
        if accuracy := published.test_accuracy:
            below = row.test_accuracy < accuracy
        else:
            below = row.test_loss > published.test_loss
        if below:
            reasons[str(name)] = published.shortfall
    return reasons


def usual_precision(results: pd.DataFrame) -> str:
    """Return the precision with the most runs."""
    counts = results.dropna(subset="test_accuracy")["precision"].value_counts()
    if counts.empty:
        raise ValueError("No run among the results was tested: none has a test accuracy.")
    return counts.idxmax()


def honest(results: pd.DataFrame) -> pd.DataFrame:
    """Return the honest runs on all ten classes, no follow-ups. Used in notebooks 06 and 07."""
    every = map(recipes.get, recipes.names())
    names = [recipe.name for recipe in every if not (recipe.follows or recipe.classes)]
    usual = _usual_honest(results)
    return usual[usual["recipe"].isin(names)]


def _usual_honest(results: pd.DataFrame) -> pd.DataFrame:
    return results.query(f"precision == '{usual_precision(results)}' and protocol == 'honest'")


def by_optimizer(results: pd.DataFrame) -> dict[str, list[float]]:
    """Return the test accuracy of P4a's network, 0 to 1, of each seed, by optimizer.

    Each has its own best learning rate; RMSprop is the published one. Used in notebook 06.
    """
    accuracies, base = test_accuracies(_usual_honest(results)), recipes.get("strided_cnn")
    return {
        recipe.optimizer: accuracies[recipe.name]
        for recipe in map(recipes.get, recipes.names())
        if (recipe.model, recipe.epochs) == (base.model, base.epochs) and recipe.name in accuracies
    }


def test_accuracies(results: pd.DataFrame) -> dict[str, list[float]]:
    """Return the test accuracy of each run, 0 to 1, by recipe. Used in notebooks 06 and 07."""
    tested = results.dropna(subset="test_accuracy")
    return tested.groupby("recipe", sort=False)["test_accuracy"].apply(list).to_dict()


def histories(results: pd.DataFrame) -> dict[str, list[dict[str, list[float]]]]:
    """Return each run's history, as ``model.fit`` gives it, by recipe. Used in notebook 06."""
    return {
        str(name): [
            run[["accuracy", "val_accuracy", "loss", "val_loss"]].to_dict("list")
            for _, run in runs.groupby(["protocol", "precision", "seed"])
        ]
        for name, runs in results.groupby("recipe", sort=False)
    }


def follow_ups(results: pd.DataFrame) -> pd.DataFrame:
    """Return what each change of a published recipe brought, on the honest protocol.

    Used in notebook 06. Test accuracies in percent, ``gain`` in percentage points.
    """
    means = summary(_usual_honest(results)).droplevel(["protocol", "precision"])
    percents = 100 * means["test_accuracy"]
    lines = [
        (recipe.follows, recipe.change, row.runs, percents[recipe.follows], percents[name])
        for name, row in means.iterrows()
        if (recipe := recipes.get(str(name))).follows in means.index
    ]
    frame = pd.DataFrame(lines, columns=["network", "change", "runs", "before (%)", "after (%)"])
    return frame.assign(gain=frame["after (%)"] - frame["before (%)"])


def precisions(results: pd.DataFrame) -> pd.DataFrame:
    """Return what bf16 costs and saves, for each recipe that was trained in both precisions.

    Used in notebook 06. Mean test accuracies and their standard deviations in percent over the
    seeds that both have; how many times as long an epoch takes in fp32.
    """
    by = ["recipe", "protocol", "seed"]
    pairs = results.groupby([*by, "precision"]).agg(
        accuracy=("test_accuracy", "max"), seconds=("seconds", "median")
    )
    both = pairs.unstack("precision").dropna().groupby(by[:-1])
    means, sd = both.mean(), both.std()
    columns = {"runs each": both.size()}
    for precision in ("bf16", "fp32"):
        columns[f"{precision} (%)"] = 100 * means["accuracy", precision]
        columns[f"± {precision}"] = 100 * sd["accuracy", precision]
    table = pd.DataFrame(columns)
    return table.assign(
        difference=table["bf16 (%)"] - table["fp32 (%)"],
        **{"times as fast": means["seconds", "fp32"] / means["seconds", "bf16"]},
    )


def images_per_second(
    recipe: Recipe, dataset: Dataset, precision: str, images: int = 1_000
) -> float:
    """Measure how fast a network trains: the second of two epochs, without the first's start-up.

    Trained on the first ``images``; the precision is one that ``device.precision`` takes. Compare
    numbers of one run only: another program on the machine changes them by half. Used in notebook
    06.
    """
    train = _part(dataset.train, 0, checks.count(images, "images"))
    few = replace(dataset, train=train, validation=_part(train, 0, 0))
    settings = replace(recipe, sizes=(32, 32) if recipe.sizes else (), stops_on=None)
    kind = device.precision(precision)
    training = Training(settings, 2, 0, dataset.fingerprint, "first images", kind, "last")
    _, history = trainer.fit(training, few)
    return len(train) / history["seconds"][1]
