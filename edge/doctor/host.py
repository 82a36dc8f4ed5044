"""Checks of the machine and its surroundings: clock, power, processor, disk."""

from __future__ import annotations

import shutil
import socket
from typing import TYPE_CHECKING

from edge.doctor.finding import Finding
from edge.files import is_there

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from edge.config import OutboxConfig
    from edge.system.machine import Throttling

CONNECT_S = 2.0
"""Seconds that a TCP connection may take."""

_EVENT_BYTES = 600
"""Size of an event on disk (see `OutboxConfig.max_events`)."""

_SPARE_BYTES = 200_000_000
"""Free space beside the outbox that a system needs to go on running."""


def connect_problem(host: str, port: int) -> str | None:
    """Return why no TCP connection can be made, or None."""
    try:
        socket.create_connection((host, port), timeout=CONNECT_S).close()
    except OSError as error:
        return str(error)
    except UnicodeError:  # from the look-up of a name
        return "the host's name cannot be one: between its dots are 1 to 63 letters, digits and '-'"
    return None


def clock(*, synchronised: bool) -> Finding:
    """Check that the clock is synchronised, for the events' time stamps: most Pis have no battery for one."""
    if synchronised:
        return Finding("clock", "ok", "synchronised")
    found = "not synchronised: the events' time stamps may be wrong"
    return Finding("clock", "warning", found, "sudo timedatectl set-ntp true")


def power(throttling: Throttling | None) -> Finding:
    """Check whether the firmware slows the processor down."""
    name = "power and heat"
    if throttling is None:
        return Finding(name, "ok", "unknown: only a Raspberry Pi reports it")
    if not (reasons := throttling.now or throttling.since_boot):
        return Finding(name, "ok", "never throttled since boot")
    when = "now" if throttling.now else "since boot, not now"
    supply = any("under-voltage" in part for part in (throttling.now, throttling.since_boot))
    fix = "use the Pi's own power supply and a short cable" if supply else "give the Pi a heat sink or more air"
    return Finding(name, "warning", f"{', '.join(reasons)} ({when})", fix)


def governor(governors: AbstractSet[str]) -> Finding:
    """Check that the processor may run at full speed."""
    name, found = "CPU governor", ", ".join(sorted(governors)) or "this machine has none"
    if "powersave" in governors:
        fix = "echo ondemand | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
        return Finding(name, "warning", found, fix)
    return Finding(name, "ok", found)


def disk(outbox: OutboxConfig, state: Path) -> Finding:
    """Check that there is room for a full outbox, which is in the daemon's state folder unless set."""
    folder = outbox.path.parent if outbox.path else state
    while not is_there(folder) and folder != folder.parent:
        folder = folder.parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding("disk", "warning", f"{folder}: {error.strerror}", "sudo emotion-edge doctor")
    needed = outbox.max_events * _EVENT_BYTES + _SPARE_BYTES
    found = f"{free / 1e6:.0f} MB free at {folder}"
    if free < needed:
        fix = "sudo apt clean && sudo journalctl --vacuum-size=50M"
        return Finding("disk", "warning", f"{found}, {needed / 1e6:.0f} MB needed", fix)
    return Finding("disk", "ok", found)
