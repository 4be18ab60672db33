"""Where a network looks: which parts of an image its prediction depends on.

Notation: N images of raw pixels (N, h, w, 3), k classes; labels and classes (N,), 0 to k - 1. Any
Keras classifier that takes pixels will do, Sequential or functional; what goes on inside a layer
that is a whole model itself stays hidden. What does not fit together raises ``ValueError``, a model
for other images ``CourseError``.
"""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from cifar10_cnn.common import checks
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data.batches import GREY
from cifar10_cnn.device import keras

ops = keras.ops
#: Images of which a gradient is computed at once: all of a network's values are kept for it.
_AT_ONCE = 100


def last_maps(model: keras.Model) -> keras.layers.Layer:
    """Return the last layer whose output still is a feature map: it has a height and a width."""
    for layer in reversed(model.layers):
        shape: tuple[int, ...] = getattr(layer.output, "shape", ())
        if len(shape) == 4 and shape[1] != 1 and shape[2] != 1 and _follows_convolution(layer):
            return layer
    raise CourseError(
        f"{model.name} has no feature maps that can be reached: take a network with convolutions, "
        "not inside of another model, or explain.occlusion."
    )


def grad_cam(model: keras.Model, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return where in each image the network finds evidence for a class (Grad-CAM).

    Each map of the last layer that has maps is weighted by how much the class's logit would rise
    with it; of their sum only the positive part is kept (Selvaraju et al., 2017,
    https://arxiv.org/abs/1610.02391). As coarse as these maps are. A map is weighted as a whole: in
    a network that ends in Flatten a pattern may count in one place only, and is shown in all.
    Used in notebook 08.

    Returns:
        float32, (N, h, w), 0 to 1; 1 at the strongest evidence, all 0 if there is none.
    """
    images, classes = _inputs(model, images, classes)
    model = _copy(model)
    layer = last_maps(model)
    logits_of = keras.Model(layer.output, _logits(model))
    maps = _outputs(keras.Model(model.inputs[0], layer.output), images)
    targets = np.eye(model.output_shape[-1], dtype="float32")[classes]
    slopes = _gradients(
        lambda values, one: ops.sum(logits_of(values, training=False) * one), maps, targets
    )
    weights = slopes.mean(axis=(1, 2), keepdims=True)
    heat = np.maximum((weights * maps).sum(axis=-1, keepdims=True), 0)
    large = ops.image.resize(heat, images.shape[1:3], data_format="channels_last")
    result = ops.convert_to_numpy(large)[..., 0]
    peaks = result.max(axis=(1, 2), keepdims=True)
    return np.divide(result, peaks, out=np.zeros_like(result), where=peaks > 0)


def occlusion(
    model: keras.Model, image: np.ndarray, label: int, size: int = 8, step: int = 2
) -> np.ndarray:
    """Return how much the probability of a class falls when parts of an image are greyed out.

    A grey square moves over the image (Zeiler and Fergus, 2014, https://arxiv.org/abs/1311.2901).
    It needs nothing of the model but its predictions. Used in notebook 08.

    Args:
        label: the class, 0 to k - 1.
        size: height and width of the square, pixels.
        step: how far it moves each time, pixels.

    Returns:
        float64, (h, w): for each pixel the mean fall over all squares that hide it, -1 to 1; below
        0 where the class becomes more probable.
    """
    images, _ = _inputs(model, np.asarray(image)[None], np.array([label]))
    height, width = images.shape[1:3]
    checks.count(size, "size", 1, min(height, width))
    checks.count(step, "step", 1, size)
    places = [
        (slice(top, top + size), slice(left, left + size))
        for top in _starts(height, size, step)
        for left in _starts(width, size, step)
    ]
    hidden = np.repeat(images, len(places) + 1, axis=0)  # the last one stays whole
    for number, place in enumerate(places):
        hidden[(number, *place)] = GREY
    probabilities = model.predict(hidden, batch_size=256, verbose=0)[:, label].astype(float)
    total, covered = np.zeros((2, height, width))
    for fall, place in zip(probabilities[-1] - probabilities[:-1], places, strict=True):
        total[place] += fall
        covered[place] += 1
    return total / covered


def heat_maps(
    model: keras.Model, images: np.ndarray, classes: np.ndarray
) -> tuple[np.ndarray, str]:
    """Return where in each image a network finds evidence for a class, and by which method.

    By Grad-CAM; a network without feature maps by occlusion. Used in notebook 09.

    Returns:
        (N, h, w), 0 to 1, and the method's name.
    """
    images, classes = _inputs(model, images, classes)
    try:
        return grad_cam(model, images, classes), "Grad-CAM"
    except (CourseError, ValueError):  # without maps, or with a layer that is used twice
        size = max(1, min(images.shape[1:3]) // 4)
        falls = [
            occlusion(model, image, int(label), size, max(1, size // 4))
            for image, label in zip(images, classes, strict=True)
        ]
        return np.clip(falls, 0, 1), "occlusion"


def fgsm(
    model: keras.Model, images: np.ndarray, labels: np.ndarray, strength: int = 4
) -> np.ndarray:
    """Change each pixel by a little in the direction that makes the true class less probable.

    The fast gradient sign method (Goodfellow et al., 2015, https://arxiv.org/abs/1412.6572).
    Used in notebook 08.

    Args:
        strength: by how much each pixel changes, 0 to 255.

    Returns:
        uint8, (N, h, w, 3).
    """
    images, labels = _inputs(model, images, labels)
    model = _copy(model)
    checks.count(strength, "strength", 0, 255)
    logits_of = keras.Model(model.inputs[0], _logits(model))

    def loss(values: Any, true: np.ndarray) -> Any:
        # Without training=False, layers that augment at random would do so here.
        logits = logits_of(values, training=False)
        return ops.sum(ops.sparse_categorical_crossentropy(true, logits, from_logits=True))

    slopes = _gradients(loss, images.astype("float32"), labels)
    return np.clip(images + strength * np.sign(slopes), 0, 255).astype("uint8")


def embeddings(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return the input of the last layer with weights for each image: the network's features.

    Used in notebook 08.

    Returns:
        float32, (N, d).
    """
    images, _ = _inputs(model, images)
    model = _copy(model)
    last = [layer for layer in model.layers if layer.weights][-1]
    return _outputs(keras.Model(model.inputs[0], last.input), images)


def _inputs(
    model: keras.Model, images: np.ndarray, classes: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return images (N, h, w, 3) and classes (N,), if the model takes such ones."""
    images = checks.images(images)
    if not hasattr(model, "output_shape"):
        raise CourseError(
            f"{model.name} is no chain or graph of layers: make it one with keras.Sequential or "
            "keras.Model(inputs, outputs)."
        )
    shape = model.input_shape
    if any(one not in (None, two) for one, two in zip(shape[1:], images.shape[1:], strict=False)):
        raise CourseError(
            f"{model.name} takes images of the shape {shape[1:]}, not {images.shape[1:]}."
        )
    if classes is None:
        return images, np.zeros(len(images), int)
    classes = checks.classes(classes, model.output_shape[-1], "classes")
    checks.same_length(images=images, classes=classes)
    return images, classes


def _outputs(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return a model's outputs; ``predict`` would compile each model that is used once."""
    parts = [
        ops.convert_to_numpy(model(images[start : start + _AT_ONCE], training=False))
        for start in range(0, len(images), _AT_ONCE)
    ]
    return np.concatenate(parts)


def _gradients(
    function: Callable[[Any, np.ndarray], Any], values: np.ndarray, more: np.ndarray
) -> np.ndarray:
    """Return the gradient by ``values`` of a sum over images; a few of them at a time."""
    parts = [
        _gradient(function, values[start : start + _AT_ONCE], more[start : start + _AT_ONCE])
        for start in range(0, len(values), _AT_ONCE)
    ]
    return np.concatenate(parts)


def _gradient(function: Callable[..., Any], values: np.ndarray, more: np.ndarray) -> np.ndarray:
    """Return the gradient of a function by its first argument, in each backend's own way."""
    backend = importlib.import_module(keras.backend.backend())
    if keras.backend.backend() == "jax":
        return np.array(backend.grad(function)(values, more))
    if keras.backend.backend() == "torch":
        tensor = ops.convert_to_tensor(values).requires_grad_()
        return backend.autograd.grad(function(tensor, more), tensor)[0].cpu().numpy()
    tensor = backend.convert_to_tensor(values)
    with backend.GradientTape() as tape:
        tape.watch(tensor)
        result = function(tensor, more)
    return tape.gradient(result, tensor).numpy()


def _copy(model: keras.Model) -> keras.Model:
    """Return a copy, each layer of which is used once; one grown by ``add`` was used many times."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


def _starts(length: int, size: int, step: int) -> list[int]:
    """Return where squares begin: every ``step`` pixels, and one that ends at the edge."""
    return sorted({*range(0, length - size, step), length - size})


def _follows_convolution(layer: keras.layers.Layer) -> bool:
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
    """Return the input of the model's last softmax, which flattens a confident one's slope."""
    last = model.layers[-1]
    if isinstance(last, keras.layers.Softmax):
        return last.input
    if getattr(last, "activation", None) is keras.activations.softmax:
        linear = type(last).from_config({**last.get_config(), "activation": "linear"})
        logits = linear(last.input)
        linear.set_weights(last.get_weights())
        return logits
    return model.output
