"""Follow a face from frame to frame by optical flow, between two detections.

Points on the face are followed from a template, the picture of its surroundings when it was last anchored, to the
newest frame and back; those that come back to where they began vote for one similarity: shift, size and roll. Since the
template stays, errors do not add up from frame to frame. Kalal, Mikolajczyk and Matas, "Forward-Backward Error:
Automatic Detection of Tracking Failures", ICPR 2010; Lucas and Kanade's flow in pyramids by Bouguet, 2001. Unlike
theirs the similarity is found by random samples and not by medians, which a hand over half of the face outvotes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.geometry import Rect
from edge.vision.crops import turned, worth_turning

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIDE = 64
"""Pixels of a side of the template, whatever the face's size."""

_ROOM = 0.25
"""What the template shows beyond the face on each side, as a part of its width: the face moves there."""

_POINTS = 5
"""Points across the face and down, without the corners, which show background; fewer lose it behind hands."""

_INSET = 0.15
"""Part of the face's width at each side that has no points: background shows there, which does not move with it."""

_WINDOW = 9
"""Pixels of the window around a point that is followed."""

_LEVELS = 2
"""Halvings of the picture in which it is followed first, for large steps."""

_LEVELS_BACK = 1
"""The same on the way back, which begins where the points should come out; with none, false matches come back too."""

_UPRIGHT = 12.0
"""Degrees up to which flow does not need the picture turned."""

_RETURN = 1.0
"""Template pixels within which a point must come back to where it began."""

_AGREE = 1.5
"""Template pixels within which a point must agree with the similarity."""

_LEAST_POINTS = 8
"""Points that must agree, of 21."""

_SAMPLES = 100
"""Pairs of points that are tried at most. Where 8 of 21 agree, all miss them once in a million times; where none do,
these take 23 us on an x86 core, and OpenCV's 2000 take 97."""

_REFINEMENTS = 2
"""Steps of the fit to all that agree: it is linear, so that further ones change nothing."""

_LARGEST_STEP = 1.3
"""Ratio of sizes from the template to now beyond which the similarity is an accident."""

_LARGEST_TURN = 40.0
"""The same in degrees."""


def _grid() -> NDArray[np.float32]:
    face = _SIDE / (1 + 2 * _ROOM)
    ends = (_SIDE - face) / 2 + _INSET * face - 0.5, (_SIDE + face) / 2 - _INSET * face - 0.5
    places = np.linspace(*ends, _POINTS)
    grid = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 1, 2)
    corner = np.abs(grid - places.mean()).sum(axis=(1, 2)) > np.ptp(places) - 1e-3
    return np.asarray(grid[~corner], np.float32)


_GRID = _grid()


@dataclass(frozen=True, eq=False)
class Template:
    """A face's surroundings at one moment."""

    pixels: NDArray[np.uint8]
    """``(64, 64)``, the face in the middle."""

    roll: float
    """Degrees by which it leans in the template, clockwise."""

    taken_s: float
    """Capture time of the frame."""


@dataclass(frozen=True)
class Followed:
    """Where a face is by its flow."""

    rect: Rect
    tilt: float
    """Degrees by which the head leans, clockwise as one sees it."""

    agreement: float
    """Share of the points that moved as one."""


class Flow:
    """Follows faces; it keeps nothing itself."""

    def template(self, gray: NDArray[np.uint8], face: Rect, tilt: float, time_s: float) -> Template:
        """Return a face's template.

        Args:
            gray: ``(H, W)`` uint8, captured at `time_s`.
            face: Where the face is.
            tilt: Degrees by which the head leans, clockwise.
            time_s: Seconds.
        """
        turn = worth_turning(tilt, _UPRIGHT)
        return Template(turned(gray, face.expanded(_ROOM), turn, _SIDE, _SIDE), tilt - turn, time_s)

    def follow(self, before: Template, gray: NDArray[np.uint8], expected: Rect, tilt: float) -> Followed | None:
        """Return where the face of a template is in a frame; None if too few of its points can be followed.

        Args:
            before: The face.
            gray: ``(H, W)`` uint8.
            expected: Where it should be, within a quarter of its width.
            tilt: Degrees by which the head should lean, clockwise.
        """
        cut_at = worth_turning(tilt, _UPRIGHT)
        now = turned(gray, expected.expanded(_ROOM), cut_at, _SIDE, _SIDE)
        moved, there = _lucas_kanade(before.pixels, now, _GRID, _GRID, _LEVELS)
        back, back_there = _lucas_kanade(now, before.pixels, moved, _GRID, _LEVELS_BACK)
        away = np.abs(back - _GRID).max(axis=(1, 2))
        good = there & back_there & (away < _RETURN)
        if np.count_nonzero(good) < _LEAST_POINTS:
            return None
        similarity, agree = cv2.estimateAffinePartial2D(
            _GRID[good],
            moved[good],
            ransacReprojThreshold=_AGREE,
            maxIters=_SAMPLES,
            refineIters=_REFINEMENTS,
        )
        agreed = np.count_nonzero(agree)
        if similarity is None or agreed < _LEAST_POINTS:
            return None
        size = math.hypot(similarity[0, 0], similarity[1, 0])
        turn = math.degrees(math.atan2(similarity[1, 0], similarity[0, 0]))
        if not 1 / _LARGEST_STEP < size < _LARGEST_STEP or abs(turn) > _LARGEST_TURN:
            return None
        middle = (_SIDE - 1) / 2
        right, down = (similarity @ (middle, middle, 1.0) - middle).tolist()  # Python reckons faster with its own
        scale = expected.expanded(_ROOM).width / _SIDE
        cos, sin = math.cos(math.radians(cut_at)), math.sin(math.radians(cut_at))
        x, y = expected.centre
        x, y = x + scale * (cos * right - sin * down), y + scale * (sin * right + cos * down)
        width, height = expected.width * size, expected.height * size
        rect = Rect(x - width / 2, y - height / 2, width, height)
        return Followed(rect, cut_at + turn + before.roll, agreed / len(_GRID))


def _lucas_kanade(
    before: NDArray[np.uint8],
    now: NDArray[np.uint8],
    points: NDArray[np.float32],
    expected: NDArray[np.float32],
    levels: int,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return where ``(N, 1, 2)`` points are now, searched for from where they are expected, and which were followed."""
    moved, there, _ = cv2.calcOpticalFlowPyrLK(
        before,
        now,
        points,
        expected.copy(),
        winSize=(_WINDOW, _WINDOW),
        maxLevel=levels,
        criteria=(cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 10, 0.03),
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    return np.asarray(moved, np.float32), np.asarray(there)[:, 0] > 0
