"""Pictures and their targets, as a training takes them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.inference.labels import FACE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from train.heads import Head


@dataclass(frozen=True)
class Examples:
    """Pictures and targets."""

    pixels: NDArray[Any]
    """``(N, 48, 48)``; of landmarks ``(N, 478, 3)`` float32, of tracks ``(N, T, D)`` embeddings of their frames."""

    targets: NDArray[np.float32]
    """``(N, K)``, of tracks ``(N, T, K)``; the columns of each head one after the other."""

    heads: tuple[Head, ...]
    """The first is what the model is for."""

    sources: Mapping[str, str] = field(default_factory=dict)
    """What it is made of besides labelled faces: clips and folders by name, negatives by their SHA-256."""

    def __len__(self) -> int:
        """Return the number of pictures or tracks."""
        return len(self.pixels)

    @property
    def are_tracks(self) -> bool:
        """Whether each is a track's frames, not a picture."""
        return self.targets.ndim > 2

    def inputs(self, rows: NDArray[np.intp] | slice = slice(None)) -> NDArray[np.float32]:
        """Return some of them, or all, as a network takes them: ``(N, 48, 48, 1)``, or ``(N, T, D)``."""
        chosen = self.pixels[rows].astype(np.float32)
        return chosen if self.are_tracks else chosen[..., None]

    def taught(self, head: Head) -> NDArray[np.bool_]:
        """Return a mask of those that have a label of a head."""
        return np.asarray(self.targets[..., head.columns].reshape(len(self), -1).any(axis=1))

    def sample(self, count: int, seed: int, *, labelled: bool = True) -> Examples:
        """Return so many pictures, chosen at random, or all of them.

        Args:
            count: How many at most.
            seed: Of the choice.
            labelled: Only those that have labels for the first head.
        """
        among = np.flatnonzero(self.taught(self.heads[0])) if labelled else np.arange(len(self))
        rows = np.random.default_rng(seed).permutation(among)[:count]
        return replace(self, pixels=self.pixels[rows], targets=self.targets[rows])

    def rows(self) -> dict[str, int]:
        """Return the number of pictures with labels for each head, and of those labelled as no face."""
        taught = {head.name: self.taught(head) for head in self.heads}
        count = {f"{name} Training": int(rows.sum()) for name, rows in taught.items() if name != FACE}
        return count | ({"no face": int((~taught[FACE]).sum())} if FACE in taught else {})
