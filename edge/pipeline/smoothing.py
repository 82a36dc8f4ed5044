"""Temporal smoothing: from a face's probabilities over time to one stable emotion."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.inference.outputs import choose_emotion
from edge.wire.messages import UNCERTAIN

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SMOOTH_S = 0.1
"""Time constant of the exponential average over a face's probabilities, in seconds. They are the mean of four readings
already, which takes as long as a time constant of 0.15 more."""


@dataclass(frozen=True)
class EmotionChange:
    """The stable emotion of a face changed."""

    previous: str
    lasted_s: float


class EmotionSmoother:
    """The stable emotion of one face."""

    def __init__(
        self,
        labels: tuple[str, ...],
        probabilities: NDArray[np.float32],
        time_s: float,
        *,
        min_confidence: float,
        hold_s: float,
    ) -> None:
        """Start with a first reading.

        Args:
            labels: The emotions, in the order of the probabilities.
            probabilities: ``(C,)``, of the first reading.
            time_s: When that frame was captured.
            min_confidence: Probability below which the emotion is ``uncertain``.
            hold_s: Seconds that a new emotion must last before it counts.
        """
        self._labels = labels
        self._min_confidence = min_confidence
        self._hold_s = hold_s
        self._smoothed = probabilities.astype(float)
        self._time_s = time_s
        self.emotion = self._candidate = self._reading()
        self.since_s = self._candidate_since_s = time_s

    def update(self, probabilities: NDArray[np.float32], time_s: float) -> EmotionChange | None:
        """Add one more reading; return the change of the stable emotion, or None.

        Args:
            probabilities: ``(C,)``
            time_s: When the frame was captured.
        """
        weight = 1 - math.exp(-(time_s - self._time_s) / SMOOTH_S)
        self._smoothed += weight * (probabilities - self._smoothed)
        self._time_s = time_s
        reading = self._reading()
        if reading != self._candidate:
            self._candidate, self._candidate_since_s = reading, time_s
        if reading == self.emotion or time_s - self._candidate_since_s < self._hold_s:
            return None
        change = EmotionChange(self.emotion, lasted_s=time_s - self.since_s)
        self.emotion, self.since_s = reading, time_s
        return change

    @property
    def confidence(self) -> float:
        """Smoothed probability of the emotion; of the most probable one while it is ``uncertain``."""
        if self.emotion == UNCERTAIN:
            return float(self._smoothed.max())
        return float(self._smoothed[self._labels.index(self.emotion)])

    @property
    def probabilities(self) -> dict[str, float]:
        """Smoothed probability of each label."""
        return dict(zip(self._labels, self._smoothed.tolist(), strict=True))

    def _reading(self) -> str:
        return choose_emotion(self._smoothed, self._labels, self._min_confidence)
