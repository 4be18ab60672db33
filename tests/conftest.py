"""What all tests of the package share: a home of their own, and a tally of the faults tried."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

#: How many of some faults the whole of ``-m faults`` tries at least.
WANTED = {"kill points": 50}
TALLY = pytest.StashKey[Counter[str]]()


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


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TALLY] = Counter()


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Callable[[str, int], None]:
    """Count faults of a kind that were tried, for the table that ``-m faults`` ends with."""

    def count(kind: str, number: int) -> None:
        request.config.stash[TALLY][kind] += number

    return count


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Show and keep what was damaged, and whether anything was lost; for ``-m faults`` alone."""
    if config.option.markexpr != "faults":
        return
    tally, stats = config.stash[TALLY], terminalreporter.stats
    lines = ["| fault | tried |", "| --- | ---: |"]
    lines += [f"| {kind} | {number:,} |" for kind, number in sorted(tally.items())]
    lines.append("")
    for kind, least in WANTED.items():
        number = sum(tried for each, tried in tally.items() if each.startswith(f"{kind}: "))
        lines.append(f"All {kind}: {number:,}; at least {least:,} are wanted.")
    lost = [*stats.get("failed", []), *stats.get("error", [])]
    lines.append(f"Tests in which something was lost or got in: {len(lost)}.")
    lines += [f"- {report.nodeid}" for report in lost]
    skipped = [report.longrepr[2] for report in stats.get("skipped", [])]
    lines.append(f"Tests that could not be run here: {len(skipped)}.")
    lines += [f"- {count} × {reason}" for reason, count in Counter(skipped).items()]
    terminalreporter.write_sep("=", "faults tried")
    terminalreporter.write_line("\n".join(lines))
    file = config.rootpath / "runs" / "faults.md"
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    terminalreporter.write_line(f"This table is in {file}")
