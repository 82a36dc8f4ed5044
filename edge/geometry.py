"""Rectangles in a frame, as detector and tracks reckon with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Rect:
    """A rectangle in pixels; (0, 0) is the frame's top left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def area(self) -> float:
        """In square pixels."""
        return self.width * self.height

    @property
    def centre(self) -> tuple[float, float]:
        """The point in its middle."""
        return self.x + self.width / 2, self.y + self.height / 2

    def expanded(self, margin: float) -> Rect:
        """Return it with `margin` times its width and height added on each side."""
        dx, dy = self.width * margin, self.height * margin
        return Rect(self.x - dx, self.y - dy, self.width + 2 * dx, self.height + 2 * dy)

    def clipped(self, width: int, height: int) -> Rect:
        """Return the part within a frame of that size; its sides may be 0."""
        left, top = min(max(self.x, 0), width), min(max(self.y, 0), height)
        right = min(max(self.x + self.width, left), width)
        bottom = min(max(self.y + self.height, top), height)
        return Rect(left, top, right - left, bottom - top)

    def lies_within(self, width: int, height: int) -> bool:
        """Whether none of it is beyond a frame of that size."""
        return self.x >= 0 and self.y >= 0 and self.x + self.width <= width and self.y + self.height <= height

    def whole(self) -> Rect:
        """Return the whole pixels that it touches fully or to the left and above."""
        left, top = int(self.x), int(self.y)
        return Rect(left, top, int(self.x + self.width) - left, int(self.y + self.height) - top)

    def moved(self, right: float, down: float) -> Rect:
        """Return it elsewhere."""
        return Rect(self.x + right, self.y + down, self.width, self.height)

    def contains(self, point: tuple[float, float]) -> bool:
        """Whether a point lies within."""
        return self.x <= point[0] < self.x + self.width and self.y <= point[1] < self.y + self.height

    def scaled(self, by: float) -> Rect:
        """Return where it is in a frame that is `by` times as wide and as high."""
        return Rect(self.x * by, self.y * by, self.width * by, self.height * by)

    def intersection_area(self, other: Rect) -> float:
        """Return the area that both cover, in square pixels."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return width * height if width > 0 and height > 0 else 0.0

    def iou(self, other: Rect) -> float:
        """Return intersection over union, 0 to 1."""
        shared = self.intersection_area(other)
        return shared / (self.area + other.area - shared) if shared else 0.0

    def moved_toward(self, other: Rect, part: float) -> Rect:
        """Return the rectangle that lies `part` of the way to the other one."""
        return Rect(
            self.x + part * (other.x - self.x),
            self.y + part * (other.y - self.y),
            self.width + part * (other.width - self.width),
            self.height + part * (other.height - self.height),
        )


def mean(rects: Sequence[Rect]) -> Rect:
    """Return the rectangle between some, at least one."""
    sides = zip(*((rect.x, rect.y, rect.width, rect.height) for rect in rects), strict=True)
    return Rect(*(sum(side) / len(rects) for side in sides))
