"""Where each person is at each moment: people come, sway, step nearer and leave."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.geometry import Rect
from edge.testcard.scene import ease

if TYPE_CHECKING:
    import numpy as np

SMALLEST, LARGEST = 60, 240
"""Pixels of a face's side."""

_HEAD = 0.2
"""Part of the face's side that stays free around it, for the head that it sits on."""

_SWAY = 0.12
"""Most that a face moves to each side of its place while its person stands there, as a part of its side."""


@dataclass(frozen=True)
class Slot:
    """The part of the frame that one person has; (left, top, right, bottom) in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def largest(self) -> float:
        """Side of the largest face that fits with its head and its swaying."""
        return min(self.right - self.left, self.bottom - self.top) / (1 + 2 * _HEAD + 2 * _SWAY)


@dataclass(frozen=True)
class Visit:
    """One person's stay; times in seconds from the start, lengths in pixels."""

    comes_s: float
    walks_in_s: float
    """Seconds of walking in from the side; 0: from one frame to the next."""

    stays_s: float
    walks_out_s: float
    """Seconds of walking out; 0: gone from one frame to the next."""

    from_x: float
    """Centre of the face where it comes from and goes to, beyond the frame's edge."""

    x: float
    """Centre of the face, as of `y`."""

    y: float
    first_side: float
    last_side: float
    sway: tuple[float, float]
    """Most that it moves across and down from its place."""

    period_s: tuple[float, float]
    """Of the swaying across and down."""

    @property
    def goes_s(self) -> float:
        """When nothing of the person is there any more."""
        return self.comes_s + self.walks_in_s + self.stays_s + self.walks_out_s

    def place(self, time_s: float) -> Rect | None:
        """Return the face's place, which may be beyond the frame's edge; None before and after the visit."""
        if not self.comes_s <= time_s < self.goes_s:
            return None
        since_s, left_s = time_s - self.comes_s, self.goes_s - time_s
        away = 0.0  # 1: where the person came from
        if since_s < self.walks_in_s:
            away = 1 - ease(since_s / self.walks_in_s)
        elif left_s < self.walks_out_s:
            away = 1 - ease(left_s / self.walks_out_s)
        side = self.first_side + (self.last_side - self.first_side) * ease(since_s / (self.goes_s - self.comes_s))
        turns = [math.sin(2 * math.pi * since_s / period) for period in self.period_s]
        x = self.x + self.sway[0] * turns[0]
        x += away * (self.from_x - x)
        y = self.y + self.sway[1] * turns[1]
        return Rect(x - side / 2, y - side / 2, side, side)


def grid(people: int, width: int, height: int) -> list[Slot]:
    """Return a part of the frame for each person, in two rows from three people on."""
    rows = 1 if people < 3 else 2
    columns = math.ceil(people / rows)
    wide, high = width / columns, height / rows
    cells = [(row, column) for row in range(rows) for column in range(columns)][:people]
    return [Slot(column * wide, row * high, (column + 1) * wide, (row + 1) * high) for row, column in cells]


def visit(random: np.random.Generator, slot: Slot, comes_s: float, stays_s: float, width: int, *, walks: bool) -> Visit:
    """Return a random stay of one person.

    Args:
        random: Decides everything else.
        slot: Where in the frame.
        comes_s: When the person begins to appear.
        stays_s: Seconds between walking in and walking out.
        width: Of the frame.
        walks: Whether half of the comings and goings are on foot; the other half are sudden.
    """
    largest = min(LARGEST, slot.largest)
    first = SMALLEST * (largest / SMALLEST) ** random.random()  # as many from 60 to 85 as from 170 to 240
    last = min(max(first * random.uniform(0.92, 1.2), SMALLEST), largest)
    reach = max(first, last) * (0.5 + _HEAD + _SWAY)
    on_foot = random.random(2) < (0.5 if walks else 0.0)
    walking_s = random.uniform(0.9, 1.8, 2) * on_foot
    beyond = max(first, last) * 0.8
    sway = random.uniform(0.02, _SWAY, 2) * min(first, last)
    period_s = random.uniform(1.5, 5, 2)
    return Visit(
        comes_s=comes_s,
        walks_in_s=float(walking_s[0]),
        stays_s=stays_s,
        walks_out_s=float(walking_s[1]),
        from_x=float(-beyond if random.random() < 0.5 else width + beyond),
        x=float(random.uniform(slot.left + reach, slot.right - reach)),
        y=float(random.uniform(slot.top + reach, slot.bottom - reach)),
        first_side=float(first),
        last_side=float(last),
        sway=(float(sway[0]), float(sway[1])),
        period_s=(float(period_s[0]), float(period_s[1])),
    )
