"""One face over time: where it is, where it goes, and whether it is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.geometry import Rect

_STEADY = 0.6
"""Part of the way that a track's rectangle goes toward each new finding; the cascade's boxes tremble."""

_GLIDE = 0.3
"""The same for its velocity, which trembles more."""

_COAST_S = 0.3
"""Seconds that a face which is not found is thought to move on as it did."""

_LEAST_S = 1e-3
"""Frames of a clip may carry the same time."""

_REMEMBERED = 10
"""Scores after which old ones fade: a second of readings."""


@dataclass(eq=False)
class Track:
    """One face over time."""

    rect: Rect
    since_s: float
    """Capture time of its first frame."""

    seen_s: float
    """Capture time of the newest frame that it was in."""

    looked_s: float
    """Capture time of the newest frame that it was found in by a search; else nothing had changed there."""

    tilt: float = 0.0
    """Degrees by which the head leans, clockwise as one sees it."""

    hits: int = 1
    misses: int = 0
    """Searches since it was last found."""

    id: int = 0
    """From 1, in the order in which faces are confirmed; 0 before."""

    velocity: tuple[float, float] = (0.0, 0.0)
    """Pixels per second, to the right and down."""

    face_score: float = 1.0
    """Probability that it is a face at all, as the model said lately; 1 where it does not tell."""

    _scores: int = 0
    """How many went into it."""

    @property
    def confirmed(self) -> bool:
        """Whether the face counts."""
        return self.id > 0

    def predicted(self, time_s: float) -> Rect:
        """Give where it should be by then."""
        ahead_s = min(time_s - self.looked_s, _COAST_S)
        return self.rect.moved(self.velocity[0] * ahead_s, self.velocity[1] * ahead_s)

    def follow(self, found: Rect, tilt: float, time_s: float) -> None:
        """Take in where it was found."""
        elapsed_s, before = max(time_s - self.looked_s, _LEAST_S), self.rect.middle
        self.rect = self.predicted(time_s).moved_toward(found, _STEADY)
        speed = [(new - old) / elapsed_s for new, old in zip(self.rect.middle, before, strict=True)]
        self.velocity = (
            self.velocity[0] + _GLIDE * (speed[0] - self.velocity[0]),
            self.velocity[1] + _GLIDE * (speed[1] - self.velocity[1]),
        )
        self.seen_s = self.looked_s = time_s
        self.tilt, self.misses = tilt, 0
        self.hits += 1

    def believe(self, score: float) -> None:
        """Take in how probable it is, by its newest crop, that it is a face: the mean at first, then what is recent."""
        self._scores = min(self._scores + 1, _REMEMBERED)
        self.face_score += (score - self.face_score) / self._scores
