"""Where a network looks: which parts of a picture its answer depends on.

Notation: N pictures, k classes. Any Keras classifier that takes pixels will do, Sequential or
functional; what goes on inside a layer that is a whole model itself stays hidden.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from cifar10_cnn.common import checks
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data.batches import GREY
from cifar10_cnn.device import keras
from cifar10_cnn.models import fast_operations as operations

ops = keras.ops
#: Pictures of which a gradient is computed at once: all of a network's values are kept for it.
_AT_ONCE = 100


def last_maps(model: keras.Model) -> keras.layers.Layer:
    """Return the last layer whose output still is a map: it has a height and a width.

    Args:
        model: a built classifier.

    Raises:
        CourseError: if there is none, as in a network of dense layers alone.
    """
    for layer in reversed(model.layers):
        shape: tuple[int, ...] = getattr(layer.output, "shape", ())
        if len(shape) == 4 and shape[1] != 1 and shape[2] != 1 and _computes(layer):
            return layer
    inner = [layer.name for layer in model.layers if isinstance(layer, keras.Model)]
    if inner:
        raise CourseError(
            f"{model.name} keeps its feature maps inside of {inner[-1]}, a layer that is a model "
            "itself: use explain.occlusion."
        )
    raise CourseError(
        f"{model.name} has no feature maps, so nothing tells where it looks: take a network with "
        "convolutions, or explain.occlusion."
    )


def grad_cam(model: keras.Model, pictures: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return where in each picture the network finds what speaks for a class (Grad-CAM).

    Each map of the last layer that has maps is weighted by how much the class's logit would rise
    with it; of their sum only what speaks for the class is kept (Selvaraju et al., 2017,
    https://arxiv.org/abs/1610.02391). As coarse as these maps are. A map is weighted as a whole: in
    a network that ends in Flatten a pattern may count in one place only, and is shown in all.

    Used in notebook 08.

    Args:
        model: a classifier with convolutions.
        pictures: raw pixels, (N, h, w, 3).
        classes: for each picture, the class to explain, (N,), 0 to k - 1.

    Returns:
        float32, (N, h, w), 0 to 1; 1 where the most speaks for the class, all 0 if nothing does.

    Raises:
        ValueError: if pictures and classes do not fit together.
        CourseError: if the model has no feature maps, or takes pictures of another size.
    """
    pictures, model = _fitting(model, pictures), _copy(model)
    classes = checks.classes(classes, model.output_shape[-1], "classes")
    checks.same_length(pictures=pictures, classes=classes)
    layer = last_maps(model)
    maps_of = keras.Model(model.inputs[0], layer.output)
    logits_of = keras.Model(layer.output, _logits(model))
    maps = _outputs(maps_of, pictures)
    wanted = np.eye(model.output_shape[-1], dtype="float32")[classes]

    def wanted_logits(values: Any, one: np.ndarray) -> Any:
        return ops.sum(logits_of(values, training=False) * one)

    slopes = _gradients(wanted_logits, maps, wanted)
    weights = slopes.mean(axis=(1, 2), keepdims=True)
    heat = np.maximum((weights * maps).sum(axis=-1, keepdims=True), 0)
    large = ops.image.resize(heat, pictures.shape[1:3], data_format="channels_last")
    found = ops.convert_to_numpy(large)[..., 0]
    peaks = found.max(axis=(1, 2), keepdims=True)
    return np.divide(found, peaks, out=np.zeros_like(found), where=peaks > 0)


def occlusion(
    model: keras.Model, picture: np.ndarray, label: int, size: int = 8, step: int = 2
) -> np.ndarray:
    """Return how much the probability of a class falls when parts of a picture are greyed out.

    A grey square moves over the picture (Zeiler and Fergus, 2014, https://arxiv.org/abs/1311.2901).
    It asks nothing of the model but its answers.

    Used in notebook 08.

    Args:
        model: any classifier.
        picture: raw pixels, (h, w, 3).
        label: the class, 0 to k - 1.
        size: height and width of the square, pixels.
        step: how far it moves each time, pixels.

    Returns:
        float64, (h, w): for each pixel the mean fall over all squares that hide it, -1 to 1; below
        0 where the class becomes more probable.

    Raises:
        ValueError: if a number makes no sense.
    """
    picture = _fitting(model, checks.array(picture, "pixels of a picture", "(h, w, 3)")[None])[0]
    checks.count(label, "label", 0, model.output_shape[-1] - 1)
    checks.count(size, "size", 1, min(picture.shape[:2]))
    checks.count(step, "step", 1, size)
    places = [
        (slice(top, top + size), slice(left, left + size))
        for top in _starts(picture.shape[0], size, step)
        for left in _starts(picture.shape[1], size, step)
    ]
    hidden = np.repeat(picture[None], len(places) + 1, axis=0)
    for number, place in enumerate(places):
        hidden[(number, *place)] = GREY
    said = model.predict(hidden, batch_size=256, verbose=0)[:, label].astype(float)
    total, covered = np.zeros((2, *picture.shape[:2]))
    for fall, place in zip(said[-1] - said[:-1], places, strict=True):
        total[place] += fall
        covered[place] += 1
    return total / covered


def heat_maps(
    model: keras.Model, pictures: np.ndarray, classes: np.ndarray
) -> tuple[np.ndarray, str]:
    """Return where in each picture a network finds what speaks for a class, and by which method.

    By Grad-CAM; a network without feature maps is asked by occlusion. Used in notebook 09.

    Args:
        model: any classifier.
        pictures: raw pixels, (N, h, w, 3).
        classes: for each picture, the class to explain, (N,), 0 to k - 1.

    Returns:
        (N, h, w), 0 to 1, and the method's name.

    Raises:
        ValueError: if pictures and classes do not fit together.
        CourseError: if the model takes pictures of another size.
    """
    pictures = _fitting(model, pictures)
    classes = checks.classes(classes, model.output_shape[-1], "classes")
    checks.same_length(pictures=pictures, classes=classes)
    try:
        return grad_cam(model, pictures, classes), "Grad-CAM"
    except (CourseError, ValueError):  # without maps, or with a layer that is used twice
        size = max(1, min(pictures.shape[1:3]) // 4)
        falls = [
            occlusion(model, picture, int(label), size, max(1, size // 4))
            for picture, label in zip(pictures, classes, strict=True)
        ]
        return np.clip(falls, 0, 1), "occlusion"


def fgsm(
    model: keras.Model, pictures: np.ndarray, labels: np.ndarray, strength: int = 4
) -> np.ndarray:
    """Change each pixel by a little in the direction that makes the true class less probable.

    The fast gradient sign method (Goodfellow et al., 2015, https://arxiv.org/abs/1412.6572).

    Used in notebook 08.

    Args:
        model: any classifier that returns probabilities.
        pictures: uint8, (N, h, w, 3).
        labels: their true classes, (N,), 0 to k - 1.
        strength: by how much each pixel changes, 0 to 255.

    Returns:
        uint8, (N, h, w, 3).

    Raises:
        ValueError: if pictures and labels do not fit together.
    """
    pictures, model = _fitting(model, pictures), _copy(model)
    labels = checks.classes(labels, model.output_shape[-1])
    checks.same_length(pictures=pictures, labels=labels)
    checks.count(strength, "strength", 0, 255)
    logits_of = keras.Model(model.inputs[0], _logits(model))

    def loss(values: Any, true: np.ndarray) -> Any:
        # Not told so, Keras' layers that change pictures at random do it here, too.
        said = logits_of(values, training=False)
        return ops.sum(ops.sparse_categorical_crossentropy(true, said, from_logits=True))

    slopes = _gradients(loss, pictures.astype("float32"), labels)
    return np.clip(pictures + strength * np.sign(slopes), 0, 255).astype("uint8")


def embeddings(model: keras.Model, pictures: np.ndarray) -> np.ndarray:
    """Return what the last layer with weights is given for each picture: what the network has seen.

    Used in notebook 08.

    Args:
        model: any classifier whose last layer with weights is dense.
        pictures: raw pixels, (N, h, w, 3).

    Returns:
        float32, (N, d).

    Raises:
        ValueError: if they are no pictures.
    """
    pictures, model = _fitting(model, pictures), _copy(model)
    last = [layer for layer in model.layers if layer.weights][-1]
    seen = keras.Model(model.inputs[0], last.input)
    return _outputs(seen, pictures)


def _fitting(model: keras.Model, pictures: np.ndarray) -> np.ndarray:
    """Return pictures as an array (N, h, w, 3), if the model takes such ones.

    Raises:
        ValueError: if they are no pictures.
        CourseError: if they are of another size.
    """
    found = checks.images(pictures)
    wanted = getattr(model, "input_shape", None) or found.shape
    if any(one not in (None, two) for one, two in zip(wanted[1:], found.shape[1:], strict=False)):
        raise CourseError(
            f"{model.name} takes pictures of the shape {wanted[1:]}, not {found.shape[1:]}."
        )
    return found


def _outputs(model: keras.Model, pictures: np.ndarray) -> np.ndarray:
    """Return a model's outputs; a few pictures at a time.

    For models that are used once: ``predict`` would compile each of them first.
    """
    parts = [
        ops.convert_to_numpy(model(pictures[start : start + _AT_ONCE], training=False))
        for start in range(0, len(pictures), _AT_ONCE)
    ]
    return np.concatenate(parts)


def _gradients(
    function: Callable[[Any, np.ndarray], Any], values: np.ndarray, more: np.ndarray
) -> np.ndarray:
    """Return the gradient by ``values`` of a sum over pictures; a few of them at a time."""
    parts = [
        operations.gradient(
            partial(lambda rest, each: function(each, rest), more[start : start + _AT_ONCE]),
            values[start : start + _AT_ONCE],
        )
        for start in range(0, len(values), _AT_ONCE)
    ]
    return np.concatenate(parts)


def _copy(model: keras.Model) -> keras.Model:
    """Return a copy, each layer of which is used once; one grown by ``add`` was used many times."""
    if not hasattr(model, "inputs"):
        raise CourseError(
            f"{model.name} is no chain or graph of layers, so its inside cannot be looked at: use "
            "explain.occlusion."
        )
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


def _starts(length: int, size: int, step: int) -> list[int]:
    """Return where squares begin: every ``step`` pixels, and one that ends at the edge."""
    return sorted({*range(0, length - size, step), length - size})


def _computes(layer: keras.layers.Layer) -> bool:
    """Tell convolutions and all behind them from what only changes the pixels."""
    before = [layer]
    while before:
        each = before.pop()
        if isinstance(each, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
            return True
        inputs: Any = getattr(each, "input", None)
        tensors = inputs if isinstance(inputs, list) else [inputs]
        histories = [getattr(tensor, "_keras_history", None) for tensor in tensors]
        before += [history.operation for history in histories if history]
    return False


def _logits(model: keras.Model) -> Any:
    """Return what the model's last softmax is given; it flattens the slope of a sure answer."""
    last = model.layers[-1]
    if isinstance(last, keras.layers.Softmax):
        return last.input
    if getattr(last, "activation", None) is keras.activations.softmax:
        twin = type(last).from_config({**last.get_config(), "activation": "linear"})
        logits = twin(last.input)
        twin.set_weights(last.get_weights())
        return logits
    return model.output
