from __future__ import annotations

import logging

import pytest

from edge.daemon.throttle import Throttle
from edge.system.machine import Throttling

HOT, COOL = Throttling(("soft temperature limit",), ()), Throttling((), ("throttled",))
FPS = 10.0


class Machine:
    def __init__(self) -> None:
        self.says: Throttling | None = COOL
        self.asked = 0
        self.now_s = 100.0
        self.throttle = Throttle(FPS, self._ask)

    def _ask(self) -> Throttling | None:
        self.asked += 1
        return self.says

    def looks(self, seconds: float) -> float:
        """Run a loop that has a frame ready whenever it asks; give its looks a second."""
        end_s, looks = self.now_s + seconds, 0
        while self.now_s < end_s:
            wait_s = self.throttle.wait_s(self.now_s)
            looks += wait_s == 0
            self.now_s += wait_s or 1 / FPS
        return looks / seconds


def test_a_cool_machine_looks_at_every_frame() -> None:
    machine = Machine()
    assert machine.looks(60) == pytest.approx(FPS, rel=0.02)
    assert machine.throttle.limit is None
    assert machine.asked == 6


def test_a_machine_that_does_not_tell_is_not_slowed() -> None:
    machine = Machine()
    machine.says = None
    assert machine.looks(60) == pytest.approx(FPS, rel=0.02)


def test_a_hot_machine_looks_less_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    machine.says = HOT
    assert machine.looks(9) == pytest.approx(FPS / 2, rel=0.1)
    assert machine.throttle.limit == FPS / 2
    assert "soft temperature limit: processing 5.0 of 10 frames a second" in caplog.text
    machine.looks(30)
    assert machine.looks(40) == pytest.approx(FPS / 4, rel=0.1)  # and no less
    assert len(caplog.records) == 2


def test_it_recovers_step_by_step(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    machine = Machine()
    machine.says = HOT
    machine.looks(30)
    machine.says = COOL
    machine.looks(40)
    assert machine.throttle.limit == FPS / 4  # hot a minute ago
    machine.looks(40)
    assert machine.throttle.limit == FPS / 2
    machine.looks(80)
    assert machine.throttle.limit is None
    assert "no longer throttled: processing 10 frames a second" in caplog.messages[-1]
    assert machine.looks(20) == pytest.approx(FPS, rel=0.02)
