"""Look at fewer frames while the machine is too hot or short of power.

A processor that the firmware slows down gets hotter, or its voltage lower, the more it is
asked to do, and what it then does comes late. So the frame rate is halved while it is
throttled, down to a quarter, and comes back step by step once it was not for a while.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.system.machine import Throttling

log = logging.getLogger(__name__)

_ASK_EVERY_S = 10.0
"""Seconds between two looks at the firmware's word; also from one step down to the next."""

_CALM_S = 60.0
"""Seconds without throttling before a step up: heat sinks are slow."""

_MOST = 4
"""The frame rate's largest divisor."""


class Throttle:
    """Says when the next frame should be looked at."""

    def __init__(self, fps: float, ask: Callable[[], Throttling | None]) -> None:
        """Begin at full speed.

        Args:
            fps: Frames per second that are asked of the camera.
            ask: Tells what slows the processor down; None where the machine does not tell.
        """
        self._fps, self._ask = fps, ask
        self._divisor = 1
        self._asked_s = self._calm_since_s = self._looked_s = float("-inf")

    @property
    def limit(self) -> float | None:
        """Frames per second that are looked at, at most; None: all that come."""
        return self._fps / self._divisor if self._divisor > 1 else None

    def wait_s(self, time_s: float) -> float:
        """Give the seconds until the next frame is due; 0 for now, which counts as a look.

        Args:
            time_s: Now, on the clock that never jumps.
        """
        if time_s - self._asked_s >= _ASK_EVERY_S:
            self._asked_s = time_s
            self._adapt(self._ask(), time_s)
        due_s = self._looked_s + self._divisor / self._fps if self._divisor > 1 else time_s
        if due_s <= time_s:
            self._looked_s = time_s
        return max(0.0, due_s - time_s)

    def _adapt(self, throttling: Throttling | None, time_s: float) -> None:
        causes = throttling.now if throttling else ()
        if causes:
            self._calm_since_s = time_s  # each time: calm begins when it is over
            if self._divisor < _MOST:
                self._divisor *= 2
                log.warning("%s: %s of %g frames a second are looked at", ", ".join(causes), self.limit, self._fps)
        elif self._divisor > 1 and time_s - self._calm_since_s >= _CALM_S:
            self._divisor //= 2
            self._calm_since_s = time_s
            log.info("throttled no more: %g frames a second are looked at", self.limit or self._fps)
