"""Process fewer frames while the machine is too hot or short of power.

More work makes a throttled processor hotter, or its voltage lower, and results come late. So the frame rate is halved
while the processor is throttled, down to a quarter, and rises again step by step.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.system.machine import Throttling

log = logging.getLogger(__name__)

_ASK_EVERY_S = 10.0
"""Seconds between two queries of the firmware, and so from one step down to the next."""

_CALM_S = 60.0
"""Seconds without throttling before a step up: heat sinks are slow."""

_MOST = 4
"""Largest divisor of the frame rate."""


class Throttle:
    """Decides when the next frame is due."""

    def __init__(self, fps: float, ask: Callable[[], Throttling | None]) -> None:
        """Begin at full speed.

        Args:
            fps: Frames per second that are asked of the camera.
            ask: Returns what slows the processor down, or None if the machine does not report it.
        """
        self._fps, self._ask = fps, ask
        self._divisor = 1
        self._asked_s = self._calm_since_s = self._processed_s = float("-inf")

    @property
    def limit(self) -> float | None:
        """Maximum frames per second; None: all that come."""
        return self._fps / self._divisor if self._divisor > 1 else None

    def wait_s(self, time_s: float) -> float:
        """Return the seconds until the next frame is due; 0 means now, and counts as processing it.

        Args:
            time_s: Now, on the monotonic clock.
        """
        if time_s - self._asked_s >= _ASK_EVERY_S:
            self._asked_s = time_s
            self._adapt(self._ask(), time_s)
        due_s = self._processed_s + self._divisor / self._fps if self._divisor > 1 else time_s
        if due_s <= time_s:
            self._processed_s = time_s
        return max(0.0, due_s - time_s)

    def _adapt(self, throttling: Throttling | None, time_s: float) -> None:
        causes = throttling.now if throttling else ()
        if causes:
            self._calm_since_s = time_s  # calm begins when throttling ends
            if self._divisor < _MOST:
                self._divisor *= 2
                log.warning("%s: processing %s of %g frames a second", ", ".join(causes), self.limit, self._fps)
        elif self._divisor > 1 and time_s - self._calm_since_s >= _CALM_S:
            self._divisor //= 2
            self._calm_since_s = time_s
            log.info("no longer throttled: processing %g frames a second", self.limit or self._fps)
