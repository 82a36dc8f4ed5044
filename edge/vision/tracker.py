"""Which face is which from frame to frame.

A detection is first a *candidate*. It is confirmed, and counts as a face, once it was
found in several frames; it is gone once it was not found for a while. So neither a flicker
in a curtain nor a blink is an event. A confirmed face is held: `edge.vision.holder`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from edge.frame import TICK_S
from edge.vision.candidates import SAME_OVERLAP, Candidates
from edge.vision.crops import worth_turning
from edge.vision.flow import Flow
from edge.vision.holder import FaceHolder
from edge.vision.lifecycle import CONFIRM_HITS, SURE_HITS, is_kept
from edge.vision.motion import Motion
from edge.vision.reader import FaceCrop, NullReader
from edge.vision.search import FaceSearch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge.config import FacesConfig
    from edge.geometry import Rect
    from edge.vision.detector import Detector
    from edge.vision.reader import FaceReader
    from edge.vision.track import Track

_READ_EVERY_S = 0.1
"""Least seconds from one reading of a confirmed face to the next: an expression takes a third of a second to form."""

_READ_SETTLED_S = 0.2
"""The same while all views of it show the same emotion; the first that shows another one ends that."""

_READ_AT_ONCE = 4
"""Confirmed faces from which on each is read less often, so that eight cost no more than four."""


class Tracker:
    """Tracks faces through frames and reads them."""

    def __init__(
        self,
        detector: Detector,
        config: FacesConfig,
        *,
        reader: FaceReader | None = None,
        motion: Motion | None = None,
        flow: Flow | None = None,
        min_score: float = 0.0,
    ) -> None:
        """Start without tracks.

        Args:
            detector: Finds faces.
            config: Which faces are searched for.
            reader: Reads faces; None: they are tracked alone.
            motion: Notices what changes; None: the usual one.
            flow: Follows faces between detections; None: the usual one.
            min_score: Minimum face score, 0 to 1.
        """
        self._reader = reader = reader or NullReader()
        self._min_score = min_score
        self._max_faces = config.max_faces
        self._search = FaceSearch(
            detector,
            motion or Motion(config.min_height),
            config,
            confirm_hits=SURE_HITS if reader.scores_faces else CONFIRM_HITS,
            leaning=reader.scores_faces,
        )
        self._candidates = Candidates(detector, self._search, reader, min_score=min_score)
        self._holder = FaceHolder(detector, flow or Flow(), self._search, reader, min_score=min_score)
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
            is_taken = partial(self._is_taken, by=track)
            if track.confirmed:
                self._holder.hold(track, gray, time_s, free, is_taken)
            else:
                self._candidates.find_again(track, gray, time_s, is_taken)
                self._confirm(track, gray, time_s)
        for found, tilt in sorted(free, key=lambda one: one[0].area, reverse=True):
            if not self._is_full() and (candidate := self._candidates.add(found, tilt, gray, time_s, self._tracks)):
                self._tracks.append(candidate)
                self._confirm(candidate, gray, time_s)
        tracks, gone = self._remove_lost(time_s)
        self._read_due(tracks, gray, time_s)
        return tracks, gone

    def clear(self) -> list[Track]:
        """Remove every track, and search as at the start; return those that were confirmed."""
        gone = [track for track in self._tracks if track.confirmed]
        self._tracks = []
        self._search.forget()
        return gone

    def _fit(self, shape: tuple[int, ...]) -> None:
        """Rescale the tracks where the frame's size changed: a network camera may change it within its stream."""
        before, (height, width) = self._shape, shape
        self._shape = height, width
        if before != self._shape:
            for track in self._tracks:
                track.rescale(width / before[1], height / before[0])

    def _confirm(self, candidate: Track, gray: NDArray[np.uint8], time_s: float) -> None:
        """Confirm a candidate if it is a face: from now on it has an id and is held."""
        if self._candidates.is_face(candidate, self._tracks, gray) and not self._is_full():
            self._last_id += 1
            candidate.id = self._last_id
            self._holder.take_template(candidate, gray, time_s)

    def _read_due(self, tracks: list[Track], gray: NDArray[np.uint8], time_s: float) -> None:
        """Read the confirmed faces that are there in the views that are due, some time after the last one."""
        crowded = max(1.0, len(tracks) / _READ_AT_ONCE)
        due = []
        for track in tracks:
            every_s = crowded * (_READ_SETTLED_S if track.is_settled else _READ_EVERY_S)
            if track.visible and time_s - track.read_s >= every_s - TICK_S:
                due.append(track)
        crops = [
            (track, FaceCrop(track.rect, worth_turning(track.tilt), view)) for track in due for view in track.next_views
        ]
        if crops:
            readings = self._reader.read(gray, [crop for _, crop in crops])
            for (track, crop), reading in zip(crops, readings, strict=True):
                track.update_reading(crop.view, reading, time_s)

    def _is_full(self) -> bool:
        return sum(track.confirmed for track in self._tracks) >= self._max_faces

    def _is_taken(self, found: Rect, by: Track) -> bool:
        """Whether another track has this face in this frame already."""
        return any(t is not by and t.visible and t.rect.iou(found) >= SAME_OVERLAP for t in self._tracks)

    def _remove_lost(self, time_s: float) -> tuple[list[Track], list[Track]]:
        self._candidates.note_rejected(self._tracks, time_s)
        kept = [t for t in self._tracks if is_kept(t, time_s, self._min_score)]
        gone = [t for t in self._tracks if t.confirmed and t not in kept]
        self._tracks = kept
        return sorted((t for t in kept if t.confirmed), key=lambda t: t.rect.area, reverse=True), gone
