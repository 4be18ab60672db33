"""How much memory a piece of code takes at its most, in a process of its own."""

import subprocess
import sys
from pathlib import Path

#: Linux counts the peak of a process from the program that it runs now; what `resource` tells of a
#: child begins with the peak of its parent, which may be gigabytes.
_MEASURED = """
import re, sys
from pathlib import Path

status = Path("/proc/self/status")


def kibibytes(name):
    return int(re.search(rf"{{name}}:\\s+(\\d+) kB", status.read_text())[1])


{begin}
before = kibibytes("VmRSS")
{code}
print(kibibytes("VmHWM") - before)
"""
POSSIBLE = Path("/proc/self/status").exists()


def peak(begin: str, code: str, *arguments: str) -> tuple[int, str]:
    """Return how many KiB more ``code`` takes than what ``begin`` loads, and what it prints."""
    script = _MEASURED.format(begin=begin, code=code)
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *printed, taken = done.stdout.splitlines()
    return int(taken), "\n".join(printed)
