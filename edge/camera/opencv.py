"""What every adapter over OpenCV shares: no output of its own, and gray pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from edge.errors import CameraError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LONGEST_SIDE = 32_766
"""Pixels; OpenCV turns no larger picture (its ``SHRT_MAX``)."""


def silence() -> None:
    """Keep OpenCV from writing to standard error: the user gets one sentence, from us."""
    # Which of the two there is depends on OpenCV's version: 4.11 has the first, 4.14 the second.
    utils: Any = cv2.utils
    owner: Any = cv2 if hasattr(cv2, "setLogLevel") else utils.logging
    owner.setLogLevel(0)


def to_gray(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return ``(H, W)`` gray levels of an ``(H, W, 3)`` blue, green, red picture."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)


def check_sides(gray: NDArray[np.uint8]) -> None:
    """Raise CameraError where a picture is too long for what is done with a frame."""
    if max(gray.shape) > _LONGEST_SIDE:
        message = f"a picture of {gray.shape[1]}x{gray.shape[0]} is too large: {_LONGEST_SIDE:,} pixels a side at most"
        raise CameraError(message)
