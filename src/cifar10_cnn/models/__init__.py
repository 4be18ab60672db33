"""The networks, each built by a function that returns an uncompiled Keras model.

Every model takes raw pixels, 0 to 255, shape (N, 32, 32, 3): its scaling, where it has one, is a
layer of it, so a saved file is complete. Every model returns k probabilities for each image.
"""

from cifar10_cnn.models.basic import IMAGE_SHAPE, add_conv_block, augmentation, plain_cnn
from cifar10_cnn.models.registry import adapt, build, describe, digest, fingerprint, names
from cifar10_cnn.models.saving import compressed_bytes, load, plain, save

__all__ = [
    "IMAGE_SHAPE",
    "adapt",
    "add_conv_block",
    "augmentation",
    "build",
    "compressed_bytes",
    "describe",
    "digest",
    "fingerprint",
    "load",
    "names",
    "plain",
    "plain_cnn",
    "save",
]
