"""How often each way to read a track is right, as reports have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from edge.frozen import FrozenModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NORMAL = 1.96
"""Standard errors to each side of a mean that hold 95 %."""

SHARE, DIFFERENCE = (0.0, 1.0), (-1.0, 1.0)
"""All that a share, and a difference of two, can be."""


class MeanFigure(FrozenModel):
    """A mean over tracks, or over faces."""

    n: int
    """Tracks, or faces."""

    mean: float
    interval: tuple[float, float]
    """95 %, by the standard error: of tracks, of their own means, as the frames of one track are not independent."""

    def is_above(self, claimed: float = 0.0) -> Literal["yes", "no", "inconclusive"]:
        """Return whether it is above a claimed value; ``inconclusive`` if the interval holds that."""
        low, high = self.interval
        if low > claimed:
            return "yes"
        return "no" if high < claimed else "inconclusive"


class TrackFigures(FrozenModel):
    """One way to read tracks."""

    accuracy: MeanFigure
    """Share of the frames whose label was found."""

    by_kind: dict[str, MeanFigure]
    """The same of each kind of track."""

    changes: float
    """Mean changes of the answer within a track."""

    hits: str
    """In how many frames of each track it was right: two hexadecimal digits a track, for comparisons in pairs."""


class TracksReport(FrozenModel):
    """All ways to read the same tracks of one split."""

    tracks: int
    frames: int
    fps: float
    changes: float
    """Mean changes of the truth within a track."""

    ways: dict[str, TrackFigures] = Field(default_factory=dict)
    """By name, as in `train.tracks.compare.WAYS`."""


def mean_figure(values: NDArray[np.float64], possible: tuple[float, float] = SHARE) -> MeanFigure:
    """Return the mean of ``(N,)`` values, one of each track or face.

    Args:
        values: The values.
        possible: The interval of a single value, whose error is not known.
    """
    mean, n = float(values.mean()), len(values)
    if n == 1:
        return MeanFigure(n=n, mean=mean, interval=possible)
    error = _NORMAL * float(values.std(ddof=1)) / n**0.5
    return MeanFigure(n=n, mean=mean, interval=(mean - error, mean + error))


def difference(first: TrackFigures, second: TrackFigures, frames: int) -> MeanFigure:
    """Return by how much the first way is right more often than the second, track by track."""
    one, other = (np.frombuffer(bytes.fromhex(way.hits), np.uint8) / frames for way in (first, second))
    return mean_figure(one - other, DIFFERENCE)
