from __future__ import annotations

import json
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import jsonschema
import pytest

from edge.daemon.health import Counters, HealthMonitor, Machine, Throttling
from edge.wire.messages import BrokerHealth, Health, OutboxHealth

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 22, 3, 14, 15, 926000, UTC)


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Stand for a Pi 4 that was once throttled."""
    write(
        tmp_path,
        {
            "sys/class/thermal/thermal_zone0/type": "gpu-thermal\n",
            "sys/class/thermal/thermal_zone0/temp": "40000\n",
            "sys/class/thermal/thermal_zone1/type": "cpu-thermal\n",
            "sys/class/thermal/thermal_zone1/temp": "48686\n",
            "sys/class/hwmon/hwmon0/name": "cpu_thermal\n",
            "sys/class/hwmon/hwmon0/temp1_input": "41000\n",
            "sys/devices/platform/soc/soc:firmware/get_throttled": "50000\n",
            "proc/self/statm": "30000 2000 800 1 0 900 0\n",
            "proc/uptime": "3600.25 9000.00\n",
            "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
            "proc/cpuinfo": "processor : 0\nmodel name : ARMv8\n",
        },
    )
    return Machine(sys=tmp_path / "sys", proc=tmp_path / "proc")


def counters(processed: int = 0, latencies_ms: tuple[float, ...] = ()) -> Counters:
    return Counters(
        captured=processed + 2,
        dropped=2,
        processed=processed,
        latencies_ms=deque(latencies_ms),
        outbox=OutboxHealth(depth=3, dropped=1),
        broker=BrokerHealth(reconnects=4, refused="bad user name or password"),
        frame_ages_ms=deque(latencies_ms),
        frames_limit=7.5,
    )


def test_the_processors_thermal_zone_is_preferred(machine: Machine) -> None:
    assert machine.temperature_c() == 48.686


def test_a_zone_that_refuses_gives_way_to_the_sensor(machine: Machine) -> None:
    (machine.sys / "class/thermal/thermal_zone1/temp").write_text("")
    assert machine.temperature_c() == 41.0


def test_bits_are_told_apart() -> None:
    assert Throttling.from_bits(0x50005) == Throttling(("under-voltage", "throttled"), ("under-voltage", "throttled"))
    assert Throttling.from_bits(0x80002) == Throttling(("frequency capped",), ("soft temperature limit",))
    assert Throttling.from_bits(0) == Throttling((), ())


def test_the_firmwares_word_is_hexadecimal(machine: Machine) -> None:
    assert machine.throttling() == Throttling((), ("under-voltage", "throttled"))


def test_the_pi_5_has_an_address_in_its_bus(tmp_path: Path) -> None:
    write(tmp_path, {"devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled": "1\n"})
    assert Machine(sys=tmp_path).throttling() == Throttling(("under-voltage",), ())


def test_where_there_is_no_sysfs_file_vcgencmd_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if Machine().throttling() is not None:
        pytest.skip("this machine is a Pi, whose firmware answers through sysfs")
    command = tmp_path / "vcgencmd"
    command.write_text('#!/bin/sh\n[ "$1" = get_throttled ] && echo throttled=0x80008\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert Machine().throttling() == Throttling(("soft temperature limit",), ("soft temperature limit",))
    command.write_text("#!/bin/sh\necho 'VCHI initialization failed'; exit 255\n")
    assert Machine().throttling() is None


def test_names(machine: Machine) -> None:
    assert machine.model() == "Raspberry Pi 4 Model B Rev 1.4"
    (machine.proc / "device-tree/model").unlink()
    assert machine.model() == "ARMv8"
    (machine.proc / "cpuinfo").unlink()
    assert machine.model()


def test_governors(machine: Machine) -> None:
    assert machine.governors() == frozenset()
    write(machine.sys, {f"devices/system/cpu/cpu{n}/cpufreq/scaling_governor": "ondemand\n" for n in range(4)})
    assert machine.governors() == {"ondemand"}


def test_this_machine_answers() -> None:
    machine = Machine()
    assert 5 < machine.rss_mb() < 5000
    assert machine.uptime_s() > 0
    assert machine.model()


def test_a_report_holds_what_was_measured(machine: Machine) -> None:
    monitor = HealthMonitor("kitchen", "01JD", time_s=100.0, synthetic=True, machine=machine)
    health = monitor.report(counters(150, tuple(range(1, 101))), sent_at=NOW, time_s=110.0)
    assert health.temperature_c == 48.686
    assert (health.throttled_now, health.throttled_since_boot) == (False, True)
    assert health.uptime_s == 3600.25
    assert health.frames.per_second == 15.0
    assert (health.latency.p50_ms, health.latency.p95_ms) == (50.5, 95.0)
    assert (health.frames.age_p95_ms, health.frames.limit_per_second) == (95.0, 7.5)
    assert health.outbox.depth == 3
    assert health.synthetic
    jsonschema.validate(json.loads(health.to_json()), Health.json_schema())


def test_the_rate_is_that_of_the_last_period(machine: Machine) -> None:
    monitor = HealthMonitor("kitchen", "01JD", time_s=0.0, machine=machine)
    assert monitor.report(counters(300), sent_at=NOW, time_s=30.0).frames.per_second == 10.0
    assert monitor.report(counters(360), sent_at=NOW, time_s=60.0).frames.per_second == 2.0


def test_a_question_right_after_a_report_gets_that_reports_rate(machine: Machine) -> None:
    monitor = HealthMonitor("kitchen", "01JD", time_s=0.0, machine=machine)
    monitor.report(counters(300), sent_at=NOW, time_s=30.0)
    assert monitor.report(counters(301), sent_at=NOW, time_s=30.01).frames.per_second == 10.0
    assert monitor.report(counters(600), sent_at=NOW, time_s=60.0).frames.per_second == 10.0


def test_a_machine_that_tells_little_gives_nulls(tmp_path: Path) -> None:
    monitor = HealthMonitor("kitchen", "01JD", time_s=0.0, machine=Machine(sys=tmp_path))
    health = monitor.report(counters(), sent_at=NOW, time_s=30.0)
    assert health.temperature_c is None
    assert health.throttled_now is None
    assert health.throttled_since_boot is None
    assert health.latency.p50_ms is None
    jsonschema.validate(json.loads(health.to_json()), Health.json_schema())
