"""The benchmark's rows as tables that people read: ratios with their spread.

Used for the README, by the command ``bench`` and in notebook 06.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cifar10_cnn.common import checks
from cifar10_cnn.studies.peer import EPOCH

_TRAINED = (
    *("recipe", "precision", "parameters", "accuracy", "accuracy_views", "seconds", "unit"),
    *("seconds_to_72%", "seconds_to_80%", "seconds_to_90%"),
    *("views_seconds", "start_seconds", "peak_mib"),
)
_STEP = (
    *("recipe", "precision", "seconds", "batch_seconds", "share_of_peak"),
    *("forward_seconds", "backward_seconds", "update_seconds"),
)
_SPEEDS = {
    ("speed", "standard"): "`standard`, Keras",
    ("peer", "standard"): "`standard`, PyTorch",
    ("peer", "airbench94"): "airbench94, PyTorch (U)",
    ("speed", "batchnorm_cnn"): "P1, Keras",
}


def trainings(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each fast recipe and precision, the shortest training first.

    Args:
        rows: those of ``benchmarks.bench``, from machines of one kind or of several.

    Returns:
        Index: recipe. Text columns; ``in`` is what Keras computes in where it was measured. Times
        are in U where there was a peer, each divided by the U of its own minutes, as mean ±
        standard deviation over n seeds.
    """
    trained = _of_job(rows, "train", *_TRAINED)
    shortest = trained.groupby("recipe")["seconds"].transform("min")
    table = [
        {
            "recipe": recipe,
            "in": precision,
            "parameters": f"{runs['parameters'].iloc[0]:,.0f}",
            "test accuracy": _percent(runs["accuracy_views"]),
            "one view": _percent(runs["accuracy"]),
            "training": _in_units(runs, "seconds"),
            "seconds": _spread(runs["seconds"], ".0f"),
            "to 72 %": _in_units(runs, "seconds_to_72%"),
            "to 80 %": _in_units(runs, "seconds_to_80%"),
            "to 90 %": _in_units(runs, "seconds_to_90%"),
            "six views": f"{runs['views_seconds'].mean():.0f} s",
            "start": f"{runs['start_seconds'].mean():.0f} s",
            "memory": f"{runs['peak_mib'].max() / 1024:.1f} GiB",
            "n": str(len(runs)),
        }
        for recipe, precision, runs in _by_precision(
            trained.iloc[np.argsort(shortest, kind="stable")]
        )
    ]
    return _indexed(table, "recipe")


def speeds(rows: pd.DataFrame) -> pd.DataFrame:
    """Return how fast some networks train at 32 by 32 pixels, beside airbench94's in PyTorch.

    Returns:
        One row for each network and precision of Keras; ``as fast`` is the ratio to the median U of
        the same kind of machine.
    """
    table = []
    for (job, recipe), title in _SPEEDS.items():
        measured = _of_job(rows, job, "recipe", "precision", "seconds")
        for _, precision, runs in _by_precision(measured[measured["recipe"] == recipe]):
            unit = _units(rows, precision).median()
            table.append(
                {
                    "network": title,
                    "in": precision,
                    "pictures a second": _spread(EPOCH / runs["seconds"], ",.0f"),
                    "s an epoch": _spread(runs["seconds"], ".1f"),
                    "as fast": _spread(unit / runs["seconds"], ".2f"),
                }
            )
    return _indexed(table, "network")


def steps(rows: pd.DataFrame) -> pd.DataFrame:
    """Return where the time of a training step goes, of all measurements the fastest.

    Returns:
        One row for each recipe and precision: milliseconds of a step and of its parts at 32 by 32
        pixels.
    """
    table = []
    for recipe, precision, runs in _by_precision(_of_job(rows, "step", *_STEP)):
        best = runs.loc[runs["seconds"].idxmin()]
        table.append(
            {
                "a step of": recipe,
                "in": precision,
                "step": f"{1000 * best['seconds']:.0f} ms",
                "forward": f"{1000 * best['forward_seconds']:.0f} ms",
                "backward": f"{1000 * best['backward_seconds']:.0f} ms",
                "Muon": f"{1000 * best['update_seconds']:.0f} ms",
                "pictures (beside it)": f"{1000 * best['batch_seconds']:.1f} ms",
                "of the peak": f"{best['share_of_peak']:.0%}",
            }
        )
    return _indexed(table, "a step of")


def origin(rows: pd.DataFrame) -> str:
    """Return data, profile, device and U of some rows in one line."""
    checks.frame(rows, "rows", "data", "profile", "precision", "device")
    data = " and ".join(rows["data"].dropna().unique())
    units = [
        f"{_spread(seconds, '.1f')} s in {precision}"
        for precision in rows["precision"].unique()
        if len(seconds := _units(rows, precision))
    ]
    unit = f" · U = {', '.join(units)}" if units else ""
    profile, device = (" and ".join(rows[name].unique()) for name in ("profile", "device"))
    return f"{data} · profile {profile} · {device}{unit}"


def _by_precision(rows: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Give recipe, precision and rows: a recipe's together, bf16 before fp32."""
    for recipe, found in rows.groupby("recipe", sort=False):
        for precision, runs in found.groupby("precision"):
            yield str(recipe), str(precision), runs


def _indexed(table: list[dict[str, str]], index: str) -> pd.DataFrame:
    return (pd.DataFrame(table) if table else pd.DataFrame(columns=[index])).set_index(index)


def _of_job(rows: pd.DataFrame, job: str, *columns: str) -> pd.DataFrame:
    """Return the rows of one kind of job, which have some columns if there are any."""
    found = checks.frame(rows, "rows", "job")[rows["job"] == job]
    return checks.frame(found, "rows", *columns) if len(found) else found.reindex(columns=columns)


def _units(rows: pd.DataFrame, precision: str) -> pd.Series:
    """Return all measurements of U where Keras computes in a precision, seconds."""
    measured = _of_job(rows, "peer", "recipe", "precision", "seconds")
    wanted = (measured["recipe"] == "airbench94") & (measured["precision"] == precision)
    return measured.loc[wanted, "seconds"]


def _in_units(runs: pd.DataFrame, column: str) -> str:
    """Return a time in U, in seconds where there was no peer, or a dash if not all got there."""
    seconds = runs[column].astype(float)
    if seconds.isna().any():
        return "–"
    if runs["unit"].isna().any():
        return f"{_spread(seconds, '.1f')} s"
    return f"{_spread(seconds / runs['unit'], '.2f')} U"


def _percent(shares: pd.Series) -> str:
    return f"{_spread(100 * shares, '.2f')} %"


def _spread(values: pd.Series, form: str) -> str:
    """Return mean ± standard deviation, the mean alone of a single value."""
    if len(values) == 1:
        return format(values.iloc[0], form)
    return f"{np.mean(values):{form}} ± {np.std(values, ddof=1):{form}}"
