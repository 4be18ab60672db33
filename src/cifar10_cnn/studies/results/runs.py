"""The results of trainings on disk: your own runs as one tidy CSV, and what is shown of them."""

from pathlib import Path

import numpy as np
import pandas as pd

from cifar10_cnn import models
from cifar10_cnn.common import checks, files, paths
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data.dataset import Dataset
from cifar10_cnn.profiles import Profile
from cifar10_cnn.training import recipes

#: What the rows of one training have in common, in the tables that may grow on several machines.
_TRAININGS = {
    "compare.csv": ["recipe", "protocol", "precision", "seed"],
    "ablate.csv": ["settings", "seed"],
    "bench.csv": ["job", "recipe", "precision", "seed"],
}
_CURVES = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds")
#: Columns of the table of all runs.
COLUMNS = [
    *("recipe", "protocol", "precision", "seed", "data", "profile", "device", "parameters"),
    *_CURVES,
    *("test_loss", "test_accuracy"),
]


def folder(profile: Profile, dataset: Dataset) -> Path:
    """Return where all runs on a data set are kept."""
    return paths.runs_folder() / profile.name / "compare" / dataset.fingerprint[:12]


def results_path(profile: Profile, dataset: Dataset) -> Path:
    """Return the file that ``collect`` writes."""
    return folder(profile, dataset) / "compare.csv"


def collect(profile: Profile, dataset: Dataset) -> Path:
    """Write all finished runs on a data set into one table and return its file.

    One row an epoch: what was trained (recipe, protocol, precision, seed), on what (data, profile,
    device), the numbers of the epoch, and in the row of the epoch whose model was kept the test
    split's accuracy (0 to 1) and loss (nats). Runs of a recipe or a network that was changed since
    are left out.

    Raises:
        CourseError: if no run has finished.
    """
    where = folder(profile, dataset)
    frames = []
    for file in filter(_valid, sorted(where.glob("*/*/run.json"))):
        try:
            frames.append(_rows(file.parent))
        except (OSError, ValueError, KeyError) as error:
            print(f"{file.parent} is damaged ({error}): delete it, and it is trained again.")
    if not frames:
        raise CourseError(
            f"There is no finished run in {where}: train with `python -m cifar10_cnn compare`."
        )
    text = pd.concat(frames)[COLUMNS].to_csv(index=False, lineterminator="\n", float_format="%.6g")
    files.write(results_path(profile, dataset), text)
    return results_path(profile, dataset)


def _valid(run_file: Path) -> bool:
    """Say whether a run was trained by a recipe and on a network as they are today."""
    name = run_file.parent.parent.name
    if name not in recipes.names():
        return False
    recipe, plan = recipes.get(name), files.read_json(run_file).get("plan", {})
    today = (recipe.settings(), models.fingerprint(recipe.model))
    return today == (plan.get("recipe"), plan.get("network"))


def _rows(run: Path) -> pd.DataFrame:
    """Return the rows of one run, of columns ``COLUMNS``."""
    about = files.read_json(run / "run.json")
    rows = pd.read_csv(run / "history.csv").reindex(columns=[*_CURVES])
    plan = about["plan"]
    rows = rows.assign(
        recipe=run.parent.name,
        protocol="published" if plan["keep"] == "last" else "honest",
        precision=plan["precision"],
        seed=plan["seed"],
        data=about["data"],
        profile=about["profile"],
        device=about["device"],
        parameters=about["parameters"],
    )
    kept = rows["epoch"] == about["kept_epoch"]
    return rows.assign(
        test_accuracy=np.where(kept, about["test_accuracy"], np.nan),
        test_loss=np.where(kept, about["test_loss"], np.nan),
    )


def load(profile: Profile, dataset: Dataset) -> tuple[pd.DataFrame, str]:
    """Return the results of the comparison: of your own runs if complete, else the shown ones.

    Used in notebook 06.

    Returns:
        The rows of ``collect``, and one line that says whose they are and where they came from.
    """
    shown, own = pd.read_csv(shown_path()), results_path(profile, dataset)
    rows, whose = shown, "the repository's runs"
    mine = shown
    if own.exists():
        try:
            mine = checks.frame(pd.read_csv(own), "results", *COLUMNS)
        except ValueError as error:  # pandas' own are of that kind
            print(f"{own} is damaged ({error}): `compare` makes it again from your runs.")
    if not mine.equals(shown) and set(shown["recipe"]) <= set(mine["recipe"]):
        rows, whose = mine, "your own runs"
    return rows, f"{whose} on {origin(rows)}"


def origin(rows: pd.DataFrame) -> str:
    """Return data, profile, seeds and device of runs or trials in one line."""
    checks.frame(rows, "results", "seed", "data", "profile", "device")
    seeds = ", ".join(str(seed) for seed in sorted(rows["seed"].unique()))
    kinds = [" and ".join(rows[column].unique()) for column in ("data", "profile", "device")]
    return f"{kinds[0]} · profile {kinds[1]} · seed {seeds} · {kinds[2]}"


def shown_path() -> Path:
    """Return the file of the results that the repository shows."""
    return paths.shipped_tables() / "compare.csv"


def ship(file: Path) -> Path:
    """Make a table of runs or of trials the one that the repository shows.

    What ``compare``, ``ablate`` and ``bench`` measured before and the file lacks stays: it may come
    from another machine. Used by the option ``--ship`` of the commands ``compare``,
    ``tune``, ``bench`` and ``ablate``.

    Returns:
        The file in the package.

    Raises:
        CourseError: if it is not of the full profile on CIFAR-10 alone.
    """
    rows = pd.read_csv(file)
    if set(rows["data"].dropna()) != {"CIFAR-10"} or set(rows["profile"]) != {"full"}:
        raise CourseError(
            f"{file} holds results on {origin(rows)}; only those of the full profile on CIFAR-10 "
            "are shown."
        )
    shown = paths.shipped_tables() / file.name
    same = _TRAININGS.get(file.name)
    if same and shown.exists():
        # As text, so that no number is written in another way.
        before, now = (pd.read_csv(each, dtype=str, na_filter=False) for each in (shown, file))
        again = before.set_index(same).index.isin(now.set_index(same).index)
        rows = pd.concat([before[~again & _today(before, now)], now])
        files.write(shown, rows.to_csv(index=False, lineterminator="\n"))
    else:
        files.write(shown, file.read_bytes())
    return shown


def _today(before: pd.DataFrame, now: pd.DataFrame) -> pd.Series:
    """Say which earlier rows are of recipes as they are today; a row without settings always is."""
    if "settings" in before:
        fast = (recipes.get(name).identity() for name in recipes.fast())
        return before["settings"].isin({"", *now["settings"], *fast})
    return before["recipe"].isin(recipes.names())


def load_trials() -> tuple[dict[str, list[tuple[float, float]]], str]:
    """Return the trials of the learning-rate searches that the repository shows.

    Used in notebook 06.

    Returns:
        (learning rate, validation accuracy between 0 and 1) of each trial, by optimizer, and one
        line on where they came from.
    """
    trials = pd.read_csv(paths.shipped_tables() / "tune.csv")
    pairs = {
        str(name): list(zip(rows["learning_rate"], rows["validation_accuracy"], strict=True))
        for name, rows in trials.groupby("optimizer", sort=False)
    }
    return pairs, origin(trials)
