"""The same report for every trained model: JSON for programs, Markdown and plots for people."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import keras
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge.files import write_atomically
from edge.inference.bundle import softmax
from train import plots
from train.datasets import DataError, LabelProtocol, Split, load
from train.evaluate.metrics import Metrics, judge, run_once
from train.recipes import Recipe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from train.datasets import Faces
    from train.evaluate.metrics import Logits

TESTED: tuple[LabelProtocol, ...] = ("ferplus-majority", "ferplus-top", "fer2013")
"""The protocols that every model is judged by, whatever it was trained for."""

SPLITS: tuple[Split, ...] = ("PublicTest", "PrivateTest")
"""Validation and test."""

_BATCH = 256


class TrainingReport(BaseModel):
    """What became of a recipe; written beside the model as ``NAME.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True, populate_by_name=True)

    version_of_report: Literal[1] = Field(default=1, alias="schema")
    name: str
    labels: tuple[str, ...]
    """The model's labels, in the order of its logits; last, where it tells that, `edge.inference.bundle.FACE`."""

    protocol: LabelProtocol
    """By whose labels it is judged on validation faces."""

    recipe: Recipe
    sources: dict[str, str] = {}
    """What else it learned from: the clips by name, the teachers by their sha256."""

    rows: dict[str, int]
    """Faces by protocol and split, as in ``ferplus Training``."""

    parameters: int
    macs: int
    """Multiply-accumulates of one forward pass of one face."""

    epochs: int
    wall_s: float | None
    """Seconds that training took; None where it was interrupted."""

    history: dict[str, list[float]]
    """The curves; one value per epoch."""

    metrics: dict[str, dict[str, Metrics]]
    """By split, then by protocol."""


def model_logits(model: keras.Model) -> Logits:
    """Give the function from ``(N, 48, 48)`` gray levels to the Keras model's logits."""

    def logits(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.asarray(model.predict(pixels[..., None], batch_size=_BATCH, verbose=0), np.float32)

    return logits


def load_tests(fer2013: Path, ferplus: Path) -> dict[tuple[Split, LabelProtocol], Faces]:
    """Load every split and protocol that a model is judged by.

    Raises:
        DataError: A file is missing or damaged, or a protocol has no face.
    """
    tests = {(split, protocol): load(protocol, split, fer2013, ferplus) for split in SPLITS for protocol in TESTED}
    for (split, protocol), faces in tests.items():
        if not len(faces):
            message = f"{fer2013}: no {split} face is left by the protocol {protocol}; is the file complete?"
            raise DataError(message)
    return tests


def judge_all(
    logits: Logits, labels: Sequence[str], tests: Mapping[tuple[Split, LabelProtocol], Faces]
) -> dict[str, dict[str, Metrics]]:
    """Judge a model by every protocol; the result is by split, then by protocol."""
    metrics: dict[str, dict[str, Metrics]] = {}
    for (split, protocol), row in run_once(logits, tests).items():
        metrics.setdefault(split, {})[protocol] = judge(softmax(row), labels, tests[split, protocol])
    return metrics


def count_macs(model: keras.Model) -> int:
    """Count the multiply-accumulates of one forward pass of one picture, in convolutions and dense layers."""
    return sum(_layer_macs(layer) for layer in _leaves(model))


def _leaves(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    if isinstance(layer, keras.Model):
        for part in layer.layers:
            yield from _leaves(part)
    else:
        yield layer


def _layer_macs(layer: keras.layers.Layer) -> int:
    if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
        _, height, width, _ = layer.output.shape
        return int(height * width * math.prod(layer.kernel.shape))
    return math.prod(layer.kernel.shape) if isinstance(layer, keras.layers.Dense) else 0


def write(report: TrainingReport, folder: Path) -> Path:
    """Write ``NAME.json``, ``NAME.md`` and two plots, ``NAME-*.png``, into the run's folder, each atomically.

    Returns:
        The JSON file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shown = report.metrics["PrivateTest"][report.protocol]
    title = f"{report.name}, {report.protocol}, PrivateTest: {shown.accuracy:.1%} of {shown.n:,}"
    files = {
        f"{report.name}-curves.png": plots.curves(report.history, report.name),
        f"{report.name}-confusion.png": plots.confusion(shown, title),
        f"{report.name}.md": markdown(report).encode(),
        f"{report.name}.json": report.model_dump_json(indent=1).encode() + b"\n",
    }
    for name, content in files.items():
        write_atomically(folder / name, content)
    return folder / f"{report.name}.json"


def read(path: Path) -> TrainingReport:
    """Read a report.

    Raises:
        DataError: There is none, or it is not a report.
    """
    try:
        return TrainingReport.model_validate_json(path.read_bytes())
    except OSError as error:
        message = f"{path}: {error.strerror}; the report that 'python -m train fit' writes belongs beside the model"
        raise DataError(message) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        message = f"{path}: not a training report: {where}: {first['msg']}"
        raise DataError(message) from None


def markdown(report: TrainingReport) -> str:
    """Write the report for a person."""
    schedule = report.recipe.schedule
    took = f", {report.wall_s / 60:.0f} minutes" if report.wall_s else ""
    summary = (
        f"{report.parameters:,} parameters, {report.macs:,} multiply-accumulates a face. "
        f"{report.epochs} of {schedule.epochs} epochs{took}. "
        f"Trained on {', '.join(f'{count:,} of {what}' for what, count in report.rows.items() if 'Test' not in what)}; "
        "PublicTest chooses, PrivateTest decides nothing."
    )
    lines = [
        f"# {report.name}",
        "",
        report.recipe.description,
        "",
        summary,
        "",
        *_accuracies(report),
        "",
        "Recall on PrivateTest (faces):",
        "",
        *_recalls(report.metrics["PrivateTest"]),
        "",
        f"![Curves]({report.name}-curves.png)",
        "",
        f"![Confusion]({report.name}-confusion.png)",
        "",
    ]
    return "\n".join(lines)


def _accuracies(report: TrainingReport) -> Iterator[str]:
    yield "| split | protocol | n | accuracy | 95 % interval | macro-F1 | calibration error |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    for split, protocols in report.metrics.items():
        for protocol, m in protocols.items():
            low, high = m.interval
            yield (
                f"| {split} | {protocol} | {m.n:,} | {m.accuracy:.2%} | {low:.1%} to {high:.1%} "
                f"| {m.macro_f1:.3f} | {m.calibration_error:.3f} |"
            )


def _recalls(protocols: Mapping[str, Metrics]) -> Iterator[str]:
    labels = sorted({label for m in protocols.values() for label in m.labels})
    yield f"| protocol | {' | '.join(labels)} |"
    yield f"|---|{'---:|' * len(labels)}"
    for protocol, m in protocols.items():
        cells: list[Any] = [m.recall.get(label) for label in labels]
        written = ("-" if c is None or c.recall is None else f"{c.recall:.2f} ({c.n})" for c in cells)
        yield f"| {protocol} | {' | '.join(written)} |"
