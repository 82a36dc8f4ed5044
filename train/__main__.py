"""``python -m train``: fit, evaluate, robustness, facescore, recipes, meanfaces, scenes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import train.quiet  # noqa: F401  # before anything that imports keras

# isort: split
import keras
import numpy as np
import typer
from pydantic import TypeAdapter, ValidationError
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from edge.config import FacesConfig
from edge.crops import resized
from edge.files import write_atomically
from edge.model import SHIPPED, ModelBundle, softmax
from train import facescore as facescores
from train import fit as fitting
from train import meanfaces, plots, recipes, report
from train.console import ClipsOption, Fer2013Option, FerplusOption, run
from train.datasets import DataError, Protocol, load
from train.evaluate import compare, judge, match_labels, run_once
from train.lesson import training_lesson, validation_lesson
from train.robustness import under_changes
from train.scenes import figures as scene_figures
from train.scenes import sequences as make_sequences
from train.scenes.judge import judge as judge_scene
from train.scenes.lookers import Name, Reader, looker
from train.scenes.sequence import MOST_AT_ONCE
from train.scenes.table import table as scene_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from train.evaluate import Logits, Metrics

ROUNDS = 4
"""How often somebody comes in each sequence of `scenes`."""

app = typer.Typer(
    help="From labelled faces to a Keras model and a report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def fit(  # noqa: PLR0913  # each is a flag
    recipe: Annotated[Path, typer.Argument(help="A TOML file; see 'recipes'.")],
    fer2013: Fer2013Option,
    ferplus: FerplusOption,
    clips: ClipsOption,
    *,
    out: Annotated[Path | None, typer.Option(help="The run's folder.", show_default="runs/NAME")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that is there, if any.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw away the run that is there.")] = False,
    epochs: Annotated[int | None, typer.Option(min=1, help="Other than the recipe's, for a quick try.")] = None,
) -> None:
    """Train a recipe's model and write NAME.keras with its report."""
    plan = recipes.load(recipe)
    if epochs:
        plan = plan.model_copy(update={"schedule": plan.schedule.model_copy(update={"epochs": epochs})})
    folder = out or Path("runs") / plan.name
    _claim(folder, plan, resume=resume, fresh=fresh)
    training = training_lesson(plan.data, fer2013, ferplus, clips)
    validation = validation_lesson(plan.data, fer2013, ferplus)
    tests = report.load_tests(fer2013, ferplus)
    whole = not (folder / fitting.LOG).exists() or not resume
    start = time.monotonic()
    network = fitting.fit(plan, training, validation, folder, resume=resume)
    wall_s = round(time.monotonic() - start, 1) if whole else None

    history = fitting.read_log(folder)
    rows = training.rows() | {f"{protocol} {split}": len(faces) for (split, protocol), faces in tests.items()}
    for head in training.emotions:
        name = plan.name if head is training.heads[0] else f"{plan.name}-{head.name}"
        labels, columns = training.model_columns(head)
        model = fitting.only(network, plan, columns)
        fitting.save_atomically(model, folder / f"{name}.keras")
        written = report.Report(
            name=name,
            labels=labels,
            protocol=head.protocol,
            recipe=plan,
            sources=training.sources,
            rows=rows,
            parameters=model.count_params(),
            macs=report.count_macs(model),
            epochs=len(history["epoch"]),
            wall_s=wall_s,
            history=history,
            metrics=report.judge_all(report.model_logits(model), labels, tests),
        )
        report.write(written, folder)
        _show(written.metrics)
        Console().print(f"{folder / name}.keras, its report {name}.json and {name}.md, and two plots", soft_wrap=True)


def _claim(folder: Path, plan: recipes.Recipe, *, resume: bool, fresh: bool) -> None:
    """See that a run's folder is not overwritten, or gone on with, by mistake."""
    if resume and fresh:
        message = "--resume goes on with a run and --fresh throws it away: say one of them"
        raise recipes.RecipeError(message)
    kept = folder / "recipe.json"
    if (folder / "checkpoint").exists() or (folder / fitting.LOG).exists():
        if not (resume or fresh):
            message = f"{folder}: a run is there already; say --resume to go on with it or --fresh to start over"
            raise recipes.RecipeError(message)
        if resume and kept.exists() and not _same(kept, plan):
            message = f"{folder}: this run was started from another recipe; name another --out, or say --fresh"
            raise recipes.RecipeError(message)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(kept, plan.model_dump_json(indent=1) + "\n")


def _same(kept: Path, plan: recipes.Recipe) -> bool:
    try:
        return recipes.Recipe.model_validate_json(kept.read_bytes()) == plan
    except ValidationError:  # it has keys of another version
        return False


@app.command()
def evaluate(
    model: Annotated[Path, typer.Argument(help="A .keras file with its report, or a .tflite bundle.")],
    fer2013: Fer2013Option,
    ferplus: FerplusOption,
    *,
    against: Annotated[Path | None, typer.Option(help="Another model, compared on the same faces.")] = None,
) -> None:
    """Judge a model by every protocol, or two as a pair (McNemar)."""
    logits, labels = _open(model)
    tests = report.load_tests(fer2013, ferplus)
    if against is None:
        _show(report.judge_all(logits, labels, tests))
        return
    other_logits, other_labels = _open(against)
    first, second = run_once(logits, tests), run_once(other_logits, tests)
    table = Table("split", "protocol", "n", "first", "second", "only first", "only second", "p", box=SIMPLE_HEAD)
    table.pad_edge = False
    for key, faces in tests.items():
        one, two = softmax(first[key]), softmax(second[key])
        pair = compare(
            match_labels(one, labels, faces.labels), match_labels(two, other_labels, faces.labels), faces.truth
        )
        figures = (judge(one, labels, faces).accuracy, judge(two, other_labels, faces).accuracy)
        table.add_row(
            *key, f"{pair.n:,}", *(f"{a:.2%}" for a in figures), str(pair.only_first), str(pair.only_second),
            f"{pair.p:.2g}",
        )  # fmt: skip
    Console().print(table)
    Console().print(f"first is {model}, second {against}; p is of McNemar's test", soft_wrap=True)


@app.command()
def robustness(
    model: Annotated[Path, typer.Argument(help="A .keras file with its report, or a .tflite bundle.")],
    fer2013: Fer2013Option,
    ferplus: FerplusOption,
    *,
    protocol: Annotated[Protocol, typer.Option(help="By whose labels.")] = "ferplus-majority",
) -> None:
    """Judge a model on PrivateTest faces as a poor camera or a detector's box shows them."""
    logits, labels = _open(model)
    faces = load(protocol, "PrivateTest", fer2013, ferplus)
    table = Table("change", "accuracy", "points lost", box=SIMPLE_HEAD)
    table.caption = f"{protocol}, PrivateTest, n = {len(faces):,}"
    before: float | None = None
    for name, accuracy in under_changes(logits, labels, faces):
        before = accuracy if before is None else before
        table.add_row(name, f"{accuracy:.2%}", f"{100 * (before - accuracy):.2f}")
    Console().print(table)


@app.command()
def facescore(
    model: Annotated[Path, typer.Argument(help="A .tflite bundle that tells whether a picture is a face.")],
    fer2013: Fer2013Option,
    ferplus: FerplusOption,
    clips: ClipsOption,
    *,
    plot: Annotated[Path | None, typer.Option(help="Write a picture of it too, as .png.")] = None,
) -> None:
    """Judge how well a model tells PrivateTest faces from what is none, none of which it learned from."""
    bundle = ModelBundle.load(model)
    limit = bundle.card.calibration.min_face_score
    if limit is None:
        message = f"{model}: it does not tell whether a picture is a face; python -m convert makes bundles that do"
        raise DataError(message)
    size = bundle.card.input.width, bundle.card.input.height

    def score(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.asarray(bundle.read(np.stack([resized(one, *size) for one in pictures])).face_scores, np.float32)

    faces = score(load("ferplus", "PrivateTest", fer2013, ferplus).pixels)
    others = {name: score(pictures) for name, pictures in facescores.nothing(clips).items()}
    table = Table("least score", f"faces dropped of {len(faces):,}", box=SIMPLE_HEAD)
    for name, scores in others.items():
        table.add_column(f"kept of {len(scores):,}: {name}")
    for at in sorted({*facescores.LIMITS, limit}):
        cells = [facescores.dropped(faces, at), *facescores.kept(others, at).values()]
        table.add_row(f"{at:.2f}" + " (the card's)" * (at == limit), *(f"{cell:.2%}" for cell in cells))
    Console().print(table)
    if plot:
        write_atomically(plot, plots.face_scores(faces, others, limit))


def _open(model: Path) -> tuple[Logits, tuple[str, ...]]:
    if model.suffix == ".tflite":
        bundle = ModelBundle.load(model)
        temperature, size = bundle.card.calibration.temperature, (bundle.card.input.width, bundle.card.input.height)

        def logits(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
            rows = [bundle.network.logits(resized(face, *size)[np.newaxis]) for face in pixels]
            return np.concatenate(rows) / np.float32(temperature)

        return logits, bundle.columns
    labels = report.read(model.with_suffix(".json")).labels
    try:
        return report.model_logits(keras.models.load_model(model, compile=False)), labels
    except (ValueError, OSError) as error:
        message = f"{model}: not a Keras model: {str(error).splitlines()[0]}"
        raise DataError(message) from error


def _show(metrics: dict[str, dict[str, Metrics]]) -> None:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for column in ("split", "protocol", "n", "accuracy", "95 % interval", "F1", "ECE"):
        table.add_column(column, no_wrap=True)
    for split, protocols in metrics.items():
        for protocol, m in protocols.items():
            low, high = m.interval
            interval = f"{100 * low:.1f} to {100 * high:.1f}"
            table.add_row(
                split, protocol, f"{m.n:,}", f"{m.accuracy:.2%}", interval, f"{m.macro_f1:.3f}",
                f"{m.calibration_error:.3f}",
            )  # fmt: skip
    Console().print(table)
    Console().print("F1 is the labels' mean; ECE is the expected calibration error.")


@app.command("recipes")
def list_recipes() -> None:
    """List the project's recipes."""
    table = Table("recipe", "what it is", "labels from", "epochs", box=SIMPLE_HEAD)
    table.columns[0].no_wrap = True
    for path in sorted(recipes.FOLDER.glob("*.toml")):
        recipe = recipes.load(path)
        table.add_row(os.path.relpath(path), recipe.description, recipe.data.training, str(recipe.schedule.epochs))
    Console().print(table)


@app.command("meanfaces")
def write_mean_faces(
    fer2013: Fer2013Option,
    ferplus: FerplusOption,
    *,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("edge/testcard/faces.npz"),
) -> None:
    """Compute the test card's mean faces from FER+ training faces."""
    faces = meanfaces.mean_faces(load("ferplus", "Training", fer2013, ferplus))
    meanfaces.save(faces, out)
    counts = ", ".join(f"{label} {count}" for label, count in zip(faces.labels, faces.counts, strict=True))
    Console().print(f"{out}: {out.stat().st_size:,} bytes; faces in each mean: {counts}", soft_wrap=True)


@app.command()
def scenes(  # noqa: PLR0913  # each is a flag
    fer2013: Fer2013Option,
    ferplus: FerplusOption,
    *,
    model: Annotated[Path, typer.Option(help="A .tflite bundle.", show_default="the shipped one")] = SHIPPED,
    sequences: Annotated[int, typer.Option(min=1, help="Each has four people, one after the other.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Other rooms, people and ways.")] = 0,
    min_height: Annotated[int, typer.Option(min=16, help="Pixels of the smallest face that is looked for.")] = (
        FacesConfig().min_height
    ),
    min_confidence: Annotated[
        float | None, typer.Option(min=0, max=1, help="'uncertain' below; 0: never.", show_default="the model's card")
    ] = None,
    only: Annotated[list[Name] | None, typer.Option(help="Who looks; naive is slow.", show_default="all")] = None,
    faces: Annotated[
        int, typer.Option(min=0, max=MOST_AT_ONCE, help="People at once; 0: nobody, and a curtain moves.")
    ] = 1,
    json: Annotated[Path | None, typer.Option(help="Write the figures here too.")] = None,
) -> None:
    """Judge the whole pipeline on made-up video with FER+ test faces, beside a search of every frame."""
    bundle = ModelBundle.load(model)
    names = only or list(Name)
    reader = Reader(bundle, min_confidence)
    made = make_sequences(
        load("ferplus-majority", "PrivateTest", fer2013, ferplus),
        sequences,
        seed=seed,
        people=ROUNDS * faces,
        at_once=max(faces, 1),
    )
    console = Console(stderr=True)
    judged = [
        judge_scene(sequence, {name: looker(name, bundle, min_height, min_confidence) for name in names}, reader.read)
        for sequence in track(
            made, "sequences", total=sequences, console=console, transient=True, disable=not console.is_terminal
        )
    ]
    every = [scene_figures.figures(judged, name) for name in names]
    Console().print(scene_table(every))
    if json:
        write_atomically(json, TypeAdapter(list[scene_figures.Figures]).dump_json(every, indent=1).decode() + "\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    run(app, arguments)


if __name__ == "__main__":
    main()
