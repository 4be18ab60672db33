"""The networks of five public write-ups (P0 to P4), layer by layer as published, and one follow-up.

How each was trained, what its author reports, what the write-up leaves open and what was chosen
for it here stands in ``training/recipes/published.py``. Each function takes the number of classes,
k, and returns an uncompiled model. Used in notebook 06.
"""

from typing import Any

from cifar10_cnn.device import keras
from cifar10_cnn.models.basic import IMAGE_SHAPE, add_conv_block

layers = keras.layers


def intro_cnn(classes: int = 10) -> keras.Model:
    """P0, the intro lab: three convolutions, two poolings, one hidden dense layer.

    The write-up gives no architecture for its CNN; this is the one that most introductions use.
    """
    model = keras.Sequential([keras.Input(IMAGE_SHAPE)], name="intro_cnn")
    model.add(layers.Rescaling(1 / 255))
    model.add(layers.Conv2D(32, 3, activation="relu"))
    model.add(layers.MaxPooling2D())
    model.add(layers.Conv2D(64, 3, activation="relu"))
    model.add(layers.MaxPooling2D())
    model.add(layers.Conv2D(64, 3, activation="relu"))
    return _add_dense_layers(model, 64, classes, dropout=0)


def batchnorm_cnn(classes: int = 10) -> keras.Model:
    """P1, the batch-norm CNN: 64, 128 and 256 filters, each batch-normalized and pooled.

    It takes the pixels as they are, 0 to 255: the batch normalization behind the first convolution
    does the scaling.
    """
    model = keras.Sequential([keras.Input(IMAGE_SHAPE)], name="batchnorm_cnn")
    for filters, size in ((64, 7), (128, 3), (256, 3)):
        model.add(layers.Conv2D(filters, size, activation="relu"))
        model.add(layers.BatchNormalization())
        model.add(layers.MaxPooling2D())
    return _add_dense_layers(model, 0, classes)


def two_conv_cnn(classes: int = 10) -> keras.Model:
    """P2, the plain CNN: two convolutions of 32 filters, one pooling, a dense layer of 512."""
    model = keras.Sequential([keras.Input(IMAGE_SHAPE)], name="two_conv_cnn")
    model.add(layers.Rescaling(1 / 255))
    model.add(layers.Conv2D(32, 3, activation="relu"))
    model.add(layers.Conv2D(32, 3, activation="relu"))
    model.add(layers.MaxPooling2D())
    return _add_dense_layers(model, 512, classes)


def block_cnn(classes: int = 3) -> keras.Model:
    """P3, the guided project: a function adds the convolutional blocks; three classes of ten."""
    model = keras.Sequential([keras.Input(IMAGE_SHAPE)], name="block_cnn")
    model.add(layers.Rescaling(1 / 255))
    for filters in (32, 64):
        add_conv_block(model, filters)
        model.add(layers.Dropout(0.25))
    return _add_dense_layers(model, 128, classes)


def strided_cnn(classes: int = 10) -> keras.Model:
    """P4a, model 1 of three: two 5×5 convolutions that step over every second pixel."""
    model = keras.Sequential([keras.Input(IMAGE_SHAPE)], name="strided_cnn")
    model.add(layers.Rescaling(1 / 255))
    model.add(layers.Conv2D(32, 5, strides=2, padding="same", activation="relu"))
    model.add(layers.Conv2D(32, 5, strides=2, activation="relu"))
    model.add(layers.MaxPooling2D())
    model.add(layers.Dropout(0.25))
    return _add_dense_layers(model, 512, classes)


def four_conv_cnn(classes: int = 10) -> keras.Model:
    """P4b, model 2 of three: two pairs of 3×3 convolutions, 32 and then 64 filters."""
    model = keras.Sequential([keras.Input(IMAGE_SHAPE)], name="four_conv_cnn")
    model.add(layers.Rescaling(1 / 255))
    for filters in (32, 64):
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(layers.Conv2D(filters, 3, activation="relu"))
        model.add(layers.MaxPooling2D())
        model.add(layers.Dropout(0.25))
    return _add_dense_layers(model, 512, classes)


def maxnorm_cnn(classes: int = 10) -> keras.Model:
    """P4c, model 3 of three: two convolutions with max-norm weights, a dense layer of 512.

    Max-norm: Srivastava et al., 2014, https://jmlr.org/papers/v15/srivastava14a.html.
    """
    return _maxnorm_cnn("maxnorm_cnn", _standardization(), (32,), classes)


def rescaled_maxnorm_cnn(classes: int = 10) -> keras.Model:
    """P4c with the pixels divided by 255 in place of standardized ones."""
    return _maxnorm_cnn("rescaled_maxnorm_cnn", layers.Rescaling(1 / 255), (32,), classes)


def deep_maxnorm_cnn(classes: int = 10) -> keras.Model:
    """P4c made deeper, as its author proposes: three pairs of convolutions in place of one.

    The pairs have 32, 64 and 128 filters; all else is P4c's.
    """
    return _maxnorm_cnn("deep_maxnorm_cnn", _standardization(), (32, 64, 128), classes)


def _maxnorm_cnn(name: str, scaling: Any, pairs: tuple[int, ...], classes: int) -> keras.Model:
    """Return P4c's network with that many pairs of convolutions, of that many filters each."""
    model = keras.Sequential([keras.Input(IMAGE_SHAPE), scaling], name=name)
    for filters in pairs:
        constraint = keras.constraints.MaxNorm(3, axis=(0, 1, 2))  # of each filter
        options = {"padding": "same", "activation": "relu", "kernel_constraint": constraint}
        model.add(layers.Conv2D(filters, 3, **options))
        model.add(layers.Dropout(0.2))
        model.add(layers.Conv2D(filters, 3, **options))
        model.add(layers.MaxPooling2D())
    constraint = keras.constraints.MaxNorm(3, axis=0)
    return _add_dense_layers(model, 512, classes, kernel_constraint=constraint)


def _standardization() -> keras.Layer:
    """Give each colour channel mean 0 and standard deviation 1, over CIFAR-10's training images."""
    means, deviations = (125.31, 122.95, 113.87), (62.99, 62.09, 66.70)
    return layers.Normalization(mean=means, variance=[value**2 for value in deviations])


def _add_dense_layers(
    model: keras.Sequential, hidden: int, classes: int, *, dropout: float = 0.5, **options: Any
) -> keras.Sequential:
    """Add one hidden layer, if it has units, and the last layer; return the model."""
    model.add(layers.Flatten())
    if hidden:
        model.add(layers.Dense(hidden, activation="relu", **options))
    if dropout:
        model.add(layers.Dropout(dropout))
    model.add(layers.Dense(classes, activation="softmax", name="probabilities"))
    return model
