"""How networks are trained and kept: one trainer, recipes as data, checkpoints, folders of runs."""

from cifar10_cnn.training.runs import (
    new_run,
    save_result,
    save_run,
    ship,
    shipped_path,
    train,
    trained_model,
)
from cifar10_cnn.training.trainer import Seconds, fit_model

__all__ = [
    "Seconds",
    "fit_model",
    "new_run",
    "save_result",
    "save_run",
    "ship",
    "shipped_path",
    "train",
    "trained_model",
]
