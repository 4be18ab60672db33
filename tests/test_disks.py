"""A full disk and one that may only be read: a word, nothing half written, and on it goes."""

from pathlib import Path

import disks
import pytest


@pytest.mark.long
@pytest.mark.skipif(not disks.possible(), reason="this system lets its users mount no disks")
@pytest.mark.parametrize("scenario", disks.SCENARIOS)
def test_on_such_a_disk(scenario: str, tmp_path: Path) -> None:
    done = disks.run(scenario, tmp_path / "home")
    assert done.returncode == 0, done.stderr[-3000:]
