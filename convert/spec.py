"""``NAME.toml``: what a model file cannot say of itself, said beside it.

Nothing of it is guessed: a wrong input scale and a wrong order of labels are the two
mistakes that cost published models most, and neither shows before somebody counts.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from convert.errors import ModelError
from edge.inference.bundle import FACE
from train import report as reports
from train.datasets import LabelProtocol, ferplus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_WHITE = 255.0


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Scaling(_Table):
    """How a gray level becomes what the network was trained on: ``(level scaled to range - mean) / std``."""

    range: tuple[float, float]
    """What black and white become, before mean and deviation."""

    mean: tuple[float, ...] = Field(min_length=1)
    """What is then subtracted, a number for each channel."""

    std: tuple[float, ...] = Field(min_length=1)
    """What that is divided by."""

    def apply(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turn ``(N, H, W)`` gray levels into ``(N, H, W, C)`` normalised pixels, every channel from the same gray."""
        black, white = self.range
        scaled = pixels.astype(np.float32)[..., None] / _WHITE * (white - black) + black
        return np.asarray((scaled - np.array(self.mean, np.float32)) / np.array(self.std, np.float32), np.float32)

    def for_channels(self, channels: int) -> Scaling:
        """Give it with a number for each of so many channels; one number serves them all."""
        mean, std = (tuple(np.broadcast_to(part, channels).tolist()) for part in (self.mean, self.std))
        return Scaling(range=self.range, mean=mean, std=std)

    def affine(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give slope and offset of each channel, as a function of the gray level."""
        black, white = self.range
        mean, std = np.array(self.mean), np.array(self.std)
        return (white - black) / _WHITE / std, (black - mean) / std


PLAIN = Scaling(range=(0, _WHITE), mean=(0,), std=(1,))
"""Gray levels as they are: the network normalises them itself."""


class _Input(_Table):
    range: tuple[float, float] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    size: tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]] | None = None
    channels: Literal[1, 3] | None = None


class Sidecar(_Table):
    """What stands beside a model; what is absent is asked for where it is needed."""

    labels: tuple[str, ...] | None = None
    protocol: LabelProtocol | None = None
    output: str | None = None
    description: str = ""
    input: _Input = _Input()


WANTED = {
    "labels": f"the emotions in the order of the network's outputs, out of {', '.join(ferplus.LABELS)}"
    f"; {FACE} for the logit that it is one at all",
    "protocol": 'by whose labels it is judged: "ferplus-majority", or "fer2013" if it learned FER2013\'s own',
    "output": "the name of the output that gives the emotions",
    "input.range": "what a black and a white pixel become before mean and std, as [0.0, 1.0]",
    "input.mean": "what is then subtracted, a number for each channel, as [0.5]; [0.0] for nothing",
    "input.std": "what that is divided by, a number for each channel, as [0.5]; [1.0] for nothing",
    "input.size": "width and height of a face in pixels, as [48, 48]",
    "input.channels": "1 for gray or 3 for colour",
}
"""Every key that may be asked for, and what it says."""


class Spec(_Table):
    """All that is known of a model once its file and what stands beside it are put together."""

    labels: tuple[str, ...]
    """In the order of the network's outputs."""

    protocol: LabelProtocol
    """By whose labels it is judged."""

    scaling: Scaling
    width: int
    height: int
    channels: int
    output: str
    """Name of the output that gives the emotions."""

    trained: dict[str, Any]
    """What the card says of its origin."""

    @property
    def training(self) -> LabelProtocol:
        """The protocol of the training faces that show its activations' ranges."""
        return _training(self.protocol)


@dataclass(frozen=True)
class Told:
    """What a model file says of itself; None where it leaves something open."""

    height: int | None
    width: int | None
    channels: int | None
    outputs: tuple[str, ...]
    """Names of its outputs."""


def complete(model: Path, told: Told) -> Spec:
    """Put together what a model file says and what stands beside it.

    Beside it stands ``NAME.toml``, or the report ``NAME.json`` that this project's training wrote.

    Raises:
        ModelError: Something is missing, or the two disagree; everything missing is named.
        DataError: The report is damaged.
    """
    path, report = model.with_suffix(".toml"), model.with_suffix(".json")
    if report.exists() and not path.exists():
        path = report
        said, trained = _from_report(report)
    else:
        said = _read(path)
        trained = {"protocol": said.protocol, "description": said.description}
    width, height = said.input.size or (None, None)
    channels: Any = told.channels or said.input.channels  # a number once nothing is missing
    found = {
        "labels": said.labels,
        "protocol": said.protocol,
        "output": said.output or (told.outputs[0] if len(told.outputs) == 1 else None),
        "input.range": said.input.range,
        "input.mean": said.input.mean,
        "input.std": said.input.std,
        "input.size": (told.width or width) and (told.height or height),
        "input.channels": channels,
    }
    missing = [key for key, value in found.items() if value is None]
    if missing:
        outputs = f" ({', '.join(told.outputs)})" if "output" in missing else ""
        lines = "".join(f"\n  {key}: {WANTED[key]}{outputs if key == 'output' else ''}" for key in missing)
        message = f"{model}: {path.name} beside it has to say what the file cannot:{lines}"
        raise ModelError(message)
    wrong = next(chain(_about_labels(said), _about_input(said.input, told, channels)), None)
    if wrong is None and said.output and said.output not in told.outputs:
        wrong = f"output: there is no {said.output}; the outputs are {', '.join(told.outputs)}"
    if wrong:
        message = f"{path}: {wrong}"
        raise ModelError(message)
    scaling = Scaling.model_validate({part: found[f"input.{part}"] for part in ("range", "mean", "std")})
    return Spec.model_validate(
        {
            "labels": said.labels,
            "protocol": said.protocol,
            "scaling": scaling.for_channels(channels),
            "width": told.width or width,
            "height": told.height or height,
            "channels": channels,
            "output": found["output"],
            "trained": {"source": model.name} | trained,
        }
    )


def _read(path: Path) -> Sidecar:
    try:
        return Sidecar.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Sidecar()
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path}: not a TOML file: {error}"
        raise ModelError(message) from error
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc'][:2]))}: {e['msg']}" for e in error.errors())
        message = f"{path}: {problems}; it may say {', '.join(WANTED)} and description"
        raise ModelError(message) from error


def _from_report(path: Path) -> tuple[Sidecar, dict[str, Any]]:
    report = reports.read(path)
    training = _training(report.protocol)
    said = Sidecar(
        labels=report.labels,
        protocol=report.protocol,
        input=_Input(range=PLAIN.range, mean=PLAIN.mean, std=PLAIN.std),
    )
    return said, {
        "recipe": report.recipe.name,
        "description": report.recipe.description,
        "data": f"{training}, {report.rows[f'{training} Training']:,} faces of FER2013's Training split",
        "epochs": report.epochs,
    } | report.sources


def _training(protocol: LabelProtocol) -> LabelProtocol:
    """Give the protocol of the training faces of a model that is judged by another."""
    return "fer2013" if protocol == "fer2013" else "ferplus"


def _about_labels(said: Sidecar) -> Iterator[str]:
    """Say what is wrong with the labels."""
    labels = said.labels or ()
    unknown = [label for label in labels if label not in {*ferplus.LABELS, FACE}]
    if unknown:
        yield f"labels: {', '.join(unknown)}: not among {', '.join(ferplus.LABELS)}"
    if labels and not set(labels) - {FACE}:
        yield "labels: no emotion is among them"
    if len(set(labels)) != len(labels):
        yield f"labels: a label occurs twice in {', '.join(labels)}"


def _about_input(inside: _Input, told: Told, channels: Any) -> Iterator[str]:
    """Say what is wrong with what is said of the input, in itself or beside what the file says."""
    for name, numbers in (("mean", inside.mean), ("std", inside.std)):
        if numbers is not None and len(numbers) not in {1, channels}:
            yield f"input.{name}: {len(numbers)} numbers for {channels} channel(s)"
    if inside.std and min(inside.std) <= 0:
        yield "input.std: a deviation is greater than 0"
    if inside.range and inside.range[0] == inside.range[1]:
        yield "input.range: black and white are the same"
    for axis, ours, theirs in zip(("width", "height"), inside.size or (), (told.width, told.height), strict=False):
        if theirs not in {None, ours}:
            yield f"input.size: its {axis} is {ours}, but the file says {theirs}"
    if inside.channels and told.channels not in {None, inside.channels}:
        yield f"input.channels: {inside.channels}, but the file says {told.channels}"
