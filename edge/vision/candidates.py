"""Candidates: what may be a new face, until it was found and scored often enough or is rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.vision.detector import TURNS, search_turned
from edge.vision.lifecycle import REJECT_HITS, STILL, SURE_HITS, SURE_SCORE, hits_needed
from edge.vision.reader import CANDIDATE_VIEWS
from edge.vision.track import Track
from edge.vision.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from edge.geometry import Rect
    from edge.vision.detector import Detector
    from edge.vision.reader import FaceReader
    from edge.vision.search import FaceSearch, Found

_MOST = 8
"""Candidates at once: each costs a search a frame."""

_REJECTED_S = 2.0
"""Seconds for which what was rejected as no face is no candidate again: prints are found in every search."""

SAME_OVERLAP = 0.3
"""Overlap from which two rectangles are the same face."""


class Candidates:
    """Finds, scores and rejects what may be a new face."""

    def __init__(self, detector: Detector, search: FaceSearch, reader: FaceReader, *, min_score: float) -> None:
        """Take what it asks.

        Args:
            detector: Searches near a face.
            search: Records what was searched.
            reader: Scores faces, if the model can.
            min_score: Minimum face score, 0 to 1.
        """
        self._detector, self._search, self._reader = detector, search, reader
        self._min_score = min_score
        self._rejected: list[tuple[Rect, float]] = []

    def add(
        self, found: Rect, tilt: float, gray: NDArray[np.uint8], time_s: float, tracks: Sequence[Track]
    ) -> Track | None:
        """Return a track of a face that is not tracked yet, if a fine search finds it too.

        Args:
            found: What a coarse search found.
            tilt: Degrees by which it leans, clockwise.
            gray: ``(H, W)`` uint8.
            time_s: When it was captured.
            tracks: All that there are.
        """
        if sum(not track.confirmed for track in tracks) >= _MOST or _is_known(found, tracks):
            return None
        if self._was_rejected(found, time_s):
            return None
        finer, score = self._fine(gray, found, tilt), None
        if finer is None and (score := self._sure_score(gray, found, tilt)):
            finer = found, tilt
        if finer is None or _is_known(finer[0], tracks):
            return None
        track = Track(finer[0], since_s=time_s, seen_s=time_s, found_s=time_s, tilt=finer[1])
        self._score(track, gray, score)
        return track

    def find_again(
        self, track: Track, gray: NDArray[np.uint8], time_s: float, is_taken: Callable[[Rect], bool]
    ) -> None:
        """Search for a candidate in the next frame and score it, or count a miss.

        Args:
            track: The candidate.
            gray: ``(H, W)`` uint8.
            time_s: When it was captured.
            is_taken: Whether another track is at a place already.
        """
        expected, score = track.predicted(time_s), None
        found = self._fine(gray, expected, track.tilt)
        if found is None and (score := self._sure_score(gray, expected, track.tilt)):
            found = expected, track.tilt
        self._search.mark_searched(expected)
        if found is None or is_taken(found[0]):
            track.misses += 1
            return
        track.anchor(*found, time_s)
        self._score(track, gray, score)

    def is_face(self, candidate: Track, tracks: Sequence[Track], gray: NDArray[np.uint8]) -> bool:
        """Return whether a candidate was found, and scored, often enough to be confirmed, or at once beyond doubt.

        Args:
            candidate: Searched for in this frame.
            tracks: All that there are.
            gray: ``(H, W)`` uint8.
        """
        if not candidate.visible or candidate.face_score < self._min_score:
            return False
        needed = hits_needed(candidate, tracks, scored=self._reader.scores_faces)
        return candidate.hits >= needed or (needed == SURE_HITS and self._is_certain(candidate, gray))

    def note_rejected(self, tracks: Sequence[Track], time_s: float) -> None:
        """Record which candidates were found often enough, and scored too low."""
        self._rejected += [(t.rect, time_s) for t in tracks if not t.confirmed and t.hits >= REJECT_HITS]

    def _fine(self, gray: NDArray[np.uint8], there: Rect, tilt: float) -> Found | None:
        """Search near a place; where no score follows, by the stricter search."""
        scored = self._reader.scores_faces
        near = search_turned(self._detector, gray, there, tilt, TURNS[:1]) if scored else None
        if near:
            return near
        if around := self._detector.search_around(gray, there, tilt):
            return around, tilt
        return search_turned(self._detector, gray, there, tilt, TURNS[1:]) if scored else None

    def _score(self, candidate: Track, gray: NDArray[np.uint8], score: float | None) -> None:
        """Score a candidate that was found in this frame, unless its score is known."""
        if self._reader.scores_faces:
            if score is None:
                score = self._reader.score(gray, candidate.rect, candidate.tilt, CANDIDATE_VIEWS)
            candidate.update_face_score(score)

    def _sure_score(self, gray: NDArray[np.uint8], there: Rect, tilt: float) -> float | None:
        """Return the score of a face that no fine search finds, if the model is sure that it is one."""
        score = self._reader.score(gray, there, tilt, CANDIDATE_VIEWS) if self._reader.scores_faces else 0.0
        return score if score >= SURE_SCORE else None

    def _is_certain(self, candidate: Track, gray: NDArray[np.uint8]) -> bool:
        """Return whether a face stands still and the model is sure of it in every view."""
        if not self._reader.scores_faces or self._search.moving_part(candidate.rect) >= STILL:
            return False
        return self._reader.score(gray, candidate.rect, candidate.tilt, VIEWS) >= SURE_SCORE

    def _was_rejected(self, found: Rect, time_s: float) -> bool:
        self._rejected = [(rect, when_s) for rect, when_s in self._rejected if time_s - when_s < _REJECTED_S]
        return any(rect.iou(found) >= SAME_OVERLAP for rect, _ in self._rejected)


def _is_known(found: Rect, tracks: Sequence[Track]) -> bool:
    return any(track.rect.iou(found) >= SAME_OVERLAP or track.rect.contains(found.centre) for track in tracks)
