"""Trained models as folders: what was trained, on what, and how it went.

A run's folder is ``runs/<profile>/<name>/``: ``model.keras`` (the best epoch), ``history.csv`` and
``run.json`` (the metadata). ``run.json`` is written last: a folder without it is unfinished.
"""

import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from cifar10_cnn import __version__, device, models
from cifar10_cnn.common import checks, files, paths
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data import corruptions
from cifar10_cnn.data.dataset import Dataset, select_classes
from cifar10_cnn.data.readers import CLASS_NAMES
from cifar10_cnn.device import keras
from cifar10_cnn.evaluation.calibration import RejectOption, reject_option
from cifar10_cnn.profiles import Profile
from cifar10_cnn.training import checkpoints, recipes, trainer

#: Raised when a run's files change their meaning; older runs are then left alone.
RUN_FORMAT = 1
#: Notebook 04 saves its final model under this name.
COURSE_RUN = "04_train"


def new_run(profile: Profile, name: str) -> Path:
    """Make a folder for the run ``name``; a finished run there is deleted, a stopped one stays.

    Used in notebooks 04, 06 and 09. Returns ``runs/<profile>/<name>/``.

    Raises:
        CourseError: if it cannot be written.
        ValueError: if the name is none for a folder.
    """
    checks.file_name(name, "run's name")
    folder = paths.runs_folder() / profile.name / name
    with files.writing(folder):
        if (folder / "run.json").exists():
            (folder / "run.json").unlink()  # first: stopped in between, it is no finished run
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def save_run(
    folder: Path,
    dataset: Dataset,
    profile: Profile,
    history: Mapping[str, list[float]],
    more: Mapping[str, Any] | None = None,
) -> None:
    """Write ``history.csv`` and ``run.json`` beside the model that a training saved in ``folder``.

    What only a stopped training needs is then deleted. ``history`` is what ``model.fit(…).history``
    holds, ``more`` further entries of ``run.json``. Used in notebook 04.

    Raises:
        CourseError: if it cannot be written.
        ValueError: if the history is empty or holds something else than a number for each epoch.
    """
    checks.mapping(history, "metric")
    try:
        table = pd.DataFrame(dict(history)).astype(float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The history is no number for each epoch: {error}.") from error
    table.insert(0, "epoch", range(1, len(table) + 1))
    files.write(folder / "history.csv", table.to_csv(index=False))
    metadata = {
        "format": RUN_FORMAT,
        "package": __version__,
        **_origin(dataset),
        "classes": list(dataset.class_names),
        "profile": profile.name,
        "seed": profile.seed,
        "epochs": len(table),
        "best_validation_accuracy": float(max(history.get("val_accuracy", [math.nan]))),
        "finished": time.strftime("%Y-%m-%d %H:%M:%S"),
        **(more or {}),
    }
    files.write_json(folder / "run.json", metadata)
    (folder / checkpoints.FILE).unlink(missing_ok=True)


def train(name: str, dataset: Dataset, profile: Profile) -> Path:
    """Train by the recipe ``name`` and save the best epoch; killed, the same call goes on.

    Notebook 04 does the same in the open; the command ``train`` calls this. Returns the folder.
    """
    recipe = recipes.get(name)
    if recipe.classes:
        dataset = select_classes(dataset, recipe.classes)
    folder = paths.runs_folder() / profile.name / name
    epochs = recipe.epochs_at(profile)
    training = trainer.Training(recipe, epochs, profile.seed, dataset.fingerprint)
    _, history = trainer.fit(training, dataset, folder=folder)
    model = keras.models.load_model(folder / "model.keras")
    # In place of out-of-distribution images: the dataset's own with their tiles mixed up.
    images = dataset.validation.images
    probabilities, ood = (
        model.predict(each, batch_size=500, verbose=0)
        for each in (images, corruptions.shuffled_tiles(images))
    )
    option = reject_option(dataset.validation.labels, probabilities, ood)
    save_run(folder, dataset, profile, history, {"reject_option": asdict(option)})
    return folder


def metadata(file: Path) -> dict[str, Any]:
    """Return the metadata of a saved model, of ``<name>.json`` or ``run.json``; empty if none."""
    return files.read_json(file.with_suffix(".json")) or files.read_json(file.parent / "run.json")


def classes_and_reject_option(file: Path) -> tuple[Sequence[str], RejectOption | None]:
    """Return a saved model's class names and reject option: CIFAR-10's and none by default.

    Raises:
        CourseError: if its metadata make no sense.
    """
    known = metadata(file)
    try:
        names = checks.names(known.get("classes", CLASS_NAMES))
        option = known.get("reject_option")
        return names, None if option is None else RejectOption(**option)
    except (TypeError, ValueError) as error:
        text = f"The metadata beside {file} make no sense ({error})"
        raise CourseError(f"{text}: delete them, or train the model again.") from error


def trained_model(profile: Profile, dataset: Dataset) -> tuple[keras.Model, str]:
    """Load notebook 04's model if it was trained on these images, else the shipped one.

    Used in notebooks 03, 05, 07, 08 and 09. The sentence says which one it is.

    Raises:
        CourseError: if notebook 04's model is damaged, or the data has other classes than the
            shipped one.
    """
    file = paths.runs_folder() / profile.name / COURSE_RUN / "model.keras"
    known = metadata(file)
    if (known.get("format"), known.get("fingerprint")) == (RUN_FORMAT, dataset.fingerprint):
        source = "notebook 04's"
        try:
            model = keras.models.load_model(file)
        except Exception as error:  # a damaged file makes Keras raise almost anything
            text = f"{file} is damaged: run notebook 04 again, or delete {file.parent}."
            raise CourseError(text) from error
    else:
        source, file = "the one that the repository ships", shipped_path(dataset.name)
        known, model = metadata(file), keras.models.load_model(file)
    if (classes := model.output_shape[-1]) != len(dataset.class_names):
        raise CourseError(
            f"The shipped model knows {classes} classes, this data set has "
            f"{len(dataset.class_names)}: run notebook 04 first."
        )
    return model, (
        f"The model is {source}: trained on {known['origin']}, {known['epochs']} epochs, "
        f"{known['device']}."
    )


def shipped_path(data_name: str, *, fast: bool = False) -> Path:
    """Return the file of the shipped model for a data set.

    Of notebook 04's network there is one trained on CIFAR-10 and one trained on the practice set;
    of the ``fast`` networks, which are more accurate, one trained on CIFAR-10.
    """
    name = "practice" if data_name == "practice set" else "cifar10"
    return paths.shipped_models() / f"{name}{'_fast' if fast else ''}.keras"


def ship(folder: Path) -> Path | None:
    """Copy a finished run into the package as the shipped model, small, for anyone to load.

    Returns the file, its metadata in a ``.json`` beside it; None if this very run is there.

    Raises:
        CourseError: if there is no finished run.
    """
    known = files.read_json(folder / "run.json")
    if not known:
        raise CourseError(f"There is no finished training in {folder}: train first.")
    file = shipped_path(known["data"], fast=folder.name in recipes.fast())
    if known == files.read_json(file.with_suffix(".json")):
        return None
    model = keras.models.load_model(folder / "model.keras", compile=False)
    files.write(file, models.compressed_bytes(model))
    files.write_json(file.with_suffix(".json"), known)
    return file


def save_result(profile: Profile, dataset: Dataset, numbers: Mapping[str, float]) -> None:
    """Write the course's final numbers, such as ``test_accuracy``, 0 to 1, to ``result.json``.

    Used in notebook 05; the course runner's summary and the README's table come from it.

    Raises:
        CourseError: if it cannot be written.
        ValueError: if there are none, or one is no finite number.
    """
    for name, value in checks.mapping(numbers, "number").items():
        checks.number(value, name, -1e300, 1e300)
    result = {name: float(value) for name, value in numbers.items()}
    file = paths.runs_folder() / profile.name / "result.json"
    files.write_json(file, _origin(dataset) | result)


def _origin(dataset: Dataset) -> dict[str, str]:
    """Return what every result names: the data it came from and the device."""
    data = {"data": dataset.name, "fingerprint": dataset.fingerprint, "origin": dataset.origin}
    return {**data, "device": device.describe()}
