"""The command that shows what a float model answers for pictures, and where it looks."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  # typer reads it
from typing import TYPE_CHECKING, Annotated

import train.tensorflow_settings  # noqa: F401  # before anything that imports keras

# isort: split
import cv2
import numpy as np
import typer
from matplotlib.figure import Figure
from rich.box import SIMPLE_HEAD
from rich.table import Table

from edge.camera.images import read_colours
from edge.errors import CameraError, OutputError
from edge.files import write_atomically
from edge.inference.bundle import SHIPPED, ModelBundle
from edge.inference.labels import FACE
from edge.inference.outputs import softmax
from edge.photo.faces import read_faces
from edge.photo.read import copy_names, photo_files
from edge.vision.crops import cut_out, resized, turned
from edge.vision.views import VIEWS, view_stills
from train import plots
from train.console import console
from train.evaluate.grad_cam import grad_cam
from train.evaluate.models import keras_logits, load_keras

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import keras
    from numpy.typing import NDArray

_SHOWN = 3
"""Labels in a row of the table."""

app = typer.Typer()


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="A .keras file with its report.")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE", help="Images, or folders of images.")],
    *,
    cropped: Annotated[bool, typer.Option("--cropped", help="Each image is a face already; do not search.")] = False,
    tta: Annotated[int, typer.Option(min=1, max=len(VIEWS), help="Views of a face whose mean is taken.")] = 1,
    cam: Annotated[bool, typer.Option("--cam", help="Draw where the model looks (Grad-CAM); needs --out.")] = False,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Draw the answers, an image for each.")] = None,
) -> None:
    """Show what a float model answers for each face of images."""
    if cam and not out:
        message = "--cam draws: say where with --out DIR"
        raise typer.BadParameter(message)
    if out:
        out.mkdir(parents=True, exist_ok=True)
    network, labels = load_keras(model)
    finder = None if cropped else ModelBundle.load(SHIPPED)
    table = Table("image", "face", *(["emotion", ""] * _SHOWN), box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    photos = photo_files(images)
    copies = copy_names(photos, out, "answers", png=True) if out else [None] * len(photos)
    names = [path.name for path in photos]
    failed = False
    for path, copy in zip(photos, copies, strict=True):
        shown = path.name if names.count(path.name) == 1 else f"{path.parent.name}/{path.name}"
        try:
            colours = read_colours(path)
        except CameraError as error:
            typer.echo(error, err=True)  # the others are read all the same
            failed = True
            continue
        gray = np.asarray(cv2.cvtColor(colours, cv2.COLOR_BGR2GRAY), np.uint8)
        faces = list(_faces(gray, finder, *network.input_shape[-3:-1]))
        if not faces:
            table.add_row(shown, "none")
            continue
        emotions = tuple(label for label in labels if label != FACE)
        answers = _answers(network, np.stack(faces), labels, tta)
        for number, shares in enumerate(answers, start=1):
            best = np.argsort(-shares)[:_SHOWN]
            table.add_row(shown, str(number), *(part for i in best for part in (emotions[i], f"{shares[i]:.0%}")))
        if copy:
            looks = [
                grad_cam(network, face, labels.index(emotions[int(shares.argmax())])) if cam else None
                for face, shares in zip(faces, answers, strict=True)
            ]
            failed |= not _written(copy, _drawn(faces, looks, answers, emotions))
    if table.row_count:
        console().print(table)
    if failed:
        raise typer.Exit(2)


def _written(file: Path, content: bytes) -> bool:
    """Return whether a file could be written; why not is told."""
    try:
        write_atomically(file, content)
    except OutputError as error:
        typer.echo(error, err=True)
        return False
    return True


def _faces(gray: NDArray[np.uint8], finder: ModelBundle | None, height: int, width: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the faces of a picture in the model's size; the shipped bundle finds them."""
    if finder is None:
        yield resized(gray, width, height)
        return
    for face in read_faces(gray, finder):
        part = face.box.expanded(finder.card.input.crop_margin)
        yield (
            turned(gray, part, face.tilt, width, height) if face.tilt else resized(cut_out(gray, part), width, height)
        )


def _answers(network: keras.Model, faces: NDArray[np.uint8], labels: Sequence[str], views: int) -> NDArray[np.float32]:
    """Return ``(N, E)`` probabilities of the emotions, the mean over so many views."""
    logits, height, width = keras_logits(network), *faces.shape[1:]
    columns = [i for i, label in enumerate(labels) if label != FACE]
    seen = [softmax(logits(view_stills(faces, view, width, height))[:, columns]) for view in VIEWS[:views]]
    return np.asarray(np.mean(seen, axis=0), np.float32)


def _drawn(
    faces: Sequence[NDArray[np.uint8]],
    looks: Sequence[NDArray[np.float32] | None],
    answers: NDArray[np.float32],
    emotions: Sequence[str],
) -> bytes:
    """Return a PNG with a row for each face: the face, where the model looks, and the probabilities."""
    columns = 3 if looks[0] is not None else 2
    figure = Figure(figsize=(3 * columns, 2.6 * len(faces)), layout="constrained")
    for row, (face, look, shares) in enumerate(zip(faces, looks, answers, strict=True)):
        places = [figure.add_subplot(len(faces), columns, row * columns + column + 1) for column in range(columns)]
        for axes in places[:-1]:
            axes.imshow(face, cmap="gray", vmin=0, vmax=255)
            axes.set_axis_off()
        if look is not None:
            places[1].imshow(look, cmap="inferno", alpha=0.5, vmin=0, vmax=1)
            places[1].set_title(f"for {emotions[int(shares.argmax())]}", fontsize=10)
        bars = places[-1]
        colours = [plots.STRONG if share == shares.max() else plots.QUIET for share in shares]
        bars.barh(range(len(emotions)), shares, color=colours)
        bars.set_yticks(range(len(emotions)), emotions)
        bars.invert_yaxis()
        bars.set_xlim(0, 1)
        bars.spines[["top", "right"]].set_visible(False)
    return plots.as_png(figure)
