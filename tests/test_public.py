"""Each public function is tried with wrong values in ``test_properties``, or says here why not."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable

import pytest
from test_properties import CALLS

import cifar10_cnn

#: Functions that nobody calls with values of their own, by the reason; a ``*`` stands for any.
REASONS = {
    "It takes what the course itself has made: data sets, models, runs, rows, summaries.": [
        "ablation.Ingredient",
        "ablation.ablate",
        "ablation.load",
        "ablation.path",
        "studies.*",
        "cache.*",
        "checkpoints.*",
        "comparison.Run",
        "comparison.compare",
        "comparison.images_per_second",
        "comparison.prepare",
        "comparison.train",
        "data.Dataset",
        "data.Split",
        "data.split",
        "data.whole_training",
        "evaluation.Report",
        "evaluation.evaluate",
        "explain.last_maps",
        "fitting.Plan",
        "fitting.fit",
        "models.digest",
        "models.multiplications",
        "models.save",
        "models.fast.plain",
        "profiles.Profile",
        "publish.*",
        "recipes.recipe.*",
        "results.runs.collect",
        "results.runs.folder",
        "results.runs.load",
        "results.runs.results_path",
        "results.runs.ship",
        "sources.Arrays",
        "summary.*",
        "training.about",
        "training.caution",
        "training.classes_and_reject_option",
        "training.ship",
        "training.shipped_path",
        "training.train",
        "training.trained_model",
        "tuning.collect",
    ],
    "It is a part of others that are tried: plumbing, which people do not call.": [
        "calibration.Reliability",
        "checks.*",
        "device.arithmetic",
        "device.computing_in",
        "device.keep_freed_memory",
        "device.layers_in_16_bits",
        "device.layout_for_gradients",
        "doctor.*",
        "download.official_archive",
        "errors.*",
        "files.*",
        "kernel.*",
        "operations.*",
        "pages.*",
        "photos.PhotoError",
        "photos.printable",
        "plots.comparison.*",
        "plots.labels.*",
        "plots.style.*",
        "plots.tiles.*",
        "progress.*",
        "sources.inside",
    ],
    "It draws a practice image on a canvas that `practice.draw` makes.": [
        "practice.backdrops.*",
        "practice.canvas.*",
        "practice.mammals.*",
        "practice.palette.*",
        "practice.vehicles.*",
        "practice.wildlife.*",
    ],
    "Keras checks what it is given, and names it.": [
        "models.course.*",
        "models.fast.*",
        "models.published.*",
        "optimizers.*",
    ],
    "It trains or runs the course; its arguments are tried by tests of their own.": [
        "course.NotebookError",
        "course.run",
        "tuning.search",
    ],
}


def public() -> dict[str, Callable]:
    """Return the public functions and classes of all modules, by module and name."""
    found = {}
    for info in pkgutil.walk_packages(cifar10_cnn.__path__, "cifar10_cnn."):
        if info.name.endswith(("__main__", ".peer", ".jobs")):  # commands
            continue
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            own = getattr(value, "__module__", "") == info.name and not name.startswith("_")
            if own and (inspect.isfunction(value) or inspect.isclass(value)):
                found[f"{info.name.removeprefix('cifar10_cnn.')}.{name}"] = value
    return found


def covered(name: str, pattern: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def takes_something(function: Callable) -> bool:
    try:
        return bool(inspect.signature(function).parameters)
    except ValueError:  # an exception
        return True


PUBLIC = public()
TRIED = {
    f"{function.__module__}.{function.__qualname__}".removeprefix("cifar10_cnn.")
    for function in CALLS
}
PATTERNS = [pattern for patterns in REASONS.values() for pattern in patterns]


@pytest.mark.parametrize("name", [name for name in PUBLIC if takes_something(PUBLIC[name])])
def test_it_is_tried_with_wrong_values_or_has_a_reason(name: str) -> None:
    assert name in TRIED or any(covered(name, pattern) for pattern in PATTERNS), (
        f"Put {name} into CALLS of test_properties.py, or say in REASONS why not."
    )


def test_no_reason_is_out_of_date() -> None:
    for pattern in PATTERNS:
        meant = [name for name in PUBLIC if covered(name, pattern)]
        assert meant, f"There is no {pattern}."
        assert set(meant) - TRIED, f"{pattern} needs no reason: it is tried."
