"""Signals come at any moment, also while the code that they interrupt holds a lock."""

from __future__ import annotations

import signal

import pytest

from edge.cli.signals import stop_on_signals


@pytest.mark.usefixtures("own_signals")
def test_a_signal_waits_for_no_lock_of_the_code_that_it_interrupts() -> None:
    stop = stop_on_signals()
    with vars(stop)["_cond"]:  # which `wait` and `is_set` hold for a moment, and no longer here
        signal.raise_signal(signal.SIGTERM)
    assert stop.wait(10)
