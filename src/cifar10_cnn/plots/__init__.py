"""The figures of the course: plain arrays in, a figure with an alt text out.

Every figure's title states what it shows, with numbers taken from the data. One module a notebook.
Notation: ``images`` (N, h, w, 3), 0 to 255, one ``image`` (h, w, 3); ``labels`` and ``predictions``
(N,), 0 to k - 1; ``probabilities`` (N, k), 0 to 1; k ``class_names``; ``matrix`` (k, k), numbers of
images, row the true class, column the predicted one; ``captions``, a text below each image. What
cannot be drawn raises ``ValueError``.
"""

from cifar10_cnn.plots.build import (
    block_diagram,
    convolution_demo,
    feature_maps,
    filters,
    parameter_counts,
)
from cifar10_cnn.plots.compare import accuracy_against, curve_grid, learning_rate_search, score_dots
from cifar10_cnn.plots.evaluate import (
    bar_scores,
    class_accuracy,
    confused_images,
    confused_pairs,
    confusion_matrix,
    mistakes,
    predictions,
)
from cifar10_cnn.plots.look_inside import heat, image_rows, points_by_class, robustness
from cifar10_cnn.plots.style import CourseFigure, save, show
from cifar10_cnn.plots.train import accuracy_over_time, compare_curves, learning_curves
from cifar10_cnn.plots.trust import class_tree, coverage, intervals, precision_recall, reliability
from cifar10_cnn.plots.visualize import (
    augmentations,
    channel_histograms,
    channels,
    class_counts,
    class_grid,
    image_grid,
    mean_images,
    pairs,
    pixel_zoom,
)
from cifar10_cnn.plots.your_image import prediction_card

__all__ = [
    "CourseFigure",
    "accuracy_against",
    "accuracy_over_time",
    "augmentations",
    "bar_scores",
    "block_diagram",
    "channel_histograms",
    "channels",
    "class_accuracy",
    "class_counts",
    "class_grid",
    "class_tree",
    "compare_curves",
    "confused_images",
    "confused_pairs",
    "confusion_matrix",
    "convolution_demo",
    "coverage",
    "curve_grid",
    "feature_maps",
    "filters",
    "heat",
    "image_grid",
    "image_rows",
    "intervals",
    "learning_curves",
    "learning_rate_search",
    "mean_images",
    "mistakes",
    "pairs",
    "parameter_counts",
    "pixel_zoom",
    "points_by_class",
    "precision_recall",
    "prediction_card",
    "predictions",
    "reliability",
    "robustness",
    "save",
    "score_dots",
    "show",
]
