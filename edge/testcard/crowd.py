"""Several people at once, for measuring what each one costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edge.geometry import Rect
from edge.testcard.painter import Painter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PLACE = 160, 240
"""Pixels across and down that a person has alone."""

_FACE = 96
"""Pixels of a face, on average; all are about as large, so that people differ in number only."""

_NEARER = 0.1
"""Part of its size by which a face grows and shrinks."""

SMALLEST_FACE = _FACE * (1 - _NEARER)
"""Pixels."""

_SHOWN_S = 4.0
"""Seconds that each emotion is shown."""


class Crowd:
    """People side by side before the test card's wall, who sway, show their emotions in turn and never leave."""

    def __init__(self, people: int, width: int = 640, height: int = 480, *, seed: int = 0) -> None:
        """Place them.

        Args:
            people: How many; at most `most` of that picture.
            width: Pixels.
            height: Pixels.
            seed: Decides the noise.

        Raises:
            ValueError: The picture has no room for so many.
        """
        if people > most(width, height):
            message = f"{width}x{height} pixels have room for {most(width, height)} people, not {people}"
            raise ValueError(message)
        self._painter = Painter(width, height, seed)
        self._people, self._columns = people, width // _PLACE[0]

    def faces(self, time_s: float) -> list[Rect]:
        """Return where each face is at that moment, from hairline to chin."""
        return [self._face(person, time_s) for person in range(self._people)]

    def render(self, time_s: float) -> NDArray[np.uint8]:
        """Return the picture of that moment: ``(height, width)`` gray levels."""
        turn = int(time_s // _SHOWN_S)
        expressions = [
            self._painter.faces[(turn + person) % len(self._painter.labels)] for person in range(self._people)
        ]
        return self._painter.render(zip(self.faces(time_s), expressions, strict=True), time_s)

    def _face(self, person: int, time_s: float) -> Rect:
        """Return a face's place; each sways with a phase of its own."""
        row, column = divmod(person, self._columns)
        now_s = time_s + 3.7 * person
        side = _FACE * (1 + _NEARER * math.sin(now_s * 2 * math.pi / 17))
        x = _PLACE[0] * (column + 0.5 + 0.1 * math.sin(now_s * 2 * math.pi / 11))
        y = _PLACE[1] * (row + 0.36 + 0.03 * math.sin(now_s * 2 * math.pi / 7))
        return Rect(x - side / 2, y - side / 2, side, side)


def most(width: int, height: int) -> int:
    """Return how many people fit into a picture of that many pixels."""
    return (width // _PLACE[0]) * (height // _PLACE[1])
