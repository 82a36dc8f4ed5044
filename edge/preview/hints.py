"""What to do where a face is too small, too dark, too far, or not found: for who aims the camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.geometry import Rect
from edge.vision.detector import HaarDetector
from edge.vision.parts import SearchPart

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.pipeline import PresentFace, Snapshot

_DARK = 45.0
"""Mean gray level of a face, of 255, below which it is dark. The test card's face is read as well as ever at 33, and
found in no frame at 22."""

_NEAR_LIMIT = 1.2
"""Times `faces.min_height` below which a face is about to be too small."""

_SEARCH_EVERY_S = 2.0
"""Seconds between two searches for faces that are too small or too dark; each takes 4 ms of 640x480, on x86-64."""

_SMALLER = 0.5
"""Part of `faces.min_height` down to which smaller faces are searched."""


@dataclass(frozen=True)
class Hint:
    """One thing to do."""

    text: str
    box: Rect | None = None
    """Of a face that is not followed."""

    nobody: bool = False
    """Whether it holds only while nobody is followed."""


class HintFinder:
    """Finds what keeps faces from being found or read. For one thread at a time."""

    def __init__(self, min_height: int) -> None:
        """Load the cascades.

        Args:
            min_height: Pixels of the smallest face that is looked for.
        """
        self._min_height = min_height
        self._detector = HaarDetector(max(16, round(_SMALLER * min_height)))
        self._missed: tuple[float, list[Hint]] = float("-inf"), []

    def hints(self, gray: NDArray[np.uint8], snapshot: Snapshot, time_s: float) -> list[Hint]:
        """Return what to do, most urgent first; nothing if all is well.

        Args:
            gray: ``(H, W)`` uint8.
            snapshot: Everybody who is there as of that frame.
            time_s: Now, on the monotonic clock.
        """
        if faces := [face for face in snapshot.faces if face.visible]:
            self._missed = float("-inf"), []
            return [hint for face in faces for hint in self._of_face(gray, face)]
        searched_s, found = self._missed
        if time_s - searched_s >= _SEARCH_EVERY_S:
            found = self._of_nobody(gray)
            self._missed = time_s, found
        return found

    def _of_face(self, gray: NDArray[np.uint8], face: PresentFace) -> list[Hint]:
        found: list[Hint] = []
        size = round(face.rect.height)
        if size < _NEAR_LIMIT * self._min_height:
            enough = f"new ones are found from {self._min_height} on"
            found.append(Hint(f"Face {face.face_id} is far: {size} pixels; {enough}. Come nearer."))
        if (level := _level(gray, face.rect)) < _DARK:
            found.append(
                Hint(f"Face {face.face_id} is dark: level {level:.0f} of 255. Put a light in front of it, not behind.")
            )
        height, width = gray.shape
        if not face.rect.lies_within(width, height):
            found.append(Hint(f"Face {face.face_id} is cut off by the picture's edge. Move it or the camera."))
        return found

    def _of_nobody(self, gray: NDArray[np.uint8]) -> list[Hint]:
        height, width = gray.shape
        whole = Rect(0, 0, width, height)
        level = float(gray.mean())
        if box := self._find(gray, SearchPart(whole, self._min_height * _SMALLER, self._min_height)):
            text = f"A face is too small: {box.height:.0f} pixels, at least {self._min_height} are needed."
            return [Hint(f"{text} Come nearer, or lower faces.min_height.", box, nobody=True)]
        bright = np.asarray(cv2.equalizeHist(gray), np.uint8)
        part = SearchPart(whole, self._min_height, min(gray.shape))
        if (box := self._find(bright, part)) and (face_level := _level(gray, box)) < _DARK:
            return [
                Hint(
                    f"A face is too dark: level {face_level:.0f} of 255. Put a light in front of it.", box, nobody=True
                )
            ]
        if level < _DARK:
            return [Hint(f"The picture is dark: level {level:.0f} of 255. Turn on a light.", nobody=True)]
        return [
            Hint(
                "No face is found. It must look at the camera, and be at least as large as the square in the corner "
                f"({self._min_height} pixels).",
                nobody=True,
            )
        ]

    def _find(self, gray: NDArray[np.uint8], part: SearchPart) -> Rect | None:
        """Return a face for certain: a thorough search must find again what a coarse one hits."""
        for hit in self._detector.search(gray, part):
            if (face := self._detector.search_around(gray, hit)) is not None:
                return face
        return None


def _level(gray: NDArray[np.uint8], rect: Rect) -> float:
    """Return the mean gray level of a rectangle, as far as it lies within the frame."""
    height, width = gray.shape
    inside = rect.clipped(width, height).whole()
    left, top = int(inside.x), int(inside.y)
    part = gray[top : top + int(inside.height), left : left + int(inside.width)]
    return float(part.mean()) if part.size else 255.0
