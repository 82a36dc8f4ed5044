"""The commands that evaluate models: alone, in pairs, on poor pictures, and within the pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import train.tensorflow_settings  # noqa: F401  # before anything that imports keras

# isort: split
import numpy as np
import typer
from pydantic import TypeAdapter
from rich.box import SIMPLE_HEAD
from rich.progress import track
from rich.table import Table

from edge.bench.blazeface import BlazeFace
from edge.bench.methods import MethodName, make_method, method_names
from edge.bench.reading import EmotionReader
from edge.cli.options import JsonFileOption, writable, writable_png
from edge.config import EmotionConfig, FacesConfig
from edge.files import read_text, write_atomically
from edge.inference.bundle import SHIPPED, ModelBundle
from edge.vision.crops import all_resized
from train import plots
from train.console import ClipsOption, Fer2013Option, FerplusOption, VotesOption, console, show
from train.datasets import DataError, LabelProtocol, load
from train.evaluate import face_score as facescores
from train.evaluate import figures, tables
from train.evaluate.balance import adjust, training_priors
from train.evaluate.metrics import Metrics
from train.evaluate.models import of_mesh, open_model
from train.evaluate.protocols import (
    ComparedModels,
    compare_all,
    evaluate_all,
    load_tests,
    own_protocol,
    training_protocol,
)
from train.evaluate.robustness import under_changes
from train.evaluate.views import MEAN_OF_VIEWS, evaluate_views
from train.simulation import figures as scene_figures
from train.simulation import sequences as make_sequences
from train.simulation.evaluation import run_methods
from train.simulation.plot import frontier
from train.simulation.table import table as scene_table
from train.simulation.video import MOST_AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from train.evaluate.metrics import Logits
    from train.evaluate.models import OpenedModel

ROUNDS = 4
"""Visits in each sequence of `scenes`."""

_LARGEST_PAGE = 1 << 20

app = typer.Typer()


@app.command()
def evaluate(  # each is a flag
    model: Annotated[Path, typer.Argument(help="A .keras file with its report, or a .tflite bundle.")],
    fer2013: Fer2013Option,
    ferplus: VotesOption,
    *,
    against: Annotated[Path | None, typer.Option(help="Another model, compared on the same faces.")] = None,
    balance: Annotated[
        float,
        typer.Option(metavar="TAU", min=0, max=1, help="Logit adjustment; 1 expects all emotions equally often."),
    ] = 0.0,
    json: JsonFileOption = None,
) -> None:
    """Evaluate a model by every protocol. Two are compared on the same faces (McNemar's test).

    Faces of your own, in the form of fer2013.csv: --fer2013 FILE --ferplus none.
    """
    tests = load_tests(fer2013, ferplus)
    opened = open_model(model)
    logits, labels = _balanced(opened, balance, fer2013, ferplus)
    if against:
        pairs = compare_all((logits, labels), _balanced(open_model(against), balance, fer2013, ferplus), tests)
        figures_json = TypeAdapter(list[ComparedModels]).dump_json(pairs, indent=1).decode()
        note = f"first is {model}, second {against}; p is of McNemar's test"
        show([tables.pairs(pairs)], figures_json, json, note=note)
    else:
        metrics = evaluate_all(logits, labels, tests)
        if opened.landmarks:
            metrics |= of_mesh(logits, labels, tests)
        views = {} if opened.landmarks else evaluate_views(logits, labels, tests)
        of_views = {f"{split}, {MEAN_OF_VIEWS}": protocols for split, protocols in views.items()}
        figures_json = TypeAdapter(dict[str, dict[str, Metrics]]).dump_json(metrics | of_views, indent=1).decode()
        show(tables.everything(metrics, views, _shown(labels, metrics)), figures_json, json)


def _shown(labels: Sequence[str], metrics: Mapping[str, Mapping[str, Metrics]]) -> LabelProtocol:
    """Return the protocol whose confusion matrix is shown: that of the model's own labels, if it is there."""
    own = own_protocol(labels)
    return own if own in metrics["PrivateTest"] else "fer2013"


@app.command("figures")
def write_figures(
    bundles: Annotated[list[Path], typer.Argument(metavar="BUNDLE", help="Bundles' .tflite files.")],
    fer2013: Fer2013Option,
    ferplus: FerplusOption,
    *,
    into: Annotated[Path, typer.Option(callback=writable, help="The page that has a place for each bundle's.")] = Path(
        "docs/models.md"
    ),
) -> None:
    """Write the figures of bundles into the model card. They are of PrivateTest, in the places of the old ones."""
    tests = {key: faces for key, faces in load_tests(fer2013, ferplus).items() if key[0] == "PrivateTest"}
    training = load("fer2013", "Training", fer2013, ferplus).pixels
    measured = [figures.measure(ModelBundle.load(path).card, open_model(path), tests, training) for path in bundles]
    write_atomically(into, figures.replaced(read_text(into, _LARGEST_PAGE), measured))
    console().print(f"{into}: figures of {', '.join(each.card.name for each in measured)}", soft_wrap=True)


def _balanced(model: OpenedModel, tau: float, fer2013: Path, ferplus: Path | None) -> tuple[Logits, tuple[str, ...]]:
    """Return a model's logits, adjusted by `tau`, and its labels."""
    if not tau:
        return model.logits, model.labels
    priors = model.priors or training_priors(training_protocol(own_protocol(model.labels)), fer2013, ferplus)
    return adjust(model.logits, model.labels, priors, tau), model.labels


@app.command()
def robustness(
    model: Annotated[Path, typer.Argument(help="A .keras file with its report, or a .tflite bundle.")],
    fer2013: Fer2013Option,
    ferplus: FerplusOption,
    *,
    protocol: Annotated[LabelProtocol, typer.Option(help="The labels.")] = "ferplus-majority",
) -> None:
    """Evaluate a model on poor pictures. They are PrivateTest faces as poor cameras and inexact boxes show them."""
    opened = open_model(model)
    if opened.landmarks:
        message = f"{model}: it takes landmarks, which changed pictures do not have"
        raise DataError(message)
    faces = load(protocol, "PrivateTest", fer2013, ferplus)
    table = Table("change", "accuracy", "points lost", box=SIMPLE_HEAD)
    table.caption = f"{protocol}, PrivateTest, n = {len(faces):,}"
    before: float | None = None
    for name, accuracy in under_changes(opened.logits, opened.labels, faces):
        before = accuracy if before is None else before
        table.add_row(name, f"{accuracy:.2%}", f"{100 * (before - accuracy):.2f}")
    console().print(table)


@app.command()
def facescore(
    model: Annotated[Path, typer.Argument(help="A .tflite bundle with a face score.")],
    fer2013: Fer2013Option,
    ferplus: FerplusOption,
    clips: ClipsOption,
    *,
    plot: Annotated[Path | None, typer.Option(callback=writable_png, help="Draw it too, into this .png file.")] = None,
) -> None:
    """Evaluate a model's face score. It is to separate PrivateTest faces from pictures that are no faces."""
    bundle = ModelBundle.load(model)
    limit = bundle.card.calibration.min_face_score
    if limit is None:
        message = f"{model}: it has no face score; recipes with data.clutter above 0 make models that have one"
        raise DataError(message)
    size = bundle.card.input.width, bundle.card.input.height

    def score(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.asarray(bundle.read(all_resized(pictures, *size)).face_scores, np.float32)

    faces = score(load("ferplus", "PrivateTest", fer2013, ferplus).pixels)
    others = {name: score(pictures) for name, pictures in facescores.negatives(clips).items()}
    table = Table("least score", f"faces dropped of {len(faces):,}", box=SIMPLE_HEAD)
    for name, scores in others.items():
        table.add_column(f"kept of {len(scores):,}: {name}")
    for at in sorted({*facescores.LIMITS, limit}):
        cells = [facescores.dropped(faces, at), *facescores.kept(others, at).values()]
        table.add_row(f"{at:.2f}" + " (the card's)" * (at == limit), *(f"{cell:.2%}" for cell in cells))
    console().print(table)
    if plot:
        write_atomically(plot, plots.face_scores(faces, others, limit))


@app.command()
def scenes(  # noqa: PLR0913  # each is a flag
    fer2013: Fer2013Option,
    ferplus: FerplusOption,
    *,
    model: Annotated[Path, typer.Option(help="A .tflite bundle.", show_default="the shipped one")] = SHIPPED,
    split: Annotated[
        Literal["PublicTest", "PrivateTest"],
        typer.Option(help="Whose faces: PublicTest, validation, to choose by; PrivateTest, test, to report."),
    ] = "PrivateTest",
    sequences: Annotated[int, typer.Option(min=1, help="Each has four people, one after the other.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Other rooms, people and ways.")] = 0,
    min_height: Annotated[int, typer.Option(min=16, help="Pixels of the smallest face that is looked for.")] = (
        FacesConfig().min_height
    ),
    min_confidence: Annotated[
        float | None, typer.Option(min=0, max=1, help="'uncertain' below; 0: never.", show_default="the model's card")
    ] = None,
    only: Annotated[list[MethodName] | None, typer.Option(help="Methods; naive is slow.", show_default="all")] = None,
    blazeface: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also BlazeFace, whose file 'make blazeface' gets.")
    ] = None,
    faces: Annotated[
        int, typer.Option(min=0, max=MOST_AT_ONCE, help="People at once; 0: nobody, and a curtain moves.")
    ] = 1,
    json: JsonFileOption = None,
    plot: Annotated[
        Path | None, typer.Option(callback=writable_png, help="Draw faces found by cost, into this .png file.")
    ] = None,
) -> None:
    """Evaluate the whole pipeline on synthetic video. FER+ faces are in it; other searches are compared."""
    bundle = ModelBundle.load(model)
    search = BlazeFace(blazeface).search if blazeface else None
    names = only or method_names(search)
    reader = EmotionReader(bundle, min_confidence)
    faces_config, emotion = FacesConfig(min_height=min_height), EmotionConfig(min_confidence=min_confidence)
    made = make_sequences(
        load("ferplus-majority", split, fer2013, ferplus),
        sequences,
        seed=seed,
        people=ROUNDS * faces,
        at_once=max(faces, 1),
    )
    errors = console(stderr=True)
    results = [
        run_methods(
            sequence,
            {name: make_method(name, bundle, faces_config, emotion, search) for name in names},
            lambda gray, box: reader.read(gray, [box])[0],
        )
        for sequence in track(
            made, "sequences", total=sequences, console=errors, transient=True, disable=not errors.is_terminal
        )
    ]
    every = [scene_figures.figures(results, name) for name in names]
    show([scene_table(every)], TypeAdapter(list[scene_figures.MethodFigures]).dump_json(every, indent=1).decode(), json)
    if plot:
        write_atomically(plot, frontier(every))
