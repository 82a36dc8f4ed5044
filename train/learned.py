"""What a run learns from, as a file in its folder: what its report says of the data, wherever it is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from edge.files import read_text, write_atomically
from edge.frozen import FrozenModel
from edge.text import first_line
from train.datasets import DataError
from train.priors import expected_priors, learned_priors
from train.runs import EXAMPLES

if TYPE_CHECKING:
    from pathlib import Path

    from train.examples import Examples
    from train.recipes import Recipe

_MOST_BYTES = 1 << 20


class LearnedFrom(FrozenModel):
    """The training pictures in numbers."""

    rows: dict[str, int]
    """As `Examples.rows` counts them."""

    priors: dict[str, dict[str, float]]
    """Share of each emotion that the network comes to expect, by head: that in the files, if nothing balances it."""

    sources: dict[str, str]
    """Of `Examples`."""

    def write(self, folder: Path) -> None:
        """Write it into a run's folder."""
        write_atomically(folder / EXAMPLES, self.model_dump_json(indent=1) + "\n")


def describe(training: Examples, recipe: Recipe) -> LearnedFrom:
    """Return what a report says of a recipe's training pictures."""
    tau = recipe.loss.logit_adjustment
    priors = {
        head: expected_priors(shares, tau) for head, shares in learned_priors(training, recipe.data.balance).items()
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
