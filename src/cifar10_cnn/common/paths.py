"""Where the course keeps its files."""

from pathlib import Path

from cifar10_cnn.common import settings


def home() -> Path:
    """Return the folder that holds ``data/``, ``runs/`` and ``notebooks/``.

    It is the repository; the environment variable ``CIFAR10_HOME`` names another one, for example
    where a class shares one read-only installation.
    """
    return settings.home(Path(__file__).resolve().parents[3])


def data_folder() -> Path:
    """Return the folder of the data caches, ``data/``."""
    return home() / "data"


def runs_folder() -> Path:
    """Return the folder of everything a run leaves behind, ``runs/``; git ignores it."""
    return home() / "runs"


def notebooks_folder() -> Path:
    """Return the folder of the course's notebooks, ``notebooks/``."""
    return home() / "notebooks"


def figures_folder() -> Path:
    """Return the folder of the published figures, ``figures/``."""
    return home() / "figures"


def shipped_models() -> Path:
    """Return where the package keeps the networks that were trained for it before."""
    return Path(__file__).resolve().parents[1] / "models" / "shipped"


def shipped_tables() -> Path:
    """Return where the package keeps the tables of what was measured for it before."""
    return Path(__file__).resolve().parents[1] / "studies" / "shipped"
