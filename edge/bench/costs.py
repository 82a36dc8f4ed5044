"""What processing a frame costs: processor time and wall-clock time."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from edge.bench.report import CostReport, Ratio

if TYPE_CHECKING:
    from collections.abc import Iterator


class Costs:
    """Collects the cost of each frame."""

    def __init__(self) -> None:
        self._cpu_ms: list[float] = []
        self._wall_ms: list[float] = []

    @contextmanager
    def one_frame(self) -> Iterator[None]:
        """Measure the block as the processing of one frame."""
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        yield
        self._cpu_ms.append((time.process_time() - cpu_s) * 1000)
        self._wall_ms.append((time.perf_counter() - wall_s) * 1000)

    @property
    def newest_cpu_ms(self) -> float:
        """The processor time of the newest frame."""
        return self._cpu_ms[-1]

    def report(self) -> CostReport:
        """Return means and median; there must have been a frame."""
        return CostReport(
            frames=len(self._cpu_ms),
            cpu_ms_per_frame=round(float(np.mean(self._cpu_ms)), 3),
            cpu_ms_median=round(float(np.median(self._cpu_ms)), 3),
            wall_ms_per_frame=round(float(np.mean(self._wall_ms)), 3),
        )


def ratio(one: CostReport, other: CostReport) -> Ratio:
    """Return one cost as a part of the other."""
    return Ratio(
        cpu=round(one.cpu_ms_per_frame / other.cpu_ms_per_frame, 4),
        wall=round(one.wall_ms_per_frame / other.wall_ms_per_frame, 4),
    )
