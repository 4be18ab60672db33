"""Says what is on images of one's own, and draws what the network sees and looks at."""

from pathlib import Path

import numpy as np
from rich.console import Console

from cifar10_cnn import models, plots
from cifar10_cnn.common import checks, paths
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data import photos
from cifar10_cnn.evaluation import calibration, explain, scores
from cifar10_cnn.training import runs


def predict(path: Path, model: Path | None = None) -> bool:
    """Print the three most probable classes of each image, and draw a card of each.

    Args:
        path: an image, or a folder of images.
        model: a saved ``.keras`` file; by default the shipped one.

    Returns:
        Whether an image could be read; why others could not is printed to standard error.

    Raises:
        CourseError: if there is no such file, or the model does not fit to the images.
    """
    console, errors = Console(soft_wrap=True), Console(stderr=True, style="red", soft_wrap=True)
    matches = list(photos.find(path))
    file = model or runs.shipped_path("CIFAR-10", fast=True)
    network, about = models.load(file), runs.about(file)
    names, reject_option = runs.classes_and_reject_option(file)
    images = {}
    for each in matches:
        try:
            images[each] = photos.read(each)
        except photos.PhotoError as error:
            errors.print(str(error), highlight=False, markup=False)
    if not images:
        return False
    # All at once: what Grad-CAM computes with takes longer to build than one image's prediction.
    stack = np.stack(list(images.values()))
    try:
        predictions = checks.probabilities(scores.predict_images(network, stack, names))
    except ValueError as error:
        raise CourseError(f"{file} does not fit to these images: {error}") from error
    rejected = np.zeros(len(stack), bool)
    if reject_option:
        predictions = calibration.apply_temperature(predictions, reject_option.temperature)
        rejected = predictions.max(axis=1) < reject_option.threshold
    maps, method = explain.heat_maps(network, stack, predictions.argmax(axis=1))
    folder, cards = paths.runs_folder() / "predictions", []
    for index, each in enumerate(images):
        probabilities = predictions[index]
        best = probabilities.argsort()[::-1][:3]
        line = ", ".join(f"{names[label]} {probabilities[label]:.0%}" for label in best)
        doubt = "probably none of these: " if rejected[index] else ""
        console.print(f"{photos.printable(each)}: {doubt}{line}", highlight=False, markup=False)
        card = plots.prediction_card(
            stack[index],
            maps[index],
            probabilities,
            names,
            method=method,
            threshold=reject_option.threshold if reject_option else None,
        )
        name = photos.printable(Path(each.name))
        # A file's name has 255 bytes at most; what tells two long ones apart stands at the end.
        target = folder / f"{name.encode()[-240:].decode(errors='ignore')}.png"
        try:
            plots.save(card, target, f"{name}  |  model: {about.get('origin', file.name)}")
            cards.append(target)
        except CourseError as error:  # the predictions are worth having without a card, too
            errors.print(str(error), highlight=False, markup=False)
    if reject_option:
        console.print(
            f'"Probably none of these": below {reject_option.threshold:.0%}. So it rejects '
            f"{reject_option.rejected:.0%} of images that do show one of its classes, and accepts "
            f"{reject_option.accepted_ood:.0%} of images whose tiles were mixed up; other "
            "out-of-distribution images may pass more often.",
            highlight=False,
        )
    if cards:
        where = cards[0] if len(cards) == 1 else folder
        console.print(f"Drawn: {where}", highlight=False, markup=False)
    return True
