"""Checks of this machine: what is missing, and the command that fixes it."""

from __future__ import annotations

import io
import logging
import os
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from edge.config import Settings
from edge.doctor import cameras, host, software
from edge.doctor.files import Reader, become_service_user, files, instance_of
from edge.doctor.finding import Finding, advice, exit_code, table, to_json
from edge.errors import ConfigError
from edge.system.clock import is_clock_synchronised
from edge.system.directories import administered_directory
from edge.system.machine import Machine
from edge.text import first_line
from edge.wire.topics import Topics

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = [
    "Finding",
    "Reader",
    "advice",
    "become_service_user",
    "examine",
    "exit_code",
    "files",
    "instance_of",
    "table",
    "to_json",
]

log = logging.getLogger(__name__)

_REPORT = "this is a defect of emotion-edge; please report it, with the lines that doctor logs"


def examine(
    settings: Settings | ConfigError,
    machine: Machine | None = None,
    reader: Reader | None = None,
    configuration: Path | None = None,
) -> list[Finding]:
    """Return a finding for each check. It takes some seconds where a camera or a broker does not answer.

    Args:
        settings: Those in force, or why they are invalid: then the rest is checked against the defaults.
        machine: Whose files to read.
        reader: Who reads the files that the settings name; the user of this process unless given.
        configuration: The file that the settings come from.
    """
    machine, reader = machine or Machine(), reader or Reader()
    valid = Settings() if isinstance(settings, ConfigError) else settings
    root = Topics(valid.mqtt.base_topic, valid.mqtt.device).root
    state = administered_directory(root, os.environ, instance_of(configuration))
    checks: dict[str, Callable[[], Finding]] = {
        "machine": lambda: Finding("machine", "ok", machine.model()),
        "configuration": lambda: software.configuration(settings),
        "files": lambda: files(valid, configuration, reader),
        "python": software.python,
        "TFLite runtime": software.runtime,
        "model": lambda: software.model(valid.emotion, state),
        "OpenCV": software.opencv,
        "PyAV": software.pyav,
        "camera": lambda: cameras.camera(valid, machine),
        "broker": lambda: _broker(valid, reader),
        "Home Assistant": lambda: _announcement(valid),
        "clock": lambda: host.clock(synchronised=bool(is_clock_synchronised())),
        "power and heat": lambda: host.power(machine.throttling()),
        "CPU governor": lambda: host.governor(machine.governors()),
        "disk": lambda: host.disk(valid.outbox, state),
    }
    return [_finding(name, check) for name, check in checks.items()]


def _finding(name: str, check: Callable[[], Finding]) -> Finding:
    """Return a check's result; also where it cannot be done: a package is missing, or the check has a defect."""
    try:
        with redirect_stdout(io.StringIO()):  # OpenCV prints what it misses, into the JSON
            return check()
    except ImportError as error:
        return software.missing(name, error)
    except Exception as error:  # a defect of ours costs this check, not the others
        log.exception("the check %r failed; this is a defect, please report it", name)
        found = f"the check failed: {type(error).__name__}: {first_line(error)}"
        return Finding(name, "broken", found, _REPORT)


def _broker(settings: Settings, reader: Reader) -> Finding:
    from edge.doctor.broker import broker  # noqa: PLC0415  # it needs paho, which may be missing

    return broker(settings.mqtt, password=reader.password)


def _announcement(settings: Settings) -> Finding:
    from edge.doctor.broker import announcement  # noqa: PLC0415  # the same

    return announcement(settings)
