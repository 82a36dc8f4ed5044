"""Number frames and say when each was taken."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from edge.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray


def utc_now() -> datetime:
    """Return the wall-clock time, UTC."""
    return datetime.now(UTC)


class LiveStamps:
    """Numbers and stamps the frames of a live camera: their time is when they were taken."""

    def __init__(
        self, *, now: Callable[[], datetime] = utc_now, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Start at 0.

        Args:
            now: The wall clock.
            monotonic: The clock for intervals.
        """
        self.monotonic = monotonic
        self._now = now
        self._count = 0
        self._last_s = float("-inf")

    def frame(self, gray: NDArray[np.uint8], captured_s: float | None = None) -> Frame:
        """Return the next frame.

        Args:
            gray: ``(H, W)`` gray levels.
            captured_s: When it was taken, on the monotonic clock, where that is known; else now.
        """
        now_s = self.monotonic()
        captured_s = now_s if captured_s is None else captured_s
        # A sensor's time stamp may be missing for one frame only; time must not step back with the next one.
        self._last_s = captured_s = max(captured_s, self._last_s)
        frame = Frame(gray, self._now() - timedelta(seconds=now_s - captured_s), captured_s, self._count)
        self._count += 1
        return frame


class ClipStamps:
    """Makes the frames of a clip: their time is their index over the rate, so that it is the same on any machine."""

    def __init__(self, rate: float, *, now: Callable[[], datetime] = utc_now) -> None:
        """Start at index 0.

        Args:
            rate: Frames per second.
            now: The wall clock, read once, for when the clip starts.
        """
        self._rate = rate
        self._started_at = now()
        self.count = 0

    def frame(self, gray: NDArray[np.uint8]) -> Frame:
        """Return the next frame of ``(H, W)`` gray levels."""
        time_s = self.count / self._rate
        frame = Frame(gray, self._started_at + timedelta(seconds=time_s), time_s, self.count)
        self.count += 1
        return frame
