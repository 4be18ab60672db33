"""Hand-made copies of CIFAR-10 in each form in which people have it, small enough for a test."""

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from cifar10_cnn.data.readers import CLASS_NAMES, Arrays

BATCHES = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]


def known_picture() -> np.ndarray:
    """A picture that shows every mistake of order: each corner and channel is its own."""
    image = np.zeros((32, 32, 3), np.uint8)
    image[0, 0] = (255, 0, 0)  # red at the top left
    image[0, 31] = (0, 255, 0)  # green at the top right
    image[31, 0] = (0, 0, 255)  # blue at the bottom left
    image[5, 9] = (10, 20, 30)
    return image


def batch(number: int, pictures: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Random pictures with all ten labels in turn; the first of each batch is the known one."""
    images = np.random.default_rng(number).integers(0, 256, (pictures, 32, 32, 3), dtype=np.uint8)
    images[0] = known_picture()
    images[0, 16, 16] = number  # so that no two batches hold the same picture
    return images, np.arange(pictures) % 10


def batches() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {name: batch(number) for number, name in enumerate(BATCHES)}


def expected() -> Arrays:
    """The arrays that all six batches together must give, in the official order."""
    images, labels = zip(*(batch(number) for number in range(5)), strict=True)
    return Arrays(np.concatenate(images), np.concatenate(labels), *batch(5))


def rows(images: np.ndarray) -> np.ndarray:
    """Pictures as the official files hold them: 1,024 red, then green, then blue values."""
    return np.stack(
        [np.concatenate([image[:, :, c].ravel() for c in range(3)]) for image in images]
    )


def python_batch(images: np.ndarray, labels: np.ndarray) -> bytes:
    """As the official pickles are: protocol 2, keys as bytes."""
    return pickle.dumps({b"data": rows(images), b"labels": labels.tolist()}, protocol=2)


def binary_batch(images: np.ndarray, labels: np.ndarray) -> bytes:
    records = np.concatenate([labels.astype(np.uint8)[:, None], rows(images)], axis=1)
    return records.tobytes()


def write_tar(file: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(file, "w:gz" if file.suffix == ".gz" else "w") as archive:
        for name, contents in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(contents)
            archive.addfile(info, io.BytesIO(contents))
    return file


def python_members() -> dict[str, bytes]:
    members = {"cifar-10-batches-py/batches.meta": b"not needed"}
    for name, (images, labels) in batches().items():
        members[f"cifar-10-batches-py/{name}"] = python_batch(images, labels)
    return members


def binary_members() -> dict[str, bytes]:
    return {
        f"cifar-10-batches-bin/{name}.bin": binary_batch(images, labels)
        for name, (images, labels) in batches().items()
    }


def picture_members(suffix: str = "png") -> dict[str, bytes]:
    """Class folders; test pictures are batch 5, training pictures the five others."""
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
