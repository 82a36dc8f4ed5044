"""Which face is which from frame to frame.

A face counts once it was found several times, and is gone once it was not found for a
while, so that neither a flicker in a curtain nor a blink is an event. Between, it is
looked for where it should be by now, at its own size; where nothing changed since it was
last found there, it still is.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edge.geometry import Rect
from edge.vision.motion import Motion
from edge.vision.search import Attention
from edge.vision.track import Track

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from edge.config import FacesConfig
    from edge.vision.detector import Detector

    FaceScore = Callable[[NDArray[np.uint8], Rect, float], float]
    """Gives the probability that there is a face: in ``(H, W)`` gray levels, at a rectangle, leaning by so much."""

CONFIRM_HITS = 3
"""Frames a face must be found in until it counts."""

SURE_HITS = 2
"""The same for one that looks much like a face to the model."""

CHEST_HITS = 5
"""The same for one on the chest of a person who is followed: prints on shirts are taken for faces now and then, but who
sits before somebody nearly always. No more than `REFUSE_HITS`, or nobody there would ever count."""

_SURE = 0.95
"""Probability of being a face from which one does: 98 in 100 of FER+'s faces have it, and none of the cascade's hits in
made-up rooms."""

_PLAIN = 0.96
"""The same of one that counts though a fine search by the cascade does not find it."""

_BENEFIT = 0.5
"""Part of the least score below which a face that counts is one no more: between, it has the benefit of the doubt, so
that neither a hand before the mouth nor a score that trembles at the limit makes it go and come."""

REFUSE_HITS = 2 * CONFIRM_HITS
"""Frames after which a face that is found, but does not look like one to the model, is forgotten."""

_MOST_CANDIDATES = 8
"""Faces that do not count yet and are followed at once: each costs a search a frame."""

DOUBT_S = 0.8
"""Seconds after which a face that does not count yet and is not found any more is forgotten."""

LOST_S = 1.5
"""Seconds after which a face that is not found any more is gone; a hand before the mouth is shorter."""

_STILL_S = 0.5
"""Seconds that a face is taken to be where it was, because no pixel changed there."""

_SAME = 0.3
"""Overlap from which two rectangles are the same face."""

_TILTS = (0.0, 25.0, -25.0, 50.0, -50.0)
"""Degrees that are tried; the cascade forgives about 15 either way."""


class Tracker:
    """Follows faces through frames."""

    def __init__(
        self,
        detector: Detector,
        config: FacesConfig,
        *,
        motion: Motion | None = None,
        face_score: FaceScore | None = None,
        min_score: float = 0.0,
    ) -> None:
        """Follow nothing yet.

        Args:
            detector: Finds faces.
            config: Which faces are looked for.
            motion: Notices what changes, where it is not to be the usual one.
            face_score: What the model thinks of a newcomer; None if it does not tell.
            min_score: Probability of being a face below which it is none.
        """
        self._detector = detector
        self._face_score, self._min_score = face_score, min_score
        self._max_faces = config.max_faces
        self._attention = Attention(detector, motion or Motion(config.min_height), config, CONFIRM_HITS)
        self._tracks: list[Track] = []
        self._last_id = 0

    def update(self, gray: NDArray[np.uint8], time_s: float) -> tuple[list[Track], list[Track]]:
        """Look at one frame.

        Args:
            gray: ``(H, W)`` uint8.
            time_s: When it was captured; after the last one's.

        Returns:
            The confirmed tracks, largest first, and the confirmed ones that are gone since the last frame.
        """
        held = [track.predicted(time_s) for track in self._tracks if track.confirmed and not track.misses]
        free = self._attention.newcomers(gray, time_s, [track.rect for track in self._tracks], held)
        # Older tracks choose first, so that a newcomer cannot take a face over.
        for track in self._tracks:
            self._look_for(track, gray, free, time_s)
        for found in sorted(free, key=lambda rect: rect.area, reverse=True):
            self._welcome(found, gray, time_s)
        return self._sort_out(time_s)

    def clear(self) -> list[Track]:
        """Forget every track; give those that were confirmed."""
        gone = [track for track in self._tracks if track.confirmed]
        self._tracks = []
        return gone

    def _look_for(self, track: Track, gray: NDArray[np.uint8], free: list[Rect], time_s: float) -> None:
        expected = track.predicted(time_s)
        changed = self._attention.changed(expected)
        if track.confirmed and not track.misses and not changed and time_s - track.looked_s < _STILL_S:
            track.seen_s = time_s
            return
        found, tilt = self._detector.search_near(gray, expected, track.tilt), track.tilt
        if found is None:
            found, tilt = self._seek(track, gray, expected, free)
        if found is None and not track.confirmed and self._is_plainly_a_face(gray, expected):
            found = expected
        self._attention.looked(expected)
        if found is None or self._taken(found, track, time_s):
            track.misses += 1
            return
        track.follow(found, tilt, time_s)
        if not track.confirmed:
            self._meet(track, gray)

    def _seek(
        self, track: Track, gray: NDArray[np.uint8], expected: Rect, free: list[Rect]
    ) -> tuple[Rect | None, float]:
        """Look for a face that is not where it should be: one way a frame, and among what was found anyway."""
        ways = sorted(_TILTS, key=lambda tilt: abs(tilt - track.tilt)) if track.confirmed else (0.0,)
        tilt = ways[track.misses % len(ways)]
        found = self._detector.search_around(gray, expected, tilt)
        if found is None:
            found, tilt = next((rect for rect in free if _could_be(track.rect, rect)), None), 0.0
        return found, tilt

    def _welcome(self, found: Rect, gray: NDArray[np.uint8], time_s: float) -> None:
        """Follow a face that is not followed yet, if a fine search finds it too."""
        candidates = sum(not track.confirmed for track in self._tracks)
        if self._full() or candidates >= _MOST_CANDIDATES or self._known(found):
            return
        finer = self._detector.search_near(gray, found) or self._detector.search_around(gray, found)
        if finer is None and self._is_plainly_a_face(gray, found):
            finer = found
        if finer is not None and not self._known(finer):
            track = Track(finer, since_s=time_s, seen_s=time_s, looked_s=time_s)
            self._meet(track, gray)
            self._tracks.append(track)

    def _meet(self, track: Track, gray: NDArray[np.uint8]) -> None:
        """Let the model look at a newcomer; it counts once it was found, and looked like a face, often enough."""
        if self._face_score:
            track.believe(self._face_score(gray, track.rect, track.tilt))
        often = track.hits >= self._hits_wanted(track)
        if often and track.face_score >= self._min_score and not self._full():
            self._last_id += 1
            track.id = self._last_id

    def _hits_wanted(self, newcomer: Track) -> int:
        """Give the frames that it must be found in until it counts."""
        if any(_chest(track.rect).holds(newcomer.rect.middle) for track in self._tracks if track.confirmed):
            return CHEST_HITS
        sure = self._face_score is not None and newcomer.face_score >= _SURE
        return SURE_HITS if sure else CONFIRM_HITS

    def _is_plainly_a_face(self, gray: NDArray[np.uint8], there: Rect) -> bool:
        """Whether the model is sure of it, though a fine search by the cascade finds nothing."""
        return self._face_score is not None and self._face_score(gray, there, 0.0) >= _PLAIN

    def _full(self) -> bool:
        return sum(track.confirmed for track in self._tracks) >= self._max_faces

    def _known(self, found: Rect) -> bool:
        return any(track.rect.overlap(found) >= _SAME or track.rect.holds(found.middle) for track in self._tracks)

    def _taken(self, found: Rect, by: Track, time_s: float) -> bool:
        """Whether another track has this face in this frame already."""
        return any(t is not by and t.seen_s == time_s and t.rect.overlap(found) >= _SAME for t in self._tracks)

    def _sort_out(self, time_s: float) -> tuple[list[Track], list[Track]]:
        kept = [t for t in self._tracks if self._stays(t, time_s)]
        gone = [t for t in self._tracks if t.confirmed and t not in kept]
        self._tracks = kept
        return sorted((t for t in kept if t.confirmed), key=lambda t: t.rect.area, reverse=True), gone

    def _stays(self, track: Track, time_s: float) -> bool:
        if track.confirmed:
            return time_s - track.seen_s < LOST_S and track.face_score >= _BENEFIT * self._min_score
        return time_s - track.seen_s < DOUBT_S and track.hits < REFUSE_HITS


def _chest(face: Rect) -> Rect:
    """Give where the chest of a face's person is, as wide as two heads."""
    return Rect(face.x - face.width / 2, face.y + 1.2 * face.height, 2 * face.width, 2.5 * face.height)


def _could_be(lost: Rect, found: Rect) -> bool:
    """Whether a lost face can be where one was found: not farther than its own width, and about as large."""
    distance = math.dist(lost.middle, found.middle)
    return distance < lost.width and 0.7 < found.width / lost.width < 1.4
