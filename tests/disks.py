# ruff: noqa: PLC0415
"""The course on a disk that is really full, or may really only be read: ``disks.py SCENARIO HOME``.

Each scenario runs as the root of a namespace of its own, in which it may mount what it likes and
nobody else sees it: even root cannot write to a disk that is mounted to be read. It prints how many
faults it has tried.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]
KIBIBYTE = 2**10


def possible() -> bool:
    """Say whether this system lets its users have such namespaces; many containers do not."""
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "none", folder]
        try:
            return not subprocess.run(
                [*NAMESPACE, *mount], capture_output=True, check=False
            ).returncode
        except OSError:
            return False


def run(scenario: str, home: Path) -> subprocess.CompletedProcess[str]:
    home.mkdir()
    return subprocess.run(
        [*NAMESPACE, sys.executable, __file__, scenario, str(home)],
        env={**os.environ, "CIFAR10_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@contextmanager
def free(home: Path, kibibytes: int) -> Iterator[None]:
    """Leave so much room on a disk."""
    ballast = home / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4 * KIBIBYTE))
        except OSError:
            file.truncate(max(0, file.tell() - kibibytes * KIBIBYTE))
    try:
        yield
    finally:
        ballast.unlink()


def said(call: Callable[[], object]) -> str:
    """Return what a call says that cannot write; empty if it can."""
    from cifar10_cnn.common.errors import CourseError  # Keras would slow down the test

    try:
        call()
    except CourseError as error:
        assert any(word in str(error) for word in ("No space left", "Read-only")), error
        return str(error)
    return ""


def halves(home: Path) -> list[Path]:
    """Return what was begun and not ended."""
    return [path for path in home.rglob("*") if ".part" in path.name or path.name[:3] == "tmp"]


def training(home: Path) -> int:
    """Fill the disk at each place of a training; it stops with a word, and goes on afterwards."""
    import test_checkpoints as small

    expected = small.trained(home / "undisturbed", epochs=2)
    for tried, room in enumerate(range(0, 1000, 6)):
        folder = home / f"{room}"
        folder.mkdir()
        with free(home, room):
            stopped = said(lambda folder=folder: small.trained(folder, epochs=2))
        assert not halves(folder)
        assert small.same(small.trained(folder, epochs=2), expected)
        if not stopped:
            assert tried > 3
            return tried
    raise AssertionError("the disk was never large enough")


def course(home: Path) -> int:
    """Fill the disk in a run of the course; what was finished stays, and the rest goes on."""
    from tiny_course import write_notebook

    from cifar10_cnn.course import (
        runner,
        summary,
    )
    from cifar10_cnn.data import dataset as data

    write_notebook(home, "01_first", "1 + 1")
    write_notebook(home, "02_second", "2 + 2")
    data.load = lambda *_: summary_of_nothing()  # type: ignore[assignment]
    stops = []
    for room in (0, 8, 300, 340, 640):
        with free(home, room):
            stops.append(said(lambda: runner.run(profile="smoke")))
        assert not halves(home / "runs")
        done = runner.run(profile="smoke", resume=(home / "runs/smoke/summary.json").exists())
        everything = set(summary.course_notebooks())
        assert set(done.finished) == everything
        assert set(summary.load(home / "runs" / "smoke").finished) == everything
        subprocess.run(["rm", "-r", str(home / "runs")], check=True)
    assert all(stops[:3])
    return sum(map(bool, stops))


def summary_of_nothing() -> object:
    from types import SimpleNamespace

    return SimpleNamespace(name="practice set", fingerprint="f" * 64, origin="")


def reading_alone(home: Path) -> int:
    """One installation that a class shares, and only its teacher may write to."""
    import official
    from rich.console import Console
    from tiny_course import write_notebook

    from cifar10_cnn.course import runner
    from cifar10_cnn.data import dataset as data
    from cifar10_cnn.profiles import Profile
    from cifar10_cnn.studies import ablate, compare, tune
    from cifar10_cnn.training import runs as training

    profile = Profile("tiny", 100, 20, 20, 1, 50, 1, recipe_epochs=1)
    archive = official.write_tar(home / "own.tar", official.image_members())
    dataset = data.load(profile, str(archive))
    write_notebook(home, "01_first", "1 + 1")
    subprocess.run(["mount", "-o", "remount,ro", str(home)], check=True)

    assert data.load(profile, str(archive)).fingerprint == dataset.fingerprint
    runs = compare.cases(["strided_cnn"], [0], "fp32")
    whole = ablate.cases("sprint", [ablate.WHOLE], [0])
    quiet = Console(quiet=True)
    calls: list[Callable[[], object]] = [
        lambda: data.load(profile, "practice"),
        lambda: data.load(profile, "cifar10"),
        lambda: training.new_run(profile, "run"),
        lambda: training.train("dense_baseline", dataset, profile),
        lambda: training.save_result(profile, dataset, {"a": 1.0}),
        lambda: tune.run(tune.cases(["adam"]), dataset, profile, quiet),
        lambda: compare.run(runs, dataset, profile, quiet),
        lambda: ablate.run(whole, dataset, profile, quiet),
        lambda: runner.run(profile="smoke", data=str(archive)),
    ]
    for number, call in enumerate(calls):
        assert said(call), number
    return len(calls)


SCENARIOS = {each.__name__: each for each in (training, course, reading_alone)}


def main(scenario: str, home: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32M", "none", home], check=True)
    print(SCENARIOS[scenario](Path(home)))


if __name__ == "__main__":
    main(*sys.argv[1:])
