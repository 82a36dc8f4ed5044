"""Which face is which from frame to frame, and where to look for it next.

The whole frame is searched now and then; between, only the surroundings of known
faces. A face counts once it was found several times, and is gone once it was not
found for a while, so that neither a flicker in a curtain nor a blink is an event.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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

_SAME = 0.3
"""Overlap from which two rectangles are the same face."""

_STEADY = 0.6
"""Part of the way that a track's rectangle goes toward each new finding; the cascade's boxes tremble."""


@dataclass(eq=False)
class Track:
    """One face over time."""

    rect: Rect
    since_s: float
    """Capture time of its first frame."""

    seen_s: float
    """Capture time of the newest frame that it was found in."""

    hits: int = 1
    id: int = 0
    """From 1, in the order in which faces are confirmed; 0 before."""

    @property
    def confirmed(self) -> bool:
        """Whether the face counts."""
        return self.id > 0


class Tracker:
    """Follows faces through frames."""

    def __init__(self, detector: Detector, config: FacesConfig) -> None:
        self._detector = detector
        self._config = config
        self._tracks: list[Track] = []
        self._searched_s = float("-inf")
        self._last_id = 0

    def update(self, gray: NDArray[np.uint8], time_s: float) -> tuple[list[Track], list[Track]]:
        """Look at one frame.

        Args:
            gray: ``(H, W)`` uint8.
            time_s: When it was captured.

        Returns:
            The confirmed tracks, largest first, and the confirmed ones that are gone since the last frame.
        """
        free: list[Rect] = []
        if time_s - self._searched_s >= self._config.search_every_s:
            self._searched_s = time_s
            free = self._detector.search(gray)
        # Older tracks choose first, so that a newcomer cannot take a face over.
        for track in self._tracks:
            found = max(free, key=track.rect.overlap, default=None)
            if found is not None and track.rect.overlap(found) >= _SAME:
                free.remove(found)
            else:
                found = self._detector.search_near(gray, track.rect)
            if found is not None and not self._taken(found, track, time_s):
                self._follow(track, found, time_s)
        for found in sorted(free, key=lambda rect: rect.area, reverse=True):
            if len(self._tracks) < self._config.max_faces and not self._taken(found, None, time_s):
                self._tracks.append(Track(found, since_s=time_s, seen_s=time_s))
        return self._sort_out(time_s)

    def clear(self) -> list[Track]:
        """Forget every track; give those that were confirmed."""
        gone = [track for track in self._tracks if track.confirmed]
        self._tracks = []
        return gone

    def _taken(self, found: Rect, by: Track | None, time_s: float) -> bool:
        """Whether another track has this face in this frame already."""
        return any(t is not by and t.seen_s == time_s and t.rect.overlap(found) >= _SAME for t in self._tracks)

    def _follow(self, track: Track, found: Rect, time_s: float) -> None:
        track.rect = track.rect.moved_toward(found, _STEADY)
        track.seen_s = time_s
        track.hits += 1
        if track.hits == CONFIRM_HITS:
            self._last_id += 1
            track.id = self._last_id

    def _sort_out(self, time_s: float) -> tuple[list[Track], list[Track]]:
        kept = [t for t in self._tracks if time_s - t.seen_s < (LOST_S if t.confirmed else DOUBT_S)]
        gone = [t for t in self._tracks if t.confirmed and t not in kept]
        self._tracks = kept
        return sorted((t for t in kept if t.confirmed), key=lambda t: t.rect.area, reverse=True), gone
