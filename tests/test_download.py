"""The download, against a server on this machine that does every harm on purpose."""

import hashlib
import http.server
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import SimpleNamespace

import killed
import official
import pytest

from cifar10_cnn.common.errors import DataError
from cifar10_cnn.data import dataset as data
from cifar10_cnn.data import download, readers


@dataclass
class Behaviour:
    """What the server does to each answer, in turn; the last one for all further answers.

    A plan is ``good``, a status such as ``503``, ``cut N`` after N bytes, ``stalled`` after the
    first bytes, ``slow``, ``other bytes``, ``loop``, ``page`` (a login page, without its length),
    ``endless`` (of bytes, without a length) or ``silent`` in place of an answer.
    """

    content: bytes
    plans: list[str] = field(default_factory=lambda: ["good"])
    requests: int = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        does: Behaviour = self.server.behaviour  # type: ignore[attr-defined]
        plan = does.plans.pop(0) if len(does.plans) > 1 else does.plans[0]
        does.requests += 1
        if plan.isdigit():
            self.send_response(int(plan))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if plan == "loop":
            self.send_response(302)
            self.send_header("Location", self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if plan in ("page", "endless", "silent"):
            self._without_length(plan)
            return
        content = does.content
        if plan == "other bytes":
            content = content[:-1] + bytes([content[-1] ^ 1])
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        body = content
        if plan.startswith("cut"):
            body = body[: int(plan[4:])]
        if plan in ("stalled", "slow"):
            self._drip(body, plan)
            return
        self.wfile.write(body)
        self.close_connection = True

    def _without_length(self, plan: str) -> None:
        self.close_connection = True
        if plan == "silent":
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if plan == "page" else "application/x-gzip")
        self.end_headers()
        try:
            for _ in range(1 if plan == "page" else 10_000):
                self.wfile.write(b"<html>Welcome to the school's network!" * 1_000)
        except OSError:
            pass  # the client has all that the file should have

    def _drip(self, body: bytes, plan: str) -> None:
        try:
            for place in range(100):
                self.wfile.write(body[place : place + 1])
                self.wfile.flush()
                threading.Event().wait(10 if plan == "stalled" else 0.05)
        except OSError:
            pass  # the client has given up, as it should
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    return official.write_tar(folder / "cifar-10-python.tar.gz", official.python_members())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CIFAR10_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "home"


@pytest.fixture
def behaviour(archive: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Behaviour]:
    """Start a server and let the download know its address, its archive and little patience."""
    content = archive.read_bytes()
    with Server(("127.0.0.1", 0), Handler) as server:
        server.behaviour = Behaviour(content)  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/cifar.tar.gz"
        for name, value in {
            "URLS": (address,),
            "SHA256": hashlib.sha256(content).hexdigest(),
            "ARCHIVE_BYTES": len(content),
            "TIMEOUTS": (1.0, 0.5),
            "PATIENCE": 0.5,
            "_CHUNK": 2**8,
        }.items():
            monkeypatch.setattr(download, name, value)
        mark = readers.fingerprint(official.expected())
        monkeypatch.setattr(data, "FINGERPRINT", mark)
        monkeypatch.setattr(readers, "OFFICIAL_MD5", official.digests())
        monkeypatch.setattr("pooch.core.time", SimpleNamespace(sleep=lambda _: None))
        yield server.behaviour  # type: ignore[attr-defined]
        server.shutdown()


def refused() -> str:
    with pytest.raises(DataError, match=r"could not be downloaded .* data import PATH") as caught:
        data.fetch()
    assert not list(data.paths.data_folder().glob("*.npz"))
    return str(caught.value)


def test_a_good_download_leaves_the_cache_alone(behaviour: Behaviour, home: Path) -> None:
    data.fetch()
    assert data.verify()
    left = [file.name for file in (home / "data").iterdir() if file.name != ".cifar10.lock"]
    assert left == ["cifar10.npz"]
    data.fetch()
    assert behaviour.requests == 1


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        ("404", "404"),
        ("cut 5000", "IncompleteRead|broken"),
        ("stalled", "no answer within|fewer than"),
        ("slow", "fewer than 10,000 bytes a second|no answer within"),
        ("other bytes", "is not the official file"),
        ("loop", "redirects"),
        ("page", "is not the official file; where the network asks for a login"),
        ("endless", r"more than [\d,]+ bytes"),
        ("silent", "Connection aborted|broken|closed"),
    ],
)
def test_a_bad_server_is_named_with_its_fault_and_poisons_no_later_start(
    behaviour: Behaviour, plan: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    behaviour.plans = [plan]
    if plan == "slow":
        monkeypatch.setattr(download, "_CHUNK", 16)
    begun = time.monotonic()
    message = refused()
    assert re.search(reason, message), message
    assert time.monotonic() - begun < 30
    behaviour.plans = ["good"]
    data.fetch()
    assert data.verify()


@pytest.mark.parametrize("bad", ["503", "cut 5000", "other bytes"])
def test_a_passing_fault_is_tried_again(behaviour: Behaviour, bad: str) -> None:
    behaviour.plans = [bad, "good"]
    data.fetch()
    assert data.verify()


def test_a_slow_server_is_left_for_a_faster_one(
    behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    behaviour.plans = ["slow", "good"]
    monkeypatch.setattr(download, "_CHUNK", 16)
    monkeypatch.setattr(download, "URLS", (download.URLS[0], f"{download.URLS[0]}?again"))
    begun = time.monotonic()
    data.fetch()
    assert data.verify()
    assert behaviour.requests == 2
    assert time.monotonic() - begun < 10


def test_if_all_are_slow_the_fastest_is_taken(
    behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[tuple[str, int]] = []

    def slow(url: str, folder: Path, least: int) -> Path:
        tried.append((url, least))
        error = download._ServerError("slow")
        error.speed = {"a": 20_000.0, "b": 75_000.0, "c": 0.0}[url]
        raise error

    monkeypatch.setattr(download, "URLS", ("a", "b", "c"))
    monkeypatch.setattr(download, "_from", slow)
    refused()
    fast, slowest = download.FAST, download.SLOWEST
    assert tried == [("a", fast), ("b", fast), ("c", fast), ("b", slowest)]


def test_a_refused_connection_is_left_for_the_next_mirror(
    behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "URLS", ("http://127.0.0.1:9/x", *download.URLS))
    data.fetch()
    assert data.verify()


SETTINGS = ("URLS", "SHA256", "ARCHIVE_BYTES", "TIMEOUTS", "PATIENCE", "_CHUNK")


def _fetch(home: str, settings: dict, mark: str, results: Path) -> None:
    os.environ["CIFAR10_HOME"] = home
    data.FINGERPRINT = mark
    readers.OFFICIAL_MD5 = official.digests()
    for name, value in settings.items():
        setattr(download, name, value)
    try:
        data.fetch()
        outcome = "fetched"
    except DataError as error:
        outcome = str(error)
    (results / str(os.getpid())).write_text(outcome)


def fetching(results: Path) -> BaseProcess:
    """Start a process that fetches and says in ``results`` how it ended."""
    results.mkdir(exist_ok=True)
    settings = {name: getattr(download, name) for name in SETTINGS}
    arguments = (os.environ["CIFAR10_HOME"], settings, data.FINGERPRINT, results)
    process = killed.CONTEXT.Process(target=_fetch, args=arguments)
    process.start()
    return process


def at_once(number: int, results: Path) -> list[str]:
    """Let so many processes fetch at the same time, and return how each of them ended."""
    for process in [fetching(results) for _ in range(number)]:
        process.join(120)
    return [file.read_text() for file in results.iterdir()]


@pytest.mark.long
def test_a_class_at_once_fetches_once(behaviour: Behaviour, tmp_path: Path) -> None:
    assert at_once(4, tmp_path / "results") == ["fetched"] * 4
    assert behaviour.requests == 1


def test_a_killed_download_holds_nobody_up(
    behaviour: Behaviour, tmp_path: Path, home: Path
) -> None:
    behaviour.plans = ["stalled", "good"]
    process = fetching(tmp_path / "results")
    while not (home / "data" / "download").is_dir() or not list((home / "data/download").iterdir()):
        time.sleep(0.01)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    data.fetch()
    assert data.verify()
