"""The wall clock: whether it can be trusted."""

from __future__ import annotations

import ctypes
from pathlib import Path

_TIME_ERROR = 5
"""The result of adjtimex(2) while the clock is not synchronised."""

_TIMEX_BYTES = 512
"""At least the size of ``struct timex`` on any machine. All zero: the call reads and sets nothing."""

TIMESYNCD = Path("/run/systemd/timesync")
"""Is there while systemd-timesyncd runs, and has a file ``synchronized`` once it has set the clock in this boot."""


def is_clock_synchronised() -> bool | None:
    """Return whether a time server has set the wall clock, as the kernel (adjtimex(2)) or systemd-timesyncd says.

    None: neither says anything. ``ProtectClock=`` of systemd takes the kernel's answer from a service.
    """
    question = ctypes.create_string_buffer(_TIMEX_BYTES)
    state: int = ctypes.CDLL(None, use_errno=True).adjtimex(question)
    if 0 <= state < _TIME_ERROR:
        return True
    if TIMESYNCD.is_dir():
        return (TIMESYNCD / "synchronized").exists()
    return None if state < 0 else False
