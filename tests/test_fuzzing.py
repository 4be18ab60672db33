"""A million and more executions of the fuzzer, each without a finding: minutes, on demand."""

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest


@pytest.mark.faults
@pytest.mark.long
@pytest.mark.skipif(find_spec("atheris") is None, reason="pip install -e '.[fuzz]'")
@pytest.mark.parametrize(
    ("target", "runs"),
    [("python_batch", 600_000), ("binary_batch", 300_000), ("cache_file", 80_000),
     ("cache_parts", 100_000), ("archive", 80_000), ("tar_headers", 100_000)],
)  # fmt: skip
def test_readers_raise_data_errors_alone(
    target: str, runs: int, tmp_path: Path, tally: Callable[[str, int], None]
) -> None:
    script = Path(__file__).with_name("fuzzing.py")
    command = [sys.executable, str(script), target, str(runs), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    tally(f"fuzzing executions: {target}", runs)
