"""The lines of notebook 09."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from cifar10_cnn.data.corruptions import shuffled_tiles
from recounts.shared import (
    Line,
    best_temperature,
    first_twelve,
    nine_in_ten_reach,
    opening,
    predict,
    tempered,
    values,
)


def your_image(names: dict[str, Any]) -> Iterator[Line]:
    """Yield the lines of the notebook."""
    yield from opening(names)
    model, validation = names["model"], names["dataset"].validation
    classes = names["dataset"].class_names
    usual = predict(model, validation.images)
    temperature = best_temperature(validation.labels, usual)

    def probabilities_of(images: np.ndarray) -> np.ndarray:
        return tempered(predict(model, images), temperature)

    sure = tempered(usual, temperature).max(axis=1)
    threshold = nine_in_ten_reach(sure)
    yield f"{100 * threshold} {temperature}"
    yield f"{100 * (sure < threshold).mean()}"
    ood = probabilities_of(shuffled_tiles(validation.images)).max(axis=1)
    yield f"{100 * (ood >= threshold).mean()}"

    with Image.open(names["folder"] / "horse.png") as photo:
        middle = ImageOps.fit(photo.convert("RGB"), (32, 32), Image.Resampling.BOX)
    image = np.asarray(middle)
    yield f"{image.shape} uint8"
    horse, test = probabilities_of(np.stack([image, names["dataset"].test.images[0]]))
    yield _card("09_drawing", horse, classes, threshold)
    yield _card("09_test_image", test, classes, threshold)
    yield classes[names["dataset"].test.labels[0]]
    yield from _drawings(probabilities_of(names["drawings"]), classes, threshold)
    for row in probabilities_of(names["nothing"]):
        yield f"{classes[row.argmax()]} {100 * row.max()}"
    yield _card("09_horse", horse, classes, threshold)


def _card(figure: str, row: np.ndarray, classes: Sequence[str], threshold: float) -> Line:
    top = np.argsort(-row, kind="stable")[:5]
    bars = values(f"{classes[number]} {100 * row[number]}" for number in top)
    best = classes[top[0]]
    return figure, f"{len(row)}", f"{best} {100 * row.max()} {best} {bars} {100 * threshold}"


def _drawings(
    probabilities: np.ndarray, classes: Sequence[str], threshold: float
) -> Iterator[Line]:
    """Yield what is predicted for 300 drawings, class after class."""
    predicted, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right = predicted == [number % len(classes) for number in range(300)]
    yield f"{100 * right.mean()} {100 * sure.mean()}"
    rejected = sure < threshold
    yield f"{100 * rejected.mean()} {100 * right[~rejected].mean()}"
    true = ["" if right[i] else f" {classes[i % len(classes)]}" for i in range(20)]
    texts = [classes[predicted[i]] + true[i] for i in range(20)]
    first = int(right[:20].sum())
    yield "09_drawings", f"{first} 20", f"{first_twelve(texts)} {first} 20"
