"""``python -m train``: the commands that train, and those of `train.evaluate.commands`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import train.native_stderr  # noqa: F401  # before anything that imports keras

# isort: split
import typer
from pydantic import ValidationError
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from edge.files import write_atomically
from edge.inference.bundle import SHIPPED
from train import fit as fitting
from train import keep, kept, mean_faces, page, recipes, systems
from train.console import ClipsOption, Fer2013Option, FerplusOption, run
from train.datasets import commands as datasets
from train.datasets import load
from train.evaluate import commands, predict, tables
from train.evaluate.models import keras_logits
from train.evaluate.protocols import evaluate_all, load_tests
from train.heads import emotion_models, heads_of, model_columns
from train.networks.cost import count_macs
from train.progress import progress
from train.report import TrainingReport
from train.targets import training_examples, validation_examples
from train.teachers import load_teachers

if TYPE_CHECKING:
    from collections.abc import Sequence


app = typer.Typer(
    help="From labelled faces to a Keras model and a report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(commands.app)
app.add_typer(predict.app)
app.add_typer(datasets.app)
app.add_typer(keep.app)


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
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's, for a quick try.")] = None,
) -> None:
    """Train a recipe's model and write NAME.keras with its report."""
    plan = recipes.load(recipe)
    if epochs:
        plan = plan.model_copy(update={"schedule": plan.schedule.shortened(epochs)})
    teachers, before = load_teachers(plan.data, heads_of(plan.data)), kept.load_start(plan)
    folder = out or Path("runs") / plan.name
    _claim(folder, plan, resume=resume, fresh=fresh)
    with progress(lines=True) as stage:
        stage("reading FER2013 and FER+", 0)
        tests = load_tests(fer2013, ferplus, votes=plan.data.uses_votes or ferplus.exists())
        validation = validation_examples(plan.data, fer2013, ferplus)
        training = training_examples(plan.data, fer2013, ferplus, clips, stage)
    network = fitting.fit(plan, training, validation, folder, resume=resume, teachers=teachers, start=before)
    history = fitting.read_log(folder)
    rows = training.rows() | {f"{protocol} {split}": len(faces) for (split, protocol), faces in tests.items()}
    taught = {"teachers": ", ".join(map(str, teachers))} if teachers else {}
    if before:
        taught["start"] = str(before)
    weights = kept.save(folder / f"{plan.name}.npz", plan, network.get_weights())
    for head, name in emotion_models(training.heads, plan.name):
        labels, columns = model_columns(training.heads, head)
        model = fitting.only(network, plan, columns)
        fitting.save_atomically(model, folder / f"{name}.keras")
        written = TrainingReport(
            name=name,
            labels=labels,
            protocol=head.protocol,
            recipe=plan,
            sources={**training.sources, **taught},
            weights=weights,
            rows=rows,
            priors=training.priors(head),
            parameters=model.count_params(),
            macs=count_macs(model),
            epochs=len(history["epoch"]),
            wall_s=round(sum(history["wall_s"]), 1) if "wall_s" in history else None,
            history=history,
            metrics=evaluate_all(keras_logits(model), labels, tests),
        )
        page.write(written, folder)
        Console().print(tables.accuracies(written.metrics))
        Console().print(tables.EXPLAINED)
        Console().print(f"{folder / name}.keras, its report {name}.json and {name}.md, and two plots", soft_wrap=True)


def _claim(folder: Path, plan: recipes.Recipe, *, resume: bool, fresh: bool) -> None:
    """Make a run's folder; refuse to overwrite a run, or to resume it with another recipe."""
    if resume and fresh:
        message = "--resume continues a run and --fresh deletes it: write one of them"
        raise recipes.RecipeError(message)
    kept = folder / "recipe.json"
    if (folder / "checkpoint").exists() or (folder / fitting.LOG).exists():
        if not (resume or fresh):
            message = f"{folder}: a run is there already; write --resume to continue it or --fresh to start over"
            raise recipes.RecipeError(message)
        if resume and kept.exists() and not _same(kept, plan):
            message = f"{folder}: this run was started from another recipe; name another --out, or write --fresh"
            raise recipes.RecipeError(message)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(kept, plan.model_dump_json(indent=1) + "\n")


def _same(kept: Path, plan: recipes.Recipe) -> bool:
    """Return whether a run was started from a recipe; what is only said in it may have changed."""
    said: dict[str, object] = {"description": "", "published": ()}
    try:
        before = recipes.Recipe.model_validate_json(kept.read_bytes())
        return before.model_copy(update=said) == plan.model_copy(update=said)
    except ValidationError:  # written by another version
        return False


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
    Console().print(table)


@app.command("systems")
def write_systems(
    *,
    runs: Annotated[Path, typer.Option(help="A folder of runs, beside the reports that are kept.")] = Path("runs"),
    bundles: Annotated[Path, typer.Option(help="A folder of bundles, beside the shipped ones.")] = Path("runs/bundles"),
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("docs/systems.md"),
) -> None:
    """Write the page that holds all systems side by side, published and ours, from their reports."""
    found = [systems.find(name, [keep.FOLDER, runs], [SHIPPED.parent, bundles]) for name in systems.SYSTEMS]
    write_atomically(out, systems.page(found))
    trained = sum(bool(system.reports) for system in found)
    Console().print(f"{out}: {trained} of {len(found)} systems are trained to their end", soft_wrap=True)


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
    Console().print(f"{out}: {out.stat().st_size:,} bytes; faces in each mean: {counts}", soft_wrap=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    run(app, arguments)


if __name__ == "__main__":
    main()
