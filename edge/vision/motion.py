"""Where the picture differs from how it was when it was last searched there.

A face cannot come, go or change its expression without changing pixels. So a small picture
keeps the gray level of each cell of the frame as of its last search, and only cells that differ
by now are searched again. A slow change adds up until it is noticed; a still picture costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.geometry import Rect

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CELLS = 9
"""Cells across the smallest face: its eyes and its mouth each fill some."""

_CHANGE = 6
"""Gray levels by which a cell's mean must differ. The noise of a dark room, 10 levels a pixel, moves it by about 1."""

_SEARCHES = 2
"""How often a changed cell is searched: at first sight the cascade misses three faces in ten."""

_PART_OF_FACE = 1 / 8
"""What must have changed of the smallest face's area; less is a flicker."""


class Motion:
    """Keeps each cell of the frame as it was when it was last searched."""

    def __init__(self, face: int) -> None:
        """Start without a frame.

        Args:
            face: Height of the smallest face, in pixels.
        """
        self._face = face
        self._cell = max(1, face // _CELLS)
        self.forget()

    def forget(self) -> None:
        """Start again: in the next frame everything has changed."""
        self._now: NDArray[np.uint8] = np.empty((0, 0), np.uint8)
        self._then = self._before = self._now
        self._searches_left = self._now

    def update(self, gray: NDArray[np.uint8]) -> None:
        """Compare with the next frame, ``(H, W)``; in a frame of another size everything has changed."""
        height, width = gray.shape
        size = max(1, width // self._cell), max(1, height // self._cell)
        self._before, self._now = self._now, _means(gray, size)
        self._scale = width / size[0], height / size[1]
        if self._now.shape == self._then.shape:
            self._changed = np.asarray(cv2.absdiff(self._now, self._then) > _CHANGE)
            self._searches_left[self._changed] = _SEARCHES
        else:
            self._then = self._now.copy()
            self._changed = np.ones(self._now.shape, bool)
            self._searches_left = np.ones_like(self._now)

    def changed_part(self, rect: Rect) -> float:
        """Return the part of a rectangle, 0 to 1, that differs from how it was when it was last searched."""
        return _share(self._changed[self._cells(rect)])

    def moving_part(self, rect: Rect) -> float:
        """Return the part of a rectangle, 0 to 1, that differs from the frame before; 0 in the first frame."""
        if self._before.shape != self._now.shape:
            return 0.0
        cells = self._cells(rect)
        return _share(cv2.absdiff(self._now[cells], self._before[cells]) > _CHANGE)

    def mark_searched(self, rect: Rect) -> None:
        """Record that a rectangle of this frame was searched."""
        cells = self._cells(rect)
        self._then[cells] = self._now[cells]
        left = self._searches_left[cells]
        left -= left > 0

    def regions(self, known: list[Rect]) -> list[Rect]:
        """Return where a new face may be: boxes around what changed, with room for a face around them.

        Args:
            known: Rectangles that are searched anyway.
        """
        mask = (self._searches_left > 0).view(np.uint8)
        for rect in known:
            mask[self._cells(rect)] = 0
        least = _PART_OF_FACE * (self._face / self._cell) ** 2
        if np.count_nonzero(mask) < max(least, 1):
            return []
        # Patches of one face, as mouth and brows, are one region.
        _, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(mask, np.ones((3, 3), np.uint8)))
        areas = np.bincount(labels[mask > 0].astype(np.intp), minlength=len(stats))
        across, down = self._scale
        found = []
        for (x, y, width, height, _), area in list(zip(stats, areas, strict=True))[1:]:
            if area >= least:
                room = self._face / 2
                found.append(
                    Rect(x * across - room, y * down - room, width * across + 2 * room, height * down + 2 * room)
                )
        return found

    def _cells(self, rect: Rect) -> tuple[slice, slice]:
        """Return the cells that a rectangle touches; at least one."""
        rows, columns = self._now.shape
        across, down = self._scale
        left, top = int(min(max(rect.x / across, 0), columns - 1)), int(min(max(rect.y / down, 0), rows - 1))
        right = int(min(max(-(-(rect.x + rect.width) // across), left + 1), columns))
        bottom = int(min(max(-(-(rect.y + rect.height) // down), top + 1), rows))
        return slice(top, bottom), slice(left, right)


def _share(mask: NDArray[np.bool_]) -> float:
    """Return the part of a mask that is set; a boolean array's own mean takes six times as long."""
    return float(np.count_nonzero(mask)) / mask.size


def _means(gray: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the mean gray level of each cell.

    A halved picture's pixels are the means of four, and OpenCV halves much faster than it takes means of larger parts:
    from 640x480 to 80x60 in three steps in 11 us on an x86 core, in one in 56.
    """
    columns, rows = size
    while gray.shape[0] % 2 == gray.shape[1] % 2 == 0 and gray.shape[0] >= 2 * rows and gray.shape[1] >= 2 * columns:
        halved = gray.shape[1] // 2, gray.shape[0] // 2
        gray = np.asarray(cv2.resize(gray, halved, interpolation=cv2.INTER_LINEAR), np.uint8)
    if gray.shape == (rows, columns):
        return gray
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)
