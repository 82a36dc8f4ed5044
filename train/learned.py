"""What a run learns from, as a file in its folder: what its report says of the data, wherever it is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from edge.files import read_text, write_atomically
from edge.frozen import FrozenModel
from train.datasets import DataError
from train.priors import expected_priors, learned_priors
from train.recipes import first_problem
from train.runs import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from train.examples import Examples
    from train.kept import KeptNetwork
    from train.recipes import Recipe

_MOST_BYTES = 1 << 20


class LearnedFrom(FrozenModel):
    """The training pictures in numbers."""

    rows: dict[str, int]
    """As `Examples.rows` counts them."""

    priors: dict[str, dict[str, float]]
    """Share of each emotion that the network comes to expect, by head: that in the files, if nothing balances it."""

    sources: dict[str, str]
    """Of `Examples`, and the networks that it learns from."""

    def write(self, folder: Path, *, resume: bool) -> None:
        """Write it into a run's folder.

        Raises:
            DataError: The run is resumed, and learned from something else until now, or what is there is another file.
        """
        if resume and (folder / EXAMPLES).exists() and (others := self._differences(read(folder))):
            message = (
                f"{folder}: until now this run learned from other {' and '.join(others)}; name the same ones, or write "
                "--fresh to start over"
            )
            raise DataError(message)
        write_atomically(folder / EXAMPLES, self.model_dump_json(indent=1) + "\n")

    def _differences(self, before: LearnedFrom) -> list[str]:
        """Return the names of the sources that are others; an older version did not write all of them."""
        known = self.sources.keys() & before.sources.keys()
        others = sorted(name for name in known if self.sources[name] != before.sources[name])
        return [*others, *(["labels"] if self.rows != before.rows else [])]


def describe(
    training: Examples, recipe: Recipe, teachers: Sequence[KeptNetwork] = (), start: KeptNetwork | None = None
) -> LearnedFrom:
    """Return what a report says of what a recipe learns from: the pictures, its teachers and where it starts."""
    tau = recipe.loss.logit_adjustment
    priors = {
        head: expected_priors(shares, tau) for head, shares in learned_priors(training, recipe.data.balance).items()
    }
    return LearnedFrom(rows=training.rows(), priors=priors, sources={**training.sources, **networks(teachers, start)})


def networks(teachers: Sequence[KeptNetwork], start: KeptNetwork | None) -> dict[str, str]:
    """Return the names and SHA-256 of the networks that one learns from, for `LearnedFrom.sources`."""
    named = {"teachers": ", ".join(map(str, teachers)), "start": str(start or "")}
    return {role: names for role, names in named.items() if names}


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
        message = f"{path}: not what a run learns from: {first_problem(error)}"
        raise DataError(message) from None
