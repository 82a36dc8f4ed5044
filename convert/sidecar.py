"""``NAME.toml``: what a model file cannot say of itself, said beside it.

Nothing of it is guessed: a wrong input scale and a wrong order of labels are the two mistakes that cost published
models most, and neither shows before somebody counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, ValidationError

from convert.errors import ModelError
from edge.config.toml import read_toml
from edge.errors import ConfigError
from edge.files import is_there
from edge.frozen import FrozenModel, requirement
from edge.inference.labels import FACE
from edge.text import printable
from train.datasets import ferplus
from train.evaluate.protocols import TestedProtocol  # pydantic reads it
from train.report import LabelName

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WANTED = {
    "labels": f"the emotions in the order of the network's outputs, out of {', '.join(ferplus.LABELS)}"
    f"; {FACE} for the logit that it is one at all",
    "protocol": 'by whose labels it is evaluated: "ferplus-majority", or "fer2013" if it learned FER2013\'s own',
    "output": "the name of the output that gives the emotions",
    "input.range": "what a black and a white pixel become before mean and std, as [0.0, 1.0]",
    "input.mean": "what is then subtracted, a number for each channel, as [0.5]; [0.0] for nothing",
    "input.std": "what that is divided by, a number for each channel, as [0.5]; [1.0] for nothing",
    "input.size": "width and height of a face in pixels, as [48, 48]",
    "input.channels": "1 for gray or 3 for colour",
}
"""Every key that may be asked for, and what it says."""

_MOST_PROBLEMS = 10
"""A file of another kind has a mistake in each of its lines."""

Pixels = Annotated[int, Field(gt=0, le=1024)]
"""Width or height of a face; a card allows as many."""


class _SidecarTable(FrozenModel, allow_inf_nan=False):
    pass


class SidecarInput(_SidecarTable):
    """The table ``[input]``: what the network takes."""

    range: tuple[float, float] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    size: tuple[Pixels, Pixels] | None = None
    """Width and height."""

    channels: Literal[1, 3] | None = None


class Sidecar(_SidecarTable):
    """What stands beside a model; an absent key is asked for where it is needed."""

    labels: tuple[LabelName, ...] | None = None
    protocol: TestedProtocol | None = None
    output: Annotated[str, Field(max_length=200)] | None = None
    description: Annotated[str, Field(max_length=1000)] = ""
    input: SidecarInput = SidecarInput()

    def mistakes(self) -> Iterator[str]:
        """Say what is wrong in it, whatever the model file says."""
        labels = self.labels or ()
        unknown = [label for label in labels if label not in {*ferplus.LABELS, FACE}]
        if unknown:
            yield f"labels: {printable(', '.join(unknown), 100)}: not among {', '.join(ferplus.LABELS)}"
        if labels and not set(labels) - {FACE}:
            yield "labels: no emotion is among them"
        if len(set(labels)) != len(labels):
            yield f"labels: a label occurs twice in {printable(', '.join(labels), 200)}"
        if not self.description.isprintable():
            yield "description: one line of text is wanted, without control characters"
        if self.input.std and min(self.input.std) <= 0:
            yield "input.std: a deviation is greater than 0"
        if self.input.range and self.input.range[0] == self.input.range[1]:
            yield "input.range: black and white are the same"


def read_sidecar(path: Path) -> Sidecar:
    """Return what a sidecar says; an empty one if there is no such file.

    Raises:
        ModelError: It is no TOML, or a key or value is wrong.
    """
    if not is_there(path):
        return Sidecar()
    try:
        return Sidecar.model_validate(read_toml(path))
    except ConfigError as error:
        raise ModelError(str(error)) from error
    except ValidationError as error:
        found = [
            f"{'.'.join(printable(str(part), 40) for part in problem['loc'][:2])}: {requirement(problem)}"
            for problem in error.errors()[:_MOST_PROBLEMS]
        ]
        message = f"{path}: {'; '.join(found)}; it may say {', '.join(WANTED)} and description"
        raise ModelError(message) from error
