"""The value that every data set is loaded as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class DataError(Exception):
    """A data file is missing, damaged or not what it should be; the message is for a person."""


@dataclass(frozen=True)
class Faces:
    """Face pictures and their labels."""

    pixels: NDArray[np.uint8]
    """``(N, 48, 48)`` gray levels."""

    targets: NDArray[np.float32]
    """``(N, C)`` probabilities of each label; each row sums to 1."""

    labels: tuple[str, ...]
    """The ``C`` label names, in the order of the columns."""

    agreement: NDArray[np.int64] | None = None
    """``(N,)`` how many of ten annotators chose the winning label; None if there was one annotator."""

    def __len__(self) -> int:
        """Return the number of faces."""
        return len(self.pixels)

    @property
    def truth(self) -> NDArray[np.intp]:
        """``(N,)`` index of each face's most probable label."""
        winners: NDArray[np.intp] = np.argmax(self.targets, axis=1)
        return winners

    def counts(self) -> dict[str, int]:
        """Return how many faces have each label as their most probable one."""
        found = np.bincount(self.truth, minlength=len(self.labels))
        return dict(zip(self.labels, map(int, found), strict=True))

    def select(self, rows: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Faces:
        """Return only the chosen rows, by mask, index or slice."""
        agreement = None if self.agreement is None else self.agreement[rows]
        return Faces(self.pixels[rows], self.targets[rows], self.labels, agreement)


def joined(parts: Sequence[Faces]) -> Faces:
    """Return the faces of several sets with the same labels as one, without their annotators' agreement."""
    pixels, targets = (np.concatenate(arrays) for arrays in zip(*((p.pixels, p.targets) for p in parts), strict=True))
    return Faces(pixels, targets, parts[0].labels)
