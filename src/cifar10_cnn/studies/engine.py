"""The one way to do a study: a list of named trainings, run what is missing, one tidy table.

Each finished training is one file in ``runs/<profile>/<study>/<data>/``, so a study that was
stopped goes on; ``<data>`` begins the data set's fingerprint, so that no table mixes two. A file
counts as long as its training is the same as today's (``Training.key``).
"""

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from rich import progress
from rich.console import Console

from cifar10_cnn import device
from cifar10_cnn.common import files, paths
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data.dataset import Dataset
from cifar10_cnn.device import keras
from cifar10_cnn.profiles import Profile
from cifar10_cnn.training import recipes
from cifar10_cnn.training.trainer import Training

#: What a study's table names a training by, such as recipe and seed.
Names = dict[str, Any]
Rows = list[dict[str, Any]]
Callbacks = Sequence[keras.callbacks.Callback]


@dataclass(frozen=True)
class Study:
    """A kind of trainings."""

    name: str  # of its folder, its table and its command
    names: tuple[str, ...]  # columns that name one of its trainings; recipe is among them
    plan: Callable[..., Training]  # plan(dataset, profile, **names): the training called so

    def folder(self, dataset: Dataset, profile: Profile) -> Path:
        """Return where the finished trainings on a data set are kept."""
        return paths.runs_folder() / profile.name / self.name / dataset.fingerprint[:12]


@dataclass(frozen=True)
class Case:
    """One training of a study."""

    names: Names
    training: Training
    dataset: Dataset
    profile: Profile
    folder: Path  # what it goes on from after a stop

    @property
    def file(self) -> Path:
        """Where the finished training is kept."""
        return self.folder.with_name(f"{self.folder.name}.json")


#: Trains a case, calls the callbacks after each epoch, and returns its rows of the table.
Measure = Callable[[Case, Callbacks], Rows]


def missing(study: Study, cases: Sequence[Names], dataset: Dataset, profile: Profile) -> list[Case]:
    """Return those of some trainings that have not finished, as they are today."""
    every = []
    for names in cases:
        words = "-".join(re.sub(r"[^\w.]+", "_", str(value)) for value in names.values())
        folder = study.folder(dataset, profile) / words
        training = study.plan(dataset, profile, **names)
        every.append(Case(names, training, dataset, profile, folder))
    return [case for case in every if _read(case.file).get("key") != case.training.key()]


def run(  # noqa: PLR0917 - each study hands in the first two
    study: Study,
    measure: Measure,
    cases: Sequence[Names],
    dataset: Dataset,
    profile: Profile,
    console: Console,
) -> Path:
    """Train what is missing, show how far it is, and write the table after each training.

    Stopped at any moment, the same call goes on: what has finished is not trained again. Returns
    the table of all finished trainings of the study on these images.

    Raises:
        CourseError: if it cannot be written.
    """
    jobs = missing(study, cases, dataset, profile)
    console.print(f"{len(cases) - len(jobs)} trainings are there, {len(jobs)} to do.")
    with progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(20),
        progress.TimeElapsedColumn(),
        progress.TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        speed_estimate_period=3_600,
    ) as bars:
        bar = bars.add_task("", total=sum(job.training.epochs for job in jobs))
        for number, job in enumerate(jobs, 1):
            title = f"{number} of {len(jobs)}: {' · '.join(map(str, job.names.values()))}"
            bars.print(title, highlight=False, soft_wrap=True, markup=False)
            rows = measure(job, [_Epochs(bars, bar, title, job.training.epochs)])
            keep(job, rows)
            best = pd.DataFrame(rows).filter(like="accuracy").max().dropna()
            texts = [f"best {name} {value:.2%}" for name, value in best.items()]
            bars.print(f"   {' · '.join(texts)}", highlight=False, markup=False)
            collect(study, dataset, profile)
            # A training may have been stopped early, or have gone on after a stop.
            bars.update(bar, completed=sum(each.training.epochs for each in jobs[:number]))
    return collect(study, dataset, profile)


class _Epochs(keras.callbacks.Callback):
    """Moves the bar on by each epoch, and says how good the network is."""

    def __init__(self, bars: progress.Progress, bar: Any, title: str, epochs: int) -> None:
        super().__init__()
        self._bars, self._bar, self._title, self._epochs = bars, bar, title, epochs

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        accuracies = [f"{n} {v:.1%}" for n, v in (logs or {}).items() if n.endswith("accuracy")]
        texts = [self._title, f"epoch {epoch + 1}/{self._epochs}", *accuracies]
        self._bars.update(self._bar, advance=1, description=" · ".join(texts))


def keep(case: Case, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the rows of a finished training, and delete what only a stopped one needs."""
    facts = {"data": case.dataset.name, "profile": case.profile.name, "device": device.describe()}
    lines = [{**case.names, **facts, **row} for row in rows]
    files.write_json(case.file, {"key": case.training.key(), "names": case.names, "rows": lines})
    shutil.rmtree(case.folder, ignore_errors=True)


def collect(study: Study, dataset: Dataset, profile: Profile) -> Path:
    """Write the table of all finished trainings of a study on a data set, and return its file.

    Trainings of a recipe or a network that was changed since are left out.

    Raises:
        CourseError: if no training has finished.
    """
    folder = study.folder(dataset, profile)
    lines: Rows = []
    for file in sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime_ns):
        if finished := _read(file):
            try:
                today = study.plan(dataset, profile, **finished["names"]).key()
            except (CourseError, TypeError):  # a recipe or a column that is there no longer
                continue
            lines += finished["rows"] if finished["key"] == today else []
    if not lines:
        raise CourseError(
            f"There is no finished training in {folder}: run `python -m cifar10_cnn {study.name}`."
        )
    table = pd.DataFrame(lines).convert_dtypes()  # whole numbers stay whole beside empty cells
    text = table.to_csv(index=False, lineterminator="\n", float_format="%.6g")
    files.write(folder / f"{study.name}.csv", text)
    return folder / f"{study.name}.csv"


def _read(file: Path) -> dict[str, Any]:
    """Return what is kept of a finished training; nothing if there is none that is whole."""
    content = files.read_json(file)
    if file.exists() and not {"key", "names", "rows"} <= set(content):
        print(f"{file} is damaged: the training is done again.")
        return {}
    return content


def rows(name: str, file: Path | None = None) -> pd.DataFrame:
    """Return the rows of a study's table: of ``file``, or of the one that the package ships."""
    return pd.read_csv(file or paths.shipped_tables() / f"{name}.csv")


def load(study: Study, profile: Profile, dataset: Dataset) -> tuple[pd.DataFrame, str]:
    """Return the results of a study: of your own trainings if complete, else the shipped ones.

    One line says whose they are and where they came from. Used in notebook 06.
    """
    shipped, file = rows(study.name), study.folder(dataset, profile) / f"{study.name}.csv"
    if file.exists():
        try:
            own = rows(study.name, file)
            if missing := ", ".join(set(shipped) - set(own)):
                raise ValueError(f"it lacks {missing}")
            if set(shipped["recipe"]) <= set(own["recipe"]) and not own.equals(shipped):
                return own, f"your own runs on {origin(own)}"
        except ValueError as error:  # pandas' own are of that kind
            print(f"{file} is damaged ({error}): `{study.name}` makes it again from your runs.")
    return shipped, f"the repository's runs on {origin(shipped)}"


def origin(results: pd.DataFrame) -> str:
    """Return data, profile, seeds and device of some rows in one line."""
    names = ("data", "profile", "seed", "device")
    data, profile, seeds, machine = (
        " and ".join(map(str, sorted(results[name].unique()))) for name in names
    )
    return f"{data} · profile {profile} · seed {seeds.replace(' and', ',')} · {machine}"


def ship(study: Study, file: Path) -> Path:
    """Make a table the one that the package ships.

    ``settings.json`` beside it says which settings each table's recipes had.

    Raises:
        CourseError: if it is not of the full profile on CIFAR-10 alone.
    """
    new = pd.read_csv(file)
    if set(new["data"]) != {"CIFAR-10"} or set(new["profile"]) != {"full"}:
        raise CourseError(
            f"{file} holds results on {origin(new)}; only those of the full profile on CIFAR-10 "
            "are shipped."
        )
    shipped = paths.shipped_tables() / f"{study.name}.csv"
    files.write(shipped, file.read_bytes())
    settings = {name: recipes.get(name).settings() for name in sorted(set(new["recipe"]))}
    files.write_json(settings_path(), files.read_json(settings_path()) | {study.name: settings})
    return shipped


def settings_path() -> Path:
    """Return the file of the settings that the shipped tables' recipes had."""
    return paths.shipped_tables() / "settings.json"
