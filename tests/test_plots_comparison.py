"""Figures of comparison and of trust: what is drawn is worked out by hand; labels cover nothing."""

import math
import statistics
from collections.abc import Callable

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.transforms import Bbox
from sklearn.metrics import average_precision_score

from cifar10_cnn import plots
from cifar10_cnn.evaluation import calibration
from cifar10_cnn.plots import style
from cifar10_cnn.plots.style import BLUE, VERMILLION, CourseFigure

NAN = float("nan")
PARAMETERS = {
    "dense_baseline": 394_634,
    "regularized_cnn": 309_290,
    "intro_cnn": 122_570,
    "batchnorm_cnn": 382_858,
    "two_conv_cnn": 3_227_050,
    "block_cnn": 287_000,
    "strided_cnn": 181_162,
    "four_conv_cnn": 1_250_858,
    "maxnorm_cnn": 4_210_090,
}
MEANS = dict(
    zip(PARAMETERS, (0.463, 0.867, 0.675, 0.69, 0.699, 0.88, 0.633, 0.762, 0.72), strict=True)
)
MINUTES = dict(zip(PARAMETERS, (1.0, 12.3, 1.1, 5.1, 2.2, 3.3, 1.2, 5, 15), strict=True))
TOLD = {"batchnorm_cnn": 0.6591, "two_conv_cnn": 0.6804, "maxnorm_cnn": 0.7204}
SEEDS = {name: [mean - 0.004, mean, mean + 0.004] for name, mean in MEANS.items()}
#: All but one nearly at one point.
CROWD = {f"network_{n}": 100 * 1.03**n for n in range(9)}
ALIKE = {name: [0.7 + 0.002 * (n % 3)] for n, name in enumerate(CROWD)} | {"network_8": [0.3]}
#: Plain: a is cheap, b is beaten by a, c is the best, d costs most.
COSTS = {"d": 4_000_000, "a": 1000, "b": 2000, "c": 3000}
SCORES = {"d": [0.5], "a": [0.6, 0.62], "b": [0.55], "c": [0.7, 0.74, 0.75]}
HISTORY = {"accuracy": [0.4, 0.6, 0.9], "val_accuracy": [0.45, 0.6, 0.7]}
OTHER = {"accuracy": [0.3, 0.5], "val_accuracy": [0.35, 0.55]}
TRAINED = {"accuracy": [0.4, 0.6, 0.65, 0.66]}
TRIALS = {
    "sgd": [(0.1, 0.6), (0.01, 0.5), (1.0, 0.1)],
    "adam": [(0.001, 0.65), (0.0001, 0.55)],
}
OPTIMIZERS = ("sgd", "momentum", "rmsprop", "adam", "adamw", "muon")


def search(names: tuple[str, ...]) -> dict[str, list[tuple[float, float]]]:
    """Twelve trials each, from 0.00003 to 0.3."""
    rates = 10 ** np.linspace(-4.5, -0.5, 12)
    return {
        name: [(rate, 0.65 - 0.03 * abs(np.log10(rate) + 3.5 - n / 2)) for rate in rates]
        for n, name in enumerate(names)
    }


CALLS: dict[str, Callable[[], CourseFigure]] = {
    "parameters": lambda: plots.accuracy_against(PARAMETERS, SEEDS, "parameters", TOLD),
    "crowd": lambda: plots.accuracy_against(CROWD, ALIKE, "parameters"),
    "one network": lambda: plots.accuracy_against({"a": 5}, {"a": [0.5]}, "parameters"),
    "curves": lambda: plots.curve_grid({name: [HISTORY, OTHER] for name in PARAMETERS}, TOLD),
    "search": lambda: plots.learning_rate_search(search(OPTIMIZERS[:3])),
    "dots": lambda: plots.score_dots(SEEDS, ("as published, by somebody else", 0.88)),
}


def centre(text: mpl.text.Text) -> np.ndarray:
    box = text.get_window_extent()
    return (box.min + box.max) / 2


@pytest.mark.parametrize("name", ["parameters", "crowd", "search"])
def test_labels_cover_no_point_and_stay_inside(name: str) -> None:
    figure = CALLS[name]()
    figure.canvas.draw()
    for axes in figure.axes:
        for text in axes.texts:
            box = text.get_window_extent()
            assert axes.bbox.contains(*box.min) and axes.bbox.contains(*box.max)
            for line in axes.lines:
                if line.get_marker() not in ("None", "_"):
                    half = line.get_markersize() / 2 * 100 / 72
                    points = line.get_transform().transform(line.get_xydata())
                    marks = [Bbox([point - half, point + half]) for point in points]
                    assert not box.count_overlaps(marks), text.get_text()


def test_a_label_far_from_its_point_has_a_line_to_it() -> None:
    figure = CALLS["crowd"]()
    figure.canvas.draw()
    axes = figure.axes[0]
    leaders = [line for line in axes.lines if line.get_color() == style.QUIET_TEXT]
    far = []
    for text in axes.texts:
        point, box = axes.transData.transform(text.xy), text.get_window_extent()
        if math.dist(point, np.clip(point, box.min, box.max)) > 1.2 * 8 * 100 / 72 + 1:
            far.append(text.xy)
    starts = [tuple(line.get_xydata()[0]) for line in leaders]
    assert far
    np.testing.assert_allclose(sorted(starts), sorted(far))
    again = CALLS["crowd"]().axes[0].texts
    assert [text.get_position() for text in again] == [text.get_position() for text in axes.texts]


def marked(axes: mpl.axes.Axes, marker: str) -> list[tuple[float, float]]:
    """The points drawn with a marker, from left to right."""
    lines = [line for line in axes.lines if line.get_marker() == marker]
    return sorted((float(x), float(y)) for line in lines for x, y in line.get_xydata())


def test_accuracy_against_draws_means_spread_and_front() -> None:
    figure = plots.accuracy_against(COSTS, SCORES, "parameters", {"b": 0.5, "elsewhere": 7})
    axes = figure.axes[0]
    # No other is as cheap as a, or as good as c.
    assert marked(axes, "D") == [(1000, pytest.approx(0.61)), (3000, pytest.approx(0.73))]
    assert marked(axes, "o") == [(2000, 0.5), (2000, 0.55), (4_000_000, 0.5)]
    a, c = statistics.stdev(SCORES["a"]), statistics.stdev(SCORES["c"])
    ends = [y for _, y in marked(axes, "_")]
    assert ends == pytest.approx([0.61 - a, 0.61 + a, 0.73 - c, 0.73 + c])
    hollow = [line for line in axes.lines if line.get_fillstyle() == "none"]
    assert [tuple(line.get_xydata()[0]) for line in hollow] == [(2000, 0.5)]
    joint = [line for line in axes.lines if line.get_color() == VERMILLION and line not in hollow]
    assert joint[0].get_xydata().tolist() == [[2000, 0.55], [2000, 0.5]]
    steps = next(line for line in axes.lines if len(line.get_xdata()) == 4)
    np.testing.assert_allclose(steps.get_xdata(), [1000, 3000, 3000, axes.get_xlim()[1]])
    np.testing.assert_allclose(steps.get_ydata(), [0.61, 0.61, 0.73, 0.73])
    bold = {text.get_text() for text in axes.texts if text.get_weight() == "bold"}
    assert bold == {"a", "c"}
    assert axes.get_xscale() == "log"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("parameters (logarithmic)", "test accuracy")


def test_accuracy_against_tells_the_finding() -> None:
    figure = plots.accuracy_against(COSTS, SCORES, "parameters", {"b": 0.5})
    assert figure.title == (
        "c reaches 73.0 % with 3,000 parameters; d reaches 50.0 % with 4,000,000 parameters"
    )
    assert figure.alt == (
        "Points of test accuracy against parameters, the cheapest network first: a 1,000 "
        "parameters, 61.0 % ± 1.4 (2 seeds); b 2,000 parameters, 55.0 % (1 seed), published "
        "50.0 %; c 3,000 parameters, 73.0 % ± 2.6 (3 seeds); d 4,000,000 parameters, 50.0 % "
        "(1 seed). No other network is as cheap and as good as a and c."
    )
    dear = plots.accuracy_against({"a": 1, "b": 2.5}, {"a": [0.5], "b": [0.6]}, "minutes")
    assert dear.title == ("b reaches 60.0 % with 2.5 minutes; a reaches 50.0 % with 1 minutes")
    assert CALLS["one network"]().title == "a reaches 50.0 % with 5 parameters"


def test_curve_grid_draws_every_seed() -> None:
    figure = plots.curve_grid({"one": [HISTORY, OTHER], "two": [TRAINED]}, {"two": 0.68})
    second, first, _ = figure.axes  # the most accurate first
    assert [axes.get_title() for axes in (first, second)] == ["one", "two"]
    expected = [HISTORY["accuracy"], HISTORY["val_accuracy"], *OTHER.values()]
    assert [list(line.get_ydata()) for line in first.lines] == expected
    assert [line.get_color() for line in first.lines] == [VERMILLION, BLUE, VERMILLION, BLUE]
    assert [line.is_dashed() for line in first.lines] == [False, True, False, True]
    assert list(first.lines[0].get_xdata()) == [1, 2, 3]
    training, told = second.lines
    assert list(training.get_ydata()) == TRAINED["accuracy"]
    assert list(told.get_ydata()) == [0.68, 0.68]
    assert told.get_linestyle() == ":"
    assert first.get_ylim() == second.get_ylim()
    assert (first.get_xlim(), second.get_xlim()) == ((0.5, 3.5), (0.5, 4.5))
    legend = figure.axes[-1].get_legend().get_texts()
    assert [text.get_text() for text in legend] == [
        "training",
        "validation",
        "published test accuracy",
    ]


def test_curve_grid_tells_who_overfits() -> None:
    figure = plots.curve_grid(
        {"over": [HISTORY, OTHER], "under": [OTHER], "trained": [TRAINED]}, {"under": 0.6}
    )
    # The gaps at the end: 0.9 − 0.7 and 0.5 − 0.55, in the mean 0.075; 0.5 − 0.55.
    assert figure.title == (
        "Training accuracy ends above validation accuracy in 1 of 2 networks; the gap is widest in "
        "over (7.5 points)"
    )
    assert figure.alt == (
        "Accuracy by epoch, a panel for each network, the most accurate first. At the end, mean "
        "over the seeds: trained (1 seed): training 66.0 %, no validation; over (2 seeds): "
        "training 70.0 %, validation 62.5 %; under (1 seed): training 50.0 %, validation 55.0 %, "
        "published 60.0 %."
    )
    none = plots.curve_grid({"a": [OTHER], "b": [OTHER]})
    assert none.title == (
        "Training accuracy ends above validation accuracy in none of 2 networks; the gap is widest "
        "in a (−5.0 points)"
    )
    one = plots.curve_grid({"a": [OTHER]})
    assert one.title == (
        "Training accuracy ends above validation accuracy in none of 1 networks; the gap is widest "
        "in a (−5.0 points)"
    )
    blind = plots.curve_grid({"a": [TRAINED], "b": [{"accuracy": [0.5]}]})
    assert blind.title == "Training accuracy ends between 50.0 % (b) and 66.0 % (a)"
    assert len(blind.axes[-1].get_legend().get_texts()) == 1


def test_learning_rate_search_rings_the_best() -> None:
    figure = plots.learning_rate_search(TRIALS)
    sgd, adam = figure.axes
    assert sgd.lines[0].get_xydata().tolist() == [[0.01, 0.5], [0.1, 0.6], [1, 0.1]]
    assert sgd.lines[1].get_xydata().tolist() == [[0.1, 0.6]]
    assert sgd.lines[1].get_fillstyle() == "none"
    assert adam.lines[1].get_xydata().tolist() == [[0.001, 0.65]]
    texts = [axes.texts[0].get_text().replace(style.NBSP, " ") for axes in figure.axes]
    assert texts == ["0.1: 60.0 %", "0.001: 65.0 %"]
    assert [axes.get_title() for axes in figure.axes] == ["sgd", "adam"]
    assert sgd.get_xscale() == "log"
    assert sgd.get_ylim() == adam.get_ylim()
    assert figure.title == (
        "adam validates best (65.0 % with learning rate 0.001); the best rates span 2.0 powers of "
        "ten, from 0.001 (adam) to 0.1 (sgd)"
    )
    assert figure.alt == (
        "Validation accuracy by learning rate, a panel for each optimizer: sgd, 3 trials from "
        "0.01 to 1, best 60.0 % with 0.1; adam, 2 trials from 0.0001 to 0.001, best 65.0 % with "
        "0.001."
    )
    one = plots.learning_rate_search({"adam": [(0.000052, 0.5)]})
    assert one.title == "adam validates best (50.0 % with learning rate 0.000052)"


def test_score_dots_are_sorted_by_mean() -> None:
    scores = {"low": [0.5, 0.52], "best": [0.7, 0.72], "next": [0.66, 0.7]}
    figure = plots.score_dots(scores, ("as published", 0.63), "accuracy")
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["best", "next", "low"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first row is on top
    assert marked(axes, "o") == [(0.5, 2), (0.52, 2), (0.66, 1), (0.7, 0), (0.7, 1), (0.72, 0)]
    means = [
        (statistics.mean(scores[name]), row) for name, row in zip(scores, (2, 0, 1), strict=True)
    ]
    assert marked(axes, "D") == [(pytest.approx(mean), row) for mean, row in sorted(means)]
    written = [text.get_text().replace(style.NBSP, " ") for text in axes.texts]
    assert written == ["71.0 %", "68.0 %", "51.0 %", "as published: 63.0 %"]
    assert [text.get_position()[1] for text in axes.texts[:3]] == [0, 1, 2]
    line = next(line for line in axes.lines if line.get_color() == VERMILLION)
    assert list(line.get_xdata()) == [0.63, 0.63]
    # Above the rows, so that it covers none.
    figure.canvas.draw()
    assert axes.texts[3].get_window_extent().y0 >= axes.bbox.y1
    legend = figure.axes[1].get_legend().get_texts()
    assert [text.get_text() for text in legend] == ["one seed (n = 2 each)", "mean"]
    # Standard deviations: 1.4 points (best), 2.8 (next); the lead, 3.0, is larger than both.
    assert figure.title == (
        "best reaches 71.0 % accuracy, 3.0 points more than next and 20.0 more than low; its lead "
        "is larger than the standard deviation over seeds (2.8 points)"
    )
    assert figure.alt == (
        "Dots of accuracy for each seed, the best mean first: best 71.0 % ± 1.4 (2 seeds); next "
        "68.0 % ± 2.8 (2 seeds); low 51.0 % ± 1.4 (2 seeds). A line marks as published, 63.0 %."
    )


TRUE = np.array([0, 1, 0, 1])
PROBABILITIES = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.45, 0.55]])


def test_intervals_are_drawn_around_the_shares() -> None:
    shares, wilson = {"cat": 0.6, "dog": 0.8}, [(0.55, 0.65), (0.7, 0.86)]
    figure = plots.intervals(shares, {"Wilson": wilson}, "recall")
    assert figure.title == "Each recall is known to ±5.0 to ±8.0 points"
    axes = figure.axes[0]
    assert [each.get_text() for each in axes.get_yticklabels()] == ["dog", "cat"]
    dots, _, (bars,) = axes.containers[0]
    assert dots.get_xdata().tolist() == [0.8, 0.6]
    ends = np.array([segment[:, 0] for segment in bars.get_segments()])
    assert ends == pytest.approx(np.array([[0.7, 0.86], [0.55, 0.65]]))
    assert "dog 80.0 % (Wilson 70.0 % to 86.0 %) and cat 60.0 %" in figure.alt
    with pytest.raises(ValueError, match="Each recall must lie between"):
        plots.intervals({"cat": 0.6}, {"Wilson": [(0.61, 0.7)]}, "recall")


def test_reliability_draws_accuracy_against_confidence() -> None:
    found = calibration.reliability(TRUE, PROBABILITIES, bins=4)
    figure = plots.reliability({"CNN": found})
    assert figure.title == "Confidence misses accuracy by 11.2 points (CNN)"
    line = figure.axes[0].lines[1]
    assert line.get_xdata() == pytest.approx([0.575, 0.85])
    assert line.get_ydata().tolist() == [0.5, 1]
    assert figure.axes[1].lines[0].get_ydata().tolist() == [2, 2]


def test_coverage_tells_how_many_may_be_answered() -> None:
    figure = plots.coverage({"CNN": calibration.coverage(TRUE, PROBABILITIES)}, goal=0.99)
    assert figure.title == "To be 99.0 % right, CNN may classify 50.0 % of the images"
    assert figure.axes[0].lines[1].get_ydata() == pytest.approx([1, 1, 2 / 3, 3 / 4])


def test_precision_recall_tells_scikit_learns_means() -> None:
    rng = np.random.default_rng(0)
    labels, odds = np.arange(90) % 3, rng.random((90, 3))
    odds[np.arange(90), labels] += 0.4
    odds /= odds.sum(axis=1, keepdims=True)
    figure = plots.precision_recall(labels, odds, ("cat", "dog", "ship"))
    means = [average_precision_score(labels == n, odds[:, n]) for n in range(3)]
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert sorted(texts) == sorted(
        f"{name} {100 * mean:.1f}\N{NO-BREAK SPACE}%"
        for name, mean in zip(("cat", "dog", "ship"), means, strict=True)
    )
    with pytest.raises(ValueError, match="no image of class 2"):
        plots.precision_recall(np.zeros(90, int) + (np.arange(90) % 2), odds, ("a", "b", "c"))


def test_heat_is_strongest_where_the_map_is() -> None:
    images = np.full((2, 16, 16, 3), 100, np.uint8)
    maps = np.zeros((2, 16, 16))
    maps[0, 3, 4], maps[1, 12, 1] = 2.0, 0.5
    maps[1, 0, 0] = -9
    figure = plots.heat(images, maps, ["a", "b"], title="Where 2 networks look")
    for drawn, (row, column) in zip(figure.axes[0].images, [(3, 4), (12, 1)], strict=True):
        below = drawn.get_array()[17:].astype(int)
        light = below[..., 0]  # yellow is red and green; blue takes red away
        assert np.unravel_index(light.argmax(), light.shape) == (row, column)
        assert (light < light.max()).sum() == 255
    assert "a: most at 22 % of the height and 28 % of the width" in figure.alt
    with pytest.raises(ValueError, match=r"\(2, 8, 8\) do not fit"):
        plots.heat(images, maps[:, :8, :8], ["a", "b"], title="")


def test_image_rows_stand_where_their_names_say() -> None:
    rows = {name: np.full((2, 4, 4, 3), 10 * n, np.uint8) for n, name in enumerate("abc", 1)}
    axes = plots.image_rows(
        rows, ["left", "right"], title="Six", row_label="name", column_label="side"
    ).axes[0]
    assert [int(each.get_array().mean()) for each in axes.images] == [10, 10, 20, 20, 30, 30]
    assert [each.get_text() for each in axes.get_yticklabels()] == ["a", "b", "c"]
    with pytest.raises(ValueError, match=r"plots\.image_rows cannot draw this"):
        plots.image_rows(rows, ["a", "b", "c"], title="", row_label="", column_label="")


def test_robustness_draws_each_curve_and_names_worst_and_least() -> None:
    figure = plots.robustness({"noise": [0.7, 0.4], "blur": [0.8, 0.75]}, clean=0.85)
    assert figure.title == "At strength 2 noise costs 45.0 points, blur 10.0"
    assert figure.axes[0].lines[1].get_ydata().tolist() == [0.7, 0.4]
    assert figure.axes[1].get_title() == "blur"


def test_points_stand_with_their_class() -> None:
    points = np.array([[0, 0], [0.2, 0], [5, 5], [5.2, 5]])
    figure = plots.points_by_class(points, np.array([0, 0, 1, 1]), ("cat", "dog"), title="Two 2s")
    cats, dogs = figure.axes[0].collections
    assert cats.get_offsets().tolist() == points[:2].tolist()
    assert dogs.get_offsets().tolist() == points[2:].tolist()
    assert cats.get_facecolor().tolist() != dogs.get_facecolor().tolist()


def test_classes_join_by_how_often_they_are_confused() -> None:
    """By hand: a and b share (20 + 10) / 200, c and d (4 + 0) / 200; all others 1 / 200."""
    matrix = np.array([[78, 20, 1, 1], [10, 88, 1, 1], [0, 0, 96, 4], [0, 0, 0, 100]])
    figure = plots.class_tree(matrix, ("a", "b", "c", "d"))
    assert figure.title == "A and b join first: 15.0 % of their images are taken for the other"
    joins = sorted(line.get_xdata()[1] for line in figure.axes[0].lines)
    assert joins == pytest.approx([(1 + 1 + 1 + 1) / 4 / 200, 0.02, 0.15])
    leaves = [each.get_text() for each in figure.axes[0].get_yticklabels()]
    assert {frozenset(leaves[:2]), frozenset(leaves[2:])} == {frozenset("ab"), frozenset("cd")}
    with pytest.raises(ValueError, match="number of classes must be a whole number from 2"):
        plots.class_tree(np.array([[5]]), ("a",))


def test_an_answer_draws_the_likeliest_classes_and_the_threshold() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    image[:4] = 200
    places = np.zeros((8, 8))
    places[2, 3] = 1
    odds = np.array([0.1, 0.6, 0.3])
    names = ("cat", "dog", "frog")
    figure = plots.prediction_card(image, places, odds, names, method="Grad-CAM", threshold=0.5)
    assert figure.title == "Dog, 60.0 % sure"
    seen, counts, bars = figure.axes
    assert np.array_equal(seen.images[0].get_array(), image)
    drawn = np.asarray(counts.images[0].get_array(), int).sum(axis=-1)
    assert np.unravel_index(drawn.argmax(), drawn.shape) == (2, 3)
    assert [bar.get_width() for bar in bars.patches] == [0.6, 0.3, 0.1]
    assert [each.get_text() for each in bars.get_yticklabels()] == ["dog", "frog", "cat"]
    assert bars.lines[0].get_xdata() == [0.5, 0.5]
    assert "dog 60.0 %, frog 30.0 % and cat 10.0 %. The threshold is 50.0 %." in figure.alt
    unsure = plots.prediction_card(image, places, odds, names, method="occlusion", threshold=0.7)
    assert unsure.title == "Probably none of the 3: dog at most, 60.0 % sure"
    assert not plots.prediction_card(image, places, odds, names, method="occlusion").axes[2].lines
    with pytest.raises(ValueError, match="does not fit an image"):
        plots.prediction_card(image, places[:4], odds, names, method="occlusion")
