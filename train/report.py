"""What is told of every trained model, as JSON for programs; `train.page` shows it to people."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from edge.files import read_text
from edge.frozen import FrozenModel, requirement
from edge.text import printable
from train.datasets import DataError, LabelProtocol, Split
from train.evaluate.metrics import Metrics
from train.recipes import Recipe
from train.tracks.figures import TracksReport

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES = 16 << 20
"""Hundreds of times what one with a thousand epochs takes."""

LabelName = Annotated[str, Field(max_length=200)]
"""A label as files say it, before anything checks that it is known."""


class TrainingReport(FrozenModel):
    """How a model was trained and how accurate it is; written beside it as ``NAME.json``."""

    version_of_report: Literal[1] = Field(default=1, alias="schema")
    name: str
    labels: tuple[LabelName, ...]
    """In the order of the logits; the last one is `edge.inference.labels.FACE` if it has a face score."""

    protocol: LabelProtocol
    """The protocol that it is evaluated by on validation faces."""

    recipe: Recipe
    sources: dict[str, str] = Field(default_factory=dict)
    """What else it learned from: the clips by name, the negatives and the teachers by their SHA-256."""

    weights: str = ""
    """SHA-256 of the file ``NAME.npz`` with the weights of all heads; empty in reports of older versions."""

    rows: dict[str, int]
    """Faces by protocol and split, as in ``ferplus Training``."""

    priors: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)
    """Share of each emotion that the network comes to expect, for logit adjustment: that in what it learned, balanced
    as the recipe says; empty in reports of older versions."""

    parameters: int
    macs: int
    """Multiply-accumulates of one forward pass of one face."""

    epochs: int
    wall_s: float | None
    """Seconds that the epochs took; None if it was not recorded, as older versions did not where it was interrupted."""

    history: dict[str, list[float]]
    """The curves; one value per epoch."""

    metrics: dict[str, dict[str, Metrics]]
    """By split, then by protocol; a network over frames sees a still as the first frame of a track."""

    which_right: dict[Split, str] = Field(default_factory=dict)
    """Which of FER2013's rows are right by its labels, as of `train.evaluate.protocols.which_right`."""

    tracks: TracksReport | None = None
    """On PrivateTest's tracks, of a network over frames."""

    @model_validator(mode="after")
    def _one_bit_a_row(self) -> Self:
        for split, digits in self.which_right.items():
            rows = self.metrics[split]["fer2013"].n if "fer2013" in self.metrics.get(split, {}) else 0
            if not re.fullmatch(f"[0-9a-f]{{{2 * math.ceil(rows / 8)}}}", digits):
                message = f"which_right: {split} must be a bit for each of {rows:,} rows, as hexadecimal digits"
                raise ValueError(message)
        return self


def read(path: Path) -> TrainingReport:
    """Return the report in a file.

    Raises:
        DataError: The file is missing, or is not a report.
    """
    try:
        return TrainingReport.model_validate_json(read_text(path, _MOST_BYTES))
    except UnicodeDecodeError as error:
        message = f"{path}: not a training report: not UTF-8 text (byte {error.start})"
        raise DataError(message) from None
    except OSError as error:
        message = f"{path}: {error.strerror}; the report that 'python -m train fit' writes belongs beside the model"
        raise DataError(message) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = printable(".".join(map(str, first["loc"])), 100) or "the file"
        message = f"{path}: not a training report: {where}: {requirement(first)}"
        raise DataError(message) from None
