"""Pictures and their targets, as a training takes them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from edge.inference.labels import FACE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from train.heads import Head


@dataclass(frozen=True)
class Examples:
    """Pictures and targets."""

    pixels: NDArray[np.uint8]
    """``(N, 48, 48)``"""

    targets: NDArray[np.float32]
    """``(N, K)``; the columns of each head one after the other."""

    heads: tuple[Head, ...]
    """The first is what the model is for."""

    sources: Mapping[str, str] = field(default_factory=dict)
    """What it is made of besides labelled faces: the clips by name, the teachers by their sha256."""

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.pixels)

    def sample(self, count: int, seed: int) -> Examples:
        """Return so many pictures that have labels for the first head, chosen at random, or all of them."""
        labelled = np.flatnonzero(self.targets[:, self.heads[0].columns].any(axis=1))
        rows = np.random.default_rng(seed).permutation(labelled)[:count]
        return replace(self, pixels=self.pixels[rows], targets=self.targets[rows])

    def rows(self) -> dict[str, int]:
        """Return the number of pictures with labels for each head, and of those labelled as no face."""
        taught = {head.name: self.targets[:, head.columns].any(axis=1) for head in self.heads}
        count = {f"{name} Training": int(rows.sum()) for name, rows in taught.items() if name != FACE}
        return count | ({"no face": int((~taught[FACE]).sum())} if FACE in taught else {})
