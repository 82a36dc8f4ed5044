"""What is measured of systems apart from their reports: time, noise, and what `convert` says of each.

``make bench-systems`` writes it, in one run: a machine that is busy for a while is then busy for all.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError

from edge.files import read_text
from edge.frozen import FrozenModel
from train.datasets import DataError
from train.recipes import first_problem

FILE = Path(__file__).parents[1] / "weights" / "systems.json"
"""Where it is kept."""

_MOST_BYTES = 1 << 20


class Int8Figures(FrozenModel):
    """A bundle that `convert` made."""

    bytes: int
    ms: float
    """Milliseconds a face."""

    accuracy: dict[str, float]
    """On PrivateTest, by the data set of its labels: ``FER+`` or ``FER2013``."""


class SystemFigures(FrozenModel):
    """Of one system."""

    float_ms: float | None = None
    """Milliseconds a face, or a frame of a track; None: it was not timed, or TFLite has not all of its operators."""

    float_bytes: int | None = None
    """Of the float ``.tflite`` file."""

    noise: dict[str, float] = Field(default_factory=dict)
    """Accuracy on PrivateTest by what is done to the faces, as `train.evaluate.robustness` names it; empty: there are
    no weights, or it does not see pictures."""

    noise_labels: str = ""
    """``FER+`` or ``FER2013``."""

    refused: str = ""
    """What `convert` said when it refused it."""

    int8: Int8Figures | None = None
    """None: it was refused, or there is nothing to convert."""


class SystemsMeasured(FrozenModel):
    """Of all systems, on one machine."""

    machine: str = ""
    """Its processor."""

    cores: int = 0
    load: float = 0.0
    """Load average of the minute in which the networks were timed: above `cores`, each takes longer than alone."""

    rounds: int = 0
    """How often each network was timed, in turn."""

    systems: dict[str, SystemFigures] = Field(default_factory=dict)
    """By the recipe's name."""


def read(path: Path = FILE) -> SystemsMeasured:
    """Return what was measured; nothing where the file is missing.

    Raises:
        DataError: It is another file.
    """
    try:
        return SystemsMeasured.model_validate_json(read_text(path, _MOST_BYTES))
    except FileNotFoundError:
        return SystemsMeasured()
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        message = f"{path}: not what 'make bench-systems' writes: {first_problem(error)}"
        raise DataError(message) from None
