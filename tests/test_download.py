"""The download, against a server on this machine that does every harm on purpose."""

import hashlib
import http.server
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

import killed
import official
import pytest

from cifar10_cnn.common.errors import DataError
from cifar10_cnn.data import dataset as data
from cifar10_cnn.data import download
from cifar10_cnn.data import readers as sources

pytestmark = pytest.mark.faults
Tally = Callable[[str, int], None]


@dataclass
class Behaviour:
    """What the server does to each answer, in turn; the last one for all further answers.

    A plan is ``good``, a status such as ``503``, ``cut N`` after N bytes, ``stalled`` after the
    first bytes, ``slow``, ``other bytes``, ``longer``, ``shorter``, ``loop``, ``no ranges``,
    ``page`` (a login page, without its length), ``endless`` (of bytes, without a length),
    ``nonsense`` or ``silent`` in place of an answer, ``elsewhere`` (other bytes than asked for).
    """

    content: bytes
    plans: list[str] = field(default_factory=lambda: ["good"])
    asked: list[str] = field(default_factory=list)
    sent: int = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        does: Behaviour = self.server.behaviour  # type: ignore[attr-defined]
        plan = does.plans.pop(0) if len(does.plans) > 1 else does.plans[0]
        wanted = self.headers.get("Range", "")
        does.asked.append(wanted)
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
        if plan in ("page", "endless", "nonsense", "silent"):
            self._without_length(plan)
            return
        content = does.content
        if plan == "other bytes":
            content = content[:-1] + bytes([content[-1] ^ 1])
        elif plan == "longer":
            content += b"more"
        elif plan == "shorter":
            content = content[:-100]
        begin = int(wanted[6:-1]) if wanted and plan != "no ranges" else 0
        if plan == "elsewhere" and begin:
            begin -= 1
        if begin >= len(content):
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        body = content[begin:]
        if plan.startswith("cut"):
            body = body[: int(plan[4:])]
        if plan in ("stalled", "slow"):
            self._drip(body, plan)
            return
        self.wfile.write(body)
        does.sent += len(body)
        self.close_connection = True

    def _without_length(self, plan: str) -> None:
        self.close_connection = True
        if plan == "silent":
            return
        if plan == "nonsense":
            self.wfile.write(b"SSH-2.0-OpenSSH_9.9\r\n" * 9)
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
                time.sleep(10 if plan == "stalled" else 0.05)
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
            "PAUSE": 0.001,
        }.items():
            monkeypatch.setattr(download, name, value)
        mark = sources.fingerprint(official.expected())
        monkeypatch.setattr(data, "FINGERPRINT", mark)
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
    assert len(behaviour.asked) == 1


@pytest.mark.parametrize("tenth", range(10))
def test_cut_anywhere_it_goes_on_behind_what_is_there(
    behaviour: Behaviour, tenth: int, tally: Tally
) -> None:
    cut = len(behaviour.content) * tenth // 10
    behaviour.plans = [f"cut {cut}", "good"]
    data.fetch()
    assert data.verify()
    assert behaviour.asked == ["", f"bytes={cut}-" if cut else ""]
    assert behaviour.sent == len(behaviour.content)  # no byte twice
    tally("downloads broken", 1)


def test_a_later_call_goes_on_behind_an_earlier_ones_bytes(
    behaviour: Behaviour, tally: Tally
) -> None:
    cut = len(behaviour.content) // 2
    behaviour.plans = [f"cut {cut}", "503"]
    assert "503" in refused()
    behaviour.plans = ["good"]
    data.fetch()
    assert behaviour.asked[-1] == f"bytes={cut}-"
    tally("downloads broken", 1)


@pytest.mark.parametrize(
    ("plans", "reason"),
    [
        (["404"], "404"),
        (["503"], "503"),
        (["cut 0"], "ended after 0 bytes|IncompleteRead|broken"),
        (["stalled"], "no answer within|fewer than"),
        (["slow"], "fewer than 10,000 bytes a second"),
        (["other bytes"], "is not the official one"),
        (["longer"], r"its file has [\d,]+ bytes, not"),
        (["shorter"], r"its file has [\d,]+ bytes, not"),
        (["loop"], "redirects"),
        (["page"], "a web page, not the file; where the network asks for a login"),
        (["endless"], "is not the official one"),
        (["nonsense"], "BadStatusLine|Connection aborted|broken"),
        (["silent"], "Connection aborted|broken|closed"),
        (["cut 5000", "elsewhere"], r"its file has [\d,]+ bytes, not"),
    ],
)
def test_a_server_that_stays_bad_is_named_with_its_fault(
    behaviour: Behaviour, plans: list[str], reason: str, tally: Tally
) -> None:
    behaviour.plans = plans
    begun = time.monotonic()
    message = refused()
    assert re.search(reason, message), message
    assert time.monotonic() - begun < 30
    tally("downloads broken", 1)


@pytest.mark.parametrize(
    "bad",
    [
        *("404", "503", "other bytes", "longer", "shorter", "loop", "slow"),
        *("page", "endless", "nonsense", "silent"),
    ],
)
def test_what_is_bad_once_poisons_no_later_start(
    behaviour: Behaviour, bad: str, tally: Tally
) -> None:
    behaviour.plans = [bad]
    refused()
    behaviour.plans = ["good"]
    data.fetch()
    assert data.verify()
    tally("downloads broken", 1)


@pytest.mark.parametrize("bad", ["503", "cut 5000", "stalled", "429"])
def test_a_passing_fault_is_waited_for(behaviour: Behaviour, bad: str, tally: Tally) -> None:
    behaviour.plans = [bad, "good"]
    data.fetch()
    assert data.verify()
    tally("downloads broken", 1)


def test_a_server_without_ranges_sends_all_again(behaviour: Behaviour, tally: Tally) -> None:
    behaviour.plans = ["cut 5000", "no ranges"]
    data.fetch()
    assert data.verify()
    tally("downloads broken", 1)


def test_bytes_of_another_file_are_not_gone_on_behind(
    behaviour: Behaviour, home: Path, tally: Tally
) -> None:
    """Such as a login page that a network has once sent in the archive's place."""
    part = home / "data" / "download" / "cifar-10-python.tar.gz.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"<html>" * 1000)
    data.fetch()
    assert data.verify()
    assert behaviour.asked == ["bytes=6000-", ""]
    tally("downloads broken", 1)


def test_a_refused_connection_is_left_for_the_next_mirror(
    behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    monkeypatch.setattr(download, "URLS", ("http://127.0.0.1:9/x", *download.URLS))
    data.fetch()
    assert data.verify()
    tally("downloads broken", 1)


def test_a_named_mirror_is_asked_first(
    behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIFAR10_MIRROR", download.URLS[0])
    monkeypatch.setattr(download, "URLS", ("http://127.0.0.1:9/never",))
    data.fetch()
    assert data.verify()


def test_a_full_disk_is_said(
    behaviour: Behaviour, home: Path, monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(download._GoingOn, "_copy", full)
        with pytest.raises(DataError, match=r"cannot be written to .*No space left on device"):
            data.fetch()
    data.fetch()
    assert data.verify()
    tally("downloads broken", 1)


SETTINGS = ("URLS", "SHA256", "ARCHIVE_BYTES", "TIMEOUTS", "PATIENCE", "PAUSE")


def _fetch(home: str, settings: dict, mark: str, results: Path) -> None:
    os.environ["CIFAR10_HOME"] = home
    data.FINGERPRINT = mark
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


def test_thirty_at_once_fetch_once(behaviour: Behaviour, tmp_path: Path, tally: Tally) -> None:
    assert at_once(30, tmp_path / "results") == ["fetched"] * 30
    assert len(behaviour.asked) == 1
    tally("programs that fetched at once", 30)


def test_those_who_waited_are_told_why_it_failed(
    behaviour: Behaviour, tmp_path: Path, tally: Tally
) -> None:
    behaviour.plans = ["slow"]
    outcomes = at_once(5, tmp_path / "results")
    assert len(outcomes) == 5
    assert all("could not be downloaded" in outcome for outcome in outcomes)
    assert len(behaviour.asked) <= 2 * download.ATTEMPTS
    tally("programs that fetched at once", 5)


def test_a_killed_download_holds_nobody_up(
    behaviour: Behaviour, tmp_path: Path, home: Path, tally: Tally
) -> None:
    behaviour.plans = ["stalled", "good"]
    process = fetching(tmp_path / "results")
    while not list(home.rglob("*.part")):
        time.sleep(0.01)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    data.fetch()
    assert data.verify()
    tally("downloads broken", 1)
