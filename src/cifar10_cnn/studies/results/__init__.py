"""The results of a comparison: its runs on disk, their means, and what a reader sees of them."""

from cifar10_cnn.studies.results.runs import (
    COLUMNS,
    collect,
    folder,
    load,
    load_trials,
    origin,
    results_path,
    ship,
    shown_path,
)
from cifar10_cnn.studies.results.tables import (
    by_optimizer,
    follow_ups,
    histories,
    honest,
    precisions,
    shortfalls,
    summary,
    table,
    test_accuracies,
    usual_precision,
)

__all__ = [
    "COLUMNS",
    "by_optimizer",
    "collect",
    "folder",
    "follow_ups",
    "histories",
    "honest",
    "load",
    "load_trials",
    "origin",
    "precisions",
    "results_path",
    "ship",
    "shortfalls",
    "shown_path",
    "summary",
    "table",
    "test_accuracies",
    "usual_precision",
]
