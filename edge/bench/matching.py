"""Which boxes are faces, where the truth is known: the one rule for what is a false face."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from edge.frame import TICK_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.geometry import Rect

CENTRE, SIZE_RATIO = 0.3, 1.6
"""Largest distance of a box's centre from the face's, as a part of the face's width, and largest ratio of their widths.

Measured on `train.simulation`, 689 frames: the cascade's boxes have no offset from FER+ crops that would have to be
taken out (medians 0.00 of the width across and down, width 0.99 of the crop's), 98 of 100 centres lie within 0.2, and
none is between 0.3 and 0.5, where clutter begins. Their width varies more, by up to 1.4 in 90 of 100 boxes and 1.6
in 98, which overlap would punish like a wrong place: it is one half at a ratio of 1.41. So place and width have limits
of their own.
"""

LINGER_S = 2.0
"""Seconds for which a box where a face just was is *lingering* and not false: a tracker waits a while before a face is
gone."""


class Verdict(Enum):
    """What a box is. Every box is exactly one of these."""

    FOUND = "found"
    """A face that is there, or the better one of several boxes of it."""

    DUPLICATE = "duplicate"
    """One more box of a face that is there."""

    LINGERING = "lingering"
    """A face that was there within the last `LINGER_S`, and is not any more."""

    WRONG_SIZE = "wrong size"
    """Centred on a face that is there or lingers, but much larger or smaller. It says rightly that somebody is there,
    but not where; the cascade finds some people's FER+ crops only so."""

    FALSE = "false"
    """No face."""


@dataclass(frozen=True)
class Match:
    """A box and the face that it is."""

    verdict: Verdict
    face: int | None = None
    """Index of the face in its frame, for `FOUND` and `DUPLICATE`."""


def matches(face: Rect, box: Rect) -> bool:
    """Return whether a box is that face, by `CENTRE` and `SIZE_RATIO`."""
    return _is_centred(face, box) and 1 / SIZE_RATIO <= box.width / face.width <= SIZE_RATIO


class Matcher:
    """Matches the boxes of one method with the faces of one video, frame by frame."""

    def __init__(self) -> None:
        self._recent: deque[tuple[float, Rect]] = deque()

    def match(self, time_s: float, faces: Sequence[Rect], boxes: Sequence[Rect]) -> list[Match]:
        """Return a match for each box of a frame.

        Args:
            time_s: When the frame was captured, not before the last one.
            faces: The truth: all faces that are there, also partly outside the frame.
            boxes: What the method found.
        """
        while self._recent and self._recent[0][0] < time_s - LINGER_S - TICK_S:
            self._recent.popleft()
        result = [self._match(faces, box) for box in boxes]
        for face in range(len(faces)):
            own = [index for index, match in enumerate(result) if match.face == face]
            own.sort(key=lambda index: _distance(faces[face], boxes[index]))
            for index in own[1:]:
                result[index] = Match(Verdict.DUPLICATE, face)
        self._recent += [(time_s, face) for face in faces]
        return result

    def _match(self, faces: Sequence[Rect], box: Rect) -> Match:
        near = [index for index, face in enumerate(faces) if matches(face, box)]
        if near:
            return Match(Verdict.FOUND, min(near, key=lambda index: _distance(faces[index], box)))
        recent = [face for _, face in self._recent]
        if any(matches(face, box) for face in recent):
            return Match(Verdict.LINGERING)
        if any(_is_centred(face, box) for face in (*faces, *recent)):
            return Match(Verdict.WRONG_SIZE)
        return Match(Verdict.FALSE)


def _is_centred(face: Rect, box: Rect) -> bool:
    return _distance(face, box) <= CENTRE


def _distance(face: Rect, box: Rect) -> float:
    """Return the distance of the centres, as a part of the face's width."""
    return math.dist(face.centre, box.centre) / face.width
