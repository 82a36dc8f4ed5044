"""How old an event is, also across a restart of the machine."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

from edge.system.clock import is_clock_synchronised

if TYPE_CHECKING:
    from collections.abc import Callable

_DOUBT_S = 3600.0
"""A wall clock may be wrong by this much, across a boot, before anything fresh is dropped."""


def boot_id() -> str:
    """Return what names this boot of the machine; monotonic clocks of two boots have nothing in common."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return f"unknown since {time.time_ns()}"  # no two alike: the wall clock decides


class Ages:
    """Turns times of earlier boots into this one's.

    How old an event is never depends on the wall clock while the machine runs: rows carry the boot and its monotonic
    clock, which a restarted daemon shares. Only for rows of an earlier boot the wall clock must do, as that boot knew
    it last (when the network's time had come, say) and less an hour of doubt: a clock that went back makes them
    younger, one that jumped ahead by an hour drops none. A boot that never had the time from the network, on a machine
    without a battery for its clock, may be behind by weeks: its rows count from when they are read.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        wall: Callable[[], float] = time.time,
        boot: str = "",
        synchronised: Callable[[], bool | None] = is_clock_synchronised,
    ) -> None:
        """Note this boot.

        Args:
            clock: The machine's monotonic clock.
            wall: Seconds of the wall clock, which may jump.
            boot: Names this boot of the machine; empty: what the kernel says.
            synchronised: Whether a time server has set the wall clock; None: nobody knows, and it is relied on.
        """
        self.boot = boot or boot_id()
        self._clock, self._wall, self._synchronised = clock, wall, synchronised
        self._was_right = False

    @property
    def wall_s(self) -> float:
        """What the wall clock shows when the monotonic one shows 0; infinity while it was never right in this boot."""
        self._was_right = self._was_right or self._synchronised() is not False
        return self._wall() - self._clock() if self._was_right else math.inf

    def added_s(self, boot: str, added_s: float, wall_s: float) -> float:
        """Return a time of a boot on this boot's monotonic clock.

        Args:
            boot: Which boot.
            added_s: On its monotonic clock.
            wall_s: What it knew of the wall clock, as `wall_s`.
        """
        if boot != self.boot:
            # This boot's clock showed 0 so many seconds later than that one's, if the wall clock is right.
            added_s += _DOUBT_S - (self._wall() - self._clock() - wall_s)
        return min(self._clock(), added_s)
