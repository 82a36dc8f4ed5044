"""Notify systemd, as sd_notify(3) and sd_watchdog_enabled(3) say; without systemd, do nothing."""

from __future__ import annotations

import logging
import os
import socket
import time

log = logging.getLogger(__name__)

_SEND_TIMEOUT_S = 1.0
"""A manager that does not read must not hold up the daemon."""


def ready(status_text: str = "running") -> None:
    """Report that the start, or a reload, is complete."""
    _send(f"READY=1\nSTATUS={_one_line(status_text)}")


def reloading() -> None:
    """Report that the configuration is being read again; `ready` ends it."""
    _send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def watchdog() -> None:
    """Feed the watchdog. Call it after work was done, never from a timer."""
    _send("WATCHDOG=1")


def status(text: str) -> None:
    """Set the line that ``systemctl status`` shows."""
    _send(f"STATUS={_one_line(text)}")


def stopping() -> None:
    """Report that the stop has begun."""
    _send("STOPPING=1")


def watchdog_interval_s() -> float | None:
    """Return the longest pause between two feedings in seconds, half the watchdog's deadline; None if it is off."""
    deadline_us = os.environ.get("WATCHDOG_USEC", "")
    if not deadline_us.isdecimal() or int(deadline_us) == 0:
        return None
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None  # meant for the parent process
    return int(deadline_us) / 2e6


def _one_line(text: str) -> str:
    # A line break would end the assignment, and the rest would be read as another one.
    return " ".join(text.split())


def _send(message: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address.startswith("@"):
        address = "\0" + address[1:]  # Linux's abstract namespace
    elif not address.startswith("/"):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.settimeout(_SEND_TIMEOUT_S)
        try:
            channel.sendto(message.encode(errors="replace"), address)  # a file's name may be no UTF-8
        except OSError as error:
            log.warning("systemd was not told %r: %s", message, error)
