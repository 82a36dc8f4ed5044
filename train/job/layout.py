"""Where things are in a job; the same paths as in the repository, so that recipes find their networks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from train.examples import Examples
from train.heads import heads_of
from train.job import pictures

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from train.recipes import Recipe

NAMES = "job.json"
"""The names of the recipes, in their order."""

PICTURES = ("faces", "others")
"""The files of all pictures, by `pictures.encode`: rows of FER2013, and negatives."""


def recipe_file(name: str) -> str:
    """Return where a recipe is."""
    return f"recipes/{name}.json"


def examples_file(name: str) -> str:
    """Return where a recipe's targets are, with the numbers of their pictures."""
    return f"recipes/{name}.npz"


def weights_file(name: str) -> str:
    """Return where the weights that a recipe results in are written to."""
    return f"runs/{name}/{name}.npz"


@dataclass(frozen=True)
class Job:
    """A job that was unpacked."""

    root: Path

    def names(self) -> list[str]:
        """Return the recipes' names in their order."""
        names: list[str] = json.loads((self.root / NAMES).read_text("utf-8"))
        return names

    def pictures(self) -> NDArray[np.uint8]:
        """Return all pictures."""
        return np.concatenate([pictures.decode((self.root / name).read_bytes()) for name in PICTURES])

    def examples(self, recipe: Recipe, every: NDArray[np.uint8]) -> tuple[Examples, Examples]:
        """Return what a recipe trains on and is validated on, of all pictures."""
        heads = heads_of(recipe.data)
        with np.load(self.root / examples_file(recipe.name), allow_pickle=False) as stored:
            return (
                Examples(every[stored["training"]], stored["training_targets"], heads),
                Examples(every[stored["validation"]], stored["validation_targets"], heads),
            )
