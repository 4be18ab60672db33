"""The lines of notebook 09."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from recounts.shared import (
    ask,
    best_temperature,
    listed,
    mixed,
    nine_in_ten_reach,
    opening,
    tempered,
)


def your_picture(names: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the notebook."""
    yield from opening(names)
    model, validation = names["model"], names["dataset"].validation
    classes = names["dataset"].class_names
    usual = ask(model, validation.images)
    temperature = best_temperature(validation.labels, usual)

    def odds_of(images: np.ndarray) -> np.ndarray:
        return tempered(ask(model, images), temperature)

    sure = tempered(usual, temperature).max(axis=1)
    threshold = nine_in_ten_reach(sure)
    yield f"threshold {100 * threshold}%, with a temperature of {temperature}"
    yield f"pictures of the ten classes that stay below it: {100 * (sure < threshold).mean()}%"
    strange = odds_of(mixed(validation.images)).max(axis=1)
    yield f"mixed pictures that reach it: {100 * (strange >= threshold).mean()}%"

    with Image.open(names["folder"] / "horse.png") as photo:
        middle = ImageOps.fit(photo.convert("RGB"), (32, 32), Image.Resampling.BOX)
    picture = np.asarray(middle)
    yield f"{picture.shape} {picture.dtype}"
    horse, test = odds_of(np.stack([picture, names["dataset"].test.images[0]]))
    yield from _answer("09_drawing", horse, classes, threshold)
    yield from _answer("09_test_picture", test, classes, threshold)
    yield from _drawings(odds_of(names["drawings"]), classes, threshold)
    things = zip(("wall", "curtain", "snow"), odds_of(names["nothing"]), strict=True)
    for name, odds in things:
        verdict = "is said" if odds.max() >= threshold else "none of these"
        yield f"{name} {classes[odds.argmax()]} {100 * odds.max()}%: {verdict}"
    yield from _answer("09_horse", horse, classes, threshold)


def _answer(
    figure: str, odds: np.ndarray, classes: Sequence[str], threshold: float
) -> Iterator[str]:
    top = sorted(range(len(odds)), key=lambda number: -odds[number])[:5]
    best, sure = classes[top[0]], 100 * odds[top[0]]
    title = f"{best.capitalize()}, {sure} % sure"
    if odds[top[0]] < threshold:
        title = f"Probably none of the {len(odds)}: {best} at most, {sure} % sure"
    yield f"{figure}: {title}"
    bars = listed([f"{classes[number]} {100 * odds[number]} %" for number in top])
    yield (
        f"{figure}: {title}. The picture in 32×32 pixels, the places that speak for {best} by "
        f"Grad-CAM, and bars of the most probable classes: {bars}. The threshold is "
        f"{100 * threshold} %."
    )


def _drawings(odds: np.ndarray, classes: Sequence[str], threshold: float) -> Iterator[str]:
    """Yield what is said of 300 drawings, class after class."""
    right = odds.argmax(axis=1) == [number % len(classes) for number in range(300)]
    silent = odds.max(axis=1) < threshold
    yield f"accuracy {100 * right.mean()}%, mean confidence {100 * odds.max(axis=1).mean()}%"
    yield (
        f"silent on {100 * silent.mean()}%; accuracy on the others {100 * right[~silent].mean()}%"
    )
    first = int(right[:20].sum())
    title = f"09_drawings: {first} of the first 20 drawings are right; ? is below the threshold"
    yield title
    true = ["" if right[i] else f" ({classes[i % len(classes)]})" for i in range(20)]
    said = [classes[odds[i].argmax()] + "?" * int(silent[i]) + true[i] for i in range(20)]
    yield f"{title}. 20 pictures: {listed(said)}; {first} of 20 are marked as right."
