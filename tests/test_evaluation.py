"""Evaluation against scikit-learn, Keras and cases counted by hand."""

import keras
import numpy as np
import pytest
from sklearn import metrics

from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data.dataset import Split
from cifar10_cnn.evaluation import scores as evaluation
from cifar10_cnn.evaluation.scores import Report

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


def test_predict_images_gives_what_the_model_says_or_why_not() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    layers = [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3, "softmax")]
    model = keras.Sequential(layers, name="small")
    with pytest.raises(CourseError, match=r"small does not take .* \(4, 4, 3\): it wants .*8, 8"):
        evaluation.predict_images(model, images[:, :4, :4], NAMES)
    said = evaluation.predict_images(model, images, NAMES)
    assert said == pytest.approx(model.predict(images, verbose=0), abs=1e-6)
    with pytest.raises(CourseError, match=r"small returns \(3, 3\), not .* each of 2 classes"):
        evaluation.predict_images(model, images, NAMES[:2])


@pytest.mark.parametrize(
    ("labels", "probabilities", "names", "message"),
    [
        (LABELS[:4], PROBABILITIES, NAMES, "4 labels, 6 probabilities"),
        (LABELS[:, None], PROBABILITIES, NAMES, r"\(6, 1\)"),
        (LABELS, PROBABILITIES, NAMES[:2], "2 class names: 3 needed"),
        (LABELS + 1, PROBABILITIES, NAMES, "from 1 to 3"),
        (LABELS[:0], PROBABILITIES[:0], NAMES, r"have the shape \(0, 3\)"),
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


def test_like_classes_stand_side_by_side() -> None:
    """0 and 2 are confused most, 1 and 3 next: by hand, their distances are 0.6 and 0.8."""
    matrix = np.array([[7, 0, 3, 0], [0, 9, 0, 1], [9, 0, 11, 0], [0, 3, 0, 7]])
    joins = evaluation.similarity(matrix)
    assert joins[0, :3] == pytest.approx([0, 2, 1 - 12 / 30])
    assert joins[1, :3] == pytest.approx([1, 3, 1 - 4 / 20])
    order = evaluation.similarity_order(matrix).tolist()
    assert sorted(order) == [0, 1, 2, 3]
    assert abs(order.index(0) - order.index(2)) == abs(order.index(1) - order.index(3)) == 1
