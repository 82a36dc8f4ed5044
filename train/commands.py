"""The command line of ``python -m train``: the commands that train, and those of other modules."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import train.tensorflow_settings  # noqa: F401  # before anything that imports keras

# isort: split
import keras
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from edge.files import write_atomically
from edge.inference.bundle import SHIPPED
from edge.system.packages import pip_install
from train import embedding, finish, forest, keep, kept, learned, mean_faces, recipes, runs, systems
from train import fit as fitting
from train.console import ClipsOption, Fer2013Option, FerplusOption, console, run
from train.datasets import commands as datasets
from train.datasets import load
from train.datasets.negatives import clutter_once
from train.evaluate import commands, predict
from train.evaluate.models import faces_to_test
from train.heads import heads_of
from train.job import pack
from train.landmarks.models import seen_by_landmarks
from train.progress import progress
from train.systems import measured
from train.systems.curves import curves
from train.systems.page import page
from train.targets import training_examples, validation_examples
from train.teachers import load_teachers
from train.tracks.examples import track_examples
from train.tune import commands as tune
from train.untrained import check_network

if TYPE_CHECKING:
    from collections.abc import Sequence


_NO_TENSORBOARD = "--tensorboard needs TensorBoard, which is not installed: " + pip_install(
    "-r", "requirements/tensorboard.txt"
)

app = typer.Typer(
    help="From labelled faces to a Keras model and a report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # as in edge.cli.main
)
app.add_typer(commands.app)
app.add_typer(predict.app)
app.add_typer(datasets.app)
app.add_typer(keep.app)
app.add_typer(pack.app)
app.add_typer(tune.app)


@app.command()
def fit(  # noqa: PLR0913  # each is a flag
    recipe: Annotated[Path, typer.Argument(help="A TOML file; see 'recipes'.")],
    fer2013: Fer2013Option,
    ferplus: FerplusOption,
    clips: ClipsOption,
    *,
    out: Annotated[Path | None, typer.Option(help="The run's folder.", show_default="runs/NAME")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run that is there, if any.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Delete the run that is there and start over.")] = False,
    epochs: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Instead of the recipe's, for a quick try.")
    ] = None,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write logs for TensorBoard too.")] = False,
) -> None:
    """Train a recipe's model and write NAME.keras with its report."""
    if tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise recipes.RecipeError(_NO_TENSORBOARD)
    plan = recipes.load(recipe)
    teachers, before = load_teachers(plan.data, heads_of(plan.data)), kept.load_start(plan)
    plan = embedding.pinned(plan)
    check_network(plan)
    if epochs:
        plan = plan.model_copy(update={"schedule": plan.schedule.shortened(epochs)})
    folder = out or Path("runs") / plan.name
    runs.claim(folder, plan, resume=resume, fresh=fresh)
    with progress(lines=True) as stage:
        stage("reading FER2013 and FER+", 0)
        tests = faces_to_test(plan.data, fer2013, ferplus)
        if plan.data.tracks:
            kept_at = folder.parent / finish.TRACKS
            validation = track_examples(plan, "PublicTest", fer2013, ferplus, kept_at, stage)
            training = track_examples(plan, "Training", fer2013, ferplus, kept_at, stage)
        else:
            validation = validation_examples(plan.data, fer2013, ferplus)
            negatives = clutter_once(folder / runs.NEGATIVES, anew=not resume)
            training = training_examples(plan.data, fer2013, ferplus, clips, stage, negatives)
        if plan.network.landmarks:
            training, validation = map(seen_by_landmarks, (training, validation))
    learned.describe(training, plan, teachers, before).write(folder, resume=resume)
    more = [keras.callbacks.TensorBoard(folder / runs.TENSORBOARD, write_graph=False)] if tensorboard else []
    if plan.network.gradients:
        network = fitting.fit(
            plan, training, validation, folder, resume=resume, teachers=teachers, start=before, callbacks=more
        )
    else:
        network = forest.fit(plan, training, validation, folder)
    weights = network.get_weights()
    sha256 = kept.save(folder / f"{plan.name}.npz", plan, weights)
    finish.write_models(kept.KeptNetwork(plan, tuple(weights), sha256), folder, tests)


@app.command("report")
def write_report(
    run: Annotated[Path, typer.Argument(help="The run's folder, with NAME.npz, its log and recipe.")],
    fer2013: Fer2013Option,
    ferplus: FerplusOption,
) -> None:
    """Evaluate a run's weights and write NAME.keras with its report. It is the last step of a job from elsewhere."""
    plan = recipes.of_run(run)
    network = kept.load(run / f"{plan.name}.npz")
    tests = faces_to_test(plan.data, fer2013, ferplus)
    finish.write_models(network, run, tests)


@app.command("recipes")
def list_recipes() -> None:
    """List the project's recipes."""
    table = Table("recipe", "what it is", "labels", "epochs", box=SIMPLE_HEAD, padding=0, pad_edge=False)
    for column in (table.columns[0], *table.columns[2:]):
        column.no_wrap = True
    table.title, table.title_justify = f"{os.path.relpath(recipes.FOLDER)}/", "left"
    for path in sorted(recipes.FOLDER.glob("*.toml")):
        recipe = recipes.load(path)
        table.add_row(path.name, recipe.description, recipe.data.training, str(recipe.schedule.epochs))
    console().print(table)


@app.command("systems")
def write_systems(
    *,
    runs: Annotated[Path, typer.Option(help="A folder of runs, beside the reports that are kept.")] = Path("runs"),
    bundles: Annotated[Path, typer.Option(help="A folder of bundles, beside the shipped ones.")] = Path("runs/bundles"),
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("docs/systems.md"),
) -> None:
    """Write the page of all systems side by side, and their curves. It is made from the reports, published and ours."""
    figures = measured.read()
    found = [systems.find(name, [keep.FOLDER, runs], [SHIPPED.parent, bundles], figures) for name in systems.SYSTEMS]
    plot = out.with_suffix(".png")
    write_atomically(plot, curves(found))
    write_atomically(out, page(found, figures, plot.name))
    for said in (sentence for system in found for sentence in system.left_out):
        typer.echo(said, err=True)
    trained = sum(bool(system.reports) for system in found)
    console().print(f"{out}: {trained} of {len(found)} systems are trained to their end", soft_wrap=True)


@app.command("meanfaces")
def write_mean_faces(
    fer2013: Fer2013Option,
    ferplus: FerplusOption,
    *,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("edge/testcard/faces.npz"),
) -> None:
    """Compute the test card's mean faces from FER+ training faces."""
    faces = mean_faces.mean_faces(load("ferplus", "Training", fer2013, ferplus))
    mean_faces.save(faces, out)
    counts = ", ".join(f"{label} {count}" for label, count in zip(faces.labels, faces.counts, strict=True))
    console().print(f"{out}: {out.stat().st_size:,} bytes; faces in each mean: {counts}", soft_wrap=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    run(app, arguments)
