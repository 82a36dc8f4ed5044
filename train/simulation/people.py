"""Pictures of people: a labelled face on a plain head and shoulders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.geometry import Rect

_SOFT = 0.14
"""Part of the half side over which a face blends into its head, so that no square edge is seen."""


@dataclass(frozen=True, eq=False)
class Looks:
    """How one person looks."""

    face: NDArray[np.float32]
    """``(S, S)`` gray levels."""

    head: float
    """Gray level of the head behind the face: the mean of the face's rim, as hair and skin continue there."""

    clothes: float
    """Gray level of the shoulders."""


def looks(random: np.random.Generator, face: NDArray[np.uint8]) -> Looks:
    """Return how a person with that face, ``(S, S)``, looks."""
    rim = np.concatenate([face[:3].ravel(), face[-3:].ravel(), face[:, :3].ravel(), face[:, -3:].ravel()])
    return Looks(face.astype(np.float32), float(rim.mean()), float(random.uniform(30, 220)))


def paint(picture: NDArray[np.float32], place: Rect, person: Looks) -> None:
    """Draw a person into ``(H, W)`` gray levels.

    Args:
        picture: Is changed.
        place: Of the face; what lies beyond the picture's edge is cut off.
        person: How it looks.
    """
    middle, chin, side = place.x + place.width / 2, place.y + place.height, place.width
    chest, shoulders = _point(middle, chin + side * 1.1), _point(side * 1.05, side * 0.9)
    neck = _point(middle - side * 0.2, chin - side * 0.1), _point(middle + side * 0.2, chin + side * 0.3)
    head, outline = _point(middle, place.y + side * 0.45), _point(side * 0.56, side * 0.64)
    cv2.ellipse(picture, chest, shoulders, 0, 180, 360, (person.clothes,), -1, cv2.LINE_AA)
    cv2.rectangle(picture, *neck, (person.head * 0.9,), -1)
    cv2.ellipse(picture, head, outline, 0, 0, 360, (person.head,), -1, cv2.LINE_AA)
    _blend(picture, place, person.face)


def _blend(picture: NDArray[np.float32], place: Rect, face: NDArray[np.float32]) -> None:
    """Blend the face in, sampled at its exact place so that it glides rather than jumps from pixel to pixel."""
    height, width = picture.shape
    around = place.expanded(0.05).clipped(width, height)
    left, top = int(around.x), int(around.y)
    part = picture[top : int(around.y + around.height) + 1, left : int(around.x + around.width) + 1]
    if not part.size or not around.area:
        return
    scale = place.width / len(face)
    # warpAffine reckons with the centres of pixels, a rectangle with their edges
    shift = scale / 2 - 0.5
    where = np.array([[scale, 0, place.x - left + shift], [0, scale, place.y - top + shift]], np.float32)
    size = (part.shape[1], part.shape[0])
    alpha = cv2.warpAffine(_mask(len(face)), where, size, flags=cv2.INTER_LINEAR)
    drawn = cv2.warpAffine(face, where, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    part += alpha * (drawn - part)


def _mask(side: int) -> NDArray[np.float32]:
    """Return a ``(side, side)`` square with round corners and a soft rim: 1 within, 0 outside."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) + 0.5
    distance = ((2 * x / side - 1) ** 4 + (2 * y / side - 1) ** 4) ** 0.25
    return np.asarray(np.clip((1 - distance) / _SOFT, 0, 1), dtype=np.float32)


def _point(x: float, y: float) -> tuple[int, int]:
    return round(x), round(y)
