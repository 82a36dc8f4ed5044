"""The commands that keep a run's weights in the repository, and make models of them again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import train.native_stderr  # noqa: F401  # before anything that imports keras

# isort: split
import keras
import numpy as np
import typer
from rich.console import Console

from edge.files import write_atomically
from edge.text import first_line
from train import fit as fitting
from train import kept, page, recipes, report
from train.console import Fer2013Option, FerplusOption  # noqa: TC001  # typer reads them
from train.datasets import DataError
from train.evaluate.models import evaluate_keras, faces_to_test
from train.finish import TRACKS
from train.heads import emotion_models, heads_of, model_columns
from train.progress import progress
from train.tracks.examples import evaluate_tracks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from train.recipes import Recipe

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
    recipe = recipes.of_run(run)
    path = into / f"{recipe.name}.npz"
    sha256 = kept.save(path, recipe, _weights(run, recipe), half=True)
    network = kept.load(path)
    tests = faces_to_test(recipe.data, fer2013, ferplus)
    whole = network.build()
    with progress(lines=True) as stage:
        tracks = evaluate_tracks(recipe, whole, tests, run.parent / TRACKS, stage)
    for head, name in emotion_models(network.heads, recipe.name):
        labels, columns = model_columns(network.heads, head)
        model = fitting.only(whole, recipe, columns)
        before = report.read(run / f"{name}.json")
        evaluated = evaluate_keras(model, labels, tests)
        after = before.model_copy(update={"weights": sha256, "tracks": tracks, **evaluated})
        write_atomically(into / f"{name}.json", after.model_dump_json(indent=1) + "\n")
        was, now = (one.metrics["PublicTest"][head.protocol].accuracy for one in (before, after))
        Console().print(f"{name}: {was:.2%} of PublicTest in single precision, {now:.2%} in half", soft_wrap=True)
    Console().print(f"{path}: {path.stat().st_size:,} bytes", soft_wrap=True)


@app.command()
def restore(
    weights: Annotated[Path, typer.Argument(help="A file NAME.npz that 'keep' wrote, its reports beside it.")],
    *,
    out: Annotated[Path | None, typer.Option(help="The folder to write to.", show_default="runs/NAME")] = None,
) -> None:
    """Make NAME.keras of kept weights, without any training. It is ready to be converted."""
    network = kept.load(weights)
    folder = out or Path("runs") / network.recipe.name
    whole = network.build()
    for head, name in emotion_models(network.heads, network.recipe.name):
        written = report.read(weights.with_name(f"{name}.json"))
        if written.weights != network.sha256:
            message = f"{weights.with_name(name)}.json: it is the report of other weights than {weights}"
            raise DataError(message)
        _, columns = model_columns(network.heads, head)
        fitting.save_atomically(fitting.only(whole, network.recipe, columns), folder / f"{name}.keras")
        page.write(written, folder)
        Console().print(f"{folder / name}.keras, and its report", soft_wrap=True)


def _weights(run: Path, recipe: Recipe) -> list[NDArray[np.float32]]:
    """Return the weights of all heads: of the run's ``.npz``, or of the models of a run that has none."""
    path = run / f"{recipe.name}.npz"
    if path.exists():
        return list(kept.load(path).weights)
    heads = heads_of(recipe.data)
    trunk: list[NDArray[np.float32]] = []
    kernel, bias = np.empty(0, np.float32), np.zeros(heads[-1].columns.stop, np.float32)
    for head, name in emotion_models(heads, recipe.name):
        file = run / f"{name}.keras"
        try:
            *trunk, part, offsets = keras.models.load_model(file, compile=False).get_weights()
        except Exception as error:  # Keras raises whatever zipfile, h5py and its layers raise
            message = f"{file}: not a Keras model: {first_line(error)}"
            raise DataError(message) from error
        if not kernel.size:
            kernel = np.zeros((len(part), len(bias)), np.float32)
        _, columns = model_columns(heads, head)
        kernel[:, columns], bias[columns] = part, offsets
    return [*trunk, kernel, bias]
