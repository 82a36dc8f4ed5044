"""Find faces in a frame, with a Haar cascade.

Viola and Jones, "Rapid Object Detection using a Boosted Cascade of Simple
Features", CVPR 2001; OpenCV's frontal cascade. Searching dominates CPU
time, so there are three searches: a coarse one for new faces in any part of the frame; a
fine one near a place, at its own scale; and a thorough one around a face that was lost. The cascade misses heads that
lean by more than about 15 degrees: each search can look at the picture turned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import cv2

from edge.geometry import Rect
from edge.vision.cascades import CASCADE_PIXELS, CASCADES, Cascade
from edge.vision.crops import cut_out, resized, turned, worth_turning
from edge.vision.parts import STEP, SearchPart

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

_MOST_ENLARGED = 0.5
"""Smaller faces than the cascade's are enlarged up to twice."""

TURNS = (0.0, 20.0, -20.0)
"""Degrees by which a face is searched for to either side of how it should lean; the cascade tolerates 15."""

_NEAR_SIZES = 0.8, 1.25
"""Sizes in which a tracked face is searched, as parts of its last one."""


@dataclass(frozen=True)
class _FineSearch:
    """How one face is searched for, where it should be."""

    reach: float
    """What is searched beyond it on each side, as a part of its size."""

    window: int
    """Pixels to which the smallest face is shrunk."""

    step: float
    """How much larger each size of face is than the one before."""

    neighbours: int
    """Further hits that a face needs."""


# Nearly all time goes into hits, which pass every stage of the cascade. With OpenCV's usual step of 1.1 there are more
# of them: it follows two leaning heads in 1.18 times the time, and finds no more faces in 100 synthetic videos.
_NEAR = _FineSearch(reach=0.25, window=CASCADE_PIXELS, step=1.12, neighbours=2)

# The window is large enough for steps of one pixel. These hit a face often, and clutter sometimes: with 2 instead of 6
# neighbours false faces were 30 times as many.
_AROUND = _FineSearch(reach=0.4, window=50, step=1.1, neighbours=6)


class Detector(Protocol):
    """Finds faces in gray frames of ``(H, W)`` uint8."""

    def search(self, gray: NDArray[np.uint8], part: SearchPart | None = None) -> list[Rect]:
        """Return the faces in a part of the frame, or in all of it."""

    def search_near(self, gray: NDArray[np.uint8], face: Rect, tilt: float = 0.0) -> Rect | None:
        """Return one face close to where it was, and about as large; None if there is none."""

    def search_around(self, gray: NDArray[np.uint8], face: Rect, tilt: float = 0.0) -> Rect | None:
        """Return one face that was lost: within a wider area, more thoroughly; None if there is none."""


def search_turned(
    detector: Detector, gray: NDArray[np.uint8], face: Rect, tilt: float, turns: Sequence[float] = TURNS
) -> tuple[Rect, float] | None:
    """Return one face close to where it was, and how it leans: as expected or, where none is, a little more or less.

    Args:
        detector: Searches.
        gray: ``(H, W)`` uint8.
        face: Where it should be.
        tilt: Degrees by which it should lean, clockwise.
        turns: Degrees that are added to it, in turn.
    """
    for turn in turns:
        at = tilt + turn
        if found := detector.search_near(gray, face, worth_turning(at)):
            return found, at
    return None


class HaarDetector:
    """OpenCV's frontal face cascades."""

    def __init__(self, min_height: int) -> None:
        """Load the cascades; OpenCV works on one thread from then on.

        Args:
            min_height: Pixels of the smallest face that is looked for; below 24 the picture is enlarged.

        Raises:
            EdgeError: A file of OpenCV's cascades is not on this machine.
        """
        # The pictures are small: on two cores OpenCV's threads took a fifth more processor time, and no less time.
        cv2.setNumThreads(1)
        self._min_height = min_height
        self._cascades = [Cascade(name) for name in CASCADES]

    def search(self, gray: NDArray[np.uint8], part: SearchPart | None = None) -> list[Rect]:
        """Return the faces in a part of the frame, or in all of it, from `min_height` pixels on.

        Faces that the cascade hits only once are included, because a coarse search hits a
        face no more often. Fine searches nearby decide which of them are faces.
        """
        height, width = gray.shape
        part = part or SearchPart(Rect(0, 0, width, height), self._min_height, max(width, height))
        found: list[Rect] = []
        cascade, least = self._cascades[part.cascade], part.least
        # Twice as large faces are searched in a picture of half the size: always in steps of two of its pixels.
        while least < part.most:
            most = min(part.most, 2 * least)
            region = _Region(gray, part.region, least / cascade.pixels, part.tilt)
            found += region.find(cascade, STEP, neighbours=0, least=least, most=most)
            least = most
        return found

    def search_near(self, gray: NDArray[np.uint8], face: Rect, tilt: float = 0.0) -> Rect | None:
        """Return the face in its surroundings, between 0.8 and 1.25 times its size.

        Args:
            gray: ``(H, W)`` uint8.
            face: Where it should be.
            tilt: Degrees by which the head leans, clockwise as one sees it.
        """
        return self._find(gray, face, tilt, _NEAR)

    def search_around(self, gray: NDArray[np.uint8], face: Rect, tilt: float = 0.0) -> Rect | None:
        """Return the face within a wider area, searched pixel by pixel; the same arguments, at about twice the cost."""
        return self._find(gray, face, tilt, _AROUND)

    def _find(self, gray: NDArray[np.uint8], face: Rect, tilt: float, how: _FineSearch) -> Rect | None:
        least, most = (part * face.width for part in _NEAR_SIZES)
        part = _Region(gray, face.expanded(how.reach), least / how.window, tilt)
        found = part.find(self._cascades[0], how.step, neighbours=how.neighbours, least=least, most=most)
        return max(found, key=face.iou, default=None)


class _Region:
    """A part of a frame, turned upright and shrunk for the cascade."""

    def __init__(self, gray: NDArray[np.uint8], wanted: Rect, shrink: float, tilt: float = 0.0) -> None:
        """Cut the part out and shrink it.

        Args:
            gray: ``(H, W)`` uint8.
            wanted: The part; what lies beyond the frame is left out.
            shrink: How many pixels become one, along each side; below 1 the picture is enlarged.
            tilt: Degrees by which what is in it leans, clockwise.
        """
        height, width = gray.shape
        self._rect = wanted if tilt else wanted.clipped(width, height).whole()
        self._shrink, self._tilt = max(shrink, _MOST_ENLARGED), tilt
        size = max(1, round(self._rect.width / self._shrink)), max(1, round(self._rect.height / self._shrink))
        self._pixels = turned(gray, self._rect, tilt, *size) if tilt else resized(cut_out(gray, self._rect), *size)

    def find(
        self,
        cascade: Cascade,
        step: float,
        *,
        neighbours: int,
        least: float,
        most: float,
    ) -> list[Rect]:
        """Return the faces of `least` to `most` pixels of the frame; the boxes are upright."""
        smallest = max(cascade.pixels, int(least / self._shrink))
        largest = int(most / self._shrink) + 1
        if min(self._pixels.shape) < smallest or largest < smallest:
            return []  # none fits
        found = cascade.detect(self._pixels, step, neighbours, minSize=(smallest, smallest), maxSize=(largest, largest))
        return [self._in_frame(*map(float, box)) for box in found]

    def _in_frame(self, x: float, y: float, width: float, height: float) -> Rect:
        middle_x, middle_y = self._rect.centre
        # From the part's own middle, which turning leaves where it was.
        right = (x + width / 2) * self._shrink - self._rect.width / 2
        down = (y + height / 2) * self._shrink - self._rect.height / 2
        cos, sin = math.cos(math.radians(self._tilt)), math.sin(math.radians(self._tilt))
        middle_x, middle_y = middle_x + cos * right - sin * down, middle_y + sin * right + cos * down
        width, height = width * self._shrink, height * self._shrink
        return Rect(middle_x - width / 2, middle_y - height / 2, width, height)
