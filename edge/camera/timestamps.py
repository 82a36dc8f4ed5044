"""Number frames and say when each was taken."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from edge.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

_OLDEST_S = 5.0
"""A driver's time stamp that is older than this, or in the future, comes from another clock."""

_STEP_BACK_S = 2.0
"""What a clip's time stamps may step back in disorder; more is another recording behind the first."""

_GAP_S = 24 * 3600.0
"""Longest pause of a recorder that is believed; a stamp that is farther ahead is damaged."""


def utc_now() -> datetime:
    """Return the wall-clock time, UTC."""
    return datetime.now(UTC)


def plausible(stamp_s: float | None, arrived_s: float) -> float | None:
    """Return a driver's time stamp if it is of the monotonic clock, else None.

    It may be missing, 0, or of a clock that runs on while the machine is suspended.

    Args:
        stamp_s: When the picture was taken, as the driver says.
        arrived_s: When it arrived, on the monotonic clock.
    """
    return stamp_s if stamp_s is not None and 0 <= arrived_s - stamp_s <= _OLDEST_S else None


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
        self.count = 0
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
        frame = Frame(gray, self._now() - timedelta(seconds=now_s - captured_s), captured_s, self.count)
        self.count += 1
        return frame


class ClipStamps:
    """Numbers and stamps the frames of a clip: their time is the clip's, so that it is the same on any machine.

    Containers round time stamps (Matroska to 1 ms, GIF to 10 ms), or keep what another
    has rounded, and a rate may come from rounded stamps. A stamp that differs by no more
    than both roundings from a constant rate's counts as the constant rate's. Where stamps
    begin anew, or leap by more than a day, the next frame follows the one before.
    """

    def __init__(self, rate: float, *, tick_s: float = 0.0, now: Callable[[], datetime] = utc_now) -> None:
        """Start at index 0.

        Args:
            rate: Frames per second.
            tick_s: Resolution of the clip's own time stamps, in seconds; 1 ms where it is finer.
            now: The wall clock, read once, for when the clip starts.
        """
        self._rate = rate
        self._rounding_s = 2.001 * max(tick_s, 0.001)
        self._started_at = now()
        self._first_s: float | None = None
        self._last_s = 0.0
        self._warned = False
        self.count = 0

    def frame(self, gray: NDArray[np.uint8], stamp_s: float | None = None) -> Frame:
        """Return the next frame.

        Args:
            gray: ``(H, W)`` gray levels.
            stamp_s: The clip's own time stamp, which need not begin at 0; None: the frame before and the rate decide.
        """
        time_s = self._time_s(stamp_s)
        frame = Frame(gray, self._started_at + timedelta(seconds=time_s), time_s, self.count)
        self._last_s = time_s
        self.count += 1
        return frame

    def _time_s(self, stamp_s: float | None) -> float:
        constant_s = self.count / self._rate
        if stamp_s is not None and self._first_s is None:
            self._first_s = stamp_s - constant_s
        own_s = self._last_s + 1 / self._rate if self.count else 0.0
        if stamp_s is not None and self._first_s is not None:
            if not -_STEP_BACK_S <= stamp_s - self._first_s - self._last_s <= _GAP_S:
                self._first_s = stamp_s - own_s
                self._warn()
            own_s = stamp_s - self._first_s
        rounded = abs(own_s - constant_s) <= self._rounding_s
        return max(constant_s if rounded else own_s, self._last_s)

    def _warn(self) -> None:
        if not self._warned:
            log.warning("the clip's time stamps begin anew or leap; its frames are taken to follow each other there")
        self._warned = True
