"""What the machine says of itself, and the `Health` message made of it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.wire.messages import BrokerHealth, FrameCounts, Health, Latency, OutboxHealth

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

_ZONES = ("cpu-thermal", "cpu_thermal", "x86_pkg_temp", "soc-thermal", "soc_thermal")
"""Thermal zones of the processor, the most telling first; the first two are the Pi's."""

_SENSORS = ("cpu_thermal", "coretemp", "k10temp", "zenpower")
"""Names of hwmon chips that sit on the processor."""

_THROTTLE_BITS = ("under-voltage", "frequency capped", "throttled", "soft temperature limit")
"""Bits 0 to 3: now; bits 16 to 19: since the boot (raspberrypi/linux issue 2367)."""

_SHORTEST_PERIOD_S = 1.0
"""A rate over less than that says nothing."""


@dataclass(frozen=True)
class Throttling:
    """What slows the processor down; empty: nothing."""

    now: tuple[str, ...]
    since_boot: tuple[str, ...]

    @classmethod
    def from_bits(cls, bits: int) -> Throttling:
        """Read the firmware's word."""
        now, since_boot = (
            tuple(name for bit, name in enumerate(_THROTTLE_BITS, first) if bits & (1 << bit)) for first in (0, 16)
        )
        return cls(now, since_boot)


@dataclass(frozen=True)
class Machine:
    """The machine's own files. Another root than ``/`` serves to look at another machine's."""

    sys: Path = Path("/sys")
    proc: Path = Path("/proc")

    def temperature_c(self) -> float | None:
        """Give the processor's temperature in °C, or None where the machine does not tell."""
        zones = {_text(path / "type"): path / "temp" for path in self.sys.glob("class/thermal/thermal_zone*")}
        chips = {_text(path / "name"): path / "temp1_input" for path in self.sys.glob("class/hwmon/hwmon*")}
        files = [zones[name] for name in _ZONES if name in zones] + [chips[name] for name in _SENSORS if name in chips]
        for file in files:
            try:
                return int(_text(file)) / 1000
            except ValueError:  # a sensor may be there and refuse to be read
                continue
        return None

    def throttling(self) -> Throttling | None:
        """Say what slows the processor down, or None where this is no Pi."""
        # The Pi 5's bus has an address in its name: soc@107c000000/…. The file needs no rights and no process;
        # vcgencmd needs /dev/vcio, which the service's sandbox does not open.
        for file in self.sys.glob("devices/platform/soc*/*firmware/get_throttled"):
            if word := _text(file):
                return Throttling.from_bits(int(word, 16))
        if self.sys == Path("/sys") and (command := shutil.which("vcgencmd")):
            return _ask_firmware(command)
        return None

    def rss_mb(self) -> float:
        """Give this process's resident memory in MB (10⁶ bytes)."""
        pages = int(_text(self.proc / "self/statm").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6  # 4 KiB, but 16 KiB on a Pi 5

    def uptime_s(self) -> float:
        """Give the seconds since the machine's boot."""
        return float(_text(self.proc / "uptime").split()[0])

    def model(self) -> str:
        """Give the machine's name: ``Raspberry Pi 4 Model B Rev 1.4``, else its processor's."""
        if name := _text(self.proc / "device-tree/model").rstrip("\0"):
            return name
        for line in _text(self.proc / "cpuinfo").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
        return platform.machine()

    def governors(self) -> frozenset[str]:
        """Give the frequency governors of the processor's cores; empty where there are none."""
        files = self.sys.glob("devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor")
        return frozenset(filter(None, map(_text, files)))


@dataclass(frozen=True)
class Counters:
    """What the rest of the daemon has counted since its start."""

    captured: int
    dropped: int
    processed: int
    latencies_ms: Collection[float]
    """Capture to broker's acknowledgement of the newest events: a copy, which no other thread changes."""

    outbox: OutboxHealth
    broker: BrokerHealth
    commands_ignored: int = 0
    frame_ages_ms: Collection[float] = ()
    """Capture to the beginning of processing of the newest frames of a live camera."""

    frames_limit: float | None = None
    """Frames a second that are looked at, at most, while the machine is throttled."""


class HealthMonitor:
    """Makes `Health` of the machine's state and the daemon's counters."""

    def __init__(
        self, device: str, session: str, *, time_s: float, synthetic: bool = False, machine: Machine | None = None
    ) -> None:
        """Begin the first period.

        Args:
            device: The device's name, as in its topics.
            session: This life of the daemon.
            time_s: Now, on the clock that never jumps.
            synthetic: Whether the test card is the camera.
            machine: Whose files to read.
        """
        self._device = device
        self._session = session
        self.synthetic = synthetic
        self._machine = machine or Machine()
        self._since = (time_s, 0)
        self._per_second = 0.0

    def report(self, counters: Counters, *, sent_at: datetime, time_s: float) -> Health:
        """Give the message of now, and begin the next period.

        Args:
            counters: Since the daemon's start.
            sent_at: Now, for people.
            time_s: Now, on the clock that never jumps.
        """
        began_s, processed = self._since
        if time_s - began_s >= _SHORTEST_PERIOD_S:
            self._per_second = (counters.processed - processed) / (time_s - began_s)
            self._since = (time_s, counters.processed)
        throttling = self._machine.throttling()
        p50, p95 = _percentiles(counters.latencies_ms, 50, 95)
        return Health(
            device=self._device,
            session=self._session,
            synthetic=self.synthetic,
            sent_at=sent_at,
            uptime_s=self._machine.uptime_s(),
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
            outbox=counters.outbox,
            broker=counters.broker,
            commands_ignored=counters.commands_ignored,
        )


def _percentiles(milliseconds: Collection[float], *wanted: int) -> list[float | None]:
    if not milliseconds:
        return [None] * len(wanted)
    return [round(float(value), 1) for value in np.percentile(list(milliseconds), wanted)]


def _text(file: Path) -> str:
    """Read one of the kernel's files; what cannot be read says nothing."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _ask_firmware(command: str) -> Throttling | None:
    """Ask ``vcgencmd``, which answers ``throttled=0x50000``."""
    try:
        answer = subprocess.run([command, "get_throttled"], capture_output=True, text=True, timeout=2, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    _, _, word = answer.stdout.strip().partition("=")
    return Throttling.from_bits(int(word, 16)) if word.startswith("0x") else None
