"""Hand-made copies of CIFAR-10 in each form in which people have it, small enough for a test."""

import hashlib
import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from cifar10_cnn.data.readers import CLASS_NAMES, Arrays

BATCHES = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]


def known_image() -> np.ndarray:
    """An image that shows every mistake of order: each corner and channel is its own."""
    image = np.zeros((32, 32, 3), np.uint8)
    image[0, 0] = (255, 0, 0)  # red at the top left
    image[0, 31] = (0, 255, 0)  # green at the top right
    image[31, 0] = (0, 0, 255)  # blue at the bottom left
    image[5, 9] = (10, 20, 30)
    return image


def batch(number: int, count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Random images with all ten labels in turn; the first of each batch is the known one."""
    images = np.random.default_rng(number).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    images[0] = known_image()
    images[0, 16, 16] = number  # so that no two batches hold the same image
    return images, np.arange(count) % 10


def batches() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {name: batch(number) for number, name in enumerate(BATCHES)}


def expected() -> Arrays:
    """The arrays that all six batches together must give, in the official order."""
    images, labels = zip(*(batch(number) for number in range(5)), strict=True)
    return Arrays(np.concatenate(images), np.concatenate(labels), *batch(5))


def rows(images: np.ndarray) -> np.ndarray:
    """Images as the official files hold them: 1,024 red, then green, then blue values."""
    return np.stack(
        [np.concatenate([image[:, :, c].ravel() for c in range(3)]) for image in images]
    )


def python_batch(images: np.ndarray, labels: np.ndarray) -> bytes:
    """As the official pickles are: protocol 2, keys as bytes."""
    return pickle.dumps({b"data": rows(images), b"labels": labels.tolist()}, protocol=2)


def digests() -> dict[str, str]:
    """The MD5 of each hand-made pickle, to stand in for ``readers.OFFICIAL_MD5``."""
    return {
        name: hashlib.md5(python_batch(*content), usedforsecurity=False).hexdigest()
        for name, content in batches().items()
    }


def binary_batch(images: np.ndarray, labels: np.ndarray) -> bytes:
    records = np.concatenate([labels.astype(np.uint8)[:, None], rows(images)], axis=1)
    return records.tobytes()


def write_tar(file: Path, members: dict[str, bytes]) -> Path:
    kind = file.suffix[1:] if file.suffix in (".gz", ".bz2", ".xz") else ""
    with tarfile.open(file, f"w:{kind}") as archive:
        for name, contents in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(contents)
            archive.addfile(info, io.BytesIO(contents))
    return file


def python_members() -> dict[str, bytes]:
    members = {"cifar-10-batches-py/batches.meta": b"not needed"}
    for name, content in batches().items():
        members[f"cifar-10-batches-py/{name}"] = python_batch(*content)
    return members


def binary_members() -> dict[str, bytes]:
    return {
        f"cifar-10-batches-bin/{name}.bin": binary_batch(*content)
        for name, content in batches().items()
    }


def image_members(suffix: str = "png") -> dict[str, bytes]:
    """Class folders; test images are batch 5, training images the five others."""
    members = {}
    for name, (images, labels) in batches().items():
        split = "test" if name == "test_batch" else "train"
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            raw = io.BytesIO()
            Image.fromarray(image).save(raw, "PNG" if suffix == "png" else "JPEG")
            members[f"{split}/{CLASS_NAMES[label]}/{name}_{index}.{suffix}"] = raw.getvalue()
    return members


def unpack(folder: Path, members: dict[str, bytes]) -> Path:
    for name, contents in members.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(contents)
    return folder
