"""What every adapter over OpenCV shares: opening in silence, and gray pictures."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_FFMPEG_QUIET = "-8"
"""AV_LOG_QUIET of libavutil/log.h."""


def silence() -> None:
    """Keep OpenCV and FFmpeg from writing to standard error: the user gets one sentence, from us.

    ``OPENCV_FFMPEG_LOGLEVEL`` in the environment wins, for debugging codecs.
    """
    # FFmpeg's level is read when the first video is opened, not when cv2 is imported.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", _FFMPEG_QUIET)
    # Which of the two there is depends on OpenCV's version: 4.11 has the first, 4.14 the second.
    utils: Any = cv2.utils
    owner: Any = cv2 if hasattr(cv2, "setLogLevel") else utils.logging
    owner.setLogLevel(0)


def open_capture(source: str, backend: int, options: Sequence[int] = ()) -> cv2.VideoCapture:
    """Open a video source in silence; ask ``isOpened()`` whether it worked.

    Args:
        source: A path or an address.
        backend: One of OpenCV's ``CAP_…`` backends; only that one is tried.
        options: ``CAP_PROP_…`` and value, one after the other, that must hold from the start.
    """
    silence()
    return cv2.VideoCapture(source, backend, options)


def to_gray(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return ``(H, W)`` gray levels of an ``(H, W)`` or an ``(H, W, 3)`` blue, green, red picture."""
    if picture.ndim == 2:
        return picture
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
