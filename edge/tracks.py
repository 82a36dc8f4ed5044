"""Which face is which from frame to frame.

A face counts once it was found several times, and is gone once it was not found for a
while, so that neither a flicker in a curtain nor a blink is an event. Between, it is
looked for where it should be by now, at its own size; where nothing changed since it was
last found there, it still is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.attention import Attention

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge.config import FacesConfig
    from edge.faces import Detector
    from edge.geometry import Rect

CONFIRM_HITS = 3
"""Frames a face must be found in until it counts."""

DOUBT_S = 0.3
"""Seconds after which a face that does not count yet and is not found any more is forgotten."""

LOST_S = 1.5
"""Seconds after which a face that is not found any more is gone; a hand before the mouth is shorter."""

_STILL_S = 0.5
"""Seconds that a face is taken to be where it was, because no pixel changed there."""

_SAME = 0.3
"""Overlap from which two rectangles are the same face."""

_STEADY = 0.6
"""Part of the way that a track's rectangle goes toward each new finding; the cascade's boxes tremble."""

_GLIDE = 0.3
"""The same for its velocity, which trembles more."""

_COAST_S = 0.3
"""Seconds that a face which is not found is thought to move on as it did."""

_LEAST_S = 1e-3
"""Frames of a clip may carry the same time."""

_TILTS = (0.0, 25.0, -25.0, 50.0, -50.0)
"""Degrees that are tried; the cascade forgives about 15 either way."""


@dataclass(eq=False)
class Track:
    """One face over time."""

    rect: Rect
    since_s: float
    """Capture time of its first frame."""

    seen_s: float
    """Capture time of the newest frame that it was in."""

    looked_s: float
    """Capture time of the newest frame that it was found in by a search; else nothing had changed there."""

    tilt: float = 0.0
    """Degrees by which the head leans, clockwise as one sees it."""

    hits: int = 1
    misses: int = 0
    """Searches since it was last found."""

    id: int = 0
    """From 1, in the order in which faces are confirmed; 0 before."""

    velocity: tuple[float, float] = (0.0, 0.0)
    """Pixels per second, to the right and down."""

    @property
    def confirmed(self) -> bool:
        """Whether the face counts."""
        return self.id > 0

    def predicted(self, time_s: float) -> Rect:
        """Give where it should be by then."""
        ahead_s = min(time_s - self.looked_s, _COAST_S)
        return self.rect.moved(self.velocity[0] * ahead_s, self.velocity[1] * ahead_s)

    def follow(self, found: Rect, tilt: float, time_s: float) -> None:
        """Take in where it was found."""
        elapsed_s, before = max(time_s - self.looked_s, _LEAST_S), self.rect.middle
        self.rect = self.predicted(time_s).moved_toward(found, _STEADY)
        speed = [(new - old) / elapsed_s for new, old in zip(self.rect.middle, before, strict=True)]
        self.velocity = (
            self.velocity[0] + _GLIDE * (speed[0] - self.velocity[0]),
            self.velocity[1] + _GLIDE * (speed[1] - self.velocity[1]),
        )
        self.seen_s = self.looked_s = time_s
        self.tilt, self.misses = tilt, 0
        self.hits += 1


class Tracker:
    """Follows faces through frames."""

    def __init__(self, detector: Detector, config: FacesConfig) -> None:
        self._detector = detector
        self._max_faces = config.max_faces
        self._attention = Attention(detector, config, CONFIRM_HITS)
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
        free = self._attention.newcomers(gray, time_s, [track.rect for track in self._tracks])
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
        self._attention.looked(expected)
        if found is None or self._taken(found, track, time_s):
            track.misses += 1
            return
        track.follow(found, tilt, time_s)
        if track.hits == CONFIRM_HITS:
            self._last_id += 1
            track.id = self._last_id

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
        if len(self._tracks) >= self._max_faces or self._known(found):
            return
        finer = self._detector.search_near(gray, found) or self._detector.search_around(gray, found)
        if finer is not None and not self._known(finer):
            self._tracks.append(Track(finer, since_s=time_s, seen_s=time_s, looked_s=time_s))

    def _known(self, found: Rect) -> bool:
        return any(track.rect.overlap(found) >= _SAME or track.rect.holds(found.middle) for track in self._tracks)

    def _taken(self, found: Rect, by: Track, time_s: float) -> bool:
        """Whether another track has this face in this frame already."""
        return any(t is not by and t.seen_s == time_s and t.rect.overlap(found) >= _SAME for t in self._tracks)

    def _sort_out(self, time_s: float) -> tuple[list[Track], list[Track]]:
        kept = [t for t in self._tracks if time_s - t.seen_s < (LOST_S if t.confirmed else DOUBT_S)]
        gone = [t for t in self._tracks if t.confirmed and t not in kept]
        self._tracks = kept
        return sorted((t for t in kept if t.confirmed), key=lambda t: t.rect.area, reverse=True), gone


def _could_be(lost: Rect, found: Rect) -> bool:
    """Whether a lost face can be where one was found: not farther than its own width, and about as large."""
    distance = math.dist(lost.middle, found.middle)
    return distance < lost.width and 0.7 < found.width / lost.width < 1.4
