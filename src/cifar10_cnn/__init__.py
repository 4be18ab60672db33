"""CIFAR-10 with convolutional networks, from load to evaluate: the package behind the notebooks.

The notebooks teach; this package serves them with what is plumbing: files, splits, figures, runs.
"""

__version__ = "0.1.0"
