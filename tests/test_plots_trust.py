"""Figures on trust and on explanations: what is drawn is the data, and titles tell it."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from cifar10_cnn import plots
from cifar10_cnn.evaluation import calibration

LABELS = np.array([0, 1, 0, 1])
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


def test_intervals_of_two_methods_stand_side_by_side() -> None:
    ends = {"Wilson": [(0.55, 0.65), (0.7, 0.86)], "bootstrap": [(0.56, 0.65), (0.7, 0.88)]}
    figure = plots.intervals({"cat": 0.6, "dog": 0.8}, ends, "recall")
    assert figure.title == (
        "Each recall is known to ±5.0 to ±8.0 points; the methods differ by 2.0 at most"
    )
    axes = figure.axes[0]
    _, _, (bars,) = axes.containers[1]
    drawn = np.array([segment[:, 0] for segment in bars.get_segments()])
    assert drawn == pytest.approx(np.array([[0.7, 0.88], [0.56, 0.65]]))
    assert [each.get_text() for each in axes.get_legend().get_texts()] == list(ends)
    assert "cat 60.0 % (Wilson 55.0 % to 65.0 %, bootstrap 56.0 % to 65.0 %)" in figure.alt


def test_reliability_draws_accuracy_against_confidence() -> None:
    found = calibration.reliability(LABELS, PROBABILITIES, bins=4)
    figure = plots.reliability({"CNN": found})
    assert figure.title == "Confidence misses accuracy by 11.2 points (CNN)"
    line = figure.axes[0].lines[1]
    assert line.get_xdata() == pytest.approx([0.575, 0.85])
    assert line.get_ydata().tolist() == [0.5, 1]
    assert figure.axes[1].lines[0].get_ydata().tolist() == [2, 2]


def test_coverage_tells_how_many_may_be_answered() -> None:
    figure = plots.coverage({"CNN": calibration.coverage(LABELS, PROBABILITIES)}, goal=0.99)
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
    maps[1, 0, 0] = -0.2
    figure = plots.heat(images, maps, ["a", "b"], title="Where 2 networks look")
    for drawn, (row, column) in zip(figure.axes[0].images, [(3, 4), (12, 1)], strict=True):
        below = drawn.get_array()[17:].astype(int)
        light = below.sum(axis=-1)
        assert np.unravel_index(light.argmax(), light.shape) == (row, column)
        assert (light < light.max()).sum() == 255
    assert "a: most at 22 % of the height and 28 % of the width" in figure.alt
    with pytest.raises(ValueError, match=r"\(2, 8, 8\) do not fit"):
        plots.heat(images, maps[:, :8, :8], ["a", "b"], title="")


def test_picture_rows_stand_where_their_names_say() -> None:
    rows = {name: np.full((2, 4, 4, 3), 10 * n, np.uint8) for n, name in enumerate("abc", 1)}
    axes = plots.image_rows(
        rows, ["left", "right"], title="Six", row_label="name", column_label="side"
    ).axes[0]
    assert [int(each.get_array().mean()) for each in axes.images] == [10, 10, 20, 20, 30, 30]
    assert [each.get_text() for each in axes.get_yticklabels()] == ["a", "b", "c"]
    with pytest.raises(ValueError, match="3 columns, 2 images"):
        plots.image_rows(rows, ["a", "b", "c"], title="", row_label="", column_label="")


def test_picture_rows_may_have_captions() -> None:
    rows = {"first": np.zeros((2, 4, 4, 3), np.uint8)}
    texts = {"title": "Two", "row_label": "name", "column_label": "side"}
    figure = plots.image_rows(rows, ["left", "right"], captions=["", "cat"], **texts)
    assert "cat" in [each.get_text() for each in figure.axes[0].texts]
    assert figure.alt.endswith("Below the images: cat.")
    with pytest.raises(ValueError, match="2 images, 1 captions"):
        plots.image_rows(rows, ["left", "right"], captions=["cat"], **texts)


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


def test_classes_of_unequal_sizes_join_by_shares() -> None:
    """a and b are confused 30 times, c and d 20 times, but of a twentieth as many pictures."""
    matrix = np.array([[970, 30, 0, 0], [0, 1000, 0, 0], [0, 0, 45, 5], [0, 0, 15, 35]])
    title = plots.class_tree(matrix, ("a", "b", "c", "d")).title
    assert title == "D and c join first: 20.0 % of their images are taken for the other"


def test_an_answer_draws_the_likeliest_classes_and_the_threshold() -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[:4] = 200
    places = np.zeros((8, 8))
    places[2, 3] = 1
    odds = np.array([0.1, 0.6, 0.3])
    names = ("cat", "dog", "frog")
    figure = plots.prediction_card(picture, places, odds, names, method="Grad-CAM", threshold=0.5)
    assert figure.title == "Dog, 60.0 % sure"
    seen, counts, bars = figure.axes
    assert np.array_equal(seen.images[0].get_array(), picture)
    drawn = np.asarray(counts.images[0].get_array(), int).sum(axis=-1)
    assert np.unravel_index(drawn.argmax(), drawn.shape) == (2, 3)
    assert [bar.get_width() for bar in bars.patches] == [0.6, 0.3, 0.1]
    assert [each.get_text() for each in bars.get_yticklabels()] == ["dog", "frog", "cat"]
    assert bars.lines[0].get_xdata() == [0.5, 0.5]
    assert "dog 60.0 %, frog 30.0 % and cat 10.0 %. The threshold is 50.0 %." in figure.alt
    unsure = plots.prediction_card(picture, places, odds, names, method="occlusion", threshold=0.7)
    assert unsure.title == "Probably none of the 3: dog at most, 60.0 % sure"
    assert not plots.prediction_card(picture, places, odds, names, method="occlusion").axes[2].lines
    with pytest.raises(ValueError, match="does not fit an image"):
        plots.prediction_card(picture, places[:4], odds, names, method="occlusion")
