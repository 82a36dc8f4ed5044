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

_APART = 0.3
"""Part of the face's width by which the centre of a box that matches may be off."""

_LARGER = 1.6
"""Times that a box that matches may be larger, or smaller, than the face."""

_LATE_S = 2.0
"""Seconds for which a box where a face just was counts as late, not as false."""


def matches(face: Rect, found: Rect) -> bool:
    """Whether a found box is that face: about there, and about as large."""
    dx = found.x + found.width / 2 - face.x - face.width / 2
    dy = found.y + found.height / 2 - face.y - face.height / 2
    larger = found.width / face.width
    return math.hypot(dx, dy) <= _APART * face.width and 1 / _LARGER <= larger <= _LARGER


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
        whole = face is not None and self._is_whole(face)
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

    def _is_whole(self, face: Rect) -> bool:
        right, bottom = face.x + face.width, face.y + face.height
        return face.x >= 0 and face.y >= 0 and right <= self._width and bottom <= self._height
