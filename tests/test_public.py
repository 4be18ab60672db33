"""Every function that notebooks or the command line call refuses wrong values in a sentence.

One argument of a call that works is replaced by a wrong value. Then the call either still works, or
the course's own code raises a ``ValueError`` or ``CourseError``.
"""

import ast
import importlib
import inspect
import json
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

import cifar10_cnn
from cifar10_cnn import plots, profiles
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data import dataset as data
from cifar10_cnn.device import keras
from cifar10_cnn.evaluation import calibration

SOURCE = Path(cifar10_cnn.__file__).parent
NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
K, NAMES = 3, ("cat", "dog", "frog")
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
LABELS = np.arange(12) % K
PROBABILITIES = RNG.dirichlet(np.ones(K), 12)
MATRIX = np.array([[5, 1, 0], [2, 6, 1], [0, 3, 4]])
KEYS = ("accuracy", "val_accuracy", "loss", "val_loss", "seconds")
HISTORY = {key: [0.4, 0.6, 0.8] for key in KEYS}
SPLIT = data.Split(IMAGES, LABELS)
DATASET = data.Dataset(SPLIT, SPLIT, SPLIT, NAMES, "own images", "0" * 64, "own")
MODEL = keras.Sequential(
    [
        keras.Input((16, 16, 3)),
        keras.layers.Conv2D(4, 3, strides=4),
        keras.layers.GlobalMaxPooling2D(),
        keras.layers.Dense(K, "softmax"),
    ]
)
SMOKE = profiles.get("smoke")
FIGURE = plots.channels(IMAGES[0])
SCORED = {"labels": LABELS, "probabilities": PROBABILITIES}
PREDICTED = {"images": IMAGES, **SCORED, "class_names": NAMES}

#: A call that works of each public function; a name that begins with ``_`` is not replaced.
CALLS: dict[str, dict[str, Any]] = {
    "data.batches.Shuffled": {"images": IMAGES, "labels": LABELS, "batch_size": 4, "seed": 0},
    "data.batches.shrink": {"images": IMAGES, "size": 8},
    "data.corruptions.corrupt": {"images": IMAGES, "name": "noise", "strength": 2, "seed": 0},
    "data.corruptions.shuffled_tiles": {"images": IMAGES, "seed": 0},
    "data.select_classes": {"_dataset": DATASET, "classes": ("cat", "frog"), "seed": 0},
    "data.near_duplicates.between": {"images": IMAGES, "others": IMAGES, "farthest": 20.0},
    "data.near_duplicates.extremes": {"images": IMAGES},
    "data.near_duplicates.within": {"images": IMAGES, "count": 2},
    "data.photos.find": {"path": "figures"},
    "data.photos.read": {"file": "photo.png"},
    "data.practice.draw": {"label": 3, "_rng": RNG},
    "device.precision": {"requested": "fp32"},
    "evaluation.calibration.apply_temperature": {
        "probabilities": PROBABILITIES,
        "temperature": 1.5,
    },
    "evaluation.calibration.coverage": SCORED,
    "evaluation.calibration.fit_temperature": SCORED,
    "evaluation.calibration.reject_option": {**SCORED, "ood": PROBABILITIES, "rejected": 0.1},
    "evaluation.calibration.reliability": {**SCORED, "bins": 5},
    "evaluation.confident_mistakes": {**SCORED, "count": 2},
    "evaluation.confused_pairs": {"matrix": MATRIX, "class_names": NAMES, "count": 3},
    "evaluation.explain.embeddings": {"_model": MODEL, "images": IMAGES},
    "evaluation.explain.fgsm": {"_model": MODEL, "images": IMAGES, "labels": LABELS, "strength": 4},
    "evaluation.explain.grad_cam": {"_model": MODEL, "images": IMAGES, "classes": LABELS},
    "evaluation.explain.heat_maps": {"_model": MODEL, "images": IMAGES, "classes": LABELS},
    "evaluation.explain.occlusion": {
        "_model": MODEL, "image": IMAGES[0], "label": 1, "size": 8, "step": 4,
    },
    "evaluation.predict_tta": {"_model": MODEL, "images": IMAGES},
    "evaluation.similarity": {"matrix": MATRIX},
    "evaluation.similarity_order": {"matrix": MATRIX},
    "models.build": {"name": "dense_baseline", "classes": K},
    "models.describe": {"name": "dense_baseline"},
    "models.load": {"file": "network.keras"},
    "models.plain_cnn": {"classes": K, "dropout": 0.3},
    "plots.accuracy_against": {
        "costs": {"a": 5.0}, "accuracies": {"a": [0.5]}, "_cost_name": "minutes",
        "published": {"a": 0.6},
    },
    "plots.accuracy_over_time": {"histories": {"a": HISTORY}, "goal": 0.6},
    "plots.augmentations": {"original": IMAGES[0], "versions": IMAGES[:3]},
    "plots.bar_scores": {"scores": {"a": 0.5, "b": 0.7}, "classes": 10},
    "plots.block_diagram": {"model": MODEL},
    "plots.channel_histograms": {"images": IMAGES},
    "plots.channels": {"image": IMAGES[0]},
    "plots.class_accuracy": {"labels": LABELS, "predictions": LABELS, "class_names": NAMES},
    "plots.class_counts": {"splits": {"training": LABELS}, "class_names": NAMES},
    "plots.class_grid": {
        "images": IMAGES, "labels": LABELS, "class_names": NAMES, "per_class": 2, "seed": 0,
    },
    "plots.class_tree": {"matrix": MATRIX, "class_names": NAMES},
    "plots.compare_curves": {"histories": {"a": HISTORY}},
    "plots.confused_images": {
        "images": IMAGES, "labels": LABELS, "predictions": LABELS[::-1], "class_names": NAMES,
        "pairs": 2, "count": 3,
    },
    "plots.confused_pairs": {"pairs": [("cat", "dog", 5, 0.5)]},
    "plots.confusion_matrix": {"matrix": MATRIX, "class_names": NAMES},
    "plots.convolution_demo": {
        "image": IMAGES[0, ..., 0], "kernel": np.eye(3), "result": np.eye(5),
    },
    "plots.coverage": {"_curves": {"a": calibration.coverage(**SCORED)}, "goal": 0.9},
    "plots.curve_grid": {"histories": {"a": [HISTORY]}, "published": {"a": 0.5}},
    "plots.feature_maps": {"image": IMAGES[0], "maps": RNG.normal(size=(5, 5, 4)), "count": 3},
    "plots.filters": {"kernels": RNG.normal(size=(3, 3, 3, 4))},
    "plots.heat": {
        "images": IMAGES[:2], "maps": IMAGES[:2, ..., 0], "captions": ["a", "b"], "_title": "t",
    },
    "plots.image_grid": {
        "images": IMAGES, "captions": ["a"] * 12, "_title": "t", "columns": 4,
        "correct": [True] * 12,
    },
    "plots.image_rows": {
        "rows": {"a": IMAGES[:2]}, "columns": ["b", "c"], "_title": "t", "_row_label": "r",
        "_column_label": "c",
    },
    "plots.intervals": {
        "shares": {"a": 0.5}, "ends": {"Wilson": [(0.4, 0.6)]}, "_what": "recall",
    },
    "plots.learning_curves": {"history": HISTORY},
    "plots.learning_rate_search": {"trials": {"adam": [(0.001, 0.6), (0.01, 0.3)]}},
    "plots.mean_images": {"images": IMAGES, "labels": LABELS, "class_names": NAMES},
    "plots.mistakes": {**PREDICTED, "count": 2},
    "plots.pairs": {
        "left_images": IMAGES[:2], "right_images": IMAGES[2:4], "captions": ["a", "b"],
        "_title": "t", "_left_label": "l", "_right_label": "r",
    },
    "plots.parameter_counts": {"layer_names": ["a", "b"], "counts": [5, 6]},
    "plots.pixel_zoom": {"image": IMAGES[0], "row": 1, "column": 2, "size": 3, "channel": 1},
    "plots.points_by_class": {
        "points": RNG.random((12, 2)), "labels": LABELS, "class_names": NAMES, "_title": "t",
    },
    "plots.precision_recall": PREDICTED | {"images": None},
    "plots.prediction_card": {
        "image": IMAGES[0], "heat_map": IMAGES[0, ..., 0], "probabilities": PROBABILITIES[0],
        "class_names": NAMES, "_method": "m", "threshold": 0.5,
    },
    "plots.predictions": PREDICTED,
    "plots.reliability": {"found": {"a": calibration.reliability(**SCORED)}},
    "plots.robustness": {"accuracies": {"noise": [0.5, 0.4]}, "clean": 0.6},
    "plots.score_dots": {"scores": {"a": [0.5, 0.6]}, "reference": ("b", 0.5)},
    "plots.show": {"figure": FIGURE, "name": "a", "source": "s"},
    "profiles.get": {"name": "smoke"},
    "training.new_run": {"_profile": SMOKE, "name": "run"},
    "training.optimizers.make": {"name": "sgd", "learning_rate": 0.1},
    "training.recipes.get": {"name": "sprint"},
    "training.save_result": {"_profile": SMOKE, "_dataset": DATASET, "numbers": {"a": 0.5}},
}  # fmt: skip
CALLS["plots.precision_recall"].pop("images")
#: Public functions that the table leaves out, and why.
REASONS = {
    "It takes only what the course itself has made.": {
        "device.computing_in", "evaluation.scores.evaluate",
        "evaluation.scores.takes_scaled_pixels", "profiles.Profile",
        *(f"studies.bench.{name}" for name in ("origin", "rows", "table")),
        *(f"studies.compare.{name}" for name in (
            "by_optimizer", "follow_ups", "histories", "honest", "images_per_second", "load",
            "precisions", "shortfalls", "table", "test_accuracies",
        )), "studies.tune.trials",
        "training.Resume",
        "training.runs.ship",
        "training.runs.train", "training.runs.trained_model", "training.save_run",
        "training.trained_model",
    },
    "A test of its own tries its arguments.": {
        "common.settings.data",
        "course.doctor.doctor", "course.predict.predict",
        "course.runner.run", "data.dataset.load", "data.load",
    },
}  # fmt: skip
REASONED = set().union(*REASONS.values())


def programs() -> Iterator[str]:
    """The code of every notebook, and that of the command line."""
    for file in sorted(NOTEBOOKS.glob("*.ipynb")):
        cells = json.loads(file.read_text("utf-8"))["cells"]
        yield "\n".join("".join(each["source"]) for each in cells if each["cell_type"] == "code")
    yield (SOURCE / "__main__.py").read_text("utf-8")


def public() -> dict[str, Any]:
    """The package's functions and classes that the programs call and that take something."""
    functions = {}
    for tree in map(ast.parse, programs()):
        nodes = list(ast.walk(tree))
        imported = {
            alias.asname or alias.name: (node.module, alias.name)
            for node in nodes
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("cifar10_cnn")
            for alias in node.names
        }
        for node in nodes:
            if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
                continue
            module, name = imported.get(node.value.id, ("", ""))
            if not module:
                continue
            try:
                owner = importlib.import_module(f"{module}.{name}")
            except ModuleNotFoundError:  # a class, or a variable of that name
                continue
            function = getattr(owner, node.attr, None)
            is_error = inspect.isclass(function) and issubclass(function, Exception)
            if callable(function) and not is_error and inspect.signature(function).parameters:
                functions[f"{module}.{name}.{node.attr}".removeprefix("cifar10_cnn.")] = function
    return functions


PUBLIC = public()


def wrong(value: Any) -> list[Any]:
    """What may stand in the place of a value by mistake."""
    values = [None, "text", "", [], {}, -1, 0.5, float("nan"), True, 10**9, np.zeros((2, 2, 2))]
    if isinstance(value, np.ndarray):
        values += [value[:0], value[:-1], value[..., None], value[0], value.T, value.astype(str)]
        values += [value * np.nan, value.astype(int) - 1, value.astype(int) + 300]
    elif isinstance(value, dict):
        values += [{name: one} for name in value for one in (None, [], "text", -1, [np.nan])][:9]
    elif isinstance(value, (list, tuple)):
        values += [value[:-1], [*value, *value], [None, *value[1:]], [5, *value[1:]]]
    elif hasattr(value, "columns"):
        values += [value[:0], *(value.drop(columns=name) for name in value.columns[:15])]
    return values[:30]


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Let calls find a photo and a model, and write where nothing is lost."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CIFAR10_HOME", str(tmp_path))
    monkeypatch.setattr(plots.style, "display", lambda *_, **__: None)
    Path("figures").mkdir()
    for file in ("photo.png", "figures/photo.png"):
        plt.imsave(file, IMAGES[0])
    MODEL.save("network.keras")
    yield
    plt.close("all")


def call(name: str, arguments: dict[str, Any]) -> None:
    result = PUBLIC[name](**{key.removeprefix("_"): each for key, each in arguments.items()})
    if inspect.isgenerator(result):
        list(result)


def test_each_public_function_is_tried_or_has_a_reason() -> None:
    assert set(PUBLIC) <= set(CALLS) | REASONED
    assert set(CALLS) | REASONED <= set(PUBLIC), "no longer public"
    assert not set(CALLS) & REASONED


@pytest.mark.parametrize("name", CALLS)
def test_wrong_values_are_refused_in_a_sentence(name: str) -> None:
    arguments = CALLS[name]
    call(name, arguments)
    problems = []
    for key in [key for key in arguments if not key.startswith("_")]:
        for value in wrong(arguments[key]):
            try:
                call(name, {**arguments, key: value})
            except (ValueError, CourseError) as error:
                raised_in = traceback.extract_tb(error.__traceback__)[-1].filename
                if not raised_in.startswith(str(SOURCE)) or not str(error).strip():
                    problems.append(f"{key}={value!r:.60}: {error!r:.150} from {raised_in}")
            except Exception as error:
                problems.append(f"{key}={value!r:.60}: {error!r:.150}")
    assert not problems, "\n".join(problems)
