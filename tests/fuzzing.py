"""Coverage-guided fuzzing of what reads files of strangers: ``fuzzing.py TARGET RUNS FOLDER``.

Each execution gives bytes to a reader; whatever they are, it may return pictures or raise a
``DataError``, and nothing else. libFuzzer ends with an error on anything else, and on an execution
that takes 20 seconds or 2 GiB.
"""

import contextlib
import io
import os
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import atheris
import numpy as np

with atheris.instrument_imports(
    include=[
        "cifar10_cnn.data.readers",
        "cifar10_cnn.data.store",
        "pickletools",
        "tarfile",
        "zipfile",
    ]
):
    from cifar10_cnn.data import readers as sources
    from cifar10_cnn.data import store as cache
from cifar10_cnn.common.errors import DataError

import official  # isort: skip - it must not load the modules above before they are instrumented

#: In memory where Linux has such a folder; an execution there costs a tenth.
_FOLDER = Path("/dev/shm" if Path("/dev/shm").is_dir() else tempfile.gettempdir())
_NEXT = b"--next--"
_PARTS = ("about", "train_labels", "test_labels", "train_images", "test_images")
_FILE = _FOLDER / f"fuzzed-{os.getpid()}"


def python_batch(content: bytes) -> None:
    sources._python_batch(content, "data_batch_1")


def binary_batch(content: bytes) -> None:
    images, labels = sources._binary_batch(content, "data_batch_1.bin")
    assert images.shape == (len(labels), 32, 32, 3)


def cache_file(content: bytes) -> None:
    _FILE.write_bytes(content)
    cache.read(_FILE)


def cache_parts(content: bytes) -> None:
    """A cache whose parts are nonsense, and whose sums are right: so it is read further."""
    with zipfile.ZipFile(_FILE, "w") as file:
        parts = content.split(_NEXT, len(_PARTS) - 1)
        for name, part in zip(_PARTS, parts, strict=False):
            file.writestr(f"{name}.npy", part)
    cache.read(_FILE)


def archive(content: bytes) -> None:
    _FILE.write_bytes(content)
    sources.read(_FILE)


def tar_headers(content: bytes) -> None:
    """A tar whose headers are nonsense, and whose sums are right."""
    blocks = []
    for start in range(0, len(content), 512):
        block = bytearray(content[start : start + 512])
        if block[257:262] == b"ustar":
            block[148:156] = b" " * 8
            block[148:156] = b"%06o\0 " % sum(block)
        blocks.append(bytes(block))
    archive(b"".join(blocks))


def _picture() -> tuple[np.ndarray, np.ndarray]:
    return official.batch(0, pictures=1)


def _cache_seed() -> bytes:
    images, labels = _picture()
    _FILE.unlink(missing_ok=True)
    file = _FILE.with_suffix(".npz")
    arrays = sources.Arrays(images, labels, images, labels)
    cache.store(file, cache.Cached(arrays, "own pictures", sources.fingerprint(arrays)))
    content = file.read_bytes()
    file.unlink()
    return content


def _parts_seed() -> bytes:
    _FILE.write_bytes(_cache_seed())
    with zipfile.ZipFile(_FILE) as file:
        return _NEXT.join(file.read(f"{name}.npy") for name in _PARTS)


def _tar_seeds() -> list[bytes]:
    """A file, one with a long name, a link, a folder, and one that pax describes."""
    seeds = []
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w", format=form) as file:
            for name, kind in (("data_batch_1", b"0"), ("a" * 150, b"0"), ("b", b"2"), ("c", b"5")):
                info = tarfile.TarInfo(name)
                info.type, info.linkname = kind, "data_batch_1"
                info.pax_headers = {"comment": "é", "mtime": "1.5"}
                file.addfile(info)
        seeds.append(content.getvalue()[:6144])
    return seeds


def _archive_seeds() -> list[bytes]:
    member = official.python_batch(*_picture())
    tar, zipped = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:gz") as file:
        info = tarfile.TarInfo("data_batch_1")
        info.size = len(member)
        file.addfile(info, io.BytesIO(member))
    with zipfile.ZipFile(zipped, "w") as file:
        file.writestr("train/cat/1.png", official.picture_members()["train/cat/data_batch_1_3.png"])
    return [tar.getvalue(), zipped.getvalue()]


#: What each target begins with.
TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], list[bytes]]]] = {
    "python_batch": (python_batch, lambda: [official.python_batch(*_picture())]),
    "binary_batch": (binary_batch, lambda: [official.binary_batch(*_picture())]),
    "cache_file": (cache_file, lambda: [_cache_seed()]),
    "cache_parts": (cache_parts, lambda: [_parts_seed()]),
    "archive": (archive, _archive_seeds),
    "tar_headers": (tar_headers, _tar_seeds),
}


def main(name: str, runs: str, folder: str) -> None:
    target, seeds = TARGETS[name]
    for number, seed in enumerate(seeds()):
        (Path(folder) / f"seed-{number}").write_bytes(seed)

    def execute(content: bytes) -> None:
        with contextlib.suppress(DataError):
            target(content)

    limits = ["-timeout=20", "-rss_limit_mb=2048", "-max_len=16384", f"-artifact_prefix={folder}/"]
    atheris.Setup([sys.argv[0], f"-runs={runs}", "-verbosity=0", *limits, folder], execute)
    try:
        atheris.Fuzz()
    finally:
        _FILE.unlink(missing_ok=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
