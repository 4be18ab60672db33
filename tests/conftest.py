"""What all tests of the package share: a home of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def course_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep tests off the repository's ``data/`` and ``runs/``, the network and your settings.

    The notebooks' kernels see none of this: ``notebooks/conftest.py`` keeps the first environment.
    """
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIFAR10_HOME", str(home))
        patch.setenv("CIFAR10_DATA", "practice")  # "auto" would download
        patch.delenv("CIFAR10_PROFILE", raising=False)
        yield home
