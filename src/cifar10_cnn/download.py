"""The official download of CIFAR-10: its address, its checksum, and the one call that gets it."""

import sys
from pathlib import Path

import pooch
from tqdm import tqdm

from cifar10_cnn.errors import DataError

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
ARCHIVE_BYTES = 170_498_071
#: Seconds to wait for a connection, and for the next bytes.
TIMEOUTS = (5, 30)


def official_archive(folder: str | Path) -> Path:
    """Download the official python archive (170 MB) into ``folder`` and check its SHA-256.

    Raises:
        DataError: if there is no connection, the bytes are not the official ones, or the disk is
            full; nothing half-written stays.
    """
    pooch.get_logger().setLevel("WARNING")
    with tqdm(
        total=ARCHIVE_BYTES,
        unit="B",
        unit_scale=True,
        file=sys.stdout,  # in a notebook, standard error looks like a failure
        leave=False,
        delay=1,  # a bar only for a download that has begun
    ) as bar:
        downloader = pooch.HTTPDownloader(progressbar=bar, timeout=TIMEOUTS)
        try:
            name = "cifar-10-python.tar.gz"
            return Path(pooch.retrieve(URL, SHA256, name, folder, downloader=downloader))
        except (OSError, ValueError) as error:
            raise DataError(
                f"CIFAR-10 could not be downloaded from {URL} ({_reason(error)}): try again, "
                "or import a copy you have with `python -m cifar10_cnn data import PATH`."
            ) from error


def _reason(error: Exception) -> str:
    """Return why a download failed in a few words; requests nests several errors in one."""
    text = str(error)
    if "resolve" in text or "NewConnectionError" in text or "unreachable" in text:
        return "no network connection to that server"
    if "imed out" in text:
        return f"no answer within {TIMEOUTS[1]} seconds"
    return text.splitlines()[0][:200]
