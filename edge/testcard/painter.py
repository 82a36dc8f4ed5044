"""How the test card is drawn: a room, people in it, and a sensor's noise over it."""

from __future__ import annotations

import math
from importlib.resources import files
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from edge.geometry import Rect

_NOISE_SIGMA = 3.0
"""Standard deviation of the sensor noise, in gray levels."""


class Painter:
    """Draws people before a wall.

    Attributes:
        labels: The emotions that faces are there for.
        faces: ``(len(labels), S, S)`` float32 gray levels, a face for each label.
    """

    def __init__(self, width: int, height: int, seed: int) -> None:
        """Prepare the room.

        Args:
            width: Pixels.
            height: Pixels.
            seed: Decides the noise, the gray level of clothes and which way faces are turned.
        """
        with np.load(str(files("edge") / "testcard" / "faces.npz")) as stored:
            self.labels: tuple[str, ...] = tuple(stored["labels"].tolist())
            faces = stored["faces"].astype(np.float32)
        self.faces: NDArray[np.float32] = faces[:, :, ::-1].copy() if seed // 8 % 2 else faces
        self._clothes = 75.0 + 25 * (seed // 16 % 4)
        self._width, self._height, self._seed = width, height, seed
        self._wall = _wall(width, height)
        random = np.random.default_rng(seed)
        self._noise = random.normal(0, _NOISE_SIGMA, (height + 64, width + 64)).astype(np.float32)
        side = self.faces.shape[1]
        self._mask = _oval(side, side * 0.42, side * 0.52, softness=0.12)

    def render(self, people: Iterable[tuple[Rect, NDArray[np.float32]]], time_s: float) -> NDArray[np.uint8]:
        """Return a ``(height, width)`` picture of people, given by the face's place and its ``(S, S)`` expression."""
        picture = self._wall.copy()
        for face, expression in people:
            _draw_body(picture, face, self._clothes)
            self._draw_face(picture, face, expression)
        offset = np.random.default_rng((self._seed, int(time_s * 1000))).integers(0, 64, 2)
        noise = self._noise[offset[0] : offset[0] + self._height, offset[1] : offset[1] + self._width]
        return np.asarray(np.clip(picture + noise, 0, 255), dtype=np.uint8)

    def _draw_face(self, picture: NDArray[np.float32], face: Rect, expression: NDArray[np.float32]) -> None:
        """Blend the face in, sampled at its exact place so that it glides rather than jumps from pixel to pixel."""
        scale = face.width / expression.shape[1]
        left, top = max(math.floor(face.x), 0), max(math.floor(face.y), 0)
        right, bottom = math.ceil(face.x + face.width) + 1, math.ceil(face.y + face.height) + 1
        part = picture[top : max(bottom, 0), left : max(right, 0)]
        if not part.size:
            return  # beyond the edge
        place = np.array([[scale, 0, face.x - left], [0, scale, face.y - top]])
        size = part.shape[1], part.shape[0]
        alpha = cv2.warpAffine(self._mask, place, size, flags=cv2.INTER_LINEAR)
        drawn = cv2.warpAffine(expression, place, size, flags=cv2.INTER_CUBIC)
        part += alpha * (drawn - part)


def _draw_body(picture: NDArray[np.float32], face: Rect, clothes: float) -> None:
    middle, chin = face.x + face.width / 2, face.y + face.height
    cv2.ellipse(
        picture, _point(middle, face.y + face.height * 0.45), _point(face.width * 0.5, face.height * 0.62),
        0, 0, 360, (60.0,), -1, cv2.LINE_AA,
    )  # fmt: skip
    neck = _point(middle - face.width * 0.18, chin - face.height * 0.1)
    cv2.rectangle(picture, neck, _point(middle + face.width * 0.18, chin + face.height * 0.3), (105.0,), -1)
    chest, shoulders = _point(middle, chin + face.height * 1.1), _point(face.width * 1.05, face.height * 0.9)
    cv2.ellipse(picture, chest, shoulders, 0, 180, 360, (clothes,), -1, cv2.LINE_AA)


def _point(x: float, y: float) -> tuple[int, int]:
    return round(x), round(y)


def _oval(side: int, half_width: float, half_height: float, softness: float) -> NDArray[np.float32]:
    """Return a ``(side, side)`` mask: 1 within an ellipse, 0 outside, soft at the edge."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) - (side - 1) / 2
    distance = np.hypot(x / half_width, y / half_height)
    return np.asarray(np.clip((1 - distance) / softness, 0, 1), dtype=np.float32)


def _wall(width: int, height: int) -> NDArray[np.float32]:
    """Return the empty room: a wall lit from the left, a window, a shelf."""
    light = np.linspace(175, 130, width, dtype=np.float32)[np.newaxis, :]
    wall: NDArray[np.float32] = (
        np.repeat(light, height, axis=0) - np.linspace(0, 25, height, dtype=np.float32)[:, np.newaxis]
    )
    cv2.rectangle(wall, _point(width * 0.04, height * 0.08), _point(width * 0.2, height * 0.5), (225.0,), -1)
    cv2.line(wall, _point(width * 0.12, height * 0.08), _point(width * 0.12, height * 0.5), (150.0,), 4)
    cv2.rectangle(wall, _point(width * 0.82, height * 0.3), _point(width * 0.99, height * 0.33), (80.0,), -1)
    for book in range(6):
        left = width * (0.83 + 0.022 * book)
        top = height * (0.17 + 0.015 * (book % 3))
        cv2.rectangle(wall, _point(left, top), _point(left + width * 0.017, height * 0.3), (70.0 + 22 * book,), -1)
    return np.asarray(cv2.GaussianBlur(wall, (0, 0), 1.2), dtype=np.float32)
