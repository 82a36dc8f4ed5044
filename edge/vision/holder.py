"""Hold a known face: follow it by flow, anchor it by a search nearby now and then, and find it again when it is lost.

Flow is cheap and knows no faces; the cascade knows faces, but misses those that lean or are covered; the model's face
score comes with every reading. A face is held as long as flow can follow it and the score agrees. It is lost when flow,
search and score agree that it is not there.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edge.frame import TICK_S
from edge.vision.detector import search_turned
from edge.vision.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from edge.geometry import Rect
    from edge.vision.detector import Detector
    from edge.vision.flow import Flow, Followed
    from edge.vision.reader import FaceReader
    from edge.vision.search import FaceSearch, Found
    from edge.vision.track import Track

_STILL_S = 0.5
"""Seconds that a face is taken to be where it was, because no pixel changed there."""

_SLOW_S, _SLOW = 0.1, 0.25
"""Seconds for which a slow face is taken to be where it was, and its widths a second: it moves by 2.5 % meanwhile."""

_LITTLE = 0.5
"""Part of a face that may have changed meanwhile; of one that begins to walk more does."""

_TEMPLATE_S = 1.0
"""Seconds after which a template is taken anew though no search found the face: expressions and light change."""

_POOR = 0.6
"""Share of a template's points that agree below which it is taken anew: the head has turned."""

_SURE = 0.9
"""Face score that a new template asks for, so that no hand before the face becomes one."""

_BLIND_S = 1.0
"""Seconds for which flow alone is believed where the model cannot score faces."""

_TILTS = (0.0, 25.0, -25.0, 50.0, -50.0)
"""Degrees in which a lost face is searched for; the cascade tolerates about 15 either way."""


class FaceHolder:
    """Finds confirmed faces in the next frame."""

    def __init__(
        self, detector: Detector, flow: Flow, search: FaceSearch, reader: FaceReader, *, min_score: float
    ) -> None:
        """Take what it asks.

        Args:
            detector: Searches near a face.
            flow: Follows a face.
            search: Knows where anything changed.
            reader: Scores faces, if the model can.
            min_score: Minimum face score, 0 to 1.
        """
        self._detector, self._flow, self._search, self._reader = detector, flow, search, reader
        self._min_score = min_score

    def take_template(self, track: Track, gray: NDArray[np.uint8], time_s: float) -> None:
        """Let flow follow a face from where it is in this frame: one that was confirmed, found or has changed."""
        track.template = self._flow.template(gray, track.rect, track.tilt, time_s)

    def hold(
        self,
        track: Track,
        gray: NDArray[np.uint8],
        time_s: float,
        free: Sequence[Found],
        is_taken: Callable[[Rect], bool],
    ) -> None:
        """Move a track to where its face is in a frame, or count a miss.

        Args:
            track: A confirmed one.
            gray: ``(H, W)`` uint8.
            time_s: When it was captured.
            free: What a search for new faces found in this frame.
            is_taken: Whether another track is at a place already.
        """
        expected = track.predicted(time_s)
        changed = self._search.changed(expected)
        if changed:
            track.changed_s = time_s
        if _stays(track, changed, time_s):
            track.mark_visible(time_s)
            return
        followed = self._flow.follow(track.template, gray, expected, track.tilt) if track.template else None
        if followed is None and not changed and track.misses >= len(_TILTS):
            return  # it was searched for in every tilt since
        self._search.mark_searched(expected)
        due = time_s >= track.anchor_due_s or track.newest_score < self._min_score
        found = self._anchor(track, gray, followed, expected) if due or followed is None else None
        if found is None and followed and (not due or self._is_believed(track, time_s)):
            if due:
                track.postpone_anchor(time_s)
            if not is_taken(followed.rect):
                self._follow(track, followed, gray, time_s)
                return
        elif found is None:
            found = self._lost(track, gray, expected, free)
        if found is None or is_taken(found[0]):
            track.misses += 1
            return
        track.anchor(*found, time_s, followed)
        self.take_template(track, gray, time_s)

    def _anchor(self, track: Track, gray: NDArray[np.uint8], followed: Followed | None, expected: Rect) -> Found | None:
        """Search near where flow says that the face is, or where it should be, and a little turned to either side.

        A face that flow follows is searched for more widely too: its box may be beside it.
        """
        there, tilt = (followed.rect, followed.tilt) if followed else (expected, track.tilt)
        found = search_turned(self._detector, gray, there, tilt)
        if not found and followed and (around := self._detector.search_around(gray, there, tilt)):
            found = around, tilt
        return found if found and (followed or self._is_face(gray, *found)) else None

    def _follow(self, track: Track, followed: Followed, gray: NDArray[np.uint8], time_s: float) -> None:
        track.follow(followed, time_s)
        old = track.template is None or time_s - track.template.taken_s > _TEMPLATE_S
        if (old or followed.agreement < _POOR) and track.newest_score >= _SURE:
            self.take_template(track, gray, time_s)

    def _is_believed(self, track: Track, time_s: float) -> bool:
        """Whether flow alone is believed, where a search does not find the face."""
        if not self._reader.scores_faces:
            return time_s - track.anchored_s < _BLIND_S
        return track.newest_score >= self._min_score

    def _lost(self, track: Track, gray: NDArray[np.uint8], expected: Rect, free: Sequence[Found]) -> Found | None:
        """Search for a face that is not where it should be: in one tilt a frame, and among what was found anyway."""
        tilt = sorted(_TILTS, key=lambda tilt: abs(tilt - track.tilt))[track.misses % len(_TILTS)]
        found = self._detector.search_around(gray, expected, tilt)
        if found:
            return (found, tilt) if self._is_face(gray, found, tilt) else None
        near = (one for one in free if _could_be(track.rect, one[0]))
        finer = (search_turned(self._detector, gray, *one) for one in near)
        return next((one for one in finer if one and self._is_face(gray, *one)), None)

    def _is_face(self, gray: NDArray[np.uint8], there: Rect, tilt: float) -> bool:
        """Whether the model takes for a face what a search found; clutter looks like one now and then."""
        if not self._reader.scores_faces:
            return True
        return self._reader.score(gray, there, tilt, VIEWS[:1]) >= self._min_score


def _stays(track: Track, changed: float, time_s: float) -> bool:
    """Whether a face is taken to be where it was: nothing changed there, or it moves slowly and little did."""
    since_s = time_s - track.found_s
    if track.misses:
        return False
    if not changed:
        return since_s < _STILL_S
    return since_s < _SLOW_S - TICK_S and track.speed < _SLOW and changed < _LITTLE


def _could_be(lost: Rect, found: Rect) -> bool:
    """Whether a lost face can be where one was found: not farther than its own width, and about as large."""
    distance = math.dist(lost.centre, found.centre)
    return distance < lost.width and 0.7 < found.width / lost.width < 1.4
