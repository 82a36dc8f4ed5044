"""A gray picture and when it was taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray


TICK_S = 1e-6
"""Seconds by which equal times may differ: they are sums of frames' durations."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One gray picture and when it was taken."""

    gray: NDArray[np.uint8]
    """``(H, W)`` gray levels."""

    captured_at: datetime
    """Wall-clock time of capture, UTC; for people."""

    time_s: float
    """Time of capture on a clock that never jumps; for intervals. Only differences mean anything."""

    sequence: int
    """The frame's number: each camera counts its frames from 0."""
