"""Trained models as folders: what was trained, on what, and how it went.

A run's folder is ``runs/<profile>/<name>/``: ``model.keras`` (the best epoch), ``history.csv`` and
``run.json`` (where it came from). ``run.json`` is written last: a folder without it is unfinished.
"""

import csv
import io
import math
import shutil
import tempfile
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from cifar10_cnn import __version__, device, models
from cifar10_cnn.common import checks, files, paths
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data import corruptions
from cifar10_cnn.data.dataset import Dataset, select_classes
from cifar10_cnn.data.readers import CLASS_NAMES
from cifar10_cnn.device import keras
from cifar10_cnn.evaluation import calibration
from cifar10_cnn.profiles import Profile
from cifar10_cnn.training import checkpoints, recipes
from cifar10_cnn.training import trainer as fitting

#: Raised when a run's files change their meaning; older runs are then left alone.
RUN_FORMAT = 1
#: Notebook 04 keeps its final model under this name.
COURSE_RUN = "04_train"


def new_run(profile: Profile, name: str) -> Path:
    """Make a folder for the run ``name``; a finished run that is there is deleted.

    What a stopped one left stays: its training can go on.

    Used in notebook 04.

    Returns:
        ``runs/<profile>/<name>/``.

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

    What only a stopped training needs is then deleted. Used in notebook 04.

    Args:
        folder: a folder of ``new_run`` that holds ``model.keras``.
        dataset: what was trained on.
        profile: how much of it.
        history: what ``model.fit(…).history`` holds, one number an epoch for each metric.
        more: what else ``run.json`` shall say.

    Raises:
        CourseError: if it cannot be written.
        ValueError: if the history is none, or has more epochs of one metric than of another.
    """
    checks.mapping(history, "metric")
    checks.same_length(**history)
    for name, values in history.items():
        if not all(isinstance(value, (int, float, np.number)) for value in values):
            raise ValueError(
                f"The history of {name} holds something else than numbers: {values!r}."
            )
    epochs = len(next(iter(history.values())))
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["epoch", *history])
    writer.writerows(zip(range(1, epochs + 1), *history.values(), strict=True))
    files.write(folder / "history.csv", table.getvalue())
    about = {
        "format": RUN_FORMAT,
        "package": __version__,
        "data": dataset.name,
        "fingerprint": dataset.fingerprint,
        "origin": dataset.origin,
        "classes": list(dataset.class_names),
        "profile": profile.name,
        "seed": profile.seed,
        "epochs": epochs,
        "best_validation_accuracy": max(history.get("val_accuracy", [math.nan])),
        "device": device.describe(),
        "finished": time.strftime("%Y-%m-%d %H:%M:%S"),
        **(more or {}),
    }
    files.write_json(folder / "run.json", about)
    shutil.rmtree(folder / checkpoints.FOLDER, ignore_errors=True)


def train(name: str, dataset: Dataset, profile: Profile) -> Path:
    """Train by the recipe ``name`` and keep the epoch that validates best.

    Killed, the same call goes on where it was. Notebook 04 does the same in the
    open; the command ``train`` and notebook 05's baseline call this.

    Returns:
        The run's folder.
    """
    recipe = recipes.get(name)
    if recipe.classes:
        dataset = select_classes(dataset, recipe.classes)
    folder = paths.runs_folder() / profile.name / name
    plan = fitting.Training(recipe, recipe.epochs_at(profile), profile.seed, dataset.fingerprint)
    _, history = fitting.fit(plan, dataset, folder=folder)
    model = keras.models.load_model(folder / "model.keras")
    save_run(folder, dataset, profile, history, {"caution": asdict(caution(model, dataset))})
    return folder


def caution(model: keras.Model, dataset: Dataset) -> calibration.RejectOption:
    """Choose by the validation split when a model should say that a picture shows no class.

    For pictures of something else we mix the tiles of those that we have.

    Args:
        model: takes raw pixels, returns k probabilities for each picture.
        dataset: its validation split must not be empty.
    """
    labels, images = dataset.validation.labels, dataset.validation.images
    usual, strange = (
        model.predict(each, batch_size=500, verbose=0)
        for each in (images, corruptions.shuffled_tiles(images))
    )
    return calibration.reject_option(labels, usual, strange)


def about(file: Path) -> dict[str, Any]:
    """Return what is known of a saved model: nothing if no record lies beside it.

    A shipped model's record is its ``.json``, that of a run is ``run.json``.
    """
    return files.read_json(file.with_suffix(".json")) or files.read_json(file.parent / "run.json")


def classes_and_reject_option(file: Path) -> tuple[Sequence[str], calibration.RejectOption | None]:
    """Return a saved model's class names, and when it should be silent, as its record says.

    Returns:
        CIFAR-10's names, and no caution, where the record says nothing.

    Raises:
        CourseError: if it says what makes no sense.
    """
    known = about(file)
    try:
        names = checks.names(known.get("classes", CLASS_NAMES))
        told = known.get("caution")
        return names, None if told is None else calibration.RejectOption(**told)
    except (TypeError, ValueError) as error:
        raise CourseError(
            f"What is told of {file} in the record beside it makes no sense ({error}): delete the "
            "record, or train the model again."
        ) from error


def trained_model(profile: Profile, dataset: Dataset) -> tuple[keras.Model, str]:
    """Load notebook 04's model if it was trained on these pictures, else the shipped one.

    Used in notebook 05.

    Returns:
        The model, and a sentence that says which one it is.

    Raises:
        CourseError: if notebook 04's model is damaged, or the data has other classes than the
            shipped one.
    """
    folder = paths.runs_folder() / profile.name / COURSE_RUN
    about = files.read_json(folder / "run.json")
    if about.get("format") == RUN_FORMAT and about.get("fingerprint") == dataset.fingerprint:
        try:
            model = keras.models.load_model(folder / "model.keras")
        except Exception as error:  # a damaged file makes Keras raise almost anything
            raise CourseError(
                f"{folder / 'model.keras'} is damaged: run notebook 04 again, or delete {folder}."
            ) from error
        return model, f"The model is notebook 04's: {_sentence(about)}"
    file = shipped_path(dataset.name)
    model = keras.models.load_model(file)
    if model.output_shape[-1] != len(dataset.class_names):
        raise CourseError(
            f"The shipped model knows {model.output_shape[-1]} classes, this data set has "
            f"{len(dataset.class_names)}: run notebook 04 first."
        )
    about = files.read_json(file.with_suffix(".json"))
    return model, f"The model is the one that the repository ships: {_sentence(about)}"


def _sentence(about: Mapping[str, Any]) -> str:
    return f"trained on {about['origin']}, {about['epochs']} epochs, {about['device']}."


def shipped_path(data_name: str, *, fast: bool = False) -> Path:
    """Return the file of the shipped model that suits a data set.

    Of notebook 04's network there is one trained on CIFAR-10 and one trained on the practice set;
    of the fast networks, which name more pictures rightly, one trained on CIFAR-10.

    Args:
        data_name: the data set's ``name``.
        fast: of a fast network, in place of notebook 04's.
    """
    name = "practice" if data_name == "practice set" else "cifar10"
    return paths.shipped_models() / f"{name}{'_fast' if fast else ''}.keras"


def ship(folder: Path) -> Path | None:
    """Copy a finished run into the package as the shipped model, small, for anyone to load.

    Without its optimizer's state, of Keras' own layers alone, its weights rounded to bf16: what
    that leaves is zipped to half the size.
    Used by the command ``train --ship``, and by ``publish`` for notebook 04's.

    Returns:
        The file, whose ``.json`` says where it came from; None if this very run is there already.

    Raises:
        CourseError: if there is no finished run.
    """
    about = files.read_json(folder / "run.json")
    if not about:
        raise CourseError(f"There is no finished training in {folder}: train first.")
    fast = folder.name in recipes.names() and bool(recipes.get(folder.name).sizes)
    file = shipped_path(about["data"], fast=fast)
    if about == files.read_json(file.with_suffix(".json")):
        return None
    model = models.plain(keras.models.load_model(folder / "model.keras", compile=False))
    model.set_weights([_rounded(weight) for weight in model.get_weights()])
    with tempfile.TemporaryDirectory() as place:
        saved = Path(place) / file.name
        model.save(saved)
        files.write(file, _compressed(saved))
    files.write_json(file.with_suffix(".json"), about)
    return file


def _rounded(weight: np.ndarray) -> np.ndarray:
    """Return float32 numbers with the 8 binary digits that bf16 has."""
    short = keras.ops.cast(weight, "bfloat16")
    return keras.ops.convert_to_numpy(keras.ops.cast(short, "float32"))


def _compressed(archive: Path) -> bytes:
    """Return what Keras puts into its files as it is, zipped."""
    content = io.BytesIO()
    with (
        zipfile.ZipFile(archive) as stored,
        zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as small,
    ):
        for name in stored.namelist():
            small.writestr(name, stored.read(name))
    return content.getvalue()


def save_result(profile: Profile, dataset: Dataset, numbers: Mapping[str, float]) -> None:
    """Write the course's final numbers to ``runs/<profile>/result.json``.

    Used in notebook 05; the course runner's summary and the README's table come from it.

    Args:
        profile: the profile that ran.
        dataset: what was evaluated on.
        numbers: names and values, such as ``test_accuracy`` between 0 and 1.

    Raises:
        CourseError: if it cannot be written.
        ValueError: if there are none, or one is no finite number.
    """
    for name, value in checks.mapping(numbers, "number").items():
        checks.number(value, name, -1e300, 1e300)
    result = {
        "data": dataset.name,
        "fingerprint": dataset.fingerprint,
        "origin": dataset.origin,
        "device": device.describe(),
        **{name: float(value) for name, value in numbers.items()},
    }
    files.write_json(paths.runs_folder() / profile.name / "result.json", result)
