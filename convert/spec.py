"""All that is known of a model once its file and what stands beside it are put together."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from convert.errors import ModelError
from convert.scaling import PLAIN, Scaling
from convert.sidecar import WANTED, Pixels, Sidecar, SidecarInput, read_sidecar
from edge.files import is_folder, is_there
from edge.frozen import FrozenModel
from edge.inference.outputs import OutputLabels
from edge.text import printable
from train import report as reports
from train.datasets import LabelProtocol
from train.evaluate.protocols import training_protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_MOST_OFF = 0.001
"""By which the sum of the priors may differ from 1: they are rounded."""


class ModelSpec(FrozenModel):
    """All that has to be known of a model to convert it."""

    labels: tuple[str, ...]
    """In the order of the network's outputs."""

    protocol: LabelProtocol
    """By whose labels it is evaluated."""

    scaling: Scaling
    width: int
    height: int
    channels: int
    output: str
    """Name of the output that gives the emotions."""

    trained: dict[str, Any]
    """What the card says of its origin."""

    priors: dict[str, float] | None
    """Share of each emotion that it came to expect, as its report says; None: that in the training faces."""

    @property
    def training(self) -> LabelProtocol:
        """The protocol of the training faces that show its activations' ranges."""
        return training_protocol(self.protocol)

    @property
    def outputs(self) -> OutputLabels:
        """The bundle's labels: the emotions sorted by name."""
        return OutputLabels.of(sorted(self.labels))

    @property
    def order(self) -> list[int]:
        """For each label of the bundle, the number of the network's output that tells it."""
        return [self.labels.index(label) for label in self.outputs.columns]


class FileFacts(FrozenModel):
    """What a model file says of itself; None where it leaves something open."""

    height: Pixels | None
    width: Pixels | None
    channels: int | None
    outputs: tuple[Annotated[str, Field(max_length=200)], ...]
    """Names of its outputs."""

    @property
    def shown_outputs(self) -> str:
        """The same, safe to show: a stranger's file may have any number of any characters."""
        return printable(", ".join(self.outputs), 300)


def beside(model: Path, ending: str) -> Path:
    """Return the file with an ending that stands beside a model: ``fer.toml`` of ``fer.onnx``.

    A folder's name has no ending: beside ``fer-1.2`` it is ``fer-1.2.toml``.
    """
    return model.with_name(f"{model.name}{ending}") if is_folder(model) else model.with_suffix(ending)


def complete(model: Path, facts: FileFacts) -> ModelSpec:
    """Return what a model file and what stands beside it say together.

    `beside` it stands ``NAME.toml``, or the report ``NAME.json`` that this project's training wrote.

    Raises:
        ModelError: Something is missing, or the two disagree; everything missing is named.
        DataError: The report is damaged.
    """
    path, report = beside(model, ".toml"), beside(model, ".json")
    if is_there(report) and not is_there(path):
        path = report
        sidecar, trained, priors = _from_report(report)
    else:
        sidecar, priors = read_sidecar(path), None
        trained = {"protocol": sidecar.protocol, "description": sidecar.description}
    width, height = sidecar.input.size or (None, None)
    channels: Any = facts.channels or sidecar.input.channels  # a number once nothing is missing
    found = {
        "labels": sidecar.labels,
        "protocol": sidecar.protocol,
        "output": sidecar.output or (facts.outputs[0] if len(facts.outputs) == 1 else None),
        "input.range": sidecar.input.range,
        "input.mean": sidecar.input.mean,
        "input.std": sidecar.input.std,
        "input.size": (facts.width or width) and (facts.height or height),
        "input.channels": channels,
    }
    missing = [key for key, value in found.items() if value is None]
    if missing:
        raise _asking(model, path, missing, facts)
    wrong = next(chain(sidecar.mistakes(), _disagreements(sidecar, facts, channels)), None)
    if wrong:
        message = f"{path}: {wrong}"
        raise ModelError(message)
    scaling = Scaling.model_validate({part: found[f"input.{part}"] for part in ("range", "mean", "std")})
    return ModelSpec.model_validate(
        {
            "labels": sidecar.labels,
            "protocol": sidecar.protocol,
            "scaling": scaling.for_channels(channels),
            "width": facts.width or width,
            "height": facts.height or height,
            "channels": channels,
            "output": found["output"],
            "trained": {"source": printable(model.name, 255)} | trained,
            "priors": priors,
        }
    )


def _asking(model: Path, path: Path, missing: list[str], facts: FileFacts) -> ModelError:
    """Return what asks for all that is missing at once."""
    outputs = f" ({facts.shown_outputs})"
    lines = "".join(f"\n  {key}: {WANTED[key]}{outputs if key == 'output' else ''}" for key in missing)
    return ModelError(f"{model}: {path.name} beside it has to say what the file cannot:{lines}")


def _disagreements(sidecar: Sidecar, facts: FileFacts, channels: int) -> Iterator[str]:
    """Say where a sidecar disagrees with its model file."""
    inside = sidecar.input
    for name, numbers in (("mean", inside.mean), ("std", inside.std)):
        if numbers is not None and len(numbers) not in {1, channels}:
            yield f"input.{name}: {len(numbers)} numbers for {channels} channel(s)"
    for axis, ours, theirs in zip(("width", "height"), inside.size or (), (facts.width, facts.height), strict=False):
        if theirs not in {None, ours}:
            yield f"input.size: its {axis} is {ours}, but the file says {theirs}"
    if inside.channels and facts.channels not in {None, inside.channels}:
        yield f"input.channels: {inside.channels}, but the file says {facts.channels}"
    if sidecar.output and sidecar.output not in facts.outputs:
        yield f"output: there is no {printable(sidecar.output, 200)}; the outputs are {facts.shown_outputs}"


def _from_report(path: Path) -> tuple[Sidecar, dict[str, Any], dict[str, float] | None]:
    """Return what the report of this project's training says, what of it goes into the card, and the priors."""
    report = reports.read(path)
    training = training_protocol(report.protocol)
    faces = report.rows.get(f"{training} Training")
    if faces is None:
        message = (
            f"{path}: its rows do not say how many faces of '{training} Training' the model learned from; "
            "only models that learned from FER2013's faces are converted, as the gates need them"
        )
        raise ModelError(message)
    total = sum(report.priors.get(label, 0.0) for label in report.labels)
    if report.priors and abs(total - 1) > _MOST_OFF:
        message = f"{path}: priors: the sum of those of its labels is {total:.3g} and not 1"
        raise ModelError(message)
    plain = SidecarInput(range=PLAIN.range, mean=PLAIN.mean, std=PLAIN.std)
    trained: dict[str, Any] = {
        "recipe": report.recipe.name,
        "description": report.recipe.description,
        "data": f"{training}, {faces:,} faces of FER2013's Training split",
        "epochs": report.epochs,
    } | report.sources
    # Texts of a file, which go into the card and onto its page.
    clean = {
        printable(key, 100): printable(value, 5000) if isinstance(value, str) else value
        for key, value in trained.items()
    }
    return Sidecar(labels=report.labels, protocol=report.protocol, input=plain), clean, report.priors or None
