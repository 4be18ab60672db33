"""The lines of notebook 08."""

import math
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from scipy import ndimage, spatial
from sklearn import metrics

from cifar10_cnn.device import keras
from recounts.shared import AT_ONCE, Answers, ask, listed, on_test, opening, outputs
from recounts.worse import GREY, WORSE


def look_inside(names: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the notebook."""
    yield from opening(names)
    model, dataset = names["model"], names["dataset"]
    test, images = on_test(names), dataset.test.images
    yield f"test accuracy {100 * test.right.mean()}%"
    good, wrong = np.flatnonzero(test.right).tolist(), test.surest_mistakes(4)
    chosen = [*good[:4], *wrong]
    captions = [_caption(test, i) for i in chosen]
    title = "Where hiding 8 × 8 pixels costs most, and how many points"
    falls = [_hiding(model, images[i], test.said[i]) for i in chosen]
    most = [f"{text}: {100 * fall.max()}" for text, fall in zip(captions, falls, strict=True)]
    yield from _peaks("08_occlusion", title, falls, most)
    title = "Where the last maps speak for the answer: 4 right, 4 wrong"
    maps = [_class_map(model, images[i], test.said[i]) for i in chosen]
    yield from _peaks("08_grad_cam", title, maps, captions)
    yield from _first_layer(model, images[good[0]], images[wrong[1]])
    yield from _nearest(model, dataset, test, [*good[4:7], *wrong[:3]])
    yield from _planes(model, dataset.test.images[:1500], names["points"], test)
    yield from _twins(dataset, test)
    yield from _doubts(test)
    yield from _robustness(model, images, test)
    yield from _fooled(model, images, test)


def _caption(test: Answers, i: int) -> str:
    true, said = test.classes[test.labels[i]], test.classes[test.said[i]]
    return true if true == said else f"{true}, said {said}"


def _hiding(model: keras.Model, picture: np.ndarray, label: int) -> np.ndarray:
    """Return the mean fall of a class's probability over all grey squares that hide a pixel."""
    starts = range(0, 25, 2)
    hidden = [picture.copy() for _ in range(1 + len(starts) ** 2)]
    corners = [(top, left) for top in starts for left in starts]
    for copy, (top, left) in zip(hidden[1:], corners, strict=True):
        copy[top : top + 8, left : left + 8] = GREY
    said = ask(model, np.stack(hidden))[:, label]
    falls = (said[0] - said[1:]).reshape(len(starts), len(starts))
    over = [[n for n, start in enumerate(starts) if start <= at < start + 8] for at in range(32)]
    return np.array([[falls[np.ix_(rows, columns)].mean() for columns in over] for rows in over])


def _class_map(model: keras.Model, picture: np.ndarray, label: int) -> np.ndarray:
    """Return Grad-CAM's map of a network whose last layer adds up its maps: from the weights."""
    last = next(layer for layer in reversed(model.layers) if len(layer.output.shape) == 4)
    maps = outputs(keras.Model(model.inputs[0], last.output), picture[None])[0].astype(float)
    weights = model.layers[-1].get_weights()[0][:, label].reshape(maps.shape)
    heat = np.maximum(maps @ weights.mean(axis=(0, 1)), 0)
    places = (np.arange(32) + 0.5) * len(heat) / 32 - 0.5
    for _ in range(2):  # along one axis, then along the other
        heat = np.array([np.interp(places, range(len(line)), line) for line in heat.T])
    return heat


def _peaks(
    figure: str, title: str, maps: Sequence[np.ndarray], captions: Sequence[str]
) -> Iterator[str]:
    places = []
    for each, caption in zip(maps, captions, strict=True):
        row, column = np.unravel_index(each.argmax(), each.shape)
        down, right = (100 * (place + 0.5) / 32 for place in (row, column))
        places.append(f"{caption}: most at {down} % of the height and {right} % of the width")
    yield f"{figure}: {title}"
    yield f"{figure}: {title}. Pictures above, what counts in them below; {listed(places)}."


def _first_layer(model: keras.Model, right: np.ndarray, wrong: np.ndarray) -> Iterator[str]:
    """Yield the filters of the first convolution, and what they make of two pictures."""
    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    kernels, biases = first.get_weights()
    height, width, _, count = kernels.shape
    weights = f"weights from {kernels.min()} to {kernels.max()}"
    title = f"{count} filters of {height}×{width} pixels, {weights}; grey means 0"
    yield f"08_filters: {title}"
    yield (
        f"08_filters: {title}. {count} filters of the first convolution drawn as small pictures, "
        f"{weights}."
    )
    for name, picture in {"right": right, "wrong": wrong}.items():
        means = []
        for number in range(16):
            colours = [(picture[..., c] / 255, kernels[..., c, number]) for c in range(3)]
            sums = [ndimage.correlate(*each, mode="constant") for each in colours]
            means.append(np.sum(sums, axis=0).mean() + biases[number])
        most, least = int(np.argmax(means)), int(np.argmin(means))
        yield (
            f"08_maps_{name}: 16 of {count} feature maps: map {most} answers most (mean "
            f"{means[most]}), map {least} least ({means[least]})"
        )
        yield (
            f"08_maps_{name}: A picture and 16 grey maps of 32×32 values that a layer makes of it; "
            f"map {most} is the brightest with a mean of {means[most]}, map {least} the darkest "
            f"with {means[least]}."
        )


def _nearest(
    model: keras.Model, dataset: Any, test: Answers, asked: Sequence[int]
) -> Iterator[str]:
    """Yield how many of the nearest training pictures are of the class that was said."""
    seen = keras.Model(model.inputs[0], model.layers[-1].input)
    pictures = dataset.test.images[asked], dataset.train.images[:10000]
    far = spatial.distance.cdist(*(outputs(seen, each) for each in pictures))
    near = dataset.train.labels[far.argsort(axis=1)[:, :6]]
    same = np.mean(near == test.said[asked][:, None])
    title = f"{100 * same} % of these {near.size} neighbours are of the class that was said"
    yield f"08_nearest: {title}"
    rows = [
        f"{row}: {test.classes[test.labels[i]]}, said {test.classes[test.said[i]]}"
        for row, i in enumerate(asked, 1)
    ]
    columns = listed(["asked", *(f"near {number}" for number in range(1, 7))])
    below = listed([test.classes[number] for number in near.ravel()])
    yield (
        f"08_nearest: {title}. Rows of pictures: {listed(rows)}; columns: {columns}. Below the "
        f"pictures: {below}."
    )


def _planes(
    model: keras.Model, images: np.ndarray, points: np.ndarray, test: Answers
) -> Iterator[str]:
    """Yield what PCA keeps, and how the pictures lie in its plane and in that of t-SNE."""
    seen = outputs(keras.Model(model.inputs[0], model.layers[-1].input), images).astype(float)
    seen -= seen.mean(axis=0)
    _, lengths, axes = np.linalg.svd(seen, full_matrices=False)
    share = (lengths[:2] ** 2).sum() / (lengths**2).sum()
    yield f"of {seen.shape[1]} numbers, {100 * share}% of the variance"
    yield from _plane("08_pca: PCA", seen @ axes[:2].T, test)
    yield from _plane("08_embedding: t-SNE", points, test)


def _plane(figure: str, points: np.ndarray, test: Answers) -> Iterator[str]:
    """Yield how many points of the plane have a nearest one of their own class."""
    far = spatial.distance.squareform(spatial.distance.pdist(points))
    np.fill_diagonal(far, np.inf)
    labels = test.labels[: len(points)]
    same = np.mean(labels[far.argmin(axis=1)] == labels)
    title = f"{figure}: in the plane, {100 * same} % have a nearest neighbour of their own class"
    yield title
    counts = np.bincount(labels, minlength=len(test.classes))
    each = listed([f"{name} {count}" for name, count in zip(test.classes, counts, strict=True)])
    yield f"{title}. {len(points)} pictures as points in a plane, by class: {each}."


def _twins(dataset: Any, test: Answers) -> Iterator[str]:
    images = dataset.test.images
    others = np.concatenate([dataset.train.images, dataset.validation.images])
    twins = _nearest_copies(images, others)
    yield f"{len(images) + len(others)} pictures searched"
    yield f"{len(twins)} of {len(images)} test pictures have a training picture that near"
    theirs = [*dataset.train.labels, *dataset.validation.labels]
    differ = [i for _, i, j in twins if test.labels[i] != theirs[j]]
    yield f"{len(differ)} of these pairs have two different labels"
    if twins:
        title = f"08_twins: The nearest of {len(twins)} pairs of test and training pictures"
        yield title
        apart = [str(distance) for distance, _, _ in twins[:8]]
        yield (
            f"{title}. {len(apart)} pairs of pictures, test picture above and training picture "
            f"below: {listed(apart)}."
        )
    alone = np.setdiff1d(np.arange(len(images)), [i for _, i, _ in twins])
    yield f"all test pictures: {100 * test.right.mean()}%"
    yield f"without the twins: {100 * test.right[alone].mean()}%"
    named = sum(int(test.right[i]) for _, i, _ in twins)
    yield f"twins named rightly: {named} of {len(twins)}"


def _nearest_copies(images: np.ndarray, others: np.ndarray) -> list[tuple[float, int, int]]:
    """Return (distance, picture, nearest other one) where that is 25 at most, the nearest first."""
    small, small_others = _evened_out(images), _evened_out(others)
    _, directions = np.linalg.eigh(np.cov(small_others.T))
    main = directions[:, -32:]
    found = []
    for start in range(0, len(images), AT_ONCE):
        far = spatial.distance.cdist(small[start : start + AT_ONCE] @ main, small_others @ main)
        for i, j in enumerate(far.argmin(axis=1).tolist(), start):
            distance = math.sqrt(metrics.mean_squared_error(images[i].ravel(), others[j].ravel()))
            found.append((distance, i, j))
    return sorted(each for each in found if each[0] <= 25)


def _evened_out(images: np.ndarray) -> np.ndarray:
    """Return the pictures' 8×8 means, (N, 192), each row with a mean of 0 and a length of 1."""
    parts = [images[:, row::4, column::4].astype(float) for row in range(4) for column in range(4)]
    small = np.mean(parts, axis=0).reshape(len(images), -1)
    small -= small.mean(axis=1, keepdims=True)
    return small / np.maximum(np.sqrt((small**2).sum(axis=1, keepdims=True)), 1e-6)


def _doubts(test: Answers) -> Iterator[str]:
    """Yield how many labels confident learning doubts, and which ones most."""
    odds, labels, kinds = test.odds, test.labels, range(len(test.classes))
    usual = [statistics.fmean(odds[labels == kind, kind]) for kind in kinds]
    doubtful = []
    for number, row in enumerate(odds):
        likely = [kind for kind in kinds if row[kind] >= usual[kind]]
        if likely and max(likely, key=row.__getitem__) != labels[number]:
            doubtful.append(number)
    doubtful.sort(key=lambda i: odds[i, labels[i]] - odds[i].max())
    yield f"{len(doubtful)} test labels are doubtful"
    title = f"The most doubtful of {len(doubtful)} labels: is the label wrong, or the network?"
    yield f"08_labels: {title}"
    rather = [
        f"label {test.classes[labels[i]]}, rather {test.classes[test.said[i]]}"
        for i in doubtful[:14]
    ]
    yield f"08_labels: {title}. {len(rather)} pictures: {listed(rather)}."


def _robustness(model: keras.Model, images: np.ndarray, test: Answers) -> Iterator[str]:
    title = f"One {test.classes[test.labels[0]]}, made worse in 8 ways and 5 strengths"
    yield f"08_corruptions: {title}"
    yield (
        f"08_corruptions: {title}. Rows of pictures: {listed(list(WORSE))}; columns: original, 1, "
        "2, 3, 4 and 5."
    )
    tenth = len(images) // 10
    some, labels, clean = images[:tenth], test.labels[:tenth], 100 * test.right[:tenth].mean()
    curves = {
        name: [
            100 * np.mean(ask(model, worse(some, strength)).argmax(axis=1) == labels)
            for strength in range(5)
        ]
        for name, worse in WORSE.items()
    }
    losses = {name: clean - curve[-1] for name, curve in curves.items()}
    worst, least = max(losses, key=losses.__getitem__), min(losses, key=losses.__getitem__)
    yield (
        f"08_robustness: At strength 5 {worst} costs {losses[worst]} points, {least} "
        f"{losses[least]}"
    )
    texts = [f"{name} {listed([f'{each} %' for each in curve])}" for name, curve in curves.items()]
    yield (
        f"08_robustness: Accuracy by strength of corruption, clean {clean} %: {'; '.join(texts)}."
    )


def _fooled(model: keras.Model, images: np.ndarray, test: Answers) -> Iterator[str]:
    tenth = len(images) // 10
    some, labels = images[:tenth], test.labels[:tenth]
    signs = np.sign(_slopes(model, some, labels))
    for strength in (0, 1, 2, 4, 8):
        changed = ask(model, np.clip(some + strength * signs, 0, 255)).argmax(axis=1)
        yield f"each pixel changed by {strength}: accuracy {100 * np.mean(changed == labels)}%"
    said = ask(model, np.clip(some + 4 * signs, 0, 255)).argmax(axis=1)
    lost = np.flatnonzero(test.right[:tenth] & (said != labels))[:8]
    title = "08_fooled: Each pixel changed by 4 of 255: right above, wrong below"
    yield title
    pairs = listed([f"{test.classes[labels[i]]}, said {test.classes[said[i]]}" for i in lost])
    yield f"{title}. {len(lost)} pairs of pictures, original above and changed below: {pairs}."


def _slopes(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return how fast the cross-entropy rises with each pixel."""
    seen = keras.Model(model.inputs[0], model.layers[-1].input)
    weights, biases = model.layers[-1].get_weights()
    parts = []
    for start in range(0, len(images), 100):
        some = slice(start, start + 100)
        pixels = tf.constant(images[some], "float32")
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            logits = seen(pixels, training=False) @ weights + biases
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels[some], logits)
        parts.append(tape.gradient(losses, pixels).numpy())
    return np.concatenate(parts)
