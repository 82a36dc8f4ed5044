"""When and where to search for faces that are not tracked yet.

Full-frame search dominates CPU time. So new faces are searched for only where the picture
changed, and no more often than it takes to notice them in time. The whole frame is searched
now and then, for a face that stood still when it was missed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from edge.geometry import Rect

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge.config import FacesConfig
    from edge.vision.detector import Detector
    from edge.vision.motion import Motion

_WHOLE = 8
"""A search of the whole frame comes after so many times the time in which a face is to be noticed."""

_MUCH = 0.6
"""Part of the frame from which on all of it is searched: overlapping parts would cost more."""

_MARGIN = 0.2
"""What belongs to a known face beyond its box, as a part of its width: hair, chin, the edge that moves with it."""

_HIDDEN = -0.15
"""What of a face is painted over: its middle, by which a cascade knows it, and not the cheek of somebody behind it."""

_TICK_S = 1e-6
"""Times are sums of frames' durations; equal ones differ in the last digit."""


class FaceSearch:
    """Decides where to search for new faces, and searches there."""

    def __init__(self, detector: Detector, motion: Motion, config: FacesConfig, confirm_hits: int) -> None:
        """Start with nothing searched.

        Args:
            detector: Searches a part of a frame.
            motion: Notices what changes; it has had no frame yet.
            config: The smallest face, and how soon a new one is to be noticed.
            confirm_hits: Frames that a face must be found in to be confirmed.
        """
        self._detector = detector
        self._notice_s = config.notice_s
        self._confirm_hits = confirm_hits
        self._motion = motion
        self._time_s = self._searched_s = self._whole_s = float("-inf")

    def new_faces(self, gray: NDArray[np.uint8], time_s: float, known: list[Rect], held: list[Rect]) -> list[Rect]:
        """Search a frame for new faces, if it is time to and something changed.

        Args:
            gray: ``(H, W)`` uint8.
            time_s: When it was captured.
            known: Where tracked faces are.
            held: Where those of them are that are not lost, and need not be found.

        Returns:
            What was found, lost faces among it; some of it are no faces.
        """
        self._motion.update(gray)
        step_s, self._time_s = time_s - self._time_s, time_s
        # A face that comes right after a search waits for the next one, and then still has to be confirmed.
        if time_s - self._searched_s < self._notice_s - (self._confirm_hits - 1) * step_s - _TICK_S:
            return []
        height, width = gray.shape
        everything = Rect(0, 0, width, height)
        if time_s - self._whole_s >= _WHOLE * self._notice_s:
            regions = [everything]
        else:
            regions = [r.clipped(width, height) for r in self._motion.regions([rect.grown(_MARGIN) for rect in known])]
            if sum(region.area for region in regions) > _MUCH * everything.area:
                regions = [everything]
        if not regions:
            return []
        self._searched_s = time_s
        if regions == [everything]:
            self._whole_s = time_s
        found: list[Rect] = []
        hidden = _without(gray, held)
        for region in regions:
            found += self._detector.search(hidden, region)
            self._motion.mark_searched(region)
        return found

    def changed(self, face: Rect) -> bool:
        """Return whether anything changed there since it was last searched."""
        return self._motion.changed_within(face)

    def mark_searched(self, face: Rect) -> None:
        """Record that the newest frame was searched there for a face."""
        self._motion.mark_searched(face)


def _without(gray: NDArray[np.uint8], faces: list[Rect]) -> NDArray[np.uint8]:
    """Return the frame with faces painted over: a cascade spends most of its time where faces are."""
    if not faces:
        return gray
    hidden = gray.copy()
    height, width = gray.shape
    for face in faces:
        inside = face.grown(_HIDDEN).clipped(width, height).whole()
        part = hidden[int(inside.y) : int(inside.y + inside.height), int(inside.x) : int(inside.x + inside.width)]
        if part.size:
            part[:] = cv2.mean(part)[0]
    return hidden
