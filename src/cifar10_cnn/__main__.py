"""The command line: ``python -m cifar10_cnn``. Each command is a thin door to one module."""
# ruff: noqa: PLC0415 - modules that load Keras, Jupyter or scikit-learn are imported by the command
# that needs them: --help shall not take seconds.

import os
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from cifar10_cnn import __version__, profiles
from cifar10_cnn.common import settings
from cifar10_cnn.common.errors import CourseError


class _PlainErrors(TyperGroup):
    """Shows a user's mistake as one red message and an interrupt as exit code 130."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CourseError as error:
            text, code = str(error), 1
        except MemoryError as error:
            text = f"The memory is full ({error}): close other programs, or take a smaller profile."
            text, code = f"{text} A training that has begun goes on from its last epoch.", 1
        except KeyboardInterrupt as error:
            text, code = str(error) or "Interrupted.", 130
        errors = Console(stderr=True, style="red", soft_wrap=True)
        errors.print(text, highlight=False, markup=False)
        raise typer.Exit(code)


app = typer.Typer(
    cls=_PlainErrors,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="CIFAR-10 with convolutional networks, from load to evaluate: run the course, look after "
    "its data, train and evaluate its models.",
)
data_app = typer.Typer(no_args_is_help=True, help="Get CIFAR-10 and look at what is there.")
app.add_typer(data_app, name="data")

_option = partial(typer.Option, show_default=False)
_SIZES = f"How much to run: {', '.join(profiles.names())}. Default: CIFAR10_PROFILE, else quick."
_SOURCES = "auto, cifar10, practice, or a path of images. Default: CIFAR10_DATA, else auto."
_PRECISIONS = "auto, bf16 or fp32. Default: CIFAR10_PRECISION, else auto: bf16 where it is faster."
Profile = Annotated[str | None, _option(help=_SIZES)]
Data = Annotated[str | None, _option(help=_SOURCES)]
Names = Annotated[str | None, _option(help="Names, comma between them; all if none is named.")]
Seeds = Annotated[str, typer.Option(help="Seeds, comma between them.")]
Ship = Annotated[bool, _option("--ship", help="Let the repository show it.")]
Resume = Annotated[bool, _option("--resume", help="Skip what has finished and has not changed.")]
_NOTEBOOKS = "Such as 01 or 04_train; all in order if none is named."
Notebooks = Annotated[list[str] | None, typer.Argument(help=_NOTEBOOKS)]
_MODEL = "A .keras file that takes pixels of 0 to 255; by default notebook 04's or the shipped one."


@app.callback(invoke_without_command=True)
def main(version: Annotated[bool, _option("--version", help="Show the version.")] = False) -> None:
    """Hold the options that stand before any command."""
    if version:
        typer.echo(f"cifar10-cnn {__version__}")
        raise typer.Exit


@app.command()
def run(
    notebooks: Notebooks = None, profile: Profile = None, data: Data = None, resume: Resume = False
) -> None:
    """Execute the notebooks in order; pages, figures and a summary go to runs/PROFILE/."""
    _profile(profile)
    from cifar10_cnn.course import runner

    runner.run(notebooks or (), profile=profile, data=data, resume=resume)


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="Name of a recipe, such as plain_cnn.")],
    profile: Profile = None,
    data: Data = None,
    ship: Ship = False,
) -> None:
    """Train one network by its recipe and keep it under runs/PROFILE/."""
    size = _profile(profile)
    from cifar10_cnn.training import recipes, runs

    recipes.get(name)
    folder = runs.train(name, _load(size, data), size)
    typer.echo(f"The model is in {folder}")
    if ship:
        runs.ship(folder)
        typer.echo("The repository ships it.")


@app.command()
def compare(
    *,
    models: Names = None,
    seeds: Seeds = "0",
    precision: Annotated[str | None, _option(help=_PRECISIONS)] = None,
    profile: Profile = None,
    data: Data = None,
    ship: Ship = False,
) -> None:
    """Train the published networks and ours side by side: what is missing of runs/PROFILE/."""
    numbers = _numbers(seeds)
    from cifar10_cnn import device
    from cifar10_cnn.training import recipes

    networks = _names(models) or recipes.names()
    _study("compare", (networks, numbers, device.precision(precision)), profile, data, ship)


@app.command()
def ablate(
    *,
    recipe: Annotated[str, typer.Option(help="Take apart dash, sprint or standard.")] = "sprint",
    without: Names = None,
    seeds: Seeds = "0,1,2",
    profile: Profile = None,
    data: Data = None,
    ship: Ship = False,
) -> None:
    """Train a fast recipe without each of its components: what each of them buys."""
    _study("ablate", (recipe, _names(without), _numbers(seeds)), profile, data, ship)


@app.command()
def bench(
    *,
    recipes: Annotated[str, typer.Option(help="Comma between them.")] = "dash,sprint,standard",
    seeds: Seeds = "0,1,2",
    profile: Annotated[str, typer.Option(help="How much to run.")] = "full",
    data: Data = None,
    ship: Ship = False,
) -> None:
    """Measure speed, time and memory of the fast recipes beside a peer in PyTorch."""
    _study("bench", (_names(recipes), _numbers(seeds)), profile, data, ship)


@app.command()
def tune(
    optimizers: Names = None, profile: Profile = None, data: Data = None, ship: Ship = False
) -> None:
    """Search for each optimizer's learning rate on validation images; resumable."""
    _study("tune", (_names(optimizers),), profile, data, ship)


@app.command()
def evaluate(
    model: Annotated[Path | None, typer.Argument(help=_MODEL)] = None,
    profile: Profile = None,
    data: Data = None,
) -> None:
    """Print accuracy and classification report of a model on the test split."""
    size = _profile(profile)
    from cifar10_cnn import models
    from cifar10_cnn.evaluation import scores
    from cifar10_cnn.training import runs

    loaded = (models.load(model), str(model)) if model else None
    dataset = _load(size, data)
    network, origin = loaded or runs.trained_model(size, dataset)
    try:
        report = scores.evaluate(network, dataset.test, dataset.class_names)
    except ValueError as error:
        raise CourseError(f"{origin} does not fit to the images: {error}") from error
    typer.echo(f"Model: {origin}")
    typer.echo(f"Test accuracy: {report.accuracy:.2%} · loss {report.loss:.4f} · {dataset.origin}")
    typer.echo(report.text())
    if scores.takes_scaled_pixels(network, dataset.test):
        hint = "Hint: divided by 255, the pixels suit this model better. Models here take 0 to 255:"
        typer.echo(f"{hint} begin it with keras.layers.Rescaling(1 / 255).", err=True)


@app.command()
def predict(
    path: Annotated[Path, typer.Argument(help="An image, or a folder of images.")],
    model: Annotated[Path | None, _option(help="A .keras file; else the shipped one.")] = None,
) -> None:
    """Say what is on images of your own, and draw what the network sees and looks at."""
    from cifar10_cnn.course import predict as own_images

    if not own_images.predict(path, model):
        raise typer.Exit(1)


@app.command()
def doctor() -> None:
    """Look at Python, packages, devices, memory, disk and data; say what is wrong and why."""
    from cifar10_cnn.course import doctor as machine

    if not machine.doctor():
        raise CourseError("The course cannot run here: mend the lines marked broken.")


@app.command()
def publish() -> None:
    """Put the last full run's outputs, figures and numbers into notebooks/, figures/, README.md."""
    from cifar10_cnn.course import publish as repository

    changed = [f"changed: {file}" for file in repository.publish()]
    typer.echo("\n".join(changed) or "Nothing to change: the repository shows the last full run.")


@data_app.command()
def fetch() -> None:
    """Download the official archive (170 MB), check it and cache the images."""
    typer.echo(f"CIFAR-10 is in {import_module('cifar10_cnn.data.dataset').fetch()}")


@data_app.command("import")
def import_path(
    path: Annotated[Path, typer.Argument(help="An archive or folder with CIFAR-10 in it.")],
) -> None:
    """Cache CIFAR-10 from a copy you have: official python or binary form, or class folders."""
    typer.echo(f"CIFAR-10 is in {import_module('cifar10_cnn.data.dataset').import_path(path)}")


@data_app.command()
def verify() -> None:
    """Check every image and label of the cache."""
    typer.echo(import_module("cifar10_cnn.data.dataset").verify())


@data_app.command()
def describe() -> None:
    """Say what the cache holds."""
    typer.echo(import_module("cifar10_cnn.data.dataset").describe())


def _profile(name: str | None) -> profiles.Profile:
    """Return the profile named, and name it to everything that asks for the current one."""
    if name:
        os.environ["CIFAR10_PROFILE"] = profiles.get(name).name
    return profiles.current()


def _load(size: profiles.Profile, source: str | None) -> Any:
    """Say what Keras computes on, and load the data, named to processes that ask for them, too."""
    from cifar10_cnn import device
    from cifar10_cnn.data import dataset

    os.environ["CIFAR10_DATA"] = settings.data(source)
    device.start()
    return dataset.load(size)


def _names(text: str | None) -> list[str]:
    return text.split(",") if text else []


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise CourseError(f"{text!r} is no list of seeds: write them as 0,1,2.") from error


def _study(
    name: str, arguments: Sequence[object], profile: str | None, data: str | None, ship: bool
) -> None:
    """Train what is missing of a study and print its table; with ``ship``, the repository's own."""
    size = _profile(profile)
    study, engine = (import_module(f"cifar10_cnn.studies.{each}") for each in (name, "engine"))
    cases = study.cases(*arguments)  # refuses unknown names, before seconds of loading
    file = study.run(cases, _load(size, data), size, Console())
    typer.echo(study.table(study.rows(file)).to_string())
    typer.echo(f"All rows are in {engine.ship(study.STUDY, file) if ship else file}")


if __name__ == "__main__":
    app(prog_name="python -m cifar10_cnn")
