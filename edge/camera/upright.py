"""Decoded video frames as gray pictures that are upright and have square pixels."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from edge.camera.opencv import to_gray

if TYPE_CHECKING:
    from fractions import Fraction

    from av import VideoFrame
    from numpy.typing import NDArray

    Gray = NDArray[np.uint8]

_MATRIX = struct.Struct("=9i")
"""FFmpeg's display matrix (libavutil/display.h), ``a b u c d v x y w``: a point (x, y) moves to (ax + cy, bx + dy)."""

_AS_IT_IS = 1, 0, 0, 1

_STRETCH = 1 / 4, 4
"""Widths of a pixel, in heights, that are taken for true; DV has 8/11, anamorphic HDV 4/3, half-width recordings 2."""


class UprightGray:
    """Converts the frames of one stream; the conversion is prepared once for as long as format and size stay."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._rotation: int | None = None
        self._matrix = _AS_IT_IS

    def convert(self, frame: VideoFrame, aspect: Fraction | None) -> Gray:
        """Return a frame's ``(H, W)`` gray levels, 0 to 255, as a player shows them.

        Args:
            frame: As it was decoded; the display matrix of a phone's clip comes with it.
            aspect: Width of a pixel in heights; None where the stream does not say.
        """
        # Through colours, as for all measurements so far: FFmpeg's own gray takes 0.1 ms less at 640x480, but differs
        # by about a level of 255, which decides on faces at the edge of a threshold.
        colours = np.asarray(self._reformatter.reformat(frame, format="bgr24").to_ndarray(), np.uint8)
        return turned(with_square_pixels(to_gray(colours), aspect), self._display_matrix(frame))

    def _display_matrix(self, frame: VideoFrame) -> tuple[int, int, int, int]:
        # Not of every frame: a frame and its side data refer to each other, so that megabytes of memory are freed only
        # when the garbage collector runs.
        if frame.rotation != self._rotation:
            self._rotation = frame.rotation
            data: Any = frame.side_data.get("DISPLAYMATRIX")  # PyAV gives no type
            self._matrix = _AS_IT_IS if data is None else _without_perspective(_MATRIX.unpack_from(data))
        return self._matrix


def with_square_pixels(gray: Gray, aspect: Fraction | None) -> Gray:
    """Return a picture whose pixels are as wide as they are high; its height stays.

    Args:
        gray: ``(H, W)`` gray levels.
        aspect: Width of a pixel in heights; None and values that no recorder writes count as 1.
    """
    if not aspect or aspect == 1 or not _STRETCH[0] <= aspect <= _STRETCH[1]:
        return gray
    size = max(1, round(gray.shape[1] * aspect)), gray.shape[0]
    how = cv2.INTER_AREA if aspect < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(gray, size, interpolation=how), np.uint8)


def turned(gray: Gray, matrix: tuple[int, int, int, int]) -> Gray:
    """Return a picture turned by quarters, and mirrored, as a display matrix says.

    Args:
        gray: ``(H, W)`` gray levels.
        matrix: a, b, c and d of the display matrix, of which only the signs count.
    """
    a, b, c, d = matrix
    if abs(b) + abs(c) > abs(a) + abs(d):  # x and y change places
        gray, a, d = gray.T, c, b
    if a < 0:
        gray = gray[:, ::-1]
    if d < 0:
        gray = gray[::-1]
    return np.ascontiguousarray(gray)


def _without_perspective(matrix: tuple[int, ...]) -> tuple[int, int, int, int]:
    a, b, _, c, d, *_ = matrix
    return a, b, c, d
