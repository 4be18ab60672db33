"""Figures: what is drawn is the data, titles and alt texts tell it, and nothing is cut off."""

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import nbclient
import nbformat
import numpy as np
import pytest
from PIL import Image
from test_plots_comparison import CALLS as COMPARED

from cifar10_cnn import models, plots
from cifar10_cnn.data.dataset import CLASS_NAMES
from cifar10_cnn.evaluation import calibration
from cifar10_cnn.evaluation import scores as evaluation
from cifar10_cnn.plots import style
from cifar10_cnn.plots.style import CourseFigure

RNG = np.random.default_rng(0)
COUNT = 60
IMAGES = RNG.integers(0, 256, (COUNT, 32, 32, 3), dtype=np.uint8)
KERNEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
HISTORY = {
    "accuracy": [0.4, 0.6, 0.8, 0.94],
    "val_accuracy": [0.45, 0.6, 0.712, 0.7],
    "loss": [1.6, 1.1, 0.5, 0.2],
    "val_loss": [1.5, 1.0, 0.9, 1.1],
}
OTHER = {"accuracy": [0.3, 0.5, 0.6], "val_accuracy": [0.35, 0.55, 0.65]}
MAPS = RNG.normal(size=(16, 16, 20))


def labels(classes: int) -> np.ndarray:
    return np.arange(COUNT) % classes


def probabilities(classes: int) -> np.ndarray:
    """About a third of the predictions is wrong."""
    raw = np.random.default_rng(1).exponential(size=(COUNT, classes))
    raw[np.arange(COUNT), labels(classes)] += 2
    return raw / raw.sum(axis=1, keepdims=True)


def confusion(classes: int) -> np.ndarray:
    report = evaluation.Report.from_probabilities(
        labels(classes), probabilities(classes), CLASS_NAMES[:classes]
    )
    return report.confusion


def pairs_of(classes: int) -> list[evaluation.ConfusedPair]:
    return evaluation.confused_pairs(confusion(classes), CLASS_NAMES[:classes])


# One call of each function, for k classes.
CALLS: dict[str, Callable[[int], CourseFigure]] = {
    "block_diagram": lambda k: plots.block_diagram(models.build("regularized_cnn")),
    "class_counts": lambda k: plots.class_counts(
        {"training": labels(k), "validation": labels(k)[:30], "test": labels(k)[:30]},
        CLASS_NAMES[:k],
    ),
    "channels": lambda k: plots.channels(IMAGES[0]),
    "pixel_zoom": lambda k: plots.pixel_zoom(IMAGES[0], 12, 20),
    "image_grid": lambda k: plots.image_grid(
        IMAGES[:23], [f"{n} automobile" for n in range(23)], title="A title " * 20
    ),
    "correct": lambda k: plots.image_grid(
        IMAGES[:10], ["automobile"] * 10, title="Ten", correct=[True, False] * 5
    ),
    "class_grid": lambda k: plots.class_grid(IMAGES, labels(k), CLASS_NAMES[:k], per_class=6),
    "mean_images": lambda k: plots.mean_images(IMAGES, labels(k), CLASS_NAMES[:k]),
    "channel_histograms": lambda k: plots.channel_histograms(IMAGES),
    "pairs": lambda k: plots.pairs(
        IMAGES[:k],
        IMAGES[k : 2 * k],
        [f"distance {n}.5" for n in range(k)],
        title="Pairs",
        left_label="one image",
        right_label="another",
    ),
    "augmentations": lambda k: plots.augmentations(IMAGES[0], IMAGES[1:k]),
    "convolution_demo": lambda k: plots.convolution_demo(
        IMAGES[0, ..., 0], KERNEL * 0.123, RNG.normal(size=(30, 30))
    ),
    "filters": lambda k: plots.filters(RNG.normal(size=(3, 3, 3, 32))),
    "feature_maps": lambda k: plots.feature_maps(IMAGES[0], MAPS),
    "parameter_counts": lambda k: plots.parameter_counts(
        ["conv2d", "flatten", "dense"], [896, 0, 524_416]
    ),
    "learning_curves": lambda k: plots.learning_curves(HISTORY),
    "one_epoch": lambda k: plots.learning_curves({key: each[:1] for key, each in HISTORY.items()}),
    "compare_curves": lambda k: plots.compare_curves(
        {f"batch normalization {n}": HISTORY for n in range(k - 1)} | {"dropout": OTHER}
    ),
    "accuracy_over_time": lambda k: plots.accuracy_over_time(
        {name: {**OTHER, "seconds": [20, 25, 30]} for name in ("final training", "sprint")}, 0.6
    ),
    "bar_scores": lambda k: plots.bar_scores({"dense baseline": 0.523, "CNN": 0.812}, classes=k),
    "class_accuracy": lambda k: plots.class_accuracy(
        labels(k), probabilities(k).argmax(axis=1), CLASS_NAMES[:k]
    ),
    "confusion_matrix": lambda k: plots.confusion_matrix(confusion(k), CLASS_NAMES[:k]),
    "confusion_rates": lambda k: plots.confusion_matrix(confusion(k), CLASS_NAMES[:k], rates=True),
    "confused_images": lambda k: plots.confused_images(
        IMAGES, labels(k), probabilities(k).argmax(axis=1), CLASS_NAMES[:k]
    ),
    "mistakes": lambda k: plots.mistakes(IMAGES, labels(k), probabilities(k), CLASS_NAMES[:k]),
    "no_mistake": lambda k: plots.mistakes(
        IMAGES, labels(k), np.eye(k)[labels(k)], CLASS_NAMES[:k]
    ),
    "predictions": lambda k: plots.predictions(
        IMAGES[: k - 1], labels(k)[: k - 1], probabilities(k)[: k - 1], CLASS_NAMES[:k]
    ),
    "confused_pairs": lambda k: plots.confused_pairs(pairs_of(k)),
    "accuracy_against": lambda k: COMPARED["parameters"](),
    "curve_grid": lambda k: COMPARED["curves"](),
    "learning_rate_search": lambda k: COMPARED["search"](),
    "score_dots": lambda k: COMPARED["dots"](),
    "class_tree": lambda k: plots.class_tree(confusion(k), CLASS_NAMES[:k]),
    "intervals": lambda k: plots.intervals(
        dict.fromkeys(CLASS_NAMES[:k], 0.7),
        {"Wilson": [(0.6, 0.75)] * k, "bootstrap": [(0.62, 0.8)] * k},
        "recall",
    ),
    "reliability": lambda k: plots.reliability(
        {
            name: calibration.reliability(labels(10), probabilities(10))
            for name in ("as trained", "temperature 1.30")
        }
    ),
    "coverage": lambda k: plots.coverage(
        {"CNN": calibration.coverage(labels(10), probabilities(10))}, 0.9
    ),
    "precision_recall": lambda k: plots.precision_recall(
        labels(k), probabilities(k), CLASS_NAMES[:k]
    ),
    "prediction_card": lambda k: plots.prediction_card(
        IMAGES[0],
        IMAGES[0, ..., 1],
        probabilities(k)[0],
        CLASS_NAMES[:k],
        method="occlusion",
        threshold=0.5,
    ),
    "heat": lambda k: plots.heat(
        IMAGES[:8],
        MAPS[..., 0][None].repeat(2, 1).repeat(2, 2).repeat(8, 0),
        [f"automobile {n}" for n in range(8)],
        title="A title " * 15,
    ),
    "image_rows": lambda k: plots.image_rows(
        dict.fromkeys(CLASS_NAMES[:k], IMAGES[:6]),
        ["original", *"12345"],
        title="Worse",
        row_label="corruption",
        column_label="strength",
    ),
    "robustness": lambda k: plots.robustness(
        {name: [0.8, 0.7, 0.6, 0.5, 0.4] for name in CLASS_NAMES[:8]}, 0.9
    ),
    "points_by_class": lambda k: plots.points_by_class(
        np.stack([labels(k), labels(k) * 7 % 10], axis=1) + RNG.normal(size=(COUNT, 2)) / 20,
        labels(k),
        CLASS_NAMES[:k],
        title="Points",
    ),
}
#: Those that look most different with fewer classes.
FEWER = ("class_counts", "class_grid", "confusion_matrix", "predictions", "prediction_card")


def test_every_figure_is_tried() -> None:
    functions = {name for name in plots.__all__ if name not in ("CourseFigure", "save", "show")}
    assert functions <= set(CALLS)


@pytest.mark.parametrize(
    ("name", "classes"), [*((name, 10) for name in CALLS), *((name, 3) for name in FEWER)]
)
def test_figure_is_complete(name: str, classes: int) -> None:
    figure = CALLS[name](classes)
    figure.footnote.set_text("CIFAR-10 · profile full · seed 0  |  CPU, 2 cores · Keras 3.15.1")
    assert figure.title
    assert re.search(r"\d.*\w{3,}|\w{3,}.*\d", figure.alt)
    assert figure.alt.endswith(".")
    for axes in figure.axes:
        # Either a frame with labelled axes, or images without ticks, or a scale of colours.
        ticks = len(axes.get_xticks()) + len(axes.get_yticks())
        labelled = axes.get_xlabel() or axes.get_ylabel() or axes.get_title()
        assert not axes.axison or labelled or (axes.images and ticks <= classes), axes

    raw = style.png(figure)
    image = Image.open(io.BytesIO(raw))
    assert image.width == 900
    assert len(raw) < 225_000  # 300 kB in a notebook
    renderer = figure.canvas.get_renderer()
    drawn = figure.get_tightbbox(renderer)  # in inches
    assert drawn.x0 >= -0.01 and drawn.y0 >= -0.01, "cut off"
    assert drawn.x1 <= figure.get_figwidth() + 0.01, "cut off"
    assert drawn.y1 <= figure.get_figheight() + 0.01, "cut off"
    top = figure._suptitle.get_window_extent(renderer).y0
    bottom = figure.footnote.get_window_extent(renderer).y1
    for axes in figure.axes:
        box = axes.get_tightbbox(renderer)
        assert box is None or bottom - 1 <= box.y0 <= box.y1 <= top + 1, "title or footnote covered"
        texts = [text.get_window_extent(renderer) for text in axes.texts if text.get_text()]
        assert all(text.count_overlaps(texts) == 1 for text in texts), "texts overlap"


def test_pyplot_and_your_settings_stay_as_they_are() -> None:
    import matplotlib.pyplot as plt  # noqa: PLC0415 - only to see that nothing is in it

    before = dict(mpl.rcParams)
    style.png(CALLS["learning_curves"](10))
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == before


def heights(axes: mpl.axes.Axes) -> list[float]:
    return [bar.get_height() for bars in axes.containers for bar in bars]


def widths(axes: mpl.axes.Axes) -> list[float]:
    return [bar.get_width() for bars in axes.containers for bar in bars]


def ticks(axes: mpl.axes.Axes, axis: str) -> list[str]:
    return [label.get_text() for label in getattr(axes, f"get_{axis}ticklabels")()]


def test_class_counts_draws_the_counts() -> None:
    splits = {"training": np.repeat([0, 1, 2], 40), "test": np.repeat([0, 1, 2], 10)}
    figure = plots.class_counts(splits, ("cat", "dog", "ship"))
    assert figure.title == "Every class has 40 training and 10 test images"
    assert heights(figure.axes[0]) == [40, 40, 40, 10, 10, 10]
    assert ticks(figure.axes[0], "x") == ["cat", "dog", "ship"]
    uneven = plots.class_counts({"training": np.repeat([0, 1], [30, 70])}, ("cat", "dog"))
    assert "cat has 30 training images, dog 70" in uneven.title
    with pytest.raises(ValueError, match="labels run from 0 to 2, but with 2"):
        plots.class_counts(splits, ("cat", "dog"))


def test_images_draws_each_image_with_its_caption() -> None:
    figure = plots.image_grid(
        IMAGES[:3], ["a", "b", "c"], title="Three", columns=2, correct=[True, False, True]
    )
    axes = figure.axes[0]
    for drawn, image in zip(axes.images, IMAGES, strict=False):
        np.testing.assert_array_equal(drawn.get_array(), image)
    left, top = axes.images[2].get_extent()[0], axes.images[2].get_extent()[3]
    assert left == 0 and top > 1  # two columns: the third begins the second row
    captions = [text.get_text().replace("\N{NO-BREAK SPACE}", " ") for text in axes.texts]
    assert captions == ["✓ a", "✗ b", "✓ c"]
    assert axes.texts[0].get_color() != axes.texts[1].get_color()
    assert "2 of 3 are marked as right" in figure.alt


def test_class_grid_has_one_row_for_each_class() -> None:
    # A image's value is its class, so that the grid can be read.
    own = np.arange(COUNT) % 3
    images = np.ones((COUNT, 8, 8, 3), np.uint8) * own[:, None, None, None].astype(np.uint8)
    figure = plots.class_grid(images, own, ("cat", "dog", "ship"), per_class=4)
    axes = figure.axes[0]
    assert [int(drawn.get_array().mean()) for drawn in axes.images] == [0] * 4 + [1] * 4 + [2] * 4
    assert ticks(axes, "y") == ["cat", "dog", "ship"]
    assert "4 random images of each of the 3 classes" in figure.title
    again = plots.class_grid(IMAGES, labels(3), ("a", "b", "c"), seed=1).axes[0].images
    same = plots.class_grid(IMAGES, labels(3), ("a", "b", "c"), seed=1).axes[0].images
    assert all((a.get_array() == b.get_array()).all() for a, b in zip(again, same, strict=True))


def test_mean_images_are_means() -> None:
    figure = plots.mean_images(IMAGES, labels(3), ("cat", "dog", "ship"))
    for label, drawn in enumerate(figure.axes[0].images):
        expected = IMAGES[labels(3) == label].mean(axis=0)
        np.testing.assert_allclose(drawn.get_array(), expected, atol=0.51)
    brightness = [IMAGES[labels(3) == label].mean() for label in range(3)]
    brightest = ("cat", "dog", "ship")[int(np.argmax(brightness))]
    assert f"{brightest} is the brightest ({max(brightness):.0f} of 255)" in figure.title


def test_image_channels_and_zoom_show_the_numbers() -> None:
    axes = plots.channels(IMAGES[0]).axes
    for channel in range(3):
        np.testing.assert_array_equal(
            axes[channel + 1].images[0].get_array(), IMAGES[0, ..., channel]
        )
    figure = plots.pixel_zoom(IMAGES[0], 3, 5, size=4, channel=1)
    part = IMAGES[0, 3:7, 5:9, 1]
    written = [int(text.get_text()) for text in figure.axes[1].texts]
    assert written == part.ravel().tolist()
    assert f"green values of 4×4 pixels, from {part.min()} to {part.max()}" in figure.title


def test_channel_histograms_draw_shares() -> None:
    figure = plots.channel_histograms(IMAGES)
    for channel in range(3):
        expected = np.histogram(IMAGES[..., channel], bins=np.arange(257))[0] / IMAGES[..., 0].size
        # Each channel draws two lines: its curve and its mean.
        np.testing.assert_allclose(figure.axes[0].lines[2 * channel].get_ydata(), expected)
        mean, deviation = IMAGES[..., channel].mean(), IMAGES[..., channel].std()
        assert f"mean {mean:.1f}, standard deviation {deviation:.1f}" in figure.alt


def test_where_there_is_no_pair_the_figure_says_so() -> None:
    none = {"left_label": "l", "right_label": "r", "distances": []}
    figure = plots.pairs(IMAGES[:0], IMAGES[:0], title="The nearest of 0 pairs", **none)
    assert figure.alt == "The nearest of 0 pairs. There is no such pair."


def test_convolution_demo_writes_the_kernel() -> None:
    result = np.linspace(-490, 499, 900).reshape(30, 30)
    figure = plots.convolution_demo(IMAGES[0, ..., 0], KERNEL, result)
    before, middle, after = figure.axes[:3]
    written = [int(text.get_text().replace("−", "-")) for text in middle.texts]
    assert written == KERNEL.ravel().tolist()
    np.testing.assert_array_equal(before.images[0].get_array(), IMAGES[0, ..., 0])
    np.testing.assert_array_equal(after.images[0].get_array(), result)
    assert figure.title == "A 3×3 kernel turns 32×32 pixels into 30×30 sums, from −490 to 499"


def test_learning_curves_draw_the_history() -> None:
    figure = plots.learning_curves(HISTORY)
    assert figure.title == (
        "Validation accuracy is best in epoch 3 (71.2 %); training accuracy ends at 94.0 %"
    )
    for axes, kind in zip(figure.axes, ("accuracy", "loss"), strict=True):
        training, validation = axes.lines[:2]
        assert training.get_xdata().tolist() == [1, 2, 3, 4]
        assert training.get_ydata().tolist() == HISTORY[kind]
        assert validation.get_ydata().tolist() == HISTORY[f"val_{kind}"]
        assert training.get_linestyle() != validation.get_linestyle()
    assert figure.axes[0].lines[3].get_xydata().tolist() == [[3, 0.712]]
    assert "loss is lowest in epoch 3 (0.90)" in figure.alt


def test_compare_curves_draws_accuracy_and_gap() -> None:
    figure = plots.compare_curves({"plain": HISTORY, "dropout": OTHER})
    left, right = figure.axes[:2]
    assert left.lines[1].get_ydata().tolist() == OTHER["val_accuracy"]
    np.testing.assert_allclose(right.lines[0].get_ydata(), [-5, 0, 8.8, 24])
    np.testing.assert_allclose(right.lines[1].get_ydata(), [-5, -5, -5])
    assert figure.title == (
        "Validation accuracy is best with plain (71.2 %); training runs ahead of it most with "
        "plain (24.0 points at the end)"
    )
    assert "dropout: best 65.0 %, last gap −5.0 points" in figure.alt


def test_accuracy_over_time_says_who_passes_the_goal_and_when() -> None:
    slow = {"val_accuracy": [0.5, 0.6, 0.7], "seconds": [60, 60, 60]}
    fast = {"val_accuracy": [0.6, 0.91, 0.92], "seconds": [30, 42, 60]}
    figure = plots.accuracy_over_time({"slow one": slow, "sprint": fast}, goal=0.9)
    axes = figure.axes[0]
    assert axes.lines[1].get_xdata().tolist() == [1, 2, 3]
    np.testing.assert_allclose(axes.lines[2].get_xdata(), [0.5, 1.2, 2.2])
    assert axes.lines[2].get_ydata().tolist() == fast["val_accuracy"]
    assert figure.title == (
        "Slow one ends at 70.0 % after 3.0 minutes; sprint passes 90.0 % after 1.2 minutes"
    )
    assert "slow one 70.0 % and sprint 92.0 %" in figure.alt


def test_bar_scores() -> None:
    scores = {"guessing": 0.1, "dense baseline": 0.523, "CNN": 0.812}
    figure = plots.bar_scores(scores)
    assert widths(figure.axes[0]) == list(scores.values())
    assert figure.title == ("CNN reaches 81.2 % accuracy, 28.9 points more than dense baseline")
    alone = plots.bar_scores({"CNN": 0.6}, classes=3)
    assert alone.title == "CNN reaches 60.0 % accuracy; guessing would reach 33.3 %"
    assert alone.axes[0].lines[0].get_xdata()[0] == pytest.approx(1 / 3)


def test_class_accuracy_is_sorted() -> None:
    true, said = np.array([0, 0, 1, 1, 1, 1]), np.array([0, 1, 1, 1, 1, 0])
    figure = plots.class_accuracy(true, said, ("cat", "dog", "ship"))
    axes = figure.axes[0]
    assert ticks(axes, "y") == ["dog", "cat", "ship"]
    assert widths(axes) == [0.75, 0.5, 0]
    assert axes.texts[2].get_text() == "no image"
    assert figure.title == (
        "Dog is easiest (75.0 % right), cat hardest (50.0 %); all classes: 66.7 %"
    )


def test_confusion_matrix_draws_counts_and_shares() -> None:
    matrix = np.array([[6, 2, 0], [1, 9, 0], [0, 0, 0]])
    figure = plots.confusion_matrix(matrix, ("cat", "dog", "ship"))
    axes = figure.axes[0]
    assert [int(text.get_text()) for text in axes.texts] == matrix.ravel().tolist()
    drawn = axes.images[0]
    assert drawn.get_array().mask.tolist() == np.eye(3, dtype=bool).tolist()
    assert drawn.get_clim() == (0, 2)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    assert figure.title == (
        "15 of 18 images are on the diagonal (83.3 %); the most frequent error is cat taken for "
        "dog, 2 times"
    )
    rates = plots.confusion_matrix(matrix, ("cat", "dog", "ship"), rates=True)
    texts = [text.get_text() for text in rates.axes[0].texts]
    assert texts == ["75.0", "25.0", "0.0", "10.0", "90.0", *4 * ["0.0"]]
    assert rates.title == (
        "25.0 % of the class cat are taken for dog: no confusion is more frequent"
    )
    drawn = rates.axes[0].images[0]
    assert drawn.get_array().mask.tolist() == np.eye(3, dtype=bool).tolist()
    assert drawn.get_clim() == (0, 0.25)
    # 1 of 2 ships is a larger share than 3 of 10 cats.
    unlike = plots.confusion_matrix([[7, 3], [1, 1]], ("cat", "ship"), rates=True)
    assert unlike.title.startswith("50.0 % of the class ship are taken for cat")
    assert plots.confusion_matrix(np.eye(2), ("a", "b"), rates=True).title == (
        "2 of 2 images are on the diagonal (100.0 %)"
    )


def test_confused_images_show_both_directions() -> None:
    true = np.array([0, 0, 0, 1, 1, 2, 2, 0])
    said = np.array([1, 1, 0, 0, 1, 1, 2, 1])
    figure = plots.confused_images(IMAGES[:8], true, said, ("cat", "dog", "ship"), count=2)
    assert figure.title == (
        "Cat taken for dog 3 times, dog taken for cat 1 times, ship taken for dog 1 times, dog "
        "taken for ship 0 times"
    )
    assert figure.alt.endswith("Rows of images: cat → dog 2, dog → cat 1 and ship → dog 1.")
    axes = figure.axes[0]
    assert ticks(axes, "y") == ["cat → dog", "dog → cat", "ship → dog"]
    white = np.full_like(IMAGES[0], 255)
    wanted = [IMAGES[0], IMAGES[1], IMAGES[3], white, IMAGES[5], white]
    for drawn, image in zip(axes.images, wanted, strict=True):
        np.testing.assert_array_equal(drawn.get_array(), image)
    right = plots.confused_images(IMAGES[:8], true, true, ("cat", "dog", "ship"))
    assert right.title == "The model made no mistake on these 8 images"


def test_mistakes_are_the_surest() -> None:
    said = probabilities(3)
    figure = plots.mistakes(IMAGES, labels(3), said, CLASS_NAMES[:3], count=2)
    chosen = evaluation.confident_mistakes(labels(3), said, 2)
    for drawn, index in zip(figure.axes[0].images, chosen, strict=True):
        np.testing.assert_array_equal(drawn.get_array(), IMAGES[index])
    words = " ".join(text.get_text() for text in figure.axes[0].texts)
    assert f"is: {CLASS_NAMES[labels(3)[chosen[0]]]}" in words
    assert f"{100 * said[chosen[1]].max():.1f} % or more" in figure.title
    assert "no mistake on these 60 images" in CALLS["no_mistake"](3).title


def test_predictions_draw_the_three_most_probable() -> None:
    said = np.array([[0.1, 0.6, 0.05, 0.25], [0.7, 0.1, 0.15, 0.05]])
    figure = plots.predictions(IMAGES[:2], np.array([3, 0]), said, ("a", "b", "c", "d"))
    np.testing.assert_array_equal(figure.axes[2].images[0].get_array(), IMAGES[1])
    assert widths(figure.axes[1]) == [0.6, 0.25, 0.1]
    assert ticks(figure.axes[1], "y") == ["b", "✓ d", "a"]
    assert figure.axes[1].get_title() == "true class: d"
    assert figure.title == "The most probable class is the true one for 1 of 2 images"


@pytest.mark.long
def test_a_notebook_stores_the_figure() -> None:
    code = """
from types import SimpleNamespace
import numpy as np
from cifar10_cnn import device, plots
device.describe = lambda: "CPU"
figure = plots.image_grid(np.zeros((2, 32, 32, 3)), title="Night")
plots.show(figure, "x", SimpleNamespace(origin=""))
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(notebook, timeout=60).execute()
    nbformat.validate(notebook)
    (output,) = notebook.cells[0].outputs
    assert output.output_type == "display_data"
    assert output.metadata == {
        "image/png": {"alt": "Night. 2 images."},
        "figure": {"name": "x"},
    }
    raw = base64.b64decode(output.data["image/png"])
    assert Image.open(io.BytesIO(raw)).width == 900


def test_names_with_dollars_and_strange_letters_are_drawn_as_they_are(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    """Matplotlib would read a formula between two dollars, and fail if it is none."""
    file = tmp_path / "a.png"
    figure = plots.bar_scores({"$x_{$": 0.5, "猫": 0.7}, classes=10)
    plots.save(figure, file, "$\\frac{$ \N{CAT FACE}")
    assert file.stat().st_size > 1000
    assert not recwarn.list
