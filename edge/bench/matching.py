"""How right a looker is, where the truth is known."""

from __future__ import annotations

import math
from collections import deque
from statistics import fmean
from typing import TYPE_CHECKING

from edge.bench.report import AccuracyReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.geometry import Rect

CENTRE, SIZE_RATIO = 0.3, 1.6
"""How far a box's centre may lie from the face's, as a part of the face's width, and how often one may be as wide
as the other.

Measured on `train.simulation`, 689 frames: the cascade's boxes have no offset from FER+ crops that would have to be
taken out (medians 0.00 of the width across and down, width 0.99 of the crop's), 98 of 100 centres lie within 0.2, and
none is between 0.3 and 0.5, where clutter begins. Their width trembles more, by up to 1.4 in 90 of 100 boxes and 1.6
in 98, which overlap would punish like a wrong place: it is one half at a ratio of 1.41. So place and width are judged
apart.
"""

_LATE_S = 2.0
"""Seconds for which a box where a face just was counts as late, not as false."""


def matches(face: Rect, found: Rect) -> bool:
    """Whether a found box is that face, by `CENTRE` and `SIZE_RATIO`."""
    ratio = found.width / face.width
    return distance(face, found) <= CENTRE and 1 / SIZE_RATIO <= ratio <= SIZE_RATIO


def distance(face: Rect, found: Rect) -> float:
    """Give the distance of the centres, as a part of the face's width."""
    return math.dist(face.middle, found.middle) / face.width


class Score:
    """Holds what a looker says of each frame against the one face that is there, or is not."""

    def __init__(self, width: int, height: int) -> None:
        """Begin.

        Args:
            width: Pixels of the frames.
            height: Pixels of the frames.
        """
        self._width, self._height = width, height
        self._frames = self._whole = self._hits = self._late = self._false = 0
        self._recent: deque[tuple[float, Rect]] = deque()
        self._away = False
        self._came_s: float | None = None
        self._noticed_s: list[float] = []

    def add(self, time_s: float, face: Rect | None, found: Sequence[Rect]) -> None:
        """Count one frame.

        Args:
            time_s: When it was captured, not before the last one.
            face: The truth; None with nobody there.
            found: What the looker says.
        """
        whole = face is not None and face.lies_within(self._width, self._height)
        own = [box for box in found if face is not None and matches(face, box)]
        while self._recent and self._recent[0][0] < time_s - _LATE_S:
            self._recent.popleft()
        late = [box for box in found if box not in own and any(matches(was, box) for _, was in self._recent)]
        self._frames += 1
        self._whole += whole
        self._hits += whole and bool(own)
        self._late += len(late)
        self._false += len(found) - len(late) - bool(own)  # a face has one box: the others are false
        self._wait(time_s, face, whole=whole, noticed=bool(own))
        if face is not None:
            self._recent.append((time_s, face))

    def report(self) -> AccuracyReport:
        """Give the shares; there must have been a frame."""
        return AccuracyReport(
            recall=round(self._hits / self._whole, 4) if self._whole else None,
            false_per_1000=round(1000 * self._false / self._frames, 2),
            late_per_1000=round(1000 * self._late / self._frames, 2),
            noticed_s=round(fmean(self._noticed_s), 3) if self._noticed_s else None,
        )

    def _wait(self, time_s: float, face: Rect | None, *, whole: bool, noticed: bool) -> None:
        """Time how long somebody who came back waits, until noticed or, if never, until not wholly there any more."""
        if whole and self._away:
            self._came_s, self._away = time_s, False
        if self._came_s is not None and (noticed or not whole):
            self._noticed_s.append(time_s - self._came_s)
            self._came_s = None
        if face is None:
            self._away = True
