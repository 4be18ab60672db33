"""The lines of notebook 08."""

import math
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from scipy import ndimage, spatial
from sklearn import metrics

from cifar10_cnn.data import corruptions
from cifar10_cnn.device import keras
from recounts.shared import (
    AT_ONCE,
    Line,
    Predictions,
    first_twelve,
    on_test,
    opening,
    outputs,
    predict,
    values,
)

#: What hides a part of an image.
GREY = 120


def look_inside(names: dict[str, Any]) -> Iterator[Line]:
    """Yield the lines of the notebook."""
    yield from opening(names)
    model, dataset = names["model"], names["dataset"]
    test, images = on_test(names), dataset.test.images
    yield f"{100 * test.right.mean()}"
    good, wrong = np.flatnonzero(test.right).tolist(), test.surest_mistakes(4)
    eight = [*good[:4], *wrong]
    captions = [test.pair(i) if i in wrong else test.classes[test.labels[i]] for i in eight]
    falls = [_hiding(model, images[i], test.predicted[i]) for i in eight]
    most = [f"{text} {100 * fall.max()}" for text, fall in zip(captions, falls, strict=True)]
    yield "08_occlusion", "8 8", _peaks(falls, most)
    maps = [_class_map(model, images[i], test.predicted[i]) for i in eight]
    yield "08_grad_cam", "4 4", _peaks(maps, captions)
    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    for name, image in {"right": images[good[0]], "wrong": images[wrong[1]]}.items():
        yield _feature_maps(f"08_maps_{name}", *first.get_weights(), image)
    yield _nearest(model, dataset, test, [*good[4:7], *wrong[:3]])
    yield from _planes(model, images[:1500], names["points"], test)
    yield from _duplicates(dataset, test)
    yield from _doubtful(test)
    yield "08_corruptions", "8 5", f"{test.classes[test.labels[0]]} 1 2 3 4 5"
    yield _robustness(model, images, test)
    yield from _adversarial(model, images, test)


def _hiding(model: keras.Model, image: np.ndarray, label: int) -> np.ndarray:
    """Return the mean fall of a class's probability over all grey squares that hide a pixel."""
    starts = range(0, 25, 2)
    hidden = [image.copy() for _ in range(1 + len(starts) ** 2)]
    corners = [(top, left) for top in starts for left in starts]
    for copy, (top, left) in zip(hidden[1:], corners, strict=True):
        copy[top : top + 8, left : left + 8] = GREY
    each = predict(model, np.stack(hidden))[:, label]
    falls = (each[0] - each[1:]).reshape(len(starts), len(starts))
    over = [[n for n, start in enumerate(starts) if start <= at < start + 8] for at in range(32)]
    return np.array([[falls[np.ix_(rows, columns)].mean() for columns in over] for rows in over])


def _class_map(model: keras.Model, image: np.ndarray, label: int) -> np.ndarray:
    """Return Grad-CAM's map of a network whose last layer adds up its maps: from the weights."""
    last = next(layer for layer in reversed(model.layers) if len(layer.output.shape) == 4)
    maps = outputs(keras.Model(model.inputs[0], last.output), image[None])[0].astype(float)
    weights = model.layers[-1].get_weights()[0][:, label].reshape(maps.shape)
    heat = np.maximum(maps @ weights.mean(axis=(0, 1)), 0)
    places = (np.arange(32) + 0.5) * len(heat) / 32 - 0.5
    for _ in range(2):  # along one axis, then along the other
        heat = np.array([np.interp(places, range(len(line)), line) for line in heat.T])
    return heat


def _peaks(maps: Sequence[np.ndarray], captions: Sequence[str]) -> str:
    """Return where maps are highest, in percent of the height and the width."""
    peaks = [np.unravel_index(each.argmax(), each.shape) for each in maps]
    return values(
        f"{caption} {100 * (row + 0.5) / 32} {100 * (column + 0.5) / 32}"
        for (row, column), caption in zip(peaks, captions, strict=True)
    )


def _feature_maps(figure: str, kernels: np.ndarray, biases: np.ndarray, image: np.ndarray) -> Line:
    """Return which of the first 16 feature maps is brightest, and which is darkest."""
    means = []
    for number in range(16):
        colours = [(image[..., c] / 255, kernels[..., c, number]) for c in range(3)]
        sums = [ndimage.correlate(*each, mode="constant") for each in colours]
        means.append(np.sum(sums, axis=0).mean() + biases[number])
    most, least = int(np.argmax(means)), int(np.argmin(means))
    ends = f"{most} {means[most]} {least} {means[least]}"
    return figure, f"16 {kernels.shape[-1]}", f"16 {ends}"


def _nearest(model: keras.Model, dataset: Any, test: Predictions, queries: Sequence[int]) -> Line:
    """Return how many of the nearest training images are of the predicted class."""
    embedding = keras.Model(model.inputs[0], model.layers[-1].input)
    images = dataset.test.images[queries], dataset.train.images[:10000]
    far = spatial.distance.cdist(*(outputs(embedding, each) for each in images))
    near = dataset.train.labels[far.argsort(axis=1)[:, :6]]
    same = f"{100 * np.mean(near == test.predicted[queries][:, None])} {near.size}"
    rows = values(f"{row} {test.pair(i)}" for row, i in enumerate(queries, 1))
    below = first_twelve([test.classes[number] for number in near.ravel()])
    return "08_nearest", same, f"{rows} 1 2 3 4 5 6 {below}"


def _planes(
    model: keras.Model, images: np.ndarray, points: np.ndarray, test: Predictions
) -> Iterator[Line]:
    """Yield the variance that PCA holds, and how images lie in its plane and in that of t-SNE."""
    embedded = outputs(keras.Model(model.inputs[0], model.layers[-1].input), images).astype(float)
    embedded -= embedded.mean(axis=0)
    _, lengths, axes = np.linalg.svd(embedded, full_matrices=False)
    variance = (lengths[:2] ** 2).sum() / (lengths**2).sum()
    yield f"{embedded.shape[1]} {100 * variance}"
    labels = test.labels[: len(images)]
    counts = np.bincount(labels, minlength=len(test.classes))
    each = values(f"{name} {count}" for name, count in zip(test.classes, counts, strict=True))
    for figure, plane in {"08_pca": embedded @ axes[:2].T, "08_embedding": points}.items():
        far = spatial.distance.squareform(spatial.distance.pdist(plane))
        np.fill_diagonal(far, np.inf)
        same = np.mean(labels[far.argmin(axis=1)] == labels)
        yield figure, f"{100 * same}", f"{len(labels)} {each}"


def _duplicates(dataset: Any, test: Predictions) -> Iterator[Line]:
    images = dataset.test.images
    others = np.concatenate([dataset.train.images, dataset.validation.images])
    pairs = _nearest_copies(images, others)
    yield f"{len(images) + len(others)}"
    yield f"{len(pairs)} {len(images)}"
    theirs = [*dataset.train.labels, *dataset.validation.labels]
    yield f"{sum(test.labels[i] != theirs[j] for _, i, j in pairs)}"
    if pairs:
        apart = values(distance for distance, _, _ in pairs[:8])
        yield "08_near_duplicates", f"{len(pairs)}", apart
    copies = np.isin(np.arange(len(images)), [i for _, i, _ in pairs])
    yield f"{100 * test.right.mean()}"
    yield f"{100 * test.right[~copies].mean()}"
    yield f"{test.right[copies].sum()} {len(pairs)}"


def _nearest_copies(images: np.ndarray, others: np.ndarray) -> list[tuple[float, int, int]]:
    """Return (distance, image, nearest other one) where that is 25 at most, the nearest first."""
    small, small_others = _evened_out(images), _evened_out(others)
    _, directions = np.linalg.eigh(np.cov(small_others.T))
    main = directions[:, -32:]
    pairs = []
    for start in range(0, len(images), AT_ONCE):
        far = spatial.distance.cdist(small[start : start + AT_ONCE] @ main, small_others @ main)
        for i, j in enumerate(far.argmin(axis=1).tolist(), start):
            distance = math.sqrt(metrics.mean_squared_error(images[i].ravel(), others[j].ravel()))
            pairs.append((distance, i, j))
    return sorted(each for each in pairs if each[0] <= 25)


def _evened_out(images: np.ndarray) -> np.ndarray:
    """Return the images' 8×8 means, (N, 192), each row with a mean of 0 and a length of 1."""
    parts = [images[:, row::4, column::4].astype(float) for row in range(4) for column in range(4)]
    small = np.mean(parts, axis=0).reshape(len(images), -1)
    small -= small.mean(axis=1, keepdims=True)
    return small / np.maximum(np.sqrt((small**2).sum(axis=1, keepdims=True)), 1e-6)


def _doubtful(test: Predictions) -> Iterator[Line]:
    """Yield how many labels confident learning doubts, and which ones most."""
    each, labels, kinds = test.probabilities, test.labels, range(len(test.classes))
    usual = [statistics.fmean(each[labels == kind, kind]) for kind in kinds]
    doubtful = []
    for number, row in enumerate(each):
        likely = [kind for kind in kinds if row[kind] >= usual[kind]]
        if likely and max(likely, key=row.__getitem__) != labels[number]:
            doubtful.append(number)
    doubtful.sort(key=lambda i: each[i, labels[i]] - each[i].max())
    yield f"{len(doubtful)}"
    pairs = first_twelve([test.pair(i) for i in doubtful[:14]])
    yield "08_labels", f"{len(doubtful)}", pairs


def _robustness(model: keras.Model, images: np.ndarray, test: Predictions) -> Line:
    """Return what corruptions cost, which ``test_corruptions.py`` tests one by one."""
    tenth, corrupt = len(images) // 10, corruptions.corrupt
    some, labels, clean = images[:tenth], test.labels[:tenth], 100 * test.right[:tenth].mean()
    curves = [
        [
            100 * np.mean(predict(model, corrupt(some, name, s)).argmax(axis=1) == labels)
            for s in (1, 2, 3, 4, 5)
        ]
        for name in corruptions.names()
    ]
    losses = [clean - curve[-1] for curve in curves]
    return "08_robustness", f"5 {values(losses)}", f"{clean} {values(map(values, curves))}"


def _adversarial(model: keras.Model, images: np.ndarray, test: Predictions) -> Iterator[Line]:
    tenth = len(images) // 10
    some, labels = images[:tenth], test.labels[:tenth]
    signs = np.sign(_slopes(model, some, labels))
    predicted = {
        strength: predict(model, np.clip(some + strength * signs, 0, 255)).argmax(axis=1)
        for strength in (0, 1, 2, 4, 8)
    }
    for strength, each in predicted.items():
        yield f"{strength} {100 * np.mean(each == labels)}"
    lost = np.flatnonzero(test.right[:tenth] & (predicted[4] != labels))[:8]
    pairs = [f"{test.classes[labels[i]]} {test.classes[predicted[4][i]]}" for i in lost]
    yield "08_fooled", "4 255", values(pairs)


def _slopes(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return how fast the cross-entropy rises with each pixel."""
    embedding = keras.Model(model.inputs[0], model.layers[-1].input)
    weights, biases = model.layers[-1].get_weights()
    parts = []
    for start in range(0, len(images), 100):
        some = slice(start, start + 100)
        pixels = tf.constant(images[some], "float32")
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            logits = embedding(pixels, training=False) @ weights + biases
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels[some], logits)
        parts.append(tape.gradient(losses, pixels).numpy())
    return np.concatenate(parts)
