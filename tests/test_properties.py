"""Every public function refuses what is wrong, with an error of its own that names the value.

Hypothesis takes one argument of a call that works and puts something else in its place. Then the
call either still works, or the course's own code raises a ``ValueError`` or ``CourseError``: no
message from within numpy, Keras or matplotlib, which would name no argument.
"""

import atexit
import inspect
import shutil
import tempfile
import traceback
from collections.abc import Callable
from functools import singledispatch
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy as arrays
import matplotlib.pyplot as plt
import numpy as np
import official
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image
from tiny_course import write_notebook

import cifar10_cnn
from cifar10_cnn import device, models, plots, profiles
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.course import runner as course
from cifar10_cnn.data import batches, corruptions, near_duplicates, photos, practice
from cifar10_cnn.data import dataset as data
from cifar10_cnn.data import readers as course_sources
from cifar10_cnn.device import keras
from cifar10_cnn.evaluation import calibration, explain
from cifar10_cnn.evaluation import scores as evaluation
from cifar10_cnn.studies import ablate as ablation
from cifar10_cnn.studies import bench as benchmarks
from cifar10_cnn.studies import bench_tables as tables
from cifar10_cnn.studies import compare as comparison
from cifar10_cnn.studies import results
from cifar10_cnn.training import optimizers, recipes
from cifar10_cnn.training import runs as training
from cifar10_cnn.training import trainer as fitting

pytestmark = pytest.mark.faults
SOURCE = str(Path(cifar10_cnn.__file__).parent)
K = 3
NAMES = ("cat", "dog", "frog")
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
LABELS = np.arange(12) % K
ODDS = RNG.random((12, K))
PROBABILITIES = ODDS / ODDS.sum(axis=1, keepdims=True)
MATRIX = np.array([[5, 1, 0], [2, 6, 1], [0, 3, 4]])
HISTORY = {
    "accuracy": [0.4, 0.6, 0.8],
    "val_accuracy": [0.45, 0.6, 0.7],
    "loss": [1.6, 1.1, 0.5],
    "val_loss": [1.5, 1.0, 0.9],
    "seconds": [3.0, 2.0, 2.0],
}
SPLIT = data.Split(IMAGES, LABELS)
DATASET = data.Dataset(SPLIT, SPLIT, SPLIT, NAMES, "own pictures", "0" * 64, "own")
ARRAYS = course_sources.Arrays(
    RNG.integers(0, 256, (200, 32, 32, 3), dtype=np.uint8),
    np.arange(200) % 10,
    RNG.integers(0, 256, (100, 32, 32, 3), dtype=np.uint8),
    np.arange(100) % 10,
)

MODEL = keras.Sequential(
    [
        keras.Input((16, 16, 3)),
        keras.layers.Conv2D(4, 3, strides=4),
        keras.layers.GlobalMaxPooling2D(),
        keras.layers.Dense(K, "softmax"),
    ]
)

HOME = Path(tempfile.mkdtemp())
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
ARCHIVE = official.write_tar(HOME / "cifar.tar", official.binary_members())
PHOTO = HOME / "photo.png"
Image.fromarray(ARRAYS.test_images[0]).save(PHOTO)
NETWORK = HOME / "network.keras"
models.build("dense_baseline", K).save(NETWORK)
PICTURES = batches.Shuffled(IMAGES, LABELS, batch_size=4, seed=0)
FIGURE = plots.channel_histograms(IMAGES)
RESULTS = pd.read_csv(results.shown_path())
ABLATION = pd.read_csv(ablation.shown_path())
MEASURED = pd.read_csv(benchmarks.shown_path())
MODEL.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])

#: A call that works of every public function that takes values; ``CHANGED`` names the arguments in
#: whose place something else is put: the others are objects that only our own code makes.
CALLS: dict[Callable[..., Any], tuple[dict[str, Any], tuple[str, ...]]] = {
    function: (arguments, changed.split())
    for function, arguments, changed in [
        (batches.Shuffled, {"images": IMAGES, "labels": LABELS, "batch_size": 4, "seed": 0},
         "images labels batch_size seed"),
        (batches.Batches, {"images": IMAGES, "labels": np.eye(K)[LABELS], "size": 12,
                           "batch_size": 4, "seed": 0, "erased": 0.2},
         "images labels size batch_size seed erased"),
        (batches.shrink, {"images": IMAGES, "size": 8}, "images size"),
        (calibration.reliability,
         {"labels": LABELS, "probabilities": PROBABILITIES, "bins": 5},
         "labels probabilities bins"),
        (calibration.apply_temperature, {"probabilities": PROBABILITIES, "temperature": 1.5},
         "probabilities temperature"),
        (calibration.fit_temperature, {"labels": LABELS, "probabilities": PROBABILITIES},
         "labels probabilities"),
        (calibration.coverage, {"labels": LABELS, "probabilities": PROBABILITIES},
         "labels probabilities"),
        (corruptions.corrupt, {"images": IMAGES, "name": "noise", "strength": 2, "seed": 0},
         "images name strength seed"),
        (calibration.reject_option,
         {"labels": LABELS, "probabilities": PROBABILITIES, "strange": PROBABILITIES,
          "silenced": 0.1}, "labels probabilities strange silenced"),
        (corruptions.shuffled_tiles, {"images": IMAGES, "seed": 0}, "images seed"),
        (explain.grad_cam, {"model": MODEL, "pictures": IMAGES, "classes": LABELS},
         "pictures classes"),
        (explain.occlusion,
         {"model": MODEL, "picture": IMAGES[0], "label": 1, "size": 8, "step": 4},
         "picture label size step"),
        (explain.heat_maps, {"model": MODEL, "pictures": IMAGES, "classes": LABELS},
         "pictures classes"),
        (explain.fgsm,
         {"model": MODEL, "pictures": IMAGES, "labels": LABELS, "strength": 4},
         "pictures labels strength"),
        (explain.embeddings, {"model": MODEL, "pictures": IMAGES}, "pictures"),
        (plots.prediction_card,
         {"picture": IMAGES[0], "places": IMAGES[0, ..., 0], "probabilities": PROBABILITIES[0],
          "class_names": NAMES, "method": "m", "threshold": 0.5},
         "picture places probabilities class_names threshold"),
        (data.select_classes, {"dataset": DATASET, "classes": ("cat", "frog"), "seed": 0},
         "classes seed"),
        (evaluation.class_accuracy, {"labels": LABELS, "predictions": LABELS, "classes": K},
         "labels predictions classes"),
        (evaluation.confident_mistakes,
         {"labels": LABELS, "probabilities": PROBABILITIES, "count": 2},
         "labels probabilities count"),
        (evaluation.confused_pairs, {"matrix": MATRIX, "class_names": NAMES, "count": 3},
         "matrix class_names count"),
        (evaluation.similarity, {"matrix": MATRIX}, "matrix"),
        (evaluation.similarity_order, {"matrix": MATRIX}, "matrix"),
        (evaluation.Report.from_probabilities,
         {"labels": LABELS, "probabilities": PROBABILITIES, "class_names": NAMES},
         "labels probabilities class_names"),
        (models.build, {"name": "dense_baseline", "classes": K}, "name classes"),
        (models.describe, {"name": "dense_baseline"}, "name"),
        (models.fingerprint, {"name": "dense_baseline"}, "name"),
        (optimizers.make, {"name": "sgd", "learning_rate": 0.1, "batch_size": 32},
         "name learning_rate"),
        (plots.class_counts, {"splits": {"training": LABELS}, "class_names": NAMES},
         "splits class_names"),
        (plots.mean_images, {"images": IMAGES, "labels": LABELS, "class_names": NAMES},
         "images labels class_names"),
        (plots.channel_histograms, {"images": IMAGES}, "images"),
        (plots.image_grid, {"images": IMAGES, "captions": ["a"] * 12, "title": "t", "columns": 4,
                          "correct": [True] * 12}, "images captions columns correct"),
        (plots.class_grid, {"images": IMAGES, "labels": LABELS, "class_names": NAMES,
                            "per_class": 2, "seed": 0},
         "images labels class_names per_class seed"),
        (plots.augmentations, {"original": IMAGES[0], "versions": IMAGES[:3]},
         "original versions"),
        (plots.pairs, {"left_images": IMAGES[:2], "right_images": IMAGES[2:4],
                       "captions": ["a", "b"], "title": "t", "left_label": "l",
                       "right_label": "r"}, "left_images right_images captions"),
        (plots.channels, {"image": IMAGES[0]}, "image"),
        (plots.pixel_zoom, {"image": IMAGES[0], "row": 1, "column": 2, "size": 3, "channel": 1},
         "image row column size channel"),
        (plots.convolution_demo,
         {"image": IMAGES[0, ..., 0], "kernel": np.eye(3), "result": np.eye(5)},
         "image kernel result"),
        (plots.filters, {"kernels": RNG.normal(size=(3, 3, 3, 4))}, "kernels"),
        (plots.feature_maps, {"image": IMAGES[0], "maps": RNG.normal(size=(5, 5, 4)), "count": 3},
         "image maps count"),
        (plots.parameter_counts, {"layer_names": ["a", "b"], "counts": [5, 6]},
         "layer_names counts"),
        (plots.mistakes, {"images": IMAGES, "labels": LABELS, "probabilities": PROBABILITIES,
                          "class_names": NAMES, "count": 2},
         "images labels probabilities class_names count"),
        (plots.predictions, {"images": IMAGES, "labels": LABELS, "probabilities": PROBABILITIES,
                             "class_names": NAMES}, "images labels probabilities class_names"),
        (plots.bar_scores, {"scores": {"a": 0.5, "b": 0.7}, "classes": 10}, "scores classes"),
        (plots.class_accuracy, {"labels": LABELS, "predictions": LABELS, "class_names": NAMES},
         "labels predictions class_names"),
        (plots.confusion_matrix, {"matrix": MATRIX, "class_names": NAMES}, "matrix class_names"),
        (plots.class_tree, {"matrix": MATRIX, "class_names": NAMES}, "matrix class_names"),
        (plots.intervals, {"shares": {"a": 0.5, "b": 0.6},
                           "ends": {"Wilson": [(0.4, 0.6), (0.5, 0.7)]}, "what": "recall"},
         "shares ends"),
        (plots.confused_images,
         {"images": IMAGES, "labels": LABELS, "predictions": PROBABILITIES.argmax(axis=1),
          "class_names": NAMES, "pairs": 2, "count": 3},
         "images labels predictions class_names pairs count"),
        (plots.coverage, {"curves": {"a": calibration.coverage(LABELS, PROBABILITIES)},
                          "goal": 0.9}, "goal"),
        (plots.precision_recall,
         {"labels": LABELS, "probabilities": PROBABILITIES, "class_names": NAMES},
         "labels probabilities class_names"),
        (plots.heat, {"images": IMAGES[:2], "maps": IMAGES[:2, ..., 0], "captions": ["a", "b"],
                      "title": "t"}, "images maps captions"),
        (plots.image_rows, {"rows": {"a": IMAGES[:2]}, "columns": ["b", "c"], "title": "t",
                              "row_label": "r", "column_label": "c"}, "rows columns"),
        (plots.robustness, {"accuracies": {"noise": [0.5, 0.4]}, "clean": 0.6},
         "accuracies clean"),
        (plots.points_by_class, {"points": RNG.random((12, 2)), "labels": LABELS,
                                 "class_names": NAMES, "title": "t"},
         "points labels class_names"),
        (plots.learning_curves, {"history": HISTORY}, "history"),
        (plots.compare_curves, {"histories": {"a": HISTORY, "b": HISTORY}}, "histories"),
        (plots.accuracy_over_time, {"histories": {"a": HISTORY}, "goal": 0.6}, "histories goal"),
        (plots.curve_grid, {"histories": {"a": [HISTORY]}, "published": {"a": 0.5}},
         "histories published"),
        (plots.score_dots, {"scores": {"a": [0.5, 0.6]}, "reference": ("b", 0.5)},
         "scores reference"),
        (plots.accuracy_against, {"costs": {"a": 5.0}, "accuracies": {"a": [0.5]},
                                  "cost_name": "parameters", "published": {"a": 0.6}},
         "costs accuracies published"),
        (plots.learning_rate_search, {"trials": {"adam": [(0.001, 0.6), (0.01, 0.3)]}}, "trials"),
        (profiles.get, {"name": "smoke"}, "name"),
        (recipes.get, {"name": "sprint"}, "name"),
        (near_duplicates.within, {"images": IMAGES, "count": 2}, "images count"),
        (near_duplicates.between, {"images": IMAGES[:4], "others": IMAGES, "farthest": 20.0},
         "images others farthest"),
        (near_duplicates.extremes, {"images": IMAGES}, "images"),
        (course_sources.fingerprint, {"arrays": ARRAYS}, ""),
        (course_sources.read, {"path": ARCHIVE}, "path"),
        (data.import_path, {"path": ARCHIVE}, "path"),
        (data.load, {"profile": profiles.get("smoke"), "source": str(ARCHIVE),
                     "classes": ("cat", "frog")}, "profile source classes"),
        (practice.draw, {"label": 3, "rng": RNG}, "label rng"),
        (practice.make, {"train": 10, "test": 10, "seed": 0}, "train test seed"),
        (photos.read, {"file": PHOTO}, "file"),
        (photos.find, {"path": PHOTO}, "path"),
        (models.load, {"file": NETWORK}, "file"),
        (models.adapt, {"model": models.build("fast_cnn"), "pictures": IMAGES}, "pictures"),
        (models.plain_cnn, {"classes": K, "dropout": 0.3}, "classes dropout"),
        (models.add_conv_block, {"model": keras.Sequential(), "filters": 4}, "filters"),
        (calibration.RejectOption,
         {"temperature": 1.5, "threshold": 0.5, "silenced": 0.1, "passed": 0.3},
         "temperature threshold silenced passed"),
        (comparison.runs, {"names": ["sprint"], "seeds": [0, 1], "precision": "fp32"},
         "names seeds precision"),
        (course.select, {"names": ["01"]}, "names"),
        (device.precision, {"wanted": "fp32"}, "wanted"),
        (tables.trainings, {"rows": MEASURED}, "rows"),
        (tables.speeds, {"rows": MEASURED}, "rows"),
        (tables.steps, {"rows": MEASURED}, "rows"),
        (tables.origin, {"rows": MEASURED}, "rows"),
        (evaluation.predict_tta, {"model": MODEL, "images": IMAGES}, "images"),
        (evaluation.predict_images,
         {"model": MODEL, "pictures": IMAGES, "class_names": NAMES}, "pictures"),
        (fitting.fit_model,
         {"model": MODEL, "pictures": PICTURES, "folder": HOME / "run", "epochs": 1,
          "verbose": 0}, "pictures folder epochs"),
        (plots.confused_pairs, {"pairs": [("cat", "dog", 5, 0.5)]}, "pairs"),
        (plots.reliability, {"found": {"a": calibration.reliability(LABELS, PROBABILITIES)}},
         "found"),
        (plots.save, {"figure": FIGURE, "file": HOME / "figure.png", "source": "s"},
         "figure source"),
        (plots.show, {"figure": FIGURE, "name": "a", "source": "s"}, "figure name source"),
        (results.origin, {"rows": RESULTS}, "rows"),
        (results.summary, {"results": RESULTS}, "results"),
        (results.table, {"results": RESULTS}, "results"),
        (results.shortfalls, {"results": RESULTS}, "results"),
        (results.usual_precision, {"results": RESULTS}, "results"),
        (results.honest, {"results": RESULTS}, "results"),
        (results.by_optimizer, {"results": RESULTS}, "results"),
        (results.test_accuracies, {"results": RESULTS}, "results"),
        (results.histories, {"results": RESULTS}, "results"),
        (results.follow_ups, {"results": RESULTS}, "results"),
        (results.precisions, {"results": RESULTS}, "results"),
        (ablation.ingredients, {"recipe": "dash", "names": ["ReLU"]}, "recipe names"),
        (ablation.table, {"rows": ABLATION}, "rows"),
        (ablation.told, {"rows": ABLATION}, "rows"),
        (ablation.origin, {"rows": ABLATION}, "rows"),
        (training.new_run, {"profile": profiles.get("smoke"), "name": "run"}, "name"),
        (training.save_result,
         {"profile": profiles.get("smoke"), "dataset": DATASET, "numbers": {"a": 0.5}}, "numbers"),
        (training.save_run,
         {"folder": HOME / "run", "dataset": DATASET, "profile": profiles.get("smoke"),
          "history": HISTORY}, "history"),
    ]
}  # fmt: skip

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 50),
    st.floats(width=32),
    st.text(max_size=3),
    st.just(10**30),
)
ANY_ARRAY = arrays.arrays(
    dtype=st.sampled_from(["u1", "i8", "f4", "f8", "?", "U3", "O", "c8"]),
    shape=arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4),
    elements=None,
    fill=st.nothing(),
)


@singledispatch
def changed(value: Any) -> list[Any]:
    """Values that are almost the right one: the same with one thing changed."""
    return [5]


@changed.register
def _(value: np.ndarray) -> list[Any]:
    first = np.arange(value.size).reshape(value.shape) == 0
    return [
        value[:0],
        value[:-1],
        value[..., None],
        value[0],
        value.T,
        value.astype(float) * np.nan,
        np.where(first, np.inf, value.astype(float)),
        value.astype(np.int64) - 1,
        value.astype(np.int64) + 300,
        value.astype(complex),
        value.astype(str),
        value.astype(object),
        value.tolist(),
        [value.tolist(), [1]],
    ]


@changed.register
def _(value: dict) -> list[Any]:
    key = next(iter(value))
    rest = {name: each for name, each in value.items() if name != key}
    return [{}, {**value, "other": None}, rest, *instead(value, changed(value[key]))]


@changed.register(list)
@changed.register(tuple)
def _(value: Any) -> list[Any]:
    kind = type(value)
    return [kind(), kind([*value, *value]), value[:-1], *instead(value, changed(value[0]))]


@changed.register
def _(value: int) -> list[Any]:
    return [0, -1, -value, value + 0.5, float("nan"), 10**9, str(value), complex(value), True]


@changed.register
def _(value: float) -> list[Any]:
    return [-value, value + 2, float("nan"), float("inf"), str(value), complex(value)]


@changed.register(str)
@changed.register(Path)
def _(value: Any) -> list[Any]:
    return ["", f"{value} ", "no such name", "no\0name", 5]


@changed.register
def _(value: pd.DataFrame) -> list[Any]:
    return [value[:0], *(value.drop(columns=name) for name in value.columns)]


def instead(values: Any, news: list[Any]) -> list[Any]:
    """Return a dict, list or tuple with other values in the place of its first."""
    if isinstance(values, dict):
        key = next(iter(values))
        return [{**values, key: new} for new in news]
    return [type(values)([new, *values[1:]]) for new in news]


def anything(value: Any) -> st.SearchStrategy[Any]:
    """What may stand in the place of a value: any scalar or array, also inside it."""
    whole = st.one_of(st.sampled_from(changed(value)), SCALARS, ANY_ARRAY)
    if not isinstance(value, (dict, list, tuple)):
        return whole
    first = next(iter(value.values() if isinstance(value, dict) else value))
    return whole | anything(first).map(lambda new: instead(value, [new])[0])


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let calls find a notebook and pictures, and write where nothing is lost."""
    monkeypatch.chdir(HOME)
    monkeypatch.setenv("CIFAR10_HOME", str(HOME))
    monkeypatch.setattr(data, "FINGERPRINT", course_sources.fingerprint(official.expected()))
    monkeypatch.setattr(data.practice, "make", official.expected)
    write_notebook(HOME, "01_first", "1 + 1")


def called(function: Callable[..., Any], arguments: dict[str, Any]) -> None:
    """Call a function to its end: a generator begins with the first thing that it is asked for."""
    result = function(**arguments)
    if inspect.isgenerator(result):
        list(result)


@pytest.mark.parametrize("function", CALLS, ids=lambda each: f"{each.__module__}.{each.__name__}")
def test_the_call_works(function: Callable[..., Any]) -> None:
    arguments, changed = CALLS[function]
    called(function, arguments)
    assert set(changed) <= set(inspect.signature(function).parameters)


def refusals(function: Callable[..., Any], name: str, drawn: int) -> int:
    """Try all changed values, and some drawn ones; return how many."""
    arguments, _ = CALLS[function]

    @settings(
        max_examples=drawn,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(anything(arguments[name]))
    def refused_or_fine(value: Any) -> None:
        try:
            called(function, {**arguments, name: value})
        except (ValueError, CourseError) as error:
            raised_in = traceback.extract_tb(error.__traceback__)[-1].filename
            assert raised_in.startswith(SOURCE), f"{raised_in}: {error!r}"
            assert str(error).strip()
        finally:
            plt.close("all")

    near = changed(arguments[name])
    for value in near:
        refused_or_fine = example(value)(refused_or_fine)
    refused_or_fine()
    return len(near) + drawn


PAIRS = [(function, name) for function, (_, changed) in CALLS.items() for name in changed]


def title(pair: object) -> str:
    return pair if isinstance(pair, str) else f"{pair.__module__}.{pair.__name__}"  # type: ignore[attr-defined]


@pytest.mark.parametrize(("function", "name"), PAIRS, ids=title)
def test_something_else_is_refused_by_name_or_works(
    function: Callable[..., Any], name: str, tally: Callable[[str, int], None]
) -> None:
    tally("wrong arguments", refusals(function, name, 25))


@pytest.mark.long
@pytest.mark.parametrize(("function", "name"), PAIRS, ids=title)
def test_much_else_is_refused_by_name_or_works(
    function: Callable[..., Any], name: str, tally: Callable[[str, int], None]
) -> None:
    tally("wrong arguments", refusals(function, name, 400))
