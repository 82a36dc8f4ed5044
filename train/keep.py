"""The commands that keep a run's weights in the repository, and make models of them again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import train.tensorflow_settings  # noqa: F401  # before anything that imports keras

# isort: split
import typer

from edge.files import check_writable, write_atomically
from train import fit as fitting
from train import kept, page, recipes, report
from train.console import Fer2013Option, FerplusOption, console
from train.datasets import DataError
from train.evaluate.models import evaluate_keras, faces_to_test
from train.finish import TRACKS
from train.heads import emotion_models, model_columns
from train.log import LOG
from train.progress import progress
from train.tracks.examples import evaluate_tracks

if TYPE_CHECKING:
    from train.report import TrainingReport

FOLDER = Path(__file__).parent / "weights"
"""Where the weights of what is shipped, and of its teachers, are kept."""

app = typer.Typer()


@app.command()
def keep(
    run: Annotated[Path, typer.Argument(help="The run's folder.")],
    fer2013: Fer2013Option,
    ferplus: FerplusOption,
    *,
    into: Annotated[Path, typer.Option(help="The folder to write to.", show_default="train/weights")] = FOLDER,
) -> None:
    """Keep a run's weights in half precision. NAME.npz is written, and its reports, evaluated again with it."""
    trained = kept.load(run / f"{recipes.of_run(run).name}.npz")
    content = kept.pack(trained.recipe, trained.weights, half=True)
    network = kept.unpack(content)
    models = list(emotion_models(network.heads, network.recipe.name))
    before = {name: _report(run / f"{name}.json", trained) for _, name in models}
    tests = faces_to_test(network.recipe.data, fer2013, ferplus)
    into.mkdir(parents=True, exist_ok=True)
    path = into / f"{network.recipe.name}.npz"
    check_writable(path)
    whole = network.build()
    with progress(lines=True) as stage:
        tracks = evaluate_tracks(network.recipe, whole, tests, run.parent / TRACKS, stage)
    files = {path: content}
    for head, name in models:
        labels, columns = model_columns(network.heads, head)
        evaluated = evaluate_keras(fitting.only(whole, network.recipe, columns), labels, tests)
        after = before[name].model_copy(update={"weights": network.sha256, "tracks": tracks, **evaluated})
        files[into / f"{name}.json"] = after.model_dump_json(indent=1).encode() + b"\n"
        was, now = (one.metrics["PublicTest"][head.protocol].accuracy for one in (before[name], after))
        console().print(f"{name}: {was:.2%} of PublicTest in single precision, {now:.2%} in half", soft_wrap=True)
    for file, written in files.items():  # all at the end: until then what was kept before stays whole
        write_atomically(file, written)
    console().print(f"{path}: {len(content):,} bytes", soft_wrap=True)


@app.command()
def restore(
    weights: Annotated[Path, typer.Argument(help="A file NAME.npz that 'keep' wrote, its reports beside it.")],
    *,
    out: Annotated[Path | None, typer.Option(help="The folder to write to.", show_default="runs/NAME")] = None,
) -> None:
    """Make NAME.keras of kept weights, without any training. It is ready to be converted.

    It is refused where a training is, as it would be overwritten.
    """
    network = kept.load(weights)
    folder = out or Path("runs") / network.recipe.name
    if (folder / LOG).exists() or (folder / fitting.CHECKPOINT).exists():
        message = f"{folder}: a training is there, which this would overwrite; name another folder: --out FOLDER"
        raise recipes.RecipeError(message)
    whole = network.build()
    models = list(emotion_models(network.heads, network.recipe.name))
    reports = [_report(weights.with_name(f"{name}.json"), network) for _, name in models]
    for written in reports:  # before all models, so that a missing one shows
        page.write(written, folder)
    for head, name in models:
        _, columns = model_columns(network.heads, head)
        fitting.save_atomically(fitting.only(whole, network.recipe, columns), folder / f"{name}.keras")
        console().print(f"{folder / name}.keras, and its report", soft_wrap=True)


def _report(path: Path, network: kept.KeptNetwork) -> TrainingReport:
    """Return the report of a network's weights.

    Raises:
        DataError: It is missing, or that of other weights.
    """
    found = report.read(path)
    if found.weights != network.sha256:
        message = f"{path}: it is the report of other weights than those of {network.recipe.name}.npz"
        raise DataError(message)
    return found
