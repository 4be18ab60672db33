"""How networks are trained and kept: one trainer, recipes as data, checkpoints, folders of runs."""

from cifar10_cnn.training.checkpoints import Resume, Seconds
from cifar10_cnn.training.runs import (
    new_run,
    save_result,
    save_run,
    ship,
    shipped_path,
    train,
    trained_model,
)

__all__ = [
    "Resume",
    "Seconds",
    "new_run",
    "save_result",
    "save_run",
    "ship",
    "shipped_path",
    "train",
    "trained_model",
]
