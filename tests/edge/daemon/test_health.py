from __future__ import annotations

import json
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import jsonschema
import pytest

from edge.daemon.health import Counters, HealthMonitor
from edge.daemon.payloads import Origin
from edge.mqtt.broker_link import LinkStatus
from edge.system.machine import Machine
from edge.wire.messages import BrokerHealth, Health, OutboxHealth
from tests.edge.system.machine_files import raspberry_pi_4

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 22, 3, 14, 15, 926000, UTC)
ORIGIN = Origin("kitchen", "01JD")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return raspberry_pi_4(tmp_path)


def counters(processed: int = 0, latencies_ms: tuple[float, ...] = ()) -> Counters:
    return Counters(
        captured=processed + 2,
        dropped=2,
        processed=processed,
        link=LinkStatus(
            latencies_ms=latencies_ms,
            outbox=OutboxHealth(depth=3, dropped=1),
            broker=BrokerHealth(reconnects=4, refused="bad user name or password"),
        ),
        frame_ages_ms=deque(latencies_ms),
        frames_limit=7.5,
    )


def test_a_report_holds_what_was_measured(machine: Machine) -> None:
    monitor = HealthMonitor(time_s=100.0, machine=machine)
    health = monitor.report(
        counters(150, tuple(range(1, 101))), replace(ORIGIN, synthetic=True), sent_at=NOW, time_s=110.0
    )
    assert health.temperature_c == 48.686
    assert (health.throttled_now, health.throttled_since_boot) == (False, True)
    assert (health.machine_uptime_s, health.daemon_uptime_s) == (3600.25, 10.0)
    assert health.frames.per_second == 15.0
    assert (health.latency.p50_ms, health.latency.p95_ms) == (50.5, 95.0)
    assert (health.frames.age_p95_ms, health.frames.limit_per_second) == (95.0, 7.5)
    assert health.outbox.depth == 3
    assert (health.device, health.session, health.synthetic) == ("kitchen", "01JD", True)
    jsonschema.validate(json.loads(health.to_json()), Health.json_schema())


def test_the_rate_is_that_of_the_last_period(machine: Machine) -> None:
    monitor = HealthMonitor(time_s=0.0, machine=machine)
    assert monitor.report(counters(300), ORIGIN, sent_at=NOW, time_s=30.0).frames.per_second == 10.0
    assert monitor.report(counters(360), ORIGIN, sent_at=NOW, time_s=60.0).frames.per_second == 2.0


def test_a_question_right_after_a_report_gets_that_reports_rate(machine: Machine) -> None:
    monitor = HealthMonitor(time_s=0.0, machine=machine)
    monitor.report(counters(300), ORIGIN, sent_at=NOW, time_s=30.0)
    assert monitor.report(counters(301), ORIGIN, sent_at=NOW, time_s=30.01).frames.per_second == 10.0
    assert monitor.report(counters(600), ORIGIN, sent_at=NOW, time_s=60.0).frames.per_second == 10.0


def test_a_machine_that_tells_little_gives_nulls(tmp_path: Path) -> None:
    monitor = HealthMonitor(time_s=0.0, machine=Machine(sys=tmp_path))
    health = monitor.report(counters(), ORIGIN, sent_at=NOW, time_s=30.0)
    assert health.temperature_c is None
    assert health.throttled_now is None
    assert health.throttled_since_boot is None
    assert health.latency.p50_ms is None
    jsonschema.validate(json.loads(health.to_json()), Health.json_schema())
