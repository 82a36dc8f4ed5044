"""Where are faces in this frame: a Haar cascade.

Viola and Jones, "Rapid Object Detection using a Boosted Cascade of Simple
Features", CVPR 2001; OpenCV's frontal cascade. The search for faces is nearly the
whole cost of a frame, so there are two: the whole frame, and near a known face.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import cv2

from edge.errors import EdgeError
from edge.geometry import Rect

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CASCADE = "haarcascade_frontalface_default.xml"
_FOLDERS = ("/usr/share/opencv4/haarcascades",)
"""Where Debian's python3-opencv puts the cascades; the wheels carry them in cv2.data."""

_WINDOW = 24
"""Pixels of the smallest face that the cascade was trained on."""

_WORKING_FACE = 40
"""Pixels that the smallest face keeps when the whole frame is shrunk for the search."""


class Detector(Protocol):
    """Finds faces in gray frames of ``(H, W)`` uint8."""

    def search(self, gray: NDArray[np.uint8]) -> list[Rect]:
        """Find the faces in the whole frame."""

    def search_near(self, gray: NDArray[np.uint8], face: Rect) -> Rect | None:
        """Find one face close to where, and about as large as, it was."""


class HaarDetector:
    """OpenCV's frontal face cascade."""

    def __init__(self, min_height: int) -> None:
        """Load the cascade.

        Args:
            min_height: Pixels of the smallest face that is looked for; the cascade sees none below 24.

        Raises:
            EdgeError: OpenCV's cascade file is not on this machine.
        """
        self._min_height = min_height
        self._cascade = cv2.CascadeClassifier(str(cascade_file()))

    def search(self, gray: NDArray[np.uint8]) -> list[Rect]:
        """Find the faces in the whole frame, the smallest being `min_height`."""
        if min(gray.shape) < self._min_height:
            return []  # none fits
        shrink = max(1.0, self._min_height / _WORKING_FACE)
        small = cv2.resize(gray, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
        least = round(self._min_height / shrink)
        found = self._cascade.detectMultiScale(small, scaleFactor=1.15, minNeighbors=5, minSize=(least, least))
        return [Rect(x * shrink, y * shrink, w * shrink, h * shrink) for x, y, w, h in found]

    def search_near(self, gray: NDArray[np.uint8], face: Rect) -> Rect | None:
        """Find the face in its surroundings, between 0.8 and 1.25 times its size."""
        height, width = gray.shape
        around = face.grown(0.35).clipped(width, height)
        left, top = int(around.x), int(around.y)
        part = gray[top : int(around.y + around.height), left : int(around.x + around.width)]
        least, most = max(_WINDOW, round(face.width * 0.8)), round(face.width * 1.25)
        if min(part.shape) <= least:
            return None
        shrink = max(1.0, least / _WORKING_FACE)
        small = cv2.resize(part, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
        found = self._cascade.detectMultiScale(
            small,
            scaleFactor=1.1,
            minNeighbors=3,
            minSize=(round(least / shrink),) * 2,
            maxSize=(round(most / shrink),) * 2,
        )
        candidates = [Rect(left + x * shrink, top + y * shrink, w * shrink, h * shrink) for x, y, w, h in found]
        return max(candidates, key=face.overlap, default=None)


def cascade_file() -> Path:
    """Find the cascade's file.

    Raises:
        EdgeError: It is in none of the places where OpenCV's packages put it.
    """
    data = getattr(cv2, "data", None)  # Debian's package has no cv2.data
    for folder in ([data.haarcascades] if data else []) + list(_FOLDERS):
        path = Path(folder) / _CASCADE
        if path.exists():
            return path
    message = f"{_CASCADE} is not on this machine; 'pip install opencv-python-headless' or 'apt install opencv-data'"
    raise EdgeError(message)
