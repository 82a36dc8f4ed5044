"""What a run learns from, as a file in its folder: what its report says of the data, wherever it is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import ValidationError

from edge.files import read_text, write_atomically
from edge.frozen import FrozenModel
from edge.inference.labels import FACE
from edge.text import first_line
from train.batches import balancing_weights
from train.datasets import DataError
from train.evaluate.balance import class_priors
from train.runs import EXAMPLES

if TYPE_CHECKING:
    from pathlib import Path

    from train.examples import Examples

_MOST_BYTES = 1 << 20


class LearnedFrom(FrozenModel):
    """The training pictures in numbers."""

    rows: dict[str, int]
    """As `Examples.rows` counts them."""

    priors: dict[str, dict[str, float]]
    """Share of each emotion in what is learned, by head; where the recipe balances, not that in the files."""

    sources: dict[str, str]
    """Of `Examples`."""

    def write(self, folder: Path) -> None:
        """Write it into a run's folder."""
        write_atomically(folder / EXAMPLES, self.model_dump_json(indent=1) + "\n")


def describe(training: Examples, balance: str) -> LearnedFrom:
    """Return what a report says of training pictures.

    Args:
        training: What is learned from.
        balance: As in a recipe's data. Balanced pictures count in the priors as much as they do in training.
    """
    targets = training.targets
    if balance != "none":
        targets = targets * balancing_weights(training).astype(np.float32)[:, None]
    priors = {
        head.name: class_priors(targets[..., head.columns].reshape(-1, len(head.labels)), head.labels)
        for head in training.heads
        if head.name != FACE
    }
    return LearnedFrom(rows=training.rows(), priors=priors, sources=dict(training.sources))


def read(folder: Path) -> LearnedFrom:
    """Return what the run in a folder learns from.

    Raises:
        DataError: The file is missing or is another one.
    """
    path = folder / EXAMPLES
    try:
        return LearnedFrom.model_validate_json(read_text(path, _MOST_BYTES))
    except OSError as error:
        message = f"{path}: {error.strerror}; 'python -m train fit' and 'pack' write it"
        raise DataError(message) from None
    except (ValidationError, UnicodeDecodeError) as error:
        message = f"{path}: not what a run learns from: {first_line(error)}"
        raise DataError(message) from None
