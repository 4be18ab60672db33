"""Says what is on images of one's own, and draws what the network sees and looks at."""

from pathlib import Path

import numpy as np
from rich.console import Console

from cifar10_cnn import models, plots
from cifar10_cnn.common import checks, files, paths
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data import photos
from cifar10_cnn.evaluation import calibration, explain, scores
from cifar10_cnn.training import runs


def predict(path: Path, model: Path | None = None) -> bool:
    """Print the three most probable classes of an image, or of each in a folder; draw its card.

    Returns whether one could be read; why others could not is printed to standard error. The model
    is a saved ``.keras`` file; by default the shipped one.

    Raises:
        CourseError: if there is no such file, or the model does not fit to the images.
    """
    console = Console(soft_wrap=True, highlight=False, markup=False)
    errors = Console(stderr=True, style="red", soft_wrap=True, highlight=False, markup=False)
    matches = list(photos.find(path))
    file = model or runs.shipped_path("CIFAR-10", fast=True)
    network = models.load(file)
    origin = files.read_json(file.with_suffix(".json")).get("origin", file.name)
    names, option = runs.classes_and_reject_option(file)
    images = {}
    for each in matches:
        try:
            images[each] = photos.read(each)
        except photos.PhotoError as error:
            errors.print(str(error))
    if not images:
        return False
    # All at once: what Grad-CAM computes with takes longer to build than one image's prediction.
    stack = np.stack(list(images.values()))
    try:
        predictions = checks.probabilities(scores.predict_images(network, stack, names))
    except ValueError as error:
        raise CourseError(f"{file} does not fit to these images: {error}") from error
    if option:
        predictions = calibration.apply_temperature(predictions, option.temperature)
    threshold = option.threshold if option else None
    maps, method = explain.heat_maps(network, stack, predictions.argmax(axis=1))
    folder, cards = paths.runs_folder() / "predictions", []
    for each, image, probabilities, heat in zip(images, stack, predictions, maps, strict=True):
        best = probabilities.argsort()[::-1][:3]
        line = ", ".join(f"{names[label]} {probabilities[label]:.0%}" for label in best)
        doubt = "probably none of these: " if probabilities.max() < (threshold or 0) else ""
        console.print(f"{photos.printable(each)}: {doubt}{line}")
        card = plots.prediction_card(
            image, heat, probabilities, names, method=method, threshold=threshold
        )
        name = photos.printable(Path(each.name))
        # A file's name has 255 bytes at most; what tells two long ones apart stands at the end.
        target = folder / f"{name.encode()[-240:].decode(errors='ignore')}.png"
        try:
            plots.save(card, target, f"{name}  |  model: {origin}")
            cards.append(target)
        except CourseError as error:  # the predictions are worth having without a card, too
            errors.print(str(error))
    if option:
        console.print(
            f'"Probably none of these": below {threshold:.0%}. So it rejects '
            f"{option.rejected:.0%} of images that do show one of its classes, and accepts "
            f"{option.accepted_ood:.0%} of images whose tiles were mixed up; other "
            "out-of-distribution images may pass more often."
        )
    if cards:
        console.print(f"Drawn: {cards[0] if len(cards) == 1 else folder}")
    return True
