"""CIFAR-10 as arrays, and what is done to its images: loaded, split, batched, corrupted, searched.

``batches`` needs Keras and is imported by its own name.
"""

from cifar10_cnn.data.dataset import (
    Dataset,
    Split,
    describe,
    fetch,
    import_path,
    load,
    select_classes,
    split,
    verify,
    whole_training,
)
from cifar10_cnn.data.readers import CLASS_NAMES, Arrays

__all__ = [
    "CLASS_NAMES",
    "Arrays",
    "Dataset",
    "Split",
    "describe",
    "fetch",
    "import_path",
    "load",
    "select_classes",
    "split",
    "verify",
    "whole_training",
]
