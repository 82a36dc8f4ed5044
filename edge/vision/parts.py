"""The parts of a whole search: sizes and places, by cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge.vision.cascades import CASCADE_PIXELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.geometry import Rect

STEP = 1.3
"""How much larger each size of face is than the one searched before, where new faces are searched for. Single hits
with this step find 70 of 100 faces in `train.simulation`, in half the time in which pairs of hits with OpenCV's usual
1.1 find 65; what else they hit a fine search rejects."""


@dataclass(frozen=True)
class SearchPart:
    """A part of a whole search."""

    region: Rect
    """Of the frame."""

    least: float
    """Pixels of the smallest face."""

    most: float
    """Pixels below which the largest one is."""

    tilt: float = 0.0
    """Degrees by which heads lean, clockwise as one sees it."""

    cascade: int = 0
    """By which of `CASCADES`."""


def cost(part: SearchPart) -> float:
    """Return the number of windows that a search of a part looks at."""
    windows, size = 0.0, part.least
    while size < part.most:
        across, down = (
            max(0.0, side * CASCADE_PIXELS / size - CASCADE_PIXELS) for side in (part.region.width, part.region.height)
        )
        windows += across * down / 4  # in steps of two pixels
        size *= STEP
    return windows


def divided(part: SearchPart, most: float) -> Iterator[SearchPart]:
    """Yield a part in parts that cost about `most` at most each: by size first, then by place."""
    if cost(part) <= most:
        yield part
    elif part.most > STEP * part.least:
        middle = part.least
        while middle * STEP < part.most and cost(replace(part, most=middle * STEP)) <= most:
            middle *= STEP
        middle = max(middle, part.least * STEP)
        yield from divided(replace(part, most=middle), most)
        yield from divided(replace(part, least=middle), most)
    elif max(part.region.width, part.region.height) > 2 * part.most:
        for region in _halves(part.region, part.most):
            yield from divided(replace(part, region=region), most)
    else:
        yield part


def _halves(region: Rect, face: float) -> tuple[Rect, Rect]:
    """Return both halves of a region, which overlap by a face."""
    if region.width >= region.height:
        width = (region.width + face) / 2
        return replace(region, width=width), replace(region, x=region.x + region.width - width, width=width)
    height = (region.height + face) / 2
    return replace(region, height=height), replace(region, y=region.y + region.height - height, height=height)
