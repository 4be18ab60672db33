"""CIFAR-10 with convolutional networks, from load to evaluate: the package behind the notebooks.

The notebooks teach; this package serves them with what is plumbing: files, splits, figures, runs.
"""

from cifar10_cnn.common import workarounds

__version__ = "0.1.0"

workarounds.print_on_any_console()
workarounds.give_a_home()
