"""Search for each optimizer's learning rate: on validation pictures, kept on disk, resumable."""

import json
from collections.abc import Iterable
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from tqdm import tqdm

from cifar10_cnn import device, models
from cifar10_cnn.common import checks, files, paths
from cifar10_cnn.data.dataset import Dataset
from cifar10_cnn.device import keras
from cifar10_cnn.profiles import Profile
from cifar10_cnn.training import recipes

#: The network that the optimizers compete on: small enough for hundreds of epochs on a laptop.
RECIPE = "strided_cnn"
#: Learning rates that are tried, about twice as large from one to the next.
RATES = {
    "sgd": (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
    "momentum": (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05),
    "rmsprop": (0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005),
    "adam": (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01),
    "adamw": (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01),
    "muon": (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02),
}


def search(optimizer: str, dataset: Dataset, profile: Profile) -> optuna.Study:
    """Search for the learning rate with the best validation accuracy after a third of the epochs.

    Each trial is kept on disk when it ends; the same call goes on after the last one.

    Args:
        optimizer: a name of ``RATES``.
        dataset: its test split stays closed.
        profile: how many epochs.

    Raises:
        CourseError: if there is no such optimizer, or trials cannot be kept.
    """
    checks.chosen(optimizer, RATES, "optimizer")
    study = _study(optimizer, dataset, profile)
    recipe = recipes.get(RECIPE)
    epochs = _epochs(profile)

    def objective(trial: optuna.Trial) -> float:
        rate = trial.suggest_float("learning_rate", RATES[optimizer][0], RATES[optimizer][-1])
        keras.utils.set_random_seed(profile.seed)
        settings = replace(recipe, optimizer=optimizer, learning_rate=rate, one_hot=False)
        with device.computing_in(device.precision()):
            model = models.build(recipe.model, len(dataset.class_names))
            settings.compile(model, len(dataset.train), epochs)
            history = model.fit(
                dataset.train.images,
                dataset.train.labels,
                validation_data=(dataset.validation.images, dataset.validation.labels),
                batch_size=recipe.batch_size,
                epochs=epochs,
                verbose=0,
            )
        return float(np.max(history.history["val_accuracy"]))

    rates = RATES[optimizer]
    with tqdm(total=len(rates), initial=len(_tried(study)), desc=optimizer, unit="rate") as bar:
        while missing := [rate for rate in rates if rate not in _tried(study)]:
            with files.writing(_journal(profile, dataset)):
                if not study.get_trials(states=[optuna.trial.TrialState.WAITING]):
                    study.enqueue_trial({"learning_rate": missing[0]})
                study.optimize(objective, n_trials=1)
            bar.update()
    return study


def _tried(study: optuna.Study) -> dict[float, float]:
    """Return the validation accuracy of each rate that was tried to the end."""
    complete = study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
    return {trial.params["learning_rate"]: trial.values[0] for trial in complete}


def _study(optimizer: str, dataset: Dataset, profile: Profile) -> optuna.Study:
    """Open an optimizer's study on these pictures, or begin it."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    file = _journal(profile, dataset)
    with files.writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        _mend(file)
        storage = optuna.storages.JournalStorage(JournalFileBackend(str(file)))
        return optuna.create_study(
            study_name=f"{RECIPE} {optimizer}",
            storage=storage,
            load_if_exists=True,
            direction="maximize",
        )


def _mend(journal: Path) -> None:
    """Cut a journal off at its first broken line, such as a full disk or a power cut leaves.

    Optuna would write the next line behind it, and could read neither ever after.
    """
    lock = JournalFileSymlinkLock(str(journal))
    lock.acquire()
    try:
        lines = journal.read_bytes().splitlines(keepends=True) if journal.exists() else []
        whole = list(takewhile(_is_whole, lines))
        if len(whole) < len(lines):
            print(f"{journal} is damaged at line {len(whole) + 1}: it goes on from there.")
            files.write(journal, b"".join(whole))
    finally:
        lock.release()


def _is_whole(line: bytes) -> bool:
    try:
        return line.endswith(b"\n") and isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _journal(profile: Profile, dataset: Dataset) -> Path:
    return _folder(profile, dataset) / "studies.journal"


def _folder(profile: Profile, dataset: Dataset) -> Path:
    """Return where the studies on a data set are kept."""
    return paths.runs_folder() / profile.name / "tune" / dataset.fingerprint[:12]


def collect(optimizers: Iterable[str], dataset: Dataset, profile: Profile) -> Path:
    """Write all trials into one table, one row each, and return its file.

    The columns: optimizer, learning_rate, epochs, validation_accuracy (best epoch, 0 to 1), data,
    profile, seed, device.
    """
    rows = [
        {
            "optimizer": optimizer,
            "learning_rate": rate,
            "epochs": _epochs(profile),
            "validation_accuracy": accuracy,
            "data": dataset.name,
            "profile": profile.name,
            "seed": profile.seed,
            "device": device.describe(),
        }
        for optimizer in optimizers
        for rate, accuracy in _tried(_study(optimizer, dataset, profile)).items()
    ]
    file = _folder(profile, dataset) / "tune.csv"
    files.write(file, pd.DataFrame(rows).to_csv(index=False, lineterminator="\n"))
    return file


def _epochs(profile: Profile) -> int:
    """Return the epochs of one trial: a third of the recipe's are enough to rank the rates."""
    return max(1, recipes.get(RECIPE).epochs_at(profile) // 3)
