"""The figures of the course: plain arrays in, a figure with an alt text out.

Every figure's title states what it shows, with numbers taken from the data.
"""

from cifar10_cnn.plots.comparison import curve_grid, score_dots
from cifar10_cnn.plots.costs import accuracy_against
from cifar10_cnn.plots.datasets import channel_histograms, class_counts, mean_images
from cifar10_cnn.plots.examples import confused_images, mistakes, predictions
from cifar10_cnn.plots.explanations import (
    heat,
    image_rows,
    points_by_class,
    prediction_card,
    robustness,
)
from cifar10_cnn.plots.layers import convolution_demo, feature_maps, filters, parameter_counts
from cifar10_cnn.plots.pictures import (
    augmentations,
    channels,
    class_grid,
    image_grid,
    pairs,
    pixel_zoom,
)
from cifar10_cnn.plots.results import (
    bar_scores,
    class_accuracy,
    confused_pairs,
    confusion_matrix,
)
from cifar10_cnn.plots.searches import learning_rate_search
from cifar10_cnn.plots.style import CourseFigure, save, show
from cifar10_cnn.plots.training import accuracy_over_time, compare_curves, learning_curves
from cifar10_cnn.plots.trust import (
    class_tree,
    coverage,
    intervals,
    precision_recall,
    reliability,
)

__all__ = [
    "CourseFigure",
    "accuracy_against",
    "accuracy_over_time",
    "augmentations",
    "bar_scores",
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
