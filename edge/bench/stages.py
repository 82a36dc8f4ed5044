"""How long each stage of the pipeline takes, over many frames."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from edge.bench.report import StageReport
from edge.pipeline.stages import STAGES, StageClock

if TYPE_CHECKING:
    from collections.abc import Callable

PROCESSING = STAGES[1:]
"""All that is done with a frame once it is read."""


class Stages(StageClock):
    """Collects durations by stage."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        super().__init__(clock)
        self._laps_ms: dict[str, list[float]] = defaultdict(list)

    def end_frame(self) -> dict[str, float]:
        """Close the current frame, collect its stages' milliseconds, and return them."""
        laps = super().end_frame()
        for stage, spent_ms in laps.items():
            self._laps_ms[stage].append(spent_ms)
        return laps

    def spent_s(self, *stages: str) -> float:
        """Return the sum over all frames of these stages."""
        return sum(sum(self._laps_ms[stage]) for stage in stages) / 1000

    def overhead(self) -> float:
        """Return the share of the time of all stages but `capture` that is neither `detect` nor `classify`."""
        return self.spent_s("track", "publish") / max(self.spent_s(*PROCESSING), 1e-9)

    def report(self) -> dict[str, StageReport]:
        """Return percentiles per stage, in the order in which a frame goes through them."""
        return {stage: _percentiles(self._laps_ms[stage]) for stage in STAGES}


def _percentiles(laps_ms: list[float]) -> StageReport:
    if not laps_ms:
        return StageReport(count=0, p50_ms=None, p95_ms=None, p99_ms=None, max_ms=None)
    p50, p95, p99, most = np.percentile(laps_ms, (50, 95, 99, 100)).round(3).tolist()
    return StageReport(count=len(laps_ms), p50_ms=p50, p95_ms=p95, p99_ms=p99, max_ms=most)
