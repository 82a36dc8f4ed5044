from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.system.machine import Machine, Throttling
from tests.edge.system.machine_files import raspberry_pi_4, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return raspberry_pi_4(tmp_path)


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


def test_without_proc_memory_and_uptime_come_from_the_kernel(tmp_path: Path) -> None:
    hidden, shown = Machine(proc=tmp_path), Machine()
    assert hidden.uptime_s() == pytest.approx(shown.uptime_s(), abs=2)
    assert hidden.rss_mb() >= shown.rss_mb() * 0.9
