"""What the model sees of a face: a part of the frame, in the model's size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.geometry import Rect
    from edge.model import Card


def crop(gray: NDArray[np.uint8], face: Rect, card: Card) -> NDArray[np.uint8]:
    """Cut a face out as the model wants to see it.

    Args:
        gray: ``(H, W)`` uint8.
        face: Where the face is; what lies beyond the frame's edge repeats the edge.
        card: Says the margin and the size.

    Returns:
        ``(card.input.height, card.input.width)`` uint8.
    """
    rect = face.grown(card.input.crop_margin)
    left, top = round(rect.x), round(rect.y)
    right, bottom = max(left + 1, round(rect.x + rect.width)), max(top + 1, round(rect.y + rect.height))
    height, width = gray.shape
    inside = gray[max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
    if inside.shape != (bottom - top, right - left):
        beyond = ((max(0, -top), max(0, bottom - height)), (max(0, -left), max(0, right - width)))
        inside = np.pad(inside, beyond, mode="edge")
    return resized(inside, card.input.width, card.input.height)


def resized(gray: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Give a ``(H, W)`` picture in another size; training sets are judged through the same resampling."""
    if gray.shape == (height, width):
        return gray
    how = cv2.INTER_AREA if gray.shape[1] > width else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(gray, (width, height), interpolation=how), dtype=np.uint8)
