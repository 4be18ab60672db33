"""The course's own networks, from the dense baseline to the regularized CNN."""

from cifar10_cnn.common import checks
from cifar10_cnn.device import keras

layers = keras.layers

IMAGE_SHAPE = (32, 32, 3)


def dense_baseline(classes: int = 10) -> keras.Model:
    """Build the network without convolutions that every CNN must beat: one hidden layer.

    Used in notebooks 03, 05 and 07.
    """
    return keras.Sequential(
        [
            keras.Input(IMAGE_SHAPE),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(classes, activation="softmax"),
        ],
        name="dense_baseline",
    )


def add_conv_block(model: keras.Sequential, filters: int, *, batch_norm: bool = False) -> None:
    """Add one block: two 3×3 convolutions, then a pooling that halves height and width.

    Two small convolutions see as far as one of 5×5 with fewer parameters (Simonyan and Zisserman,
    2015, https://arxiv.org/abs/1409.1556). Notebook 03 writes the same in the open.

    Args:
        model: the model that grows by the block.
        filters: number of feature maps that each convolution makes.
        batch_norm: put batch normalization between each convolution and its ReLU (Ioffe and
            Szegedy, 2015, https://arxiv.org/abs/1502.03167).
    """
    for _ in range(2):
        model.add(layers.Conv2D(filters, 3, padding="same"))
        if batch_norm:
            # Keras' own momentum of 0.99 needs thousands of steps until the running means that
            # count in use have forgotten the untrained network; a small run has a few hundred.
            model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.ReLU())
    model.add(layers.MaxPooling2D())


def augmentation() -> list[keras.layers.Layer]:
    """Return the layers that flip and shift images at random, in training alone."""
    return [
        layers.RandomFlip("horizontal"),
        # Whole pixels only: shifts by parts of a pixel would blur the images in training, and the
        # sharp ones in use would then look strange to the network.
        layers.RandomTranslation(0.1, 0.1, fill_mode="nearest", interpolation="nearest"),
    ]


def plain_cnn(
    classes: int = 10, *, augment: bool = False, batch_norm: bool = False, dropout: float = 0.0
) -> keras.Model:
    """Build the course's CNN: three convolutional blocks of 32, 64 and 128 filters, then Dense.

    Used in notebook 04, which adds its three kinds of regularization one by one.

    Args:
        classes: number of classes, k.
        augment: flip and shift the training images at random.
        batch_norm: batch normalization after each convolution.
        dropout: fraction of the values before the last layer that are set to zero in training, 0 to
            less than 1 (Srivastava et al., 2014).

    Raises:
        ValueError: if ``classes`` is no whole number from 2 on, or ``dropout`` no such fraction.
    """
    checks.count(classes, "classes", 2, 100_000)
    checks.number(dropout, "dropout", 0, 0.999)
    model = keras.Sequential([keras.Input(IMAGE_SHAPE)], name="cnn")
    for layer in augmentation() if augment else []:
        model.add(layer)
    model.add(layers.Rescaling(1 / 255))
    for filters in (32, 64, 128):
        add_conv_block(model, filters, batch_norm=batch_norm)
    model.add(layers.Flatten())
    if dropout:
        model.add(layers.Dropout(dropout))
    model.add(layers.Dense(classes, activation="softmax"))
    return model


def regularized_cnn(classes: int = 10) -> keras.Model:
    """Build the course's CNN with batch normalization, dropout 0.3 and augmentation.

    Used in notebooks 04 and 05; the model that the repository ships is one.
    """
    return plain_cnn(classes, augment=True, batch_norm=True, dropout=0.3)
