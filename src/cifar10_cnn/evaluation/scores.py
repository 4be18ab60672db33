"""How good a model is and where it errs: plain arrays in, numbers out.

Notation: N images (N, h, w, 3), k classes. Labels and predictions (N,), 0 to k - 1; probabilities
(N, k), 0 to 1; a confusion matrix (k, k), row the true class, column the predicted one. Models take
raw pixels and return probabilities. What does not fit together raises ``ValueError``. The computing
itself is scikit-learn's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform
from scipy.special import softmax
from sklearn.metrics import (
    accuracy_score,
    classification_report,
    log_loss,
    recall_score,
)
from sklearn.metrics import confusion_matrix as count_confusions

from cifar10_cnn.common import checks
from cifar10_cnn.common.errors import CourseError

if TYPE_CHECKING:  # Keras takes seconds to load, and nothing below calls it by name.
    import keras

    from cifar10_cnn.data.dataset import Split

#: (true class, predicted class, number of images, fraction of the true class)
ConfusedPair = tuple[str, str, int, float]


@dataclass(frozen=True, eq=False)
class Report:
    """What a model predicts for the images of a split, and how accurate it is.

    Attributes:
        labels: true classes, (N,), 0 to k - 1.
        probabilities: (N, k), 0 to 1, each row adding up to 1.
        class_names: k names.
        loss: mean cross-entropy in nats, as Keras reports it.
        accuracy: fraction of images whose most probable class is the true one, 0 to 1.
    """

    labels: np.ndarray
    probabilities: np.ndarray
    class_names: tuple[str, ...]
    loss: float
    accuracy: float

    @classmethod
    def from_probabilities(
        cls, labels: np.ndarray, probabilities: np.ndarray, class_names: Sequence[str]
    ) -> "Report":
        """Make a report of probabilities that are there already."""
        labels, probabilities = checks.labelled(labels, probabilities)
        classes = probabilities.shape[1]
        checks.names(class_names, classes)
        # In float32 scikit-learn cuts probabilities off at 1e-7, which Keras does not.
        exact = probabilities.astype(np.float64)
        exact /= exact.sum(axis=1, keepdims=True)
        return cls(
            labels,
            probabilities,
            tuple(class_names),
            float(log_loss(labels, exact, labels=np.arange(classes))),
            float(accuracy_score(labels, probabilities.argmax(axis=1))),
        )

    @property
    def predictions(self) -> np.ndarray:
        """The most probable class of each image, (N,), 0 to k - 1."""
        return self.probabilities.argmax(axis=1)

    @property
    def confusion(self) -> np.ndarray:
        """Numbers of images, (k, k): row is the true class, column the predicted one."""
        classes = np.arange(len(self.class_names))
        return count_confusions(self.labels, self.predictions, labels=classes)

    def text(self) -> str:
        """Return scikit-learn's classification report: precision, recall, F1 of each class."""
        return classification_report(
            self.labels,
            self.predictions,
            labels=np.arange(len(self.class_names)),
            target_names=self.class_names,
            digits=3,
            zero_division=0,
        )


def evaluate(model: "keras.Model", split: "Split", class_names: Sequence[str]) -> Report:
    """Let a model predict all images of a split once, and score it.

    Accuracy and loss are those of ``model.evaluate``, without its second pass; only probabilities
    of the true class below 2e-16 count less in the loss than there. Used in notebook 05.

    Args:
        split: images uint8 (N, 32, 32, 3) and labels (N,).
    """
    probabilities = model.predict(split.images, batch_size=256, verbose=0)
    return Report.from_probabilities(split.labels, probabilities, class_names)


def takes_scaled_pixels(model: "keras.Model", split: "Split") -> bool:
    """Say whether a model is better on pixels divided by 255, which the course's models are not.

    Used by the command ``evaluate``.
    """
    images, labels = split.images[:500], split.labels[:500]
    raw, scaled = (
        np.mean(model.predict(each, verbose=0).argmax(axis=1) == labels)
        for each in (images, images / np.float32(255))
    )
    return bool(scaled > raw + 0.05)


def predict_tta(model: "keras.Model", images: np.ndarray) -> np.ndarray:
    """Predict six views of each image (test-time augmentation) and return their mean.

    The image itself; shifted by one pixel to the upper left; to the lower right; and the three
    mirrored. The shifted ones count half. Their probabilities are averaged as logarithms: one view
    that rules a class out counts (Jordan, 2024, https://arxiv.org/abs/2404.00498). Used in
    notebook 07.

    Returns:
        Probabilities, (N, k), 0 to 1, each row adding up to 1.
    """
    images = checks.images(images)
    around = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), "reflect")
    total = np.zeros(1)
    for weight, view in ((2, images), (1, around[:, :-2, :-2]), (1, around[:, 2:, 2:])):
        for each in (view, view[:, :, ::-1]):
            probabilities = model.predict(each, batch_size=500, verbose=0).astype(np.float64)
            total = total + weight * np.log(np.maximum(probabilities, 1e-12))
    return softmax(total / 8, axis=1)


def predict_images(
    model: "keras.Model", images: np.ndarray, class_names: Sequence[str]
) -> np.ndarray:
    """Let a model predict images, and refuse a model that is not made for such ones.

    Used by the command ``predict``.

    Returns:
        The probability of each class, (N, k), 0 to 1.
    """
    try:
        probabilities = model.predict(images, verbose=0)
    except ValueError as error:
        raise CourseError(
            f"The model {model.name} does not take an image of shape {images.shape[1:]}: it wants "
            f"{model.input_shape}."
        ) from error
    if probabilities.shape != (len(images), len(class_names)):
        raise CourseError(
            f"The model {model.name} returns {probabilities.shape}, not one probability for each "
            f"of {len(class_names)} classes."
        )
    return probabilities


def class_accuracy(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """Return the fraction of each class's images that are classified correctly (its recall).

    Used in notebook 05.

    Returns:
        float64, (k,), 0 to 1; NaN for a class without images.
    """
    labels = checks.classes(labels, classes)
    predictions = checks.classes(predictions, classes, "predictions")
    checks.same_length(labels=labels, predictions=predictions)
    return recall_score(
        labels, predictions, labels=np.arange(classes), average=None, zero_division=np.nan
    )


def confident_mistakes(labels: np.ndarray, probabilities: np.ndarray, count: int) -> np.ndarray:
    """Return the wrong predictions that the model was most confident of.

    Used in notebook 08.

    Args:
        count: how many to return.

    Returns:
        int64, at most ``count`` indices of images, the most confident first; fewer if there are
        fewer mistakes.
    """
    labels, probabilities = checks.labelled(labels, probabilities)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    order = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    return wrong[order[: checks.count(count, "count")]]


def confused_pairs(
    matrix: np.ndarray, class_names: Sequence[str], count: int = 10, symmetric: bool = False
) -> list[ConfusedPair]:
    """List the pairs of classes that are confused most often. Used in notebook 05.

    Args:
        count: how many pairs to return at most; pairs that were never confused are left out.
        symmetric: count cat → dog and dog → cat together, under the more frequent direction.

    Returns:
        (true class, predicted class, number of images, fraction of the true class, 0 to 1), the
        most frequent first. If symmetric, the fraction is of the images of both classes.
    """
    matrix = _counts(matrix)
    checks.names(class_names, len(matrix))
    totals = matrix.sum(axis=1)
    pairs: list[ConfusedPair] = []
    for true, predicted in np.argwhere(~np.eye(len(matrix), dtype=bool)):
        images, total = matrix[true, predicted], totals[true]
        if symmetric:
            back = matrix[predicted, true]
            if (back, true) > (images, predicted):  # it is listed the other way round
                continue
            images, total = images + back, total + totals[predicted]
        if images:
            names = class_names[true], class_names[predicted]
            pairs.append((*names, int(images), float(images / total)))
    pairs.sort(key=lambda pair: (-pair[2], -pair[3]))
    return pairs[: checks.count(count, "count")]


def similarity(matrix: np.ndarray) -> np.ndarray:
    """Join classes to groups, those first that are confused most often.

    The distance of two classes is 1 minus the fraction of their images that are confused between
    the two; of two groups, the mean over all pairs.

    Returns:
        The joins, (k - 1, 4), as ``scipy.cluster.hierarchy.linkage`` returns them.
    """
    matrix = _counts(matrix)
    checks.count(len(matrix), "number of classes", 2)
    totals = matrix.sum(axis=1)
    distance = 1 - (matrix + matrix.T) / np.maximum(totals[:, None] + totals, 1)
    np.fill_diagonal(distance, 0)
    return linkage(squareform(distance), "average")


def similarity_order(matrix: np.ndarray) -> np.ndarray:
    """Return the classes in the order of ``plots.class_tree``: similar ones stand side by side.

    Used in notebook 07.

    Returns:
        Numbers of classes, (k,), 0 to k - 1, each once.
    """
    return leaves_list(similarity(matrix))


def _counts(matrix: np.ndarray) -> np.ndarray:
    matrix = checks.array(matrix, "numbers of a confusion matrix", "(k, k)")
    if matrix.shape != (len(matrix), len(matrix)) or matrix.min() < 0:
        raise ValueError(
            f"A confusion matrix has as many rows as columns and counts from 0 on, not the shape "
            f"{matrix.shape} and {matrix.min()}."
        )
    return matrix
