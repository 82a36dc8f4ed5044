"""The command that searches for better values of a recipe's fields."""

from __future__ import annotations

import importlib.util
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import train.tensorflow_settings  # noqa: F401  # before anything that imports keras

# isort: split
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from edge.cli.options import writable_png
from edge.files import write_atomically
from edge.system.packages import pip_install
from train import recipes
from train.console import ClipsOption, Fer2013Option, FerplusOption, console
from train.landmarks.models import seen_by_landmarks
from train.progress import progress
from train.targets import training_examples, validation_examples
from train.tune.fields import as_in, parse

if TYPE_CHECKING:
    import optuna

_MISSING = f"tune needs Optuna, which is not installed: {pip_install('-r', 'requirements/tune.txt')}"

app = typer.Typer()


@app.command()
def tune(  # noqa: PLR0913  # each is a flag
    recipe: Annotated[Path, typer.Argument(help="A TOML file; see 'recipes'.")],
    fer2013: Fer2013Option,
    ferplus: FerplusOption,
    clips: ClipsOption,
    *,
    field: Annotated[
        list[str] | None,
        typer.Option(help="FIELD=LOW:HIGH, FIELD=LOW:HIGH:log or FIELD=A,B,C; once for each field."),
    ] = None,
    trials: Annotated[int, typer.Option(min=0, help="How many more; 0: show what is there.")] = 20,
    epochs: Annotated[int, typer.Option(min=1, help="Of each trial.")] = 10,
    faces: Annotated[
        int | None, typer.Option(min=1, help="Train and validate on so many, at random.", show_default="all")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=999, help="With it, a search by one machine can be repeated.", show_default="none"),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(help="URL of the search, which many machines may share.", show_default="sqlite:///runs/tune.db"),
    ] = None,
    show: Annotated[
        Path | None, typer.Option(callback=writable_png, help="Draw history and importance into this .png file.")
    ] = None,
) -> None:
    """Search for the best values of a recipe's fields. Best is accuracy on PublicTest; PrivateTest is not looked at.

    Each machine that is given the same --storage, which must be reachable from all, adds its own trials to one search.
    """
    if importlib.util.find_spec("optuna") is None:
        raise recipes.RecipeError(_MISSING)
    from train.tune import plot, search  # noqa: PLC0415  # they import Optuna

    plan = recipes.load(recipe)
    if plan.data.tracks or plan.data.teachers or plan.start or not plan.network.gradients:
        message = f"{plan.name}: recipes with tracks, teachers, a start or a forest are not searched"
        raise recipes.RecipeError(message)
    plan = plan.model_copy(update={"schedule": plan.schedule.shortened(epochs)})
    fields = [parse(text) for text in field or ()]
    if trials and not fields:
        message = "--field: name at least one field to search over, or write --trials 0"
        raise recipes.RecipeError(message)
    fields = [as_in(plan, each) for each in fields]
    search.check(plan, fields)
    if storage is None:
        Path("runs").mkdir(exist_ok=True)
    study = search.open_study(plan, fields, storage or "sqlite:///runs/tune.db", {"faces": faces}, seed)
    if trials:
        with progress(lines=True) as stage:
            validation = validation_examples(plan.data, fer2013, ferplus)
            training = training_examples(plan.data, fer2013, ferplus, clips, stage)
        if plan.network.landmarks:
            training, validation = map(seen_by_landmarks, (training, validation))
        examples = (training, validation)
        if faces:
            examples = (
                training.sample(faces, plan.schedule.seed, labelled=False),
                validation.sample(faces, plan.schedule.seed),
            )
        with tempfile.TemporaryDirectory() as scratch:
            trial = partial(search.run_trial, recipe=plan, fields=fields, examples=examples, scratch=Path(scratch))
            study.optimize(trial, n_trials=trials)
    console().print(_table(study))
    if show:
        write_atomically(show, plot.draw(study))
        console().print(f"{show}: history and importance", soft_wrap=True)


def _table(study: optuna.Study) -> Table:
    """Return a row for each trial, the best first."""
    names = sorted({name for trial in study.trials for name in trial.params})
    short = [name.rpartition(".")[2] for name in names]
    shown = [last if short.count(last) == 1 else name for last, name in zip(short, names, strict=True)]
    table = Table("trial", "validation", *shown, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.title, table.title_justify = f"{study.study_name}: {len(study.trials)} trials", "left"
    for trial in sorted(study.trials, key=lambda each: -1.0 if each.value is None else each.value, reverse=True):
        finished = trial.state.name == "COMPLETE" and trial.value is not None
        value = f"{trial.value:.2%}" if finished else trial.state.name.lower()
        cells = (trial.params.get(name, "-") for name in names)
        texts = (f"{cell:.3g}" if isinstance(cell, float) else str(cell).strip('"') for cell in cells)
        table.add_row(str(trial.number + 1), value, *texts)
    return table
