"""Which face is which from frame to frame.

A detection is first a *candidate*. It is confirmed, and counts as a face, once it was
found in several frames; it is gone once it was not found for a while. So neither a flicker
in a curtain nor a blink is an event. A tracked face is searched for where it should be by
now, at its own size; where nothing changed since it was last found, it still is.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edge.vision.lifecycle import CONFIRM_HITS, FOUND_SCORE, hits_needed, is_kept
from edge.vision.motion import Motion
from edge.vision.reader import NullReader
from edge.vision.search import FaceSearch
from edge.vision.track import Track

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge.config import FacesConfig
    from edge.geometry import Rect
    from edge.vision.detector import Detector
    from edge.vision.reader import FaceReader, Reading

_MOST_CANDIDATES = 8
"""Candidates at once: each costs a search a frame."""

_STILL_S = 0.5
"""Seconds that a face is taken to be where it was, because no pixel changed there."""

_READ_EVERY_S = 0.1
"""Least seconds from one reading of a confirmed face to the next: an expression takes a third of a second to form."""

_SAME_OVERLAP = 0.3
"""Overlap from which two rectangles are the same face."""

_TILTS = (0.0, 25.0, -25.0, 50.0, -50.0)
"""Degrees that are tried; the cascade tolerates about 15 either way."""


class Tracker:
    """Tracks faces through frames and reads them."""

    def __init__(
        self,
        detector: Detector,
        config: FacesConfig,
        *,
        reader: FaceReader | None = None,
        motion: Motion | None = None,
        min_score: float = 0.0,
    ) -> None:
        """Start without tracks.

        Args:
            detector: Finds faces.
            config: Which faces are searched for.
            reader: Reads faces; None: they are tracked alone.
            motion: Notices what changes; None: the usual one.
            min_score: Minimum face score, 0 to 1.
        """
        self._detector = detector
        self._reader = reader or NullReader()
        self._min_score = min_score
        self._max_faces = config.max_faces
        self._search = FaceSearch(detector, motion or Motion(config.min_height), config, CONFIRM_HITS)
        self._tracks: list[Track] = []
        self._last_id = 0
        self._shape = 0, 0

    def update(self, gray: NDArray[np.uint8], time_s: float) -> tuple[list[Track], list[Track]]:
        """Process one frame.

        Args:
            gray: ``(H, W)`` uint8.
            time_s: When it was captured; not before the last one.

        Returns:
            The confirmed tracks, largest first, and the confirmed ones that are gone since the last frame.
            `Track.visible` tells which are in this frame, `Track.probabilities` what they show.
        """
        self._fit(gray.shape)
        held = [track.predicted(time_s) for track in self._tracks if track.confirmed and not track.misses]
        free = self._search.new_faces(gray, time_s, [track.rect for track in self._tracks], held)
        for track in self._tracks:
            track.visible = False
        # Older tracks choose first, so that a candidate cannot take a face over.
        for track in self._tracks:
            self._find_again(track, gray, free, time_s)
        for found in sorted(free, key=lambda rect: rect.area, reverse=True):
            self._add_candidate(found, gray, time_s)
        tracks, gone = self._remove_lost(time_s)
        self._read_due(tracks, gray, time_s)
        return tracks, gone

    def clear(self) -> list[Track]:
        """Remove every track; return those that were confirmed."""
        gone = [track for track in self._tracks if track.confirmed]
        self._tracks = []
        return gone

    def _fit(self, shape: tuple[int, ...]) -> None:
        """Rescale the tracks where the frame's size changed: a network camera may change it within its stream."""
        before, (height, width) = self._shape, shape
        self._shape = height, width
        if before != self._shape:
            for track in self._tracks:
                track.rescale(width / before[1], height / before[0])

    def _find_again(self, track: Track, gray: NDArray[np.uint8], free: list[Rect], time_s: float) -> None:
        expected = track.predicted(time_s)
        changed = self._search.changed(expected)
        if track.confirmed and not track.misses and not changed and time_s - track.found_s < _STILL_S:
            track.mark_visible(time_s)
            return
        found, tilt = self._detector.search_near(gray, expected, track.tilt), track.tilt
        if found is None:
            found, tilt = self._find_lost(track, gray, expected, free)
        reading = None
        if found is None and not track.confirmed:
            reading = self._read_if_sure(gray, expected)
            found = expected if reading else None
        self._search.mark_searched(expected)
        if found is None or self._taken(found, track):
            track.misses += 1
            return
        track.follow(found, tilt, time_s)
        if not track.confirmed:
            self._assess(track, gray, time_s, reading)

    def _find_lost(
        self, track: Track, gray: NDArray[np.uint8], expected: Rect, free: list[Rect]
    ) -> tuple[Rect | None, float]:
        """Search for a face that is not where it should be: in one tilt a frame, and among what was found anyway."""
        tilts = sorted(_TILTS, key=lambda tilt: abs(tilt - track.tilt)) if track.confirmed else (0.0,)
        tilt = tilts[track.misses % len(tilts)]
        found = self._detector.search_around(gray, expected, tilt)
        if found is None:
            found, tilt = next((rect for rect in free if _could_be(track.rect, rect)), None), 0.0
        return found, tilt

    def _add_candidate(self, found: Rect, gray: NDArray[np.uint8], time_s: float) -> None:
        """Track a face that is not tracked yet, if a fine search finds it too."""
        candidates = sum(not track.confirmed for track in self._tracks)
        if self._full() or candidates >= _MOST_CANDIDATES or self._known(found):
            return
        reading = None
        finer = self._detector.search_near(gray, found) or self._detector.search_around(gray, found)
        if finer is None:
            reading = self._read_if_sure(gray, found)
            finer = found if reading else None
        if finer is not None and not self._known(finer):
            track = Track(finer, since_s=time_s, seen_s=time_s, found_s=time_s)
            self._assess(track, gray, time_s, reading)
            self._tracks.append(track)

    def _assess(self, candidate: Track, gray: NDArray[np.uint8], time_s: float, reading: Reading | None) -> None:
        """Score a candidate that was found in this frame; confirm it once it was found, and scored, often enough.

        Args:
            candidate: The track.
            gray: ``(H, W)`` uint8.
            time_s: When it was captured.
            reading: What was read of its rectangle in this frame already, if it was.
        """
        if self._reader.scores_faces:
            candidate.update_reading(reading or self._reader.read_candidate(gray, candidate.rect), time_s)
        enough = candidate.hits >= hits_needed(candidate, self._tracks, scored=self._reader.scores_faces)
        if enough and candidate.face_score >= self._min_score and not self._full():
            self._last_id += 1
            candidate.id = self._last_id

    def _read_if_sure(self, gray: NDArray[np.uint8], there: Rect) -> Reading | None:
        """Return a reading if the model is sure of a face that a fine search by the cascade does not find."""
        reading = self._reader.read_candidate(gray, there) if self._reader.scores_faces else None
        return reading if reading and (reading.face_score or 0.0) >= FOUND_SCORE else None

    def _read_due(self, tracks: list[Track], gray: NDArray[np.uint8], time_s: float) -> None:
        """Read the confirmed faces that were found again since their last reading, some time ago or never."""
        due = [t for t in tracks if t.found_s > t.read_s and time_s - t.read_s >= _READ_EVERY_S]
        if due:
            readings = self._reader.read(gray, [(track.rect, track.tilt) for track in due])
            for track, reading in zip(due, readings, strict=True):
                track.update_reading(reading, time_s)

    def _full(self) -> bool:
        return sum(track.confirmed for track in self._tracks) >= self._max_faces

    def _known(self, found: Rect) -> bool:
        return any(
            track.rect.overlap(found) >= _SAME_OVERLAP or track.rect.holds(found.middle) for track in self._tracks
        )

    def _taken(self, found: Rect, by: Track) -> bool:
        """Whether another track has this face in this frame already."""
        return any(t is not by and t.visible and t.rect.overlap(found) >= _SAME_OVERLAP for t in self._tracks)

    def _remove_lost(self, time_s: float) -> tuple[list[Track], list[Track]]:
        kept = [t for t in self._tracks if is_kept(t, time_s, self._min_score)]
        gone = [t for t in self._tracks if t.confirmed and t not in kept]
        self._tracks = kept
        return sorted((t for t in kept if t.confirmed), key=lambda t: t.rect.area, reverse=True), gone


def _could_be(lost: Rect, found: Rect) -> bool:
    """Whether a lost face can be where one was found: not farther than its own width, and about as large."""
    distance = math.dist(lost.middle, found.middle)
    return distance < lost.width and 0.7 < found.width / lost.width < 1.4
