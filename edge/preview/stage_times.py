"""How long the stages of the newest frames took."""

from __future__ import annotations

import threading
from collections import deque

import numpy as np

from edge.pipeline.stages import STAGES

_NAMES = "waiting", *STAGES
"""`waiting` is from the capture to the beginning of processing."""

_MOST = 150
"""Frames: ten seconds of a usual camera."""


class StageTimes:
    """Collects each frame's stages. May be used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._frames: deque[tuple[float, dict[str, float]]] = deque(maxlen=_MOST)

    def add(self, laps_ms: dict[str, float], time_s: float) -> None:
        """Add a frame that was processed at a moment of the monotonic clock."""
        with self._lock:
            self._frames.append((time_s, laps_ms))

    def clear(self) -> None:
        """Forget all frames."""
        with self._lock:
            self._frames.clear()

    def per_second(self, time_s: float) -> float:
        """Return the frames a second, over those that are kept, until a moment."""
        with self._lock:
            return (len(self._frames) - 1) / max(time_s - self._frames[0][0], 1e-3) if len(self._frames) > 1 else 0.0

    def stages(self) -> list[dict[str, object]]:
        """Return name, median and 95th percentile of each stage that there was, in milliseconds."""
        with self._lock:
            frames = [laps for _, laps in self._frames]
        return [
            {"name": stage, "p50": round(float(p50), 3), "p95": round(float(p95), 3)}
            for stage in _NAMES
            if (spent := [laps[stage] for laps in frames if stage in laps])
            for p50, p95 in [np.percentile(spent, (50, 95))]
        ]
