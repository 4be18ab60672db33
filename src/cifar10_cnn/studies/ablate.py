"""What each ingredient of a fast recipe buys: trained without it, beside the whole, on validation.

Only what pays stays in the recipe. All trainings make one tidy CSV, one row each.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
from rich.console import Console

from cifar10_cnn import device, models
from cifar10_cnn.common import checks, files, paths
from cifar10_cnn.data.batches import Batches
from cifar10_cnn.data.dataset import Dataset
from cifar10_cnn.device import keras
from cifar10_cnn.evaluation import scores as evaluation
from cifar10_cnn.models.fast import fast_cnn
from cifar10_cnn.models.fast_layers import (
    Convolution,
    FusedBatchNormalization,
    PolynomialGELU,
    Whitening,
)
from cifar10_cnn.profiles import Profile
from cifar10_cnn.training import recipes
from cifar10_cnn.training.recipes import Recipe

#: The recipes that can be taken apart: those short enough for some seeds.
RECIPES = ("dash", "sprint", "standard")
#: The ingredient that is left out of the whole recipe.
WHOLE = "nothing"

layers = keras.layers


class _MirroredAtRandom(Batches):
    """Mirrors half of the pictures, drawn anew in each epoch."""

    def _draw_moves(self, rng: np.random.Generator, epoch: int) -> None:
        super()._draw_moves(rng, epoch)
        self._mirrored = rng.random(len(self._labels)) < 0.5


def _with_learnt_first_layer(model: keras.Model) -> keras.Model:
    for layer in model.layers:
        if isinstance(layer, Whitening):
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
    """Let the kernels have any length; from identities of their usual length on."""
    for layer in _convolutions(model):
        layer.kernel.constraint = None
        filters = layer.kernel.shape[-1]
        layer.set_weights([np.array(layer.kernel) * np.sqrt(filters)])
    return model


def _convolutions(model: keras.Model) -> list[keras.layers.Layer]:
    return [layer for layer in model.layers if isinstance(layer, layers.Conv2D) and layer.trainable]


def _with_keras_batch_norm(model: keras.Model) -> keras.Model:
    return _exchanged(
        model, FusedBatchNormalization, lambda old: layers.BatchNormalization(**old.get_config())
    )


def _with_keras_convolutions(model: keras.Model) -> keras.Model:
    # Keras' layer does not know the settings that ours has beside its own.
    own = layers.Conv2D
    return _exchanged(model, Convolution, lambda old: own(**own.get_config(old)))


def _with_gelu(model: keras.Model) -> keras.Model:
    copy = fast_cnn(model.output_shape[-1], activation=PolynomialGELU)
    copy.set_weights(model.get_weights())
    return copy


def _exchanged(
    model: keras.Model, kind: type, new: Callable[[keras.layers.Layer], keras.layers.Layer]
) -> keras.Model:
    """Return a copy of the model, weights included, with other layers in place of some."""

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        return new(layer) if isinstance(layer, kind) else layer.__class__(**layer.get_config())

    copy = keras.models.clone_model(model, clone_function=clone)
    copy.set_weights(model.get_weights())
    return copy


@dataclass(frozen=True)
class Ingredient:
    """One ingredient, and what stands in its place when it is left out.

    Attributes:
        name: the ingredient.
        instead: what is done without it.
        recipe: fields of the recipe that change.
        network: changes the built network.
        batches: makes the training pictures.
        precision: what is computed in.
        of: the recipes that have it.
    """

    name: str
    instead: str
    recipe: Mapping[str, Any] = field(default_factory=dict)
    network: Callable[[keras.Model], keras.Model] = lambda model: model
    batches: type[Batches] = Batches
    precision: str = "auto"
    of: tuple[str, ...] = RECIPES


INGREDIENTS = (
    Ingredient(WHOLE, "–"),
    Ingredient("whitening", "a first layer that learns", network=_with_learnt_first_layer),
    Ingredient("pass-through kernels", "random ones", network=_with_random_kernels),
    Ingredient(
        "Muon on kernels of length one",
        "Adam on free kernels",
        recipe={"optimizer": "adam", "learning_rate": 0.005},
        network=_with_free_kernels,
    ),
    Ingredient("falling learning rate", "a constant one", recipe={"linear": False}),
    # The dash sees each picture once: it has no turns.
    Ingredient(
        "mirroring in turn", "at random", batches=_MirroredAtRandom, of=("sprint", "standard")
    ),
    Ingredient(
        "growing pictures",
        "32 pixels, epochs of the same time",
        recipe={"sizes": (32, 32, 32), "epochs": 3},
        of=("sprint",),
    ),
    Ingredient("batch norm in one operation", "Keras' own", network=_with_keras_batch_norm),
    Ingredient("layout for gradients", "Keras' convolutions", network=_with_keras_convolutions),
    Ingredient("ReLU", "GELU as a polynomial", network=_with_gelu, of=("dash", "sprint")),
    Ingredient("bf16", "fp32", precision="fp32"),
    # No ingredients: what the other recipes have and the sprint has not.
    Ingredient("plain labels", "smoothed by 0.2", recipe={"label_smoothing": 0.2}, of=("sprint",)),
    Ingredient(
        "pictures in place", "shifted by up to 2 pixels", recipe={"shift": 2}, of=("sprint",)
    ),
)


def ingredients(recipe: str, names: Sequence[str] = ()) -> list[Ingredient]:
    """Return the whole recipe and the ingredients to leave out of it, in their order.

    Args:
        recipe: one of ``RECIPES``.
        names: which ingredients; all if none is named.

    Raises:
        CourseError: if a recipe or an ingredient of that name cannot be left out.
        ValueError: if the names are no list.
    """
    checks.chosen(recipe, RECIPES, "recipe to take apart")
    there = {each.name: each for each in INGREDIENTS if recipe in each.of}
    for name in checks.rows(names, "names"):
        checks.chosen(name, there, f"ingredient of {recipe}")
    return [each for each in there.values() if not names or each.name in {WHOLE, *names}]


def path(profile: Profile, dataset: Dataset) -> Path:
    """Return the file that ``ablate`` writes."""
    return paths.runs_folder() / profile.name / dataset.fingerprint[:12] / "ablate.csv"


def shown_path() -> Path:
    """Return the file of the trainings that the repository shows."""
    return paths.shipped_tables() / "ablate.csv"


def ablate(
    dataset: Dataset,
    profile: Profile,
    seeds: Sequence[int],
    console: Console,
    *,
    recipe: str = "sprint",
    names: Sequence[str] = (),
) -> Path:
    """Train without each ingredient what has not been trained yet, and keep each as a row.

    An ingredient that this machine lacks, as bf16 may be, is not there to be left out. Used by the
    command ``ablate``. Nothing else should run on the machine: seconds are measured.

    Args:
        dataset: pictures to train and to validate on.
        profile: how much of them.
        seeds: one training for each.
        console: tells of every training.
        recipe: one of ``RECIPES``.
        names: which ingredients to leave out; all if none is named.

    Returns:
        The file, one row for each recipe, ingredient and seed: ``precision`` of the whole recipe
        beside it, ``seconds`` of training, and the validation ``accuracy`` (0 to 1) with one view
        and with six views (``accuracy_views``).

    Raises:
        CourseError: if a recipe or an ingredient of that name cannot be left out.
    """
    chosen = ingredients(recipe, names)
    file = path(profile, dataset)
    precision = device.precision()
    today = {name: recipes.get(name).identity() for name in RECIPES}
    rows = [
        row for row in _earlier(file) if (row.get("recipe"), row.get("settings")) in today.items()
    ]
    done = {(row["recipe"], row["ingredient"], row["seed"]) for row in rows}
    for seed in seeds:
        for ingredient in chosen:
            if (recipe, ingredient.name, seed) in done or ingredient.precision == precision:
                continue
            measured = _train(recipe, ingredient, dataset, profile, seed)
            rows.append(
                {
                    "recipe": recipe,
                    "ingredient": ingredient.name,
                    "instead": ingredient.instead,
                    "seed": seed,
                    "data": dataset.name,
                    "profile": profile.name,
                    "device": device.describe(),
                    "precision": precision,
                    "settings": today[recipe],
                    **measured,
                }
            )
            console.print(
                f"{recipe} without {ingredient.name}, seed {seed}: "
                f"{measured['accuracy_views']:.2%} in {measured['seconds']:.0f} s",
                highlight=False,
            )
            files.write(file, pd.DataFrame(rows).to_csv(index=False, lineterminator="\n"))
    return file


def _earlier(file: Path) -> list[dict[str, Any]]:
    """Return the rows that are there already; none where the file is damaged."""
    if not file.exists():
        return []
    try:
        return pd.read_csv(file).to_dict("records")
    except ValueError as error:  # pandas' own are of that kind
        print(f"{file} is damaged ({error}): it is made again.")
        return []


def load(file: Path) -> pd.DataFrame:
    """Return the rows of a file of ``ablate``."""
    return pd.read_csv(file)


def _train(
    name: str, ingredient: Ingredient, dataset: Dataset, profile: Profile, seed: int
) -> dict[str, float]:
    recipe: Recipe = replace(recipes.get(name), **ingredient.recipe)
    train, classes = dataset.train, len(dataset.class_names)
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    epochs = recipe.epochs_at(profile)
    with device.computing_in(device.precision(ingredient.precision)):
        model = models.build(recipe.model, classes)
        models.adapt(model, train.images)
        model = ingredient.network(model)
        recipe.compile(model, len(train), epochs)
        start = time.perf_counter()
        for part in recipe.parts(
            train, classes, epochs=epochs, seed=seed, model=model, batches=ingredient.batches
        ):
            model.fit(**vars(part), verbose=0)
        seconds = time.perf_counter() - start
        one = model.predict(dataset.validation.images, batch_size=500, verbose=0)
        six = evaluation.predict_tta(model, dataset.validation.images)
    right = [np.mean(each.argmax(axis=1) == dataset.validation.labels) for each in (one, six)]
    return {"seconds": seconds, "accuracy": float(right[0]), "accuracy_views": float(right[1])}


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return what leaving each ingredient out costs, beside the whole with the same seeds.

    Args:
        rows: those of ``ablate``.

    Returns:
        One row a recipe and ingredient, in their order: ``instead``; validation accuracy with six
        views, in percent; ``points`` lost, and their standard deviation ``± points``; ``n`` seeds;
        how many ``times as long`` it takes on machines whose whole recipe is in bf16, and in fp32.
    """
    columns = ("recipe", "ingredient", "seed", "instead", "precision", "accuracy_views", "seconds")
    checks.frame(rows, "rows", *columns)
    for recipe, of_recipe in rows.groupby("recipe"):
        if WHOLE not in set(of_recipe["ingredient"]):
            raise ValueError(f"The whole {recipe} is not among the rows: train it with `ablate`.")
    by_seed = rows.set_index(["recipe", "ingredient", "seed"]).sort_index()
    order = [(recipe, each.name) for recipe in RECIPES for each in INGREDIENTS]
    there = dict.fromkeys(zip(rows["recipe"], rows["ingredient"], strict=True))
    found = {}
    # What is unknown comes last.
    for recipe, name in sorted(there, key=lambda key: [*order, key].index(key)):
        whole, runs = by_seed.loc[(recipe, WHOLE)], by_seed.loc[(recipe, name)]
        lost = 100 * (whole["accuracy_views"] - runs["accuracy_views"]).dropna()
        longer = (runs["seconds"] / whole["seconds"]).groupby(runs["precision"]).mean()
        found[recipe, name] = {
            "instead": runs["instead"].iloc[0],
            "accuracy (%)": 100 * runs["accuracy_views"].mean(),
            "points": lost.mean(),
            "± points": lost.std(),
            "n": len(lost),
            **{
                f"times as long, {precision}": longer.get(precision, np.nan)
                for precision in get_args(device.Precision)
            },
        }
    return pd.DataFrame.from_dict(found, orient="index").rename_axis(["recipe", "without"])


def told(rows: pd.DataFrame) -> pd.DataFrame:
    """Return ``table`` as people read it, for the README and the command ``ablate``."""
    numbers = table(rows)
    return pd.DataFrame(
        {
            "in its place": numbers["instead"],
            "accuracy": [f"{value:.2f} %" for value in numbers["accuracy (%)"]],
            "points lost": [
                _points(lost, spread) if name != WHOLE else "–"
                for (_, name), lost, spread in zip(
                    numbers.index, numbers["points"], numbers["± points"], strict=True
                )
            ],
            "n": [str(number) for number in numbers["n"]],
            **{
                column: ["–" if np.isnan(ratio) else f"{ratio:.2f}" for ratio in numbers[column]]
                for column in numbers.filter(like="times as long")
            },
        },
        index=numbers.index,
    )


def _points(lost: float, spread: float) -> str:
    return f"{lost:+.2f}" if np.isnan(spread) else f"{lost:+.2f} ± {spread:.2f}"


def origin(rows: pd.DataFrame) -> str:
    """Return data, profile, device and what the accuracies are of, in one line."""
    checks.frame(rows, "rows", "data", "profile", "device")
    kinds = [" and ".join(rows[column].unique()) for column in ("data", "profile", "device")]
    return f"{kinds[0]} · profile {kinds[1]} · validation split, six views · {kinds[2]}"
