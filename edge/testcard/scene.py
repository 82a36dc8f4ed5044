"""The test card's scene: who is there at which moment, and the picture of it.

Seed and time decide everything, so a test can ask for the truth of any frame.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.geometry import Rect
from edge.testcard.painter import Painter

if TYPE_CHECKING:
    from numpy.typing import NDArray

MORPH_S = 0.4
"""Seconds from one emotion to the next; people take a third to half a second."""

WALK_S = 1.0
"""Seconds to leave the picture, and to come back."""

AWAY_S = 3.0
"""Seconds with nobody there."""


@dataclass(frozen=True)
class Truth:
    """What a frame shows."""

    emotion: str
    """The emotion that is shown, or that the person turns to."""

    shown_s: float
    """Seconds since it began to be shown."""

    face: Rect | None
    """The face from hairline to chin, possibly partly outside; None with nobody there."""


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
            seed: Decides who is shown, the order of emotions and the noise. `device_seed` returns one for a device.
            dwell_s: Seconds that each emotion is shown, with the turn to it.
        """
        self._painter = Painter(width, height, seed)
        self.labels = self._painter.labels
        self._width, self._height, self._seed, self._dwell_s = width, height, seed, dwell_s
        self._shown_s = len(self.labels) * dwell_s
        self._round_s = self._shown_s + 2 * WALK_S + AWAY_S
        self._ahead_s = dwell_s * (seed % len(self.labels))
        """How far within a round the scene begins, so that people of different seeds do not leave at once."""

    @property
    def leaves_s(self) -> float:
        """When the person begins to leave for the first time."""
        return self._shown_s - self._ahead_s

    def truth(self, time_s: float) -> Truth:
        """Return what the picture of that moment shows."""
        number, within_s = divmod(time_s + self._ahead_s, self._round_s)
        order = self._order(int(number))
        if within_s < self._shown_s:
            index, since_s = divmod(within_s, self._dwell_s)
            return Truth(order[int(index)], since_s, self._place(time_s, 0.0))
        away_s = within_s - self._shown_s
        left = away_s / WALK_S  # 0 to 1 while leaving
        back = (self._round_s - within_s) / WALK_S  # 1 to 0 while coming back
        gone = min(left, back, 1.0)
        emotion = order[-1] if left < back else self._order(int(number) + 1)[0]
        face = self._place(time_s, gone) if gone < 1 else None
        return Truth(emotion, self._dwell_s + away_s, face)

    def render(self, time_s: float) -> NDArray[np.uint8]:
        """Return the picture of that moment: ``(height, width)`` gray levels."""
        truth = self.truth(time_s)
        people = [] if truth.face is None else [(truth.face, self._expression(truth, time_s))]
        return self._painter.render(people, time_s)

    def _order(self, number: int) -> list[str]:
        return [self.labels[i] for i in np.random.default_rng((self._seed, number)).permutation(len(self.labels))]

    def _expression(self, truth: Truth, time_s: float) -> NDArray[np.float32]:
        now = self._face_of(truth.emotion)
        if truth.shown_s >= MORPH_S or time_s < MORPH_S:
            return now
        before = self._face_of(self.truth(time_s - truth.shown_s - 1e-3).emotion)
        part = ease(truth.shown_s / MORPH_S)
        return now * part + before * (1 - part)

    def _face_of(self, emotion: str) -> NDArray[np.float32]:
        face: NDArray[np.float32] = self._painter.faces[self.labels.index(emotion)]
        return face

    def _place(self, time_s: float, gone: float) -> Rect:
        """Return the face's place: a person who sways, comes nearer and goes back, and walks off to the right."""
        turn = (time_s + self._ahead_s) * 2 * math.pi
        side = self._height * 0.42 * (1 + 0.15 * math.sin(turn / 17))
        x = self._width * (0.5 + 0.1 * math.sin(turn / 11)) - side / 2
        y = self._height * (0.42 + 0.03 * math.sin(turn / 7)) - side / 2
        return Rect(x + ease(gone) * (self._width - x + side * 0.8), y, side, side)


def device_seed(device: str) -> int:
    """Return the seed for a device of that name, so that two devices do not show the same person."""
    return zlib.crc32(device.encode())


def ease(part: float) -> float:
    """Start and stop softly: 0 to 1 along a cosine."""
    return (1 - math.cos(math.pi * min(max(part, 0.0), 1.0))) / 2
