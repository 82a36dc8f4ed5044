"""When and where to look for faces that are not known yet.

A search of the whole frame is nearly the whole cost of seeing. So a new face is looked for
only where the picture changed, and as seldom as lets it still be noticed in time; the whole
frame is searched now and then, for a face that stood still when it was overlooked.
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


class Attention:
    """Decides where to look for new faces."""

    def __init__(self, detector: Detector, motion: Motion, config: FacesConfig, confirm_hits: int) -> None:
        """Start with everything unseen.

        Args:
            detector: Does the searching.
            motion: Notices what changes, and has seen nothing yet.
            config: The smallest face, and how soon a new one is to be noticed.
            confirm_hits: Frames that a face must be found in until it counts.
        """
        self._detector = detector
        self._notice_s = config.notice_s
        self._confirm_hits = confirm_hits
        self._motion = motion
        self._time_s = self._searched_s = self._whole_s = float("-inf")

    def newcomers(self, gray: NDArray[np.uint8], time_s: float, known: list[Rect], held: list[Rect]) -> list[Rect]:
        """Look for new faces in a frame, if it is time to and there is a reason.

        Args:
            gray: ``(H, W)`` uint8.
            time_s: When it was captured.
            known: Where the faces are that are followed anyway.
            held: Those of them that are not lost from sight, and need not be found.

        Returns:
            What was found, lost faces among it; not all of it are faces.
        """
        self._motion.see(gray)
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
            self._motion.looked(region)
        return found

    def changed(self, face: Rect) -> bool:
        """Whether anything changed there since it was last looked at."""
        return self._motion.within(face)

    def looked(self, face: Rect) -> None:
        """Take note that a face was looked for there in the newest frame."""
        self._motion.looked(face)


def _without(gray: NDArray[np.uint8], faces: list[Rect]) -> NDArray[np.uint8]:
    """Paint faces over: a cascade rejects most of a picture at once and spends its time on faces."""
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
