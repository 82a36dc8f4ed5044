"""The `Health` message, made of the machine's state and the daemon's counters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edge.mqtt.broker_link import LinkStatus
from edge.system.machine import Machine
from edge.wire.messages import FrameCounts, Health, HookCounts, Latency

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from edge.daemon.payloads import Origin

_SHORTEST_PERIOD_S = 1.0
"""A rate over less than that says nothing."""


@dataclass(frozen=True)
class Counters:
    """What the rest of the daemon has counted since its start."""

    captured: int
    dropped: int
    processed: int
    link: LinkStatus = field(default_factory=LinkStatus)
    frame_ages_ms: Collection[float] = ()
    """Capture to the beginning of processing of the newest frames of a live camera."""

    frames_limit: float | None = None
    """Maximum frames per second while the machine is throttled."""

    hooks: HookCounts = field(default_factory=lambda: HookCounts(run=0, failed=0, dropped=0))


class HealthMonitor:
    """Makes `Health` messages."""

    def __init__(self, *, time_s: float, machine: Machine | None = None) -> None:
        """Begin the first period.

        Args:
            time_s: Now, on the monotonic clock.
            machine: Whose files to read.
        """
        self._machine = machine or Machine()
        self._started_s = time_s
        self._since = (time_s, 0)
        self._per_second = 0.0

    def report(self, counters: Counters, origin: Origin, *, sent_at: datetime, time_s: float) -> Health:
        """Return the message of now, and begin the next period.

        Args:
            counters: Since the daemon's start.
            origin: The device and session.
            sent_at: Now, in UTC.
            time_s: Now, on the monotonic clock.
        """
        began_s, processed = self._since
        if time_s - began_s >= _SHORTEST_PERIOD_S:
            self._per_second = (counters.processed - processed) / (time_s - began_s)
            self._since = (time_s, counters.processed)
        throttling = self._machine.throttling()
        p50, p95 = _percentiles(counters.link.latencies_ms, 50, 95)
        return Health(
            **origin.stamp(),
            sent_at=sent_at,
            machine_uptime_s=self._machine.uptime_s(),
            daemon_uptime_s=time_s - self._started_s,
            temperature_c=self._machine.temperature_c(),
            throttled_now=bool(throttling.now) if throttling else None,
            throttled_since_boot=bool(throttling.since_boot) if throttling else None,
            rss_mb=round(self._machine.rss_mb(), 1),
            frames=FrameCounts(
                captured=counters.captured,
                dropped=counters.dropped,
                processed=counters.processed,
                per_second=round(self._per_second, 2),
                limit_per_second=counters.frames_limit,
                age_p95_ms=_percentiles(counters.frame_ages_ms, 95)[0],
            ),
            latency=Latency(p50_ms=p50, p95_ms=p95),
            outbox=counters.link.outbox,
            broker=counters.link.broker,
            hooks=counters.hooks,
            commands_ignored=counters.link.commands_ignored,
        )


def _percentiles(milliseconds: Collection[float], *wanted: int) -> list[float | None]:
    if not milliseconds:
        return [None] * len(wanted)
    return [round(float(value), 1) for value in np.percentile(list(milliseconds), wanted)]
