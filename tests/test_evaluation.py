"""Evaluation against scikit-learn, Keras and cases counted by hand."""

import keras
import numpy as np
import pytest
from sklearn import metrics

from cifar10_cnn import evaluation
from cifar10_cnn.data import Split
from cifar10_cnn.evaluation import Report

NAMES = ("cat", "dog", "ship")
LABELS = np.array([0, 0, 0, 1, 1, 2])
PREDICTIONS = np.array([0, 1, 1, 0, 1, 2])
#: Probabilities that lead to PREDICTIONS, by hand.
PROBABILITIES = np.array(
    [
        [0.8, 0.1, 0.1],
        [0.1, 0.7, 0.2],
        [0.05, 0.9, 0.05],
        [0.6, 0.3, 0.1],
        [0.2, 0.5, 0.3],
        [0.0, 0.1, 0.9],
    ]
)
#: Row: true class, column: predicted class; counted by hand.
CONFUSION = np.array([[1, 2, 0], [1, 1, 0], [0, 0, 1]])


@pytest.fixture(scope="module")
def report() -> Report:
    return Report.from_probabilities(LABELS, PROBABILITIES, NAMES)


def test_report_holds_what_was_counted_by_hand(report: Report) -> None:
    assert report.accuracy == pytest.approx(3 / 6)
    assert report.loss == pytest.approx(-np.log([0.8, 0.1, 0.05, 0.3, 0.5, 0.9]).mean())
    assert report.predictions.tolist() == PREDICTIONS.tolist()
    assert report.confusion.tolist() == CONFUSION.tolist()
    assert report.class_names == NAMES


def test_text_is_the_classification_report(report: Report) -> None:
    expected = metrics.classification_report(LABELS, PREDICTIONS, target_names=NAMES, digits=3)
    assert report.text() == expected


def test_report_keeps_classes_that_do_not_occur() -> None:
    report = Report.from_probabilities(LABELS[:5], PROBABILITIES[:5], NAMES)
    assert report.confusion.tolist() == [[1, 2, 0], [1, 1, 0], [0, 0, 0]]
    assert "ship" in report.text()


@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_evaluate_gives_what_keras_gives(scale: float) -> None:
    """Also for an overconfident model, whose wrong answers cost more than 16 nats each."""
    rng = np.random.default_rng(0)
    split = Split(rng.integers(0, 256, (40, 8, 8, 3), dtype=np.uint8), rng.integers(0, 3, 40))
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Rescaling(scale / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    loss, accuracy = model.evaluate(split.images, split.labels, verbose=0)
    report = evaluation.evaluate(model, split, NAMES)
    assert report.loss == pytest.approx(loss, rel=1e-4)
    assert report.accuracy == pytest.approx(accuracy)
    if scale > 1:
        assert report.probabilities.min() < 1e-7
    assert report.probabilities.shape == (40, 3)


@pytest.mark.parametrize(
    ("labels", "probabilities", "names", "message"),
    [
        (LABELS[:4], PROBABILITIES, NAMES, "4 labels, 6 probabilities"),
        (LABELS[:, None], PROBABILITIES, NAMES, r"\(6, 1\)"),
        (LABELS, PROBABILITIES, NAMES[:2], "2 class names: 3 needed"),
        (LABELS + 1, PROBABILITIES, NAMES, "from 1 to 3"),
        (LABELS[:0], PROBABILITIES[:0], NAMES, "no probabilities"),
    ],
)
def test_report_refuses_what_does_not_fit(
    labels: np.ndarray, probabilities: np.ndarray, names: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Report.from_probabilities(labels, probabilities, names)


def test_class_accuracy() -> None:
    shares = evaluation.class_accuracy(LABELS, PREDICTIONS, 4)
    assert shares[:3] == pytest.approx([1 / 3, 1 / 2, 1])
    assert np.isnan(shares[3])


def test_class_accuracy_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="6 labels, 5 predictions"):
        evaluation.class_accuracy(LABELS, PREDICTIONS[:5], 3)
    with pytest.raises(ValueError, match="predictions run from 0 to 7"):
        evaluation.class_accuracy(LABELS, np.append(PREDICTIONS[:5], 7), 3)


def test_confident_mistakes() -> None:
    assert evaluation.confident_mistakes(LABELS, PROBABILITIES, 2).tolist() == [2, 1]
    assert evaluation.confident_mistakes(LABELS, PROBABILITIES, 99).tolist() == [2, 1, 3]
    assert not len(evaluation.confident_mistakes(PREDICTIONS, PROBABILITIES, 5))
    with pytest.raises(ValueError, match="3 labels, 6 prob"):
        evaluation.confident_mistakes(LABELS[:3], PROBABILITIES, 5)


def test_confused_pairs() -> None:
    assert evaluation.confused_pairs(CONFUSION, NAMES) == [
        ("cat", "dog", 2, pytest.approx(2 / 3)),
        ("dog", "cat", 1, pytest.approx(1 / 2)),
    ]
    assert evaluation.confused_pairs(CONFUSION, NAMES, count=1)[0][:3] == ("cat", "dog", 2)
    both = evaluation.confused_pairs(CONFUSION, NAMES, symmetric=True)
    assert both == [("cat", "dog", 3, pytest.approx(3 / 5))]


def test_confused_pairs_counts_equal_directions_once() -> None:
    matrix = np.array([[5, 2, 0], [2, 4, 3], [1, 4, 9]])
    pairs = evaluation.confused_pairs(matrix, NAMES, symmetric=True)
    assert [pair[:3] for pair in pairs] == [
        ("ship", "dog", 7),
        ("cat", "dog", 4),
        ("ship", "cat", 1),
    ]


def test_confused_pairs_refuses_another_shape() -> None:
    with pytest.raises(ValueError, match="2 class names: 3 needed"):
        evaluation.confused_pairs(CONFUSION, NAMES[:2])


def test_near_duplicates_finds_planted_copies() -> None:
    rng = np.random.default_rng(1)
    images = rng.integers(0, 226, (200, 4, 4, 3), dtype=np.uint8).repeat(8, 1).repeat(8, 2)
    images[150] = images[20]
    images[30] = images[90] + 10  # a brighter copy: every value differs by 10
    images[60] = images[7]
    images[60, 0, 0] = 255 - images[7, 0, 0]
    pairs = evaluation.near_duplicates(images, 3)
    assert [pair[:2] for pair in pairs] == [(20, 150), (7, 60), (30, 90)]
    assert pairs[0][2] == 0
    assert pairs[2][2] == pytest.approx(10)


def test_near_duplicates_survives_empty_and_few_pictures() -> None:
    images = np.zeros((3, 8, 8, 3), np.uint8)
    images[2, ::2] = 200
    assert evaluation.near_duplicates(images, 5)[0] == (0, 1, 0.0)
    with pytest.raises(ValueError, match=r"\(1, 8, 8, 3\)"):
        evaluation.near_duplicates(np.zeros((1, 8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match=r"\(5, 10, 10, 3\)"):
        evaluation.near_duplicates(np.zeros((5, 10, 10, 3), np.uint8))


def test_odd_pictures_finds_the_extremes() -> None:
    images = np.random.default_rng(0).integers(60, 190, (7, 8, 8, 3), dtype=np.uint8)
    images[1] //= 8
    images[2] = 255 - images[2] // 8
    images[3] = (100, 120, 140)  # one colour everywhere
    images[4, :, :4], images[4, :, 4:] = 0, 255
    images[5] = (200, 20, 100)
    images[5, ::2] += 20
    images[6] = images[6, ..., :1]  # grey
    images[4, 0, 0] = (0, 9, 0)  # not quite grey
    images[4] ^= np.array([0, 0, 3], dtype=np.uint8)
    odd = evaluation.odd_pictures(images)
    assert odd == {
        "darkest": 1,
        "brightest": 2,
        "least contrast": 3,
        "most contrast": 4,
        "least colourful": 6,
        "most colourful": 5,
    }
    with pytest.raises(ValueError, match=r"\(8, 8, 3\)"):
        evaluation.odd_pictures(images[0])
    with pytest.raises(ValueError, match="no images"):
        evaluation.odd_pictures(images[:0])


def test_twins_are_found_across_splits_and_strangers_are_not() -> None:
    rng = np.random.default_rng(5)
    others = rng.integers(0, 256, (60, 16, 16, 3), dtype=np.uint8)
    images = rng.integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    images[1] = others[33]
    images[4] = np.clip(others[7] + rng.integers(-9, 10, others[7].shape), 0, 255)
    first, second = evaluation.twins(images, others)
    assert first == (1, 33, 0.0)
    assert second[:2] == (4, 7)
    difference = images[4].astype(float) - others[7]
    assert second[2] == pytest.approx(np.sqrt((difference**2).mean()))
    assert evaluation.twins(images, others, farthest=1.0) == [first]
    with pytest.raises(ValueError, match=r"\(16, 16, 3\) and of \(8, 8, 3\)"):
        evaluation.twins(images, others[:, :8, :8])


def test_like_classes_stand_side_by_side() -> None:
    """0 and 2 are confused most, 1 and 3 next: by hand, their distances are 0.6 and 0.8."""
    matrix = np.array([[7, 0, 3, 0], [0, 9, 0, 1], [9, 0, 11, 0], [0, 3, 0, 7]])
    joins = evaluation.likeness(matrix)
    assert joins[0, :3] == pytest.approx([0, 2, 1 - 12 / 30])
    assert joins[1, :3] == pytest.approx([1, 3, 1 - 4 / 20])
    order = evaluation.likeness_order(matrix).tolist()
    assert sorted(order) == [0, 1, 2, 3]
    assert abs(order.index(0) - order.index(2)) == abs(order.index(1) - order.index(3)) == 1
