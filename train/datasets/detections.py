"""What OpenCV's face cascade detects before its detections are grouped: many windows that are no faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from edge.geometry import Rect
from edge.vision.cascades import cascade_file
from edge.vision.crops import resized
from train.datasets.fer2013 import SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

_SCALE = 1.1
"""From one size of window to the next."""

_SMALLEST = 24
"""Pixels of the smallest window, which is the cascade's own."""


def load_cascade() -> cv2.CascadeClassifier:
    """Load the cascade; OpenCV works on one thread from then on, as with more the detections come in any order."""
    cv2.setNumThreads(1)
    return cv2.CascadeClassifier(str(cascade_file()))


def raw_detections(cascade: cv2.CascadeClassifier, picture: NDArray[np.uint8]) -> list[Rect]:
    """Return every window of ``(H, W)`` gray levels that passes the cascade, without grouping neighbours."""
    found = cascade.detectMultiScale(picture, _SCALE, 0, minSize=(_SMALLEST, _SMALLEST))
    return [Rect(*map(float, box)) for box in found]


def cut(picture: NDArray[np.uint8], boxes: Iterable[Rect]) -> Iterator[NDArray[np.uint8]]:
    """Yield the boxes' pixels, ``(48, 48)`` each."""
    for box in boxes:
        x, y, width, height = map(int, (box.x, box.y, box.width, box.height))
        yield resized(picture[y : y + height, x : x + width], SIZE, SIZE)
