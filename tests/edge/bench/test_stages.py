from __future__ import annotations

import pytest

from edge.bench.stages import PROCESSING, Stages


class Time:
    """A clock that only moves when the test says so."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def clock(self) -> float:
        return self.now_s


def test_overhead_is_what_neither_reads_nor_detects_nor_classifies() -> None:
    time = Time()
    stages = Stages(time.clock)
    assert stages.overhead() == 0  # of nothing
    for _ in range(3):
        with stages.timed("capture"):
            time.now_s += 0.050
        with stages.timed("track"):
            time.now_s += 0.002
            for part, spent_s in (("detect", 0.011), ("classify", 0.004)):
                with stages.timed(part):
                    time.now_s += spent_s
        with stages.timed("publish"):
            time.now_s += 0.003
        stages.end_frame()
    assert stages.spent_s(*PROCESSING) == pytest.approx(0.060)
    assert stages.overhead() == pytest.approx((0.002 + 0.003) / 0.020)
    assert stages.report()["track"].p50_ms == 2
