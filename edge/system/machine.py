"""What the machine says of itself: temperature, throttling, memory, uptime, model, governors."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

_ZONES = ("cpu-thermal", "cpu_thermal", "x86_pkg_temp", "soc-thermal", "soc_thermal")
"""Thermal zones of the processor, the most specific first; the first two are the Pi's."""

_SENSORS = ("cpu_thermal", "coretemp", "k10temp", "zenpower")
"""Names of hwmon chips that sit on the processor."""

_THROTTLE_BITS = ("under-voltage", "frequency capped", "throttled", "soft temperature limit")
"""Bits 0 to 3: now; bits 16 to 19: since the boot (raspberrypi/linux issue 2367)."""


@dataclass(frozen=True)
class Throttling:
    """What slows the processor down; empty: nothing."""

    now: tuple[str, ...]
    since_boot: tuple[str, ...]

    @classmethod
    def from_bits(cls, bits: int) -> Throttling:
        """Return what the bits of the firmware's word mean."""
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
        """Return the processor's temperature in °C, or None if the machine does not report it."""
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
        """Return what slows the processor down, or None if this is no Pi."""
        # The Pi 5's bus has an address in its name: soc@107c000000/…. The file needs no rights and no process;
        # vcgencmd needs /dev/vcio, which the service's sandbox does not open.
        for file in self.sys.glob("devices/platform/soc*/*firmware/get_throttled"):
            if word := _text(file):
                return Throttling.from_bits(int(word, 16))
        if self.sys == Path("/sys") and (command := shutil.which("vcgencmd")):
            return _ask_firmware(command)
        return None

    def rss_mb(self) -> float:
        """Return this process's resident memory in MB (10⁶ bytes), or the most that it had where /proc is hidden."""
        _, *words = _text(self.proc / "self/statm").split() or [""]
        if not words:
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
        pages = int(words[0])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6  # 4 KiB, but 16 KiB on a Pi 5

    def uptime_s(self) -> float:
        """Return the seconds since the machine's boot."""
        words = _text(self.proc / "uptime").split()
        # A service with ProcSubset=pid has no /proc/uptime.
        return float(words[0]) if words else time.clock_gettime(time.CLOCK_BOOTTIME)

    def model(self) -> str:
        """Return the machine's name: ``Raspberry Pi 4 Model B Rev 1.4``, else its processor's."""
        if name := _text(self.proc / "device-tree/model").rstrip("\0"):
            return name
        for line in _text(self.proc / "cpuinfo").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
        return platform.machine()

    def governors(self) -> frozenset[str]:
        """Return the frequency governors of the processor's cores; empty where there are none."""
        files = self.sys.glob("devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor")
        return frozenset(filter(None, map(_text, files)))


def _text(file: Path) -> str:
    """Return the text of one of the kernel's files, or an empty one if it cannot be read."""
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
