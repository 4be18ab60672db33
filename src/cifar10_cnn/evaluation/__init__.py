"""How good a network is, how far it can be trusted, and what it looks at."""

from cifar10_cnn.evaluation.scores import (
    Report,
    class_accuracy,
    confident_mistakes,
    confused_pairs,
    evaluate,
    predict_images,
    predict_tta,
    similarity,
    similarity_order,
)

__all__ = [
    "Report",
    "class_accuracy",
    "confident_mistakes",
    "confused_pairs",
    "evaluate",
    "predict_images",
    "predict_tta",
    "similarity",
    "similarity_order",
]
