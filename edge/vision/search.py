"""When and where to search for faces that are not tracked yet.

Searching dominates CPU time. So new faces are searched for only where the picture changed, and no more often than it
takes to notice them in time. The whole frame is searched now and then, for a face that stood still when it was missed.
A search is spread over frames, in parts of about the same cost, so that no frame takes much longer than another.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2

from edge.frame import TICK_S
from edge.geometry import Rect, mean
from edge.vision.cascades import CASCADES
from edge.vision.parts import SearchPart, cost, divided

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge.config import FacesConfig
    from edge.vision.detector import Detector
    from edge.vision.motion import Motion

    Found = tuple[Rect, float]
    """A face that was found and the degrees by which it leans, clockwise."""

_WHOLE = 8
"""A search of the whole frame comes after so many times the time in which a face is to be noticed."""

_SELDOM = 4
"""How many times longer that takes once the frame was searched in `_WAYS` ways since anything but known faces changed:
an empty room costs 0.6 of what it would."""

_MUCH = 0.6
"""Part of the frame from which on all of it is searched: overlapping parts would cost more."""

_COST = 7500.0
"""Most that is searched in a frame, by `edge.vision.parts.cost`: 1 to 2 ms on an x86 core."""

_MOST_FRAMES = 4
"""Frames that a search is spread over at most, however small the faces and large the frames."""

_TILTS = (35.0, -35.0)
"""Degrees by which heads lean that are searched for in turn after every other search; the cascade tolerates 15."""

_SIZES = (0.94, 1.07)
"""What the smallest size is multiplied by, from search to search, as one finds sizes between the steps of the other."""

_WAYS = len(CASCADES) * len(_TILTS)
"""Searches in a row of which no two are alike, as cascade, size and tilt are taken in turn."""

_MARGIN = 0.2
"""What belongs to a candidate or lost face beyond its box, as a part of its width."""

_HAIR, _ARM = 0.4, 1.3
"""What belongs to a known face's person above and beside its box, as parts of its size. What is below belongs to them
too: there a newcomer is only found when the whole frame is searched."""

_ALIKE = 0.3
"""Overlap from which hits are of one face."""

_HIDDEN = -0.15
"""What of a face is painted over: its middle, by which a cascade knows it, and not the cheek of somebody behind it."""


class FaceSearch:
    """Decides where to search for new faces, and searches there."""

    def __init__(
        self, detector: Detector, motion: Motion, config: FacesConfig, *, confirm_hits: int, leaning: bool
    ) -> None:
        """Start with nothing searched.

        Args:
            detector: Searches a part of a frame.
            motion: Notices what changes; it has had no frame yet.
            config: The smallest face, and how soon a new one is to be noticed.
            confirm_hits: Frames that a face must be found in to be confirmed.
            leaning: Whether heads that lean are searched for too: the model must know clutter from faces then.
        """
        self._detector = detector
        self._notice_s = config.notice_s
        self._least = float(config.min_height)
        self._confirm_hits = confirm_hits
        self._tilts = _TILTS if leaning else ()
        self._motion = motion
        self.forget()

    def forget(self) -> None:
        """Start again, with nothing searched: the next frame is searched whole, and at once."""
        self._motion.forget()
        self._upright: deque[SearchPart] = deque()
        self._leaning: deque[SearchPart] = deque()
        self._count = 0
        self._still = 0  # searches of the whole frame since anything but known faces changed
        self._budget = _COST
        self._spread = 1
        self._shape: tuple[int, ...] = ()
        self._time_s = self._searched_s = self._whole_s = float("-inf")

    def new_faces(self, gray: NDArray[np.uint8], time_s: float, known: list[Rect], held: list[Rect]) -> list[Found]:
        """Search for new faces in a frame, or go on with a search that an earlier one began.

        Args:
            gray: ``(H, W)`` uint8.
            time_s: When it was captured.
            known: Where tracked faces are.
            held: Where those of them are that are not lost, and need not be found.

        Returns:
            What was found, each with its tilt in degrees, lost faces among it; some of it are no faces.
        """
        self._motion.update(gray)
        if gray.shape != self._shape:
            self._upright.clear()
            self._leaning.clear()
            self._shape = gray.shape
        step_s, self._time_s = time_s - self._time_s, time_s
        # A face that comes right after a search waits for the next one, and then still has to be confirmed.
        waits_s = self._notice_s - (self._confirm_hits + self._spread - 2) * step_s
        if not self._upright and time_s - self._searched_s >= waits_s - TICK_S:
            self._begin(time_s, known, held)
        due = self._take()
        if not due:
            return []
        hidden = _without(gray, held)
        return _merged([(rect, part.tilt) for part in due for rect in self._detector.search(hidden, part)])

    def changed(self, face: Rect) -> float:
        """Return the part of a face that changed since it was last searched for there, 0 to 1."""
        return self._motion.changed_part(face)

    def moving_part(self, face: Rect) -> float:
        """Return the part of a face that differs from the frame before, 0 to 1."""
        return self._motion.moving_part(face)

    def mark_searched(self, face: Rect) -> None:
        """Record that the newest frame was searched there for a face."""
        self._motion.mark_searched(face)

    def _take(self) -> list[SearchPart]:
        """Return what this frame is searched for: upright faces first, as most are."""
        taken: list[SearchPart] = []
        left = self._budget
        while parts := self._upright or self._leaning:
            part_cost = cost(parts[0])
            if taken and part_cost > left:
                break
            taken.append(parts.popleft())
            left -= part_cost
        return taken

    def _begin(self, time_s: float, known: list[Rect], held: list[Rect]) -> None:
        """Plan a search of what changed, if anything did, or of everything."""
        regions = self._places(time_s, known, held)
        if not regions:
            return
        self._searched_s = time_s
        least = self._least * _SIZES[self._count % len(_SIZES)]
        cascade = self._count % len(CASCADES)
        parts = [SearchPart(region, least, max(region.width, region.height), cascade=cascade) for region in regions]
        total = sum(map(cost, parts))
        self._budget = max(_COST, total / _MOST_FRAMES)
        # Large faces first: their parts, as a mouth with two nostrils, may look like small ones.
        small_parts = (small for part in parts for small in divided(part, self._budget))
        self._upright += sorted(small_parts, key=lambda part: -part.least)
        if self._tilts and self._count % 2 and not self._leaning:
            tilt = self._tilts[self._count // 2 % len(self._tilts)]
            self._leaning += [replace(part, tilt=tilt, cascade=0) for part in self._upright]
        if not self._count:
            self._budget = math.inf  # at once at the start: nothing is late yet, and who is there is known
        self._spread = max(1, math.ceil(total / self._budget))
        self._count += 1
        for region in regions:
            self._motion.mark_searched(region)

    def _places(self, time_s: float, known: list[Rect], held: list[Rect]) -> list[Rect]:
        """Return where to search: where anything changed that known people do not explain, or the whole frame."""
        height, width = self._shape
        everything = Rect(0, 0, width, height)
        waited_s = time_s - self._whole_s
        is_due = waited_s >= _WHOLE * self._notice_s
        explained = [rect.expanded(_MARGIN) for rect in known]
        if not is_due:
            explained += [_body(rect, height) for rect in held]
        regions = [region.clipped(width, height) for region in self._motion.regions(explained)]
        if regions:
            self._still = 0
        is_due = is_due and (self._still < _WAYS or waited_s >= _SELDOM * _WHOLE * self._notice_s)
        if not is_due and sum(region.area for region in regions) <= _MUCH * everything.area:
            return regions
        self._whole_s = time_s
        self._still += 1
        return [everything]


def _merged(found: list[Found]) -> list[Found]:
    """Return the mean of those that overlap and lean alike: single hits of one face lie around it."""
    groups: list[list[Found]] = []
    for one in found:
        for group in groups:
            if one[1] == group[0][1] and one[0].iou(group[0][0]) >= _ALIKE:
                group.append(one)
                break
        else:
            groups.append([one])
    return [(mean([rect for rect, _ in group]), group[0][1]) for group in groups]


def _body(face: Rect, bottom: int) -> Rect:
    """Return where the person of a face moves: head, shoulders and arms, down to the frame's bottom."""
    top = face.y - _HAIR * face.height
    return Rect(face.x - _ARM * face.width, top, (1 + 2 * _ARM) * face.width, max(bottom - top, face.height))


def _without(gray: NDArray[np.uint8], faces: list[Rect]) -> NDArray[np.uint8]:
    """Return the frame with faces painted over: a cascade spends most of its time where faces are."""
    if not faces:
        return gray
    hidden = gray.copy()
    height, width = gray.shape
    for face in faces:
        inside = face.expanded(_HIDDEN).clipped(width, height).whole()
        part = hidden[int(inside.y) : int(inside.y + inside.height), int(inside.x) : int(inside.x + inside.width)]
        if part.size:
            part[:] = cv2.mean(part)[0]
    return hidden
