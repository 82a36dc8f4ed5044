"""Checks of this machine: what is missing, and the command that fixes it."""

from __future__ import annotations

from edge.config import Settings
from edge.doctor import cameras, host, software
from edge.doctor.finding import Finding, exit_code, table, to_json
from edge.errors import ConfigError
from edge.system.machine import Machine

__all__ = ["Finding", "examine", "exit_code", "table", "to_json"]


def examine(settings: Settings | ConfigError, machine: Machine | None = None) -> list[Finding]:
    """Return a finding for each check. It takes some seconds where a camera or a broker does not answer.

    Args:
        settings: Those in force, or why they are invalid: then the rest is checked against the defaults.
        machine: Whose files to read.
    """
    machine = machine or Machine()
    valid = Settings() if isinstance(settings, ConfigError) else settings
    return [
        Finding("machine", "ok", machine.model()),
        software.configuration(settings),
        software.python(),
        software.runtime(),
        software.model(valid.emotion),
        software.opencv(),
        software.pyav(),
        cameras.camera(valid, machine),
        host.broker(valid.mqtt.broker),
        host.clock(synchronised=host.is_clock_synchronised()),
        host.power(machine.throttling()),
        host.governor(machine.governors()),
        host.disk(valid),
    ]
