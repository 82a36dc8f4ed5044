"""The test card's scene: who is there at which moment, and the picture of it.

Everything follows from the seed and the time, so that a test can ask for the truth
of any frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.geometry import Rect

if TYPE_CHECKING:
    from numpy.typing import NDArray

MORPH_S = 0.4
"""Seconds from one emotion to the next; people take a third to half a second."""

WALK_S = 1.0
"""Seconds to leave the picture, and to come back."""

AWAY_S = 3.0
"""Seconds with nobody there."""

_NOISE_SIGMA = 3.0
"""Standard deviation of the sensor noise, in gray levels."""


@dataclass(frozen=True)
class Truth:
    """What a frame shows."""

    emotion: str
    """The emotion that is shown, or that the person turns to."""

    shown_s: float
    """Seconds since it began to be shown."""

    face: Rect | None
    """The face from hairline to chin, possibly partly outside; None with nobody there."""

    walking: bool
    """Whether the person is leaving or coming back."""


class Scene:
    """A person before a wall, who shows one emotion after the other and sometimes leaves.

    Every round shows each emotion once, in an order of its own, then the person
    leaves and comes back.
    """

    def __init__(self, width: int = 640, height: int = 480, *, seed: int = 0, dwell_s: float = 4.0) -> None:
        """Prepare the pictures.

        Args:
            width: Pixels.
            height: Pixels.
            seed: Decides the order of emotions and the noise.
            dwell_s: Seconds that each emotion is shown, with the turn to it.
        """
        with np.load(str(files("edge") / "testcard" / "faces.npz")) as stored:
            self.labels: tuple[str, ...] = tuple(stored["labels"].tolist())
            self._faces = stored["faces"].astype(np.float32)
        self._width, self._height, self._seed, self._dwell_s = width, height, seed, dwell_s
        self._round_s = len(self.labels) * dwell_s + 2 * WALK_S + AWAY_S
        self._wall = _wall(width, height)
        random = np.random.default_rng(seed)
        self._noise = random.normal(0, _NOISE_SIGMA, (height + 64, width + 64)).astype(np.float32)
        side = self._faces.shape[1]
        self._mask = _oval(side, side * 0.42, side * 0.52, softness=0.12)

    def truth(self, time_s: float) -> Truth:
        """Tell what the picture of that moment shows."""
        number, within_s = divmod(time_s, self._round_s)
        order = self._order(int(number))
        shown_s = len(order) * self._dwell_s
        if within_s < shown_s:
            index, since_s = divmod(within_s, self._dwell_s)
            return Truth(order[int(index)], since_s, self._place(time_s, 0.0), walking=False)
        away_s = within_s - shown_s
        left = away_s / WALK_S  # 0 to 1 while leaving
        back = (self._round_s - within_s) / WALK_S  # 1 to 0 while coming back
        gone = min(left, back, 1.0)
        emotion = order[-1] if left < back else self._order(int(number) + 1)[0]
        face = self._place(time_s, gone) if gone < 1 else None
        return Truth(emotion, self._dwell_s + away_s, face, walking=True)

    def render(self, time_s: float) -> NDArray[np.uint8]:
        """Draw that moment as ``(height, width)`` gray levels."""
        picture = self._wall.copy()
        truth = self.truth(time_s)
        if truth.face is not None:
            self._draw_body(picture, truth.face)
            self._draw_face(picture, truth.face, self._expression(truth, time_s))
        offset = np.random.default_rng((self._seed, int(time_s * 1000))).integers(0, 64, 2)
        noise = self._noise[offset[0] : offset[0] + self._height, offset[1] : offset[1] + self._width]
        return np.asarray(np.clip(picture + noise, 0, 255), dtype=np.uint8)

    def _order(self, number: int) -> list[str]:
        return [self.labels[i] for i in np.random.default_rng((self._seed, number)).permutation(len(self.labels))]

    def _expression(self, truth: Truth, time_s: float) -> NDArray[np.float32]:
        now: NDArray[np.float32] = self._faces[self.labels.index(truth.emotion)]
        if truth.shown_s >= MORPH_S or time_s < MORPH_S:
            return now
        before: NDArray[np.float32] = self._faces[self.labels.index(self.truth(time_s - truth.shown_s - 1e-3).emotion)]
        part = _ease(truth.shown_s / MORPH_S)
        return now * part + before * (1 - part)

    def _place(self, time_s: float, gone: float) -> Rect:
        """Give the face's place: a person who sways, comes nearer and goes back, and walks off to the right."""
        side = self._height * 0.42 * (1 + 0.15 * math.sin(time_s * 2 * math.pi / 17))
        x = self._width * (0.5 + 0.1 * math.sin(time_s * 2 * math.pi / 11)) - side / 2
        y = self._height * (0.42 + 0.03 * math.sin(time_s * 2 * math.pi / 7)) - side / 2
        return Rect(x + _ease(gone) * (self._width - x + side * 0.8), y, side, side)

    def _draw_body(self, picture: NDArray[np.float32], face: Rect) -> None:
        middle, chin = face.x + face.width / 2, face.y + face.height
        cv2.ellipse(
            picture, _point(middle, face.y + face.height * 0.45), _point(face.width * 0.5, face.height * 0.62),
            0, 0, 360, (60.0,), -1, cv2.LINE_AA,
        )  # fmt: skip
        neck = _point(middle - face.width * 0.18, chin - face.height * 0.1)
        cv2.rectangle(picture, neck, _point(middle + face.width * 0.18, chin + face.height * 0.3), (105.0,), -1)
        chest, shoulders = _point(middle, chin + face.height * 1.1), _point(face.width * 1.05, face.height * 0.9)
        cv2.ellipse(picture, chest, shoulders, 0, 180, 360, (75.0,), -1, cv2.LINE_AA)

    def _draw_face(self, picture: NDArray[np.float32], face: Rect, expression: NDArray[np.float32]) -> None:
        """Blend the face in, sampled at its exact place so that it glides rather than jumps from pixel to pixel."""
        scale = face.width / expression.shape[1]
        place = np.array([[scale, 0, face.x], [0, scale, face.y]], np.float32)
        size = (self._width, self._height)
        alpha = cv2.warpAffine(self._mask, place, size, flags=cv2.INTER_LINEAR)
        drawn = cv2.warpAffine(expression, place, size, flags=cv2.INTER_CUBIC)
        picture += alpha * (drawn - picture)


def _ease(part: float) -> float:
    """Start and stop softly: 0 to 1 along a cosine."""
    return (1 - math.cos(math.pi * min(max(part, 0.0), 1.0))) / 2


def _point(x: float, y: float) -> tuple[int, int]:
    return round(x), round(y)


def _oval(side: int, half_width: float, half_height: float, softness: float) -> NDArray[np.float32]:
    """Give a ``(side, side)`` mask: 1 within an ellipse, 0 outside, soft at the edge."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) - (side - 1) / 2
    distance = np.hypot(x / half_width, y / half_height)
    return np.asarray(np.clip((1 - distance) / softness, 0, 1), dtype=np.float32)


def _wall(width: int, height: int) -> NDArray[np.float32]:
    """Give the empty room: a wall lit from the left, a window, a shelf."""
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
