"""What each component of a fast recipe brings: trained without it, beside the whole.

One row a training: ``precision`` of the whole recipe beside it, what is done ``instead``, its
``seconds``, and the ``accuracy`` on the validation split, 0 to 1, without and with test-time
augmentation (``accuracy_tta``): only what pays stays in a recipe.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from cifar10_cnn import device
from cifar10_cnn.common import checks
from cifar10_cnn.common.formats import mean_and_sd, percent
from cifar10_cnn.data.batches import Batches
from cifar10_cnn.data.dataset import Dataset, Split
from cifar10_cnn.device import keras
from cifar10_cnn.evaluation import scores
from cifar10_cnn.models import fast, fast_layers
from cifar10_cnn.profiles import Profile
from cifar10_cnn.studies import engine
from cifar10_cnn.studies.engine import Callbacks, Case, Names, Rows, Study
from cifar10_cnn.training import recipes, trainer
from cifar10_cnn.training.trainer import Training

#: The recipes that can be taken apart: those short enough for some seeds.
RECIPES = ("dash", "sprint", "standard")
WHOLE = "nothing"  # the component that is left out of the whole recipe

layers = keras.layers


class _FlipAtRandom(Batches):
    """Flips half of the images, drawn anew in each epoch."""

    def _draw_moves(self, rng: np.random.Generator, epoch: int) -> None:
        super()._draw_moves(rng, epoch)
        self._mirrored = rng.random(len(self._labels)) < 0.5


def _with_trained_first_layer(model: keras.Model) -> keras.Model:
    layer = next(each for each in model.layers if isinstance(each, fast_layers.Whitening))
    layer.trainable = True
    start = keras.initializers.GlorotUniform()
    layer.set_weights([start(layer.kernel.shape), np.zeros(layer.bias.shape)])
    return model


def _with_random_kernels(model: keras.Model) -> keras.Model:
    for layer in _convolutions(model):
        kernel = np.array(keras.initializers.LecunUniform()(layer.kernel.shape))
        layer.set_weights([kernel / np.linalg.norm(kernel)])
    return model


def _with_free_kernels(model: keras.Model) -> keras.Model:
    """Let the kernels have any norm; from identities of their usual norm on."""
    for layer in _convolutions(model):
        layer.kernel.constraint = None
        layer.set_weights([np.array(layer.kernel) * np.sqrt(layer.filters)])
    return model


def _convolutions(model: keras.Model) -> list[keras.layers.Layer]:
    return [layer for layer in model.layers if isinstance(layer, layers.Conv2D) and layer.trainable]


def _with_keras(kind: type, own: Any, model: keras.Model) -> keras.Model:
    """Return a copy of the model, weights included, with Keras' ``own`` layers for one kind."""

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        # Keras' layer does not know the settings that ours has beside its own.
        new = own if isinstance(layer, kind) else type(layer)
        return new(**new.get_config(layer))

    copy = keras.models.clone_model(model, clone_function=clone)
    copy.set_weights(model.get_weights())
    return copy


def _with_gelu(model: keras.Model) -> keras.Model:
    copy = fast.fast_cnn(model.output_shape[-1], activation=fast_layers.PolynomialGELU)
    copy.set_weights(model.get_weights())
    return copy


@dataclass(frozen=True)
class Component:
    """One component, and what is done ``instead`` when it is left out."""

    name: str
    instead: str
    recipe: Mapping[str, Any] = field(default_factory=dict)  # fields that change
    network: Callable[[keras.Model], keras.Model] = lambda model: model  # changes the built one
    batches: type[Batches] = Batches
    precision: device.Precision | None = None
    of: tuple[str, ...] = RECIPES  # the recipes that have it


COMPONENTS = (
    Component(WHOLE, "–"),
    Component("whitening", "a trained first layer", network=_with_trained_first_layer),
    Component("Dirac initialization", "random kernels", network=_with_random_kernels),
    Component(
        "Muon on unit-norm kernels",
        "Adam on free kernels",
        recipe={"optimizer": "adam", "learning_rate": 0.005},
        network=_with_free_kernels,
    ),
    Component("learning-rate decay", "a constant learning rate", recipe={"linear": False}),
    # The dash sees each image once: nothing alternates.
    Component("alternating flip", "random flip", batches=_FlipAtRandom, of=("sprint", "standard")),
    Component(
        "progressive resizing",
        "32 pixels, epochs of the same time",
        recipe={"sizes": (32, 32, 32), "epochs": 3},
        of=("sprint",),
    ),
    Component(
        "fused batch normalization",
        "Keras' own",
        network=partial(
            _with_keras, fast_layers.FusedBatchNormalization, layers.BatchNormalization
        ),
    ),
    Component(
        "memory layout for gradients",
        "Keras' own",
        network=partial(_with_keras, fast_layers.Convolution, layers.Conv2D),
    ),
    Component("ReLU", "GELU as a polynomial", network=_with_gelu, of=("dash", "sprint")),
    Component("bf16", "fp32", precision="fp32"),
    # No components: what the other recipes have and the sprint has not.
    Component(
        "no label smoothing", "smoothed by 0.2", recipe={"label_smoothing": 0.2}, of=("sprint",)
    ),
    Component("no shifts", "shifts up to 2 pixels", recipe={"shift": 2}, of=("sprint",)),
)
_BY_NAME = {component.name: component for component in COMPONENTS}


def cases(
    recipe: str, components: Sequence[str] = (), seeds: Sequence[int] = (0, 1, 2)
) -> list[Names]:
    """Return the trainings without some components, and of the whole recipe beside them.

    All components if none is named. One that this machine lacks, as bf16 may be, is not there to be
    left out.

    Raises:
        CourseError: if a recipe or a component of that name cannot be left out.
        ValueError: if the names are no list, or a seed is no whole number from 0 on.
    """
    checks.chosen(recipe, RECIPES, "recipe to take apart")
    of_recipe = {each.name: each for each in COMPONENTS if recipe in each.of}
    for name in checks.rows(components, "components"):
        checks.chosen(name, of_recipe, f"component of {recipe}")
    precision = device.precision()
    return [
        {"recipe": recipe, "component": each.name, "precision": precision, "seed": seed}
        for seed in [checks.count(seed, "seed", 0) for seed in seeds]
        for each in of_recipe.values()
        if (not components or each.name in {WHOLE, *components}) and each.precision != precision
    ]


def _plan(
    dataset: Dataset, profile: Profile, *, recipe: str, component: str, precision: str, seed: int
) -> Training:
    absent = _BY_NAME[checks.chosen(component, _BY_NAME, "component")]
    settings = replace(recipes.get(recipe), **absent.recipe)
    return Training(
        settings,
        settings.epochs_at(profile),
        seed,
        dataset.fingerprint,
        precision="fp32" if "fp32" in (precision, absent.precision) else "bf16",
        keep="last",
        change="" if component == WHOLE else component,
    )


def _measure(case: Case, callbacks: Callbacks) -> Rows:
    component, validation = _BY_NAME[case.names["component"]], case.dataset.validation
    starts: list[float] = []

    def network(model: keras.Model) -> keras.Model:
        changed = component.network(model)
        starts.append(time.perf_counter())
        return changed

    # Nothing is validated meanwhile: seconds are measured.
    nothing = Split(validation.images[:0], validation.labels[:0])
    model, _ = trainer.fit(
        case.training,
        replace(case.dataset, validation=nothing),
        callbacks=callbacks,
        network=network,
        batches=component.batches,
    )
    row = {"instead": component.instead, "seconds": time.perf_counter() - starts[0]}
    with device.computing_in(case.training.precision):
        plain = model.predict(validation.images, batch_size=500, verbose=0)
        views = scores.predict_tta(model, validation.images)
    for name, probabilities in (("accuracy", plain), ("accuracy_tta", views)):
        row[name] = float(np.mean(probabilities.argmax(axis=1) == validation.labels))
    return [row]


STUDY = Study("ablate", ("recipe", "component", "precision", "seed"), _plan)
run = partial(engine.run, STUDY, _measure)
rows = partial(engine.rows, "ablate")
origin = engine.origin


def losses(results: pd.DataFrame) -> pd.DataFrame:
    """Return what leaving each component out costs, beside the whole with the same seeds.

    One row a recipe, component and precision of the whole: ``accuracy`` with TTA, 0 to 1;
    ``points`` lost with each seed, a list; how many ``times as long`` it takes.
    """
    same = ["recipe", "precision", "seed"]
    whole = results[results["component"] == WHOLE].set_index(same)
    pairs = results.join(whole[["accuracy_tta", "seconds"]].add_suffix("_whole"), on=same)
    for recipe, of_recipe in pairs.groupby("recipe"):
        if of_recipe["seconds_whole"].isna().all():
            raise ValueError(f"The whole {recipe} is not among the rows: train it with `ablate`.")
    pairs["points"] = 100 * (pairs["accuracy_tta_whole"] - pairs["accuracy_tta"])
    pairs["longer"] = pairs["seconds"] / pairs["seconds_whole"]
    paired = pairs.dropna(subset="points").groupby(["recipe", "component", "precision"])
    numbers = paired.agg(
        instead=("instead", "first"),
        accuracy=("accuracy_tta", "mean"),
        points=("points", list),
        **{"times as long": ("longer", "mean")},
    )
    order = {name: place for place, name in enumerate((*RECIPES, *_BY_NAME))}
    numbers = numbers.sort_index(key=lambda level: level.map(lambda name: order.get(name, name)))
    return numbers.rename_axis(["recipe", "without", "precision"])


def table(results: pd.DataFrame) -> pd.DataFrame:
    """Return ``losses`` as text: points lost as mean ± standard deviation over n seeds."""
    numbers = losses(results).reset_index("precision")
    points = numbers["points"]
    texts = {
        "precision": numbers["precision"],
        "in its place": numbers["instead"],
        "validation accuracy (TTA)": numbers["accuracy"].map(partial(percent, digits=2)),
        "points lost": points.map(partial(mean_and_sd, form=".2f")),
        "times as long": numbers["times as long"].map("{:.2f}".format),
        "n": points.map(len).map(str),
    }
    lines = pd.DataFrame(texts)
    lines.loc[lines["in its place"] == "–", ["points lost", "times as long"]] = "–"
    return lines
