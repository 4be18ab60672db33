"""How fast the fast recipes are, beside a peer that is measured in the same run.

Machines differ, and one machine differs from hour to hour. So training times are told in U: the
seconds that an epoch of airbench94's network takes in plain PyTorch, measured before and after
each training. All measurements make one tidy CSV, one row each.
"""

import json
import math
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from cifar10_cnn import device
from cifar10_cnn.common import files, paths
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.course.summary import duration
from cifar10_cnn.profiles import Profile
from cifar10_cnn.training import recipes

#: The recipes whose networks' speed is told at full size.
SPEEDS = ("standard", "batchnorm_cnn")


def path(profile: Profile) -> Path:
    """Return the file that ``bench`` writes."""
    return paths.runs_folder() / profile.name / "bench.csv"


def shown_path() -> Path:
    """Return the file of the measurements that the repository shows."""
    return paths.shipped_tables() / "bench.csv"


def bench(
    names: Sequence[str], seeds: Sequence[int], source: str, profile: Profile, console: Console
) -> Path:
    """Measure speeds, and train by some fast recipes with some seeds; each in its own process.

    Nothing else should run on the machine. What was measured before of other recipes and seeds
    stays in the file beside it, so an hour's training can be measured on its own.
    Used by the command ``bench``.

    Args:
        names: fast recipes, such as ``sprint``.
        seeds: one training of each recipe for each seed.
        source: data source, as ``data.load`` takes it.
        profile: how much data.
        console: where to tell each number as soon as it is there.

    Returns:
        The file: one row for each job, in the order in which they ran. ``precision`` is what Keras
        computes in on this machine (``device.arithmetic``), also in the rows of the peer, which
        takes what is faster there.

    Raises:
        CourseError: if a job fails.
    """
    peers = find_spec("torch") is not None
    if not peers:
        console.print(
            "PyTorch is not there, so there is no peer and no U: install it with "
            "`pip install -e '.[bench]'`.",
            markup=False,
        )
    rows = _earlier(profile, names, seeds)
    told = {"profile": profile.name, "precision": device.arithmetic()}

    def measure(job: str, *arguments: str, **described: Any) -> float:
        """Run a job, keep what it measured as a row, and return its seconds."""
        title = f"{job} {' '.join(map(str, described.values()))}".strip()
        console.print(f"{title} …", highlight=False)
        row = {"job": job, **told, **described, **_measured(job, arguments)}
        rows.append(row)
        _write(rows, profile)
        console.print(f"   {_told(row)}", highlight=False)
        return row["seconds"]

    for seed in seeds:
        for recipe in SPEEDS:
            measure("speed", recipe, recipe=recipe)
        measure("step", "standard", recipe="standard")
        if peers:
            measure("peer", "standard", recipe="standard")
        before = measure("peer", "airbench94", recipe="airbench94") if peers else math.nan
        for recipe in names:
            measure("train", recipe, str(seed), profile.name, source, recipe=recipe, seed=seed)
            training = rows[-1]
            after = measure("peer", "airbench94", recipe="airbench94") if peers else math.nan
            training["unit"] = (before + after) / 2
            _write(rows, profile)
            before = after
    return path(profile)


def load(file: Path) -> pd.DataFrame:
    """Return the rows of a file of ``bench``."""
    return pd.read_csv(file)


def _write(rows: Sequence[dict[str, Any]], profile: Profile) -> None:
    # Whole numbers stay whole beside rows that have none.
    text = (
        pd.DataFrame(rows)
        .convert_dtypes()
        .to_csv(index=False, lineterminator="\n", float_format="%.6g")
    )
    files.write(path(profile), text)


def _earlier(profile: Profile, names: Sequence[str], seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Return the trainings of the file that are not measured again, of recipes as they are."""
    if not path(profile).exists():
        return []
    rows = pd.read_csv(path(profile))
    if not {"unit", "settings"} <= set(rows):  # stopped before the first training was over
        return []
    today = {name: recipes.get(name).identity() for name in recipes.fast()}
    of_today = rows["settings"] == rows["recipe"].map(today)
    trainings = rows[(rows["job"] == "train") & rows["unit"].notna() & of_today]
    again = trainings["recipe"].isin(names) & trainings["seed"].isin(seeds)
    again &= trainings["precision"] == device.arithmetic()
    return trainings[~again].to_dict("records")


def _measured(job: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Run one job in a process of its own, and return what it measured."""
    package = "cifar10_cnn.studies"
    module = [f"{package}.peer"] if job == "peer" else [f"{package}.bench_jobs", job]
    command = [sys.executable, "-m", *module, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise CourseError(f"The benchmark's job {job} {' '.join(arguments)} failed: {last}")
    return json.loads(done.stdout.splitlines()[-1])


def _told(row: dict[str, Any]) -> str:
    if row["job"] == "train":
        return f"{duration(row['seconds'])}, test accuracy {row['accuracy_views']:.2%}"
    if row["job"] == "step":
        return f"{1000 * row['seconds']:.0f} ms a step, {row['share_of_peak']:.0%} of the peak"
    return f"{row['seconds']:.1f} s an epoch of 50,000 pictures"
