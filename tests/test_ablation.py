"""The ablation: each component can be left out, losses by hand, what the shipped rows say."""

from pathlib import Path

import numpy as np
import official
import pandas as pd
import pytest
from rich.console import Console

from cifar10_cnn import device, models
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.data import dataset as data
from cifar10_cnn.device import keras
from cifar10_cnn.profiles import Profile
from cifar10_cnn.studies import ablate, engine
from cifar10_cnn.training import recipes

PROFILE = Profile("tiny", 60, 60, 40, 1, experiment_images=50, experiment_epochs=1, recipe_epochs=1)


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> data.Dataset:
    """Return few images, and keep what is trained in a folder of its own."""
    monkeypatch.setenv("CIFAR10_HOME", str(tmp_path))
    return data.split(official.expected(), PROFILE, "own images", "f" * 64)


def run(dataset: data.Dataset, recipe: str, *names: str) -> pd.DataFrame:
    cases = ablate.cases(recipe, names, [0])
    return ablate.rows(ablate.run(cases, dataset, PROFILE, Console(quiet=True)))


@pytest.mark.parametrize(
    ("recipe", "names"),
    [
        ("dash", ("whitening", "ReLU")),
        ("sprint", ("Muon on unit-norm kernels", "alternating flip", "progressive resizing")),
        ("standard", ()),
        ("sprint", ()),
    ],
)
@pytest.mark.long
def test_components_are_left_out_beside_the_whole(
    dataset: data.Dataset, recipe: str, names: tuple[str, ...]
) -> None:
    rows = run(dataset, recipe, *names)
    components = [each["component"] for each in ablate.cases(recipe, names, [0])]
    assert components[0] == ablate.WHOLE
    assert rows["component"].tolist() == components
    assert not names or components[1:] == list(names)
    assert (rows["recipe"] == recipe).all()
    assert (rows["precision"] == device.precision()).all()
    assert (rows["seconds"] > 0).all()
    assert rows["accuracy"].between(0, 1).all()
    assert ablate.table(rows).index.tolist() == [(recipe, name) for name in components]


@pytest.mark.long
def test_seconds_are_those_of_all_epochs(dataset: data.Dataset) -> None:
    """Building the network does not count; what lies between the epochs does."""
    (case,) = engine.missing(
        ablate.STUDY, ablate.cases("sprint", [ablate.WHOLE], [0]), dataset, PROFILE
    )
    epochs: list[float] = []
    counter = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: epochs.append(logs["seconds"])
    )
    (row,) = ablate._measure(case, [counter])
    assert sum(epochs) <= row["seconds"] < sum(epochs) + 5


@pytest.mark.parametrize("recipe", ablate.RECIPES)
def test_without_a_component_it_is_another_training(dataset: data.Dataset, recipe: str) -> None:
    cases = engine.missing(ablate.STUDY, ablate.cases(recipe, (), [0]), dataset, PROFILE)
    assert len({case.training.key() for case in cases}) == len(cases)
    assert cases[0].training.recipe == recipes.get(recipe)


def test_what_a_recipe_lacks_cannot_be_left_out() -> None:
    with pytest.raises(CourseError, match="no component of dash 'progressive resizing'"):
        ablate.cases("dash", ["progressive resizing"])
    with pytest.raises(CourseError, match="no recipe to take apart 'marathon'"):
        ablate.cases("marathon")


@pytest.mark.parametrize(("precision", "absent"), [("bf16", ["bf16"]), ("fp32", [])])
def test_bf16_is_left_out_only_where_it_is_there(
    dataset: data.Dataset, monkeypatch: pytest.MonkeyPatch, precision: str, absent: list[str]
) -> None:
    monkeypatch.setattr(device, "precision", lambda wanted=None: precision)
    cases = ablate.cases("sprint", [ablate.WHOLE, "bf16"], [0])
    assert [case["component"] for case in cases] == [ablate.WHOLE, *absent]
    jobs = engine.missing(ablate.STUDY, cases, dataset, PROFILE)
    assert [job.training.precision for job in jobs] == [precision, *["fp32" for _ in absent]]


def changed(name: str) -> tuple[keras.Model, keras.Model]:
    """Return the sprint's network, and what it is without a component."""
    model = models.build("fast_cnn")
    models.adapt(model, np.random.default_rng(0).integers(0, 256, (50, 32, 32, 3), dtype=np.uint8))
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    component = next(each for each in ablate.COMPONENTS if each.name == name)
    return model, component.network(copy)


def test_a_trained_first_layer_can_be_trained() -> None:
    whole, without = changed("whitening")
    assert len(without.trainable_weights) == len(whole.trainable_weights) + 2


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("fused batch normalization", keras.layers.BatchNormalization),
        ("memory layout for gradients", keras.layers.Conv2D),
    ],
)
def test_with_layers_of_kerass_own_it_is_the_same_network(name: str, kind: type) -> None:
    whole, without = changed(name)
    images = np.random.default_rng(1).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    assert kind in {type(layer) for layer in without.layers}
    assert kind not in {type(layer) for layer in whole.layers}
    np.testing.assert_allclose(
        whole.predict(images, verbose=0), without.predict(images, verbose=0), atol=1e-4
    )


def test_another_activation_is_in_place_of_relu() -> None:
    whole, gelu = changed("ReLU")
    assert keras.layers.ReLU not in {type(layer) for layer in gelu.layers}
    for before, after in zip(whole.get_weights(), gelu.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_losses_are_paired_by_seed_and_precision() -> None:
    rows = pd.DataFrame(
        [
            (ablate.WHOLE, "–", 0, "bf16", 0.90, 60),
            (ablate.WHOLE, "–", 1, "bf16", 0.92, 60),
            (ablate.WHOLE, "–", 2, "fp32", 0.91, 80),
            ("bf16", "fp32", 0, "bf16", 0.89, 90),
            ("bf16", "fp32", 1, "bf16", 0.90, 120),
            ("ReLU", "GELU", 0, "bf16", 0.89, 90),
            ("ReLU", "GELU", 2, "fp32", 0.88, 88),
        ],
        columns=["component", "instead", "seed", "precision", "accuracy_tta", "seconds"],
    ).assign(recipe="sprint")
    losses, table = ablate.losses(rows).loc["sprint"], ablate.table(rows).loc["sprint"]
    assert losses.index.tolist() == [
        *((ablate.WHOLE, precision) for precision in ("bf16", "fp32")),
        *(("ReLU", precision) for precision in ("bf16", "fp32")),
        ("bf16", "bf16"),
    ]
    assert losses.loc[("bf16", "bf16"), "points"] == pytest.approx([1, 2])
    assert losses.loc[("bf16", "bf16"), "times as long"] == pytest.approx(1.75)
    assert losses.loc[("ReLU", "fp32"), "points"] == pytest.approx([3])
    assert losses.loc[("ReLU", "fp32"), "times as long"] == pytest.approx(1.1)
    assert table["points lost"].tolist() == ["–", "–", "1.00", "3.00", "1.50 ± 0.71"]
    assert table["n"].tolist() == ["2", "1", "1", "1", "2"]
    with pytest.raises(ValueError, match="The whole sprint is not among the rows"):
        ablate.losses(rows[rows["component"] != ablate.WHOLE])


@pytest.fixture
def shipped() -> pd.DataFrame:
    """Return the losses of the shipped rows: measured in bf16, all on one machine."""
    return ablate.losses(ablate.rows()).droplevel("precision")


def test_what_saves_time_alone_saves_more_than_the_seconds_waver(shipped: pd.DataFrame) -> None:
    """The page on speed says so."""
    times = shipped.loc["sprint", "times as long"]
    same = times[["Dirac initialization", "alternating flip", "learning-rate decay"]]
    assert round(same.max(), 2) == 1.05
    faster = ["fused batch normalization", "memory layout for gradients", "bf16"]
    assert times[faster].min() > 1.1


def test_what_more_seeds_tell(shipped: pd.DataFrame) -> None:
    """The page on speed says so."""
    n, mean = shipped["points"].map(len), shipped["points"].map(np.mean)
    sd = shipped["points"].map(lambda points: np.std(points, ddof=1))
    error = sd / np.sqrt(n)
    dirac, flip = "Dirac initialization", "alternating flip"
    assert (n["sprint"][[dirac, flip]] == 10).all()
    assert mean["dash", dirac] > 2 * error["dash", dirac]
    assert round(mean["dash", dirac], 1) == 0.7
    assert (abs(mean["sprint"]) < error["sprint"])[[dirac, flip]].all()
    assert round(mean["standard", flip], 1) == 0.2
    assert mean["standard", flip] < sd["standard", flip]
    assert min(shipped.loc[("standard", flip), "points"]) > 0
