"""The command line: ``python -m cifar10_cnn``. Each command is a thin door to one module."""
# ruff: noqa: PLC0415 - modules that load Keras, Jupyter or scikit-learn are imported by the command
# that needs them: --help shall not take seconds.

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from cifar10_cnn import __version__, profiles
from cifar10_cnn.common.errors import CourseError


class _PlainErrors(TyperGroup):
    """Shows a user's mistake as one red message and an interrupt as exit code 130."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CourseError as error:
            _say_error(str(error))
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            _say_error(str(error) or "Interrupted.")
            raise typer.Exit(130) from error


def _say_error(text: str) -> None:
    Console(stderr=True).print(text, style="red", soft_wrap=True, highlight=False, markup=False)


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

ProfileOption = Annotated[
    str | None,
    typer.Option(
        help=f"How much to run: {', '.join(profiles.names())}. Default: CIFAR10_PROFILE, else "
        "quick.",
        show_default=False,
    ),
]
DataOption = Annotated[
    str | None,
    typer.Option(
        help="auto, cifar10, practice, or the path of an archive or folder. Default: "
        "CIFAR10_DATA, else auto.",
        show_default=False,
    ),
]
ShipOption = Annotated[
    bool, typer.Option("--ship", help="Make this table the one that the repository shows.")
]


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cifar10-cnn {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Hold the options that stand before any command."""


@app.command()
def run(
    notebooks: Annotated[
        list[str] | None,
        typer.Argument(help="Such as 01 or 04_train; all in order if none is named."),
    ] = None,
    profile: ProfileOption = None,
    data: DataOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Skip what has finished and has not changed.")
    ] = False,
) -> None:
    """Execute the notebooks in order; pages, figures and a summary go to runs/PROFILE/."""
    if profile:
        profiles.get(profile)  # a wrong name is told at once, before seconds of loading
    from cifar10_cnn.course import runner as course

    course.run(notebooks or (), profile=profile, data=data, resume=resume)


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="Name of a recipe, such as plain_cnn.")],
    profile: ProfileOption = None,
    data: DataOption = None,
    ship: Annotated[
        bool, typer.Option("--ship", help="Make it the model that the repository ships.")
    ] = False,
) -> None:
    """Train one network by its recipe and keep it under runs/PROFILE/."""
    from cifar10_cnn import device
    from cifar10_cnn.data import dataset as course_data
    from cifar10_cnn.training import recipes
    from cifar10_cnn.training import runs as training

    recipes.get(name)  # a wrong name is told at once, before seconds of loading
    size = _profile(profile)
    device.start()
    folder = training.train(name, course_data.load(size, data), size)
    typer.echo(f"The model is in {folder}")
    if ship and (file := training.ship(folder)):
        typer.echo(f"The repository now ships it as {file}")


@app.command()
def compare(
    *,
    names: Annotated[
        str | None,
        typer.Option("--models", help="Recipes, comma between them; all if none is named."),
    ] = None,
    seeds: Annotated[str, typer.Option(help="Seeds, comma between them.")] = "0",
    precision: Annotated[
        str | None,
        typer.Option(
            help="auto, bf16 or fp32. Default: CIFAR10_PRECISION, else auto: bf16 where it "
            "is faster.",
            show_default=False,
        ),
    ] = None,
    profile: ProfileOption = None,
    data: DataOption = None,
    ship: ShipOption = False,
) -> None:
    """Train the published networks and ours side by side: what is missing of runs/PROFILE/."""
    from cifar10_cnn import device
    from cifar10_cnn.data import dataset as course_data
    from cifar10_cnn.studies import compare as comparison
    from cifar10_cnn.studies import results
    from cifar10_cnn.training import recipes

    chosen = names.split(",") if names else recipes.names()
    numbers = _whole_numbers(seeds)
    size = _profile(profile)
    wanted = list(comparison.runs(chosen, numbers, device.precision(precision)))
    device.start()
    file = comparison.compare(wanted, course_data.load(size, data), size, Console())
    typer.echo(f"All runs are in {results.ship(file) if ship else file}")


@app.command()
def ablate(
    *,
    recipe: Annotated[
        str, typer.Option(help="The recipe to take apart: dash, sprint, standard.")
    ] = "sprint",
    without: Annotated[
        str | None,
        typer.Option(help="Ingredients, comma between them; all if none is named."),
    ] = None,
    seeds: Annotated[str, typer.Option(help="Seeds, comma between them.")] = "0,1,2",
    profile: ProfileOption = None,
    data: DataOption = None,
    ship: ShipOption = False,
) -> None:
    """Train a fast recipe without each of its ingredients: what each of them buys."""
    from cifar10_cnn import device
    from cifar10_cnn.data import dataset as course_data
    from cifar10_cnn.studies import ablate as ablation
    from cifar10_cnn.studies import results

    names = without.split(",") if without else []
    ablation.ingredients(recipe, names)  # tells of a wrong name before anything is loaded
    numbers = _whole_numbers(seeds)
    size = _profile(profile)
    device.start()
    dataset = course_data.load(size, data)
    file = ablation.ablate(dataset, size, numbers, Console(), recipe=recipe, names=names)
    typer.echo(ablation.told(ablation.load(file)).to_string())
    typer.echo(f"All trainings are in {results.ship(file) if ship else file}")


@app.command()
def bench(
    *,
    names: Annotated[
        str, typer.Option("--recipes", help="Fast recipes, comma between them.")
    ] = "dash,sprint,standard",
    seeds: Annotated[str, typer.Option(help="Seeds, comma between them.")] = "0,1,2",
    profile: Annotated[
        str, typer.Option(help=f"How much to run: {', '.join(profiles.names())}.")
    ] = "full",
    data: DataOption = None,
    ship: ShipOption = False,
) -> None:
    """Measure speed, time and memory of the fast recipes beside a peer in PyTorch."""
    from cifar10_cnn.studies import bench as benchmarks
    from cifar10_cnn.studies import bench_tables as tables
    from cifar10_cnn.studies import results
    from cifar10_cnn.training import recipes

    chosen = names.split(",")
    for name in chosen:
        if not recipes.get(name).sizes:
            raise CourseError(f"{name} is no fast recipe: choose of {', '.join(recipes.fast())}.")
    numbers = _whole_numbers(seeds)
    source = data or os.environ.get("CIFAR10_DATA", "auto")
    file = benchmarks.bench(chosen, numbers, source, _profile(profile), Console())
    rows = benchmarks.load(file)
    for table in (tables.trainings(rows), tables.speeds(rows), tables.steps(rows)):
        typer.echo(table.to_string() + "\n")
    typer.echo(f"All measurements are in {results.ship(file) if ship else file}")


def _whole_numbers(text: str) -> list[int]:
    """Return the numbers of a list such as ``0,1,2``."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise CourseError(f"{text!r} is no list of seeds: write them as 0,1,2.") from error


@app.command()
def tune(
    optimizers: Annotated[
        str | None,
        typer.Option(help="Optimizers, comma between them; all if none is named."),
    ] = None,
    profile: ProfileOption = None,
    data: DataOption = None,
    ship: ShipOption = False,
) -> None:
    """Search for each optimizer's learning rate on validation pictures; resumable."""
    from cifar10_cnn import device
    from cifar10_cnn.data import dataset as course_data
    from cifar10_cnn.studies import results
    from cifar10_cnn.studies import tune as tuning

    chosen = optimizers.split(",") if optimizers else list(tuning.RATES)
    size = _profile(profile)
    device.start()
    dataset = course_data.load(size, data)
    for name in chosen:
        study = tuning.search(name, dataset, size)
        rate = study.best_params["learning_rate"]
        typer.echo(f"{name}: learning rate {rate:g}, validation accuracy {study.best_value:.2%}")
    file = tuning.collect(tuning.RATES, dataset, size)
    typer.echo(f"All trials are in {results.ship(file) if ship else file}")


@app.command()
def evaluate(
    model: Annotated[
        Path | None,
        typer.Argument(
            help="A saved .keras file; by default notebook 04's model, else the shipped one.",
            show_default=False,
        ),
    ] = None,
    profile: ProfileOption = None,
    data: DataOption = None,
) -> None:
    """Print accuracy and classification report of a model on the test split."""
    from cifar10_cnn import device, models
    from cifar10_cnn.data import dataset as course_data
    from cifar10_cnn.evaluation import scores as evaluation
    from cifar10_cnn.training import runs as training

    size = _profile(profile)
    stranger = models.load(model) if model else None
    device.start()
    dataset = course_data.load(size, data)
    if stranger is None:
        network, origin = training.trained_model(size, dataset)
    else:
        network, origin = stranger, str(model)
    try:
        report = evaluation.evaluate(network, dataset.test, dataset.class_names)
    except ValueError as error:
        raise CourseError(f"{origin} does not fit to the pictures: {error}") from error
    typer.echo(f"Model: {origin}")
    typer.echo(f"Test accuracy: {report.accuracy:.2%} · loss {report.loss:.4f} · {dataset.origin}")
    typer.echo(report.text())


@app.command()
def predict(
    path: Annotated[Path, typer.Argument(help="A picture, or a folder of pictures.")],
    model: Annotated[
        Path | None,
        typer.Option(help="A saved .keras file; by default the shipped one.", show_default=False),
    ] = None,
) -> None:
    """Say what is on pictures of your own, and draw what the network sees and looks at."""
    import numpy as np

    from cifar10_cnn import models, plots
    from cifar10_cnn.common import checks, paths
    from cifar10_cnn.data import photos
    from cifar10_cnn.evaluation import calibration, explain
    from cifar10_cnn.evaluation import scores as evaluation
    from cifar10_cnn.training import runs as training

    found = list(photos.find(path))
    file = model or training.shipped_path("CIFAR-10", fast=True)
    network, about = models.load(file), training.metadata(file)
    names, caution = training.classes_and_reject_option(file)
    threshold = caution.threshold if caution else None
    pictures = {}
    for each in found:
        try:
            pictures[each] = photos.read(each)
        except photos.PhotoError as error:
            _say_error(str(error))
    if not pictures:
        raise typer.Exit(1)
    # All at once: what Grad-CAM computes with takes longer to build than one picture's answer.
    stack = np.stack(list(pictures.values()))
    try:
        answers = checks.probabilities(evaluation.predict_images(network, stack, names))
    except ValueError as error:
        raise CourseError(f"{file} does not fit to these pictures: {error}") from error
    if caution:
        answers = calibration.apply_temperature(answers, caution.temperature)
    maps, method = explain.heat_maps(network, stack, answers.argmax(axis=1))
    drawings = []
    for each, picture, odds, places in zip(pictures, stack, answers, maps, strict=True):
        best = odds.argsort()[::-1][:3]
        told = ", ".join(f"{names[index]} {odds[index]:.0%}" for index in best)
        unsure = threshold is not None and odds.max() < threshold
        typer.echo(
            f"{photos.printable(each)}: {'probably none of these: ' if unsure else ''}{told}"
        )
        figure = plots.prediction_card(
            picture, places, odds, names, method=method, threshold=threshold
        )
        name = photos.printable(Path(each.name))
        # A file's name has 255 bytes at most; what tells two long ones apart stands at the end.
        short = name.encode()[-240:].decode(errors="ignore")
        drawing = paths.runs_folder() / "predictions" / f"{short}.png"
        try:
            plots.save(figure, drawing, f"{name}  |  model: {about.get('origin', file.name)}")
            drawings.append(drawing)
        except CourseError as error:  # the answers are worth having without a drawing, too
            _say_error(str(error))
    if caution:
        typer.echo(
            f'"Probably none of these": below {caution.threshold:.0%}. So it calls '
            f"{caution.silenced:.0%} of pictures that do show one of its classes, and "
            f"{caution.passed:.0%} of pictures whose tiles were mixed up pass for one; other "
            "strange pictures may pass more often."
        )
    if drawings:
        typer.echo(f"Drawn: {drawings[0] if len(drawings) == 1 else drawings[0].parent}")


@app.command()
def doctor() -> None:
    """Look at Python, packages, devices, memory, disk and data; say what is wrong and why."""
    from cifar10_cnn.course import doctor as course_doctor

    if not course_doctor.doctor():
        raise CourseError("The course cannot run here: mend the lines marked broken.")


@app.command()
def publish() -> None:
    """Put the last full run's outputs, figures and numbers into notebooks/, figures/, README.md."""
    from cifar10_cnn.course import publish as course_publish

    changed = course_publish.publish()
    for file in changed:
        typer.echo(f"changed: {file}")
    if not changed:
        typer.echo("Nothing to change: the repository shows the last full run.")


@data_app.command()
def fetch() -> None:
    """Download the official archive (170 MB), check it and cache the pictures."""
    from cifar10_cnn.data import dataset as data

    typer.echo(f"CIFAR-10 is in {data.fetch()}")


@data_app.command("import")
def import_path(
    path: Annotated[Path, typer.Argument(help="An archive or folder with CIFAR-10 in it.")],
) -> None:
    """Cache CIFAR-10 from a copy you have: official python or binary form, or class folders."""
    from cifar10_cnn.data import dataset as data

    typer.echo(f"CIFAR-10 is in {data.import_path(path)}")


@data_app.command()
def verify() -> None:
    """Check every picture and label of the cache."""
    from cifar10_cnn.data import dataset as data

    typer.echo(data.verify())


@data_app.command()
def describe() -> None:
    """Say what the cache holds."""
    from cifar10_cnn.data import dataset as data

    typer.echo(data.describe())


def _profile(name: str | None) -> profiles.Profile:
    """Return the profile named, and name it to everything that asks for the current one."""
    if name:
        os.environ["CIFAR10_PROFILE"] = profiles.get(name).name
    return profiles.current()


if __name__ == "__main__":
    app(prog_name="python -m cifar10_cnn")
