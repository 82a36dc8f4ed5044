"""Run a hook's program with an event on its standard input, and kill what takes too long."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from edge.hooks.failure import HookFailureError
from edge.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OURS = ("EMOTION_EDGE_", "WATCHDOG_", "LISTEN_")
_OURS_ALONE = {
    *("NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY", "JOURNAL_STREAM", "INVOCATION_ID"),
    "PYTHONSAFEPATH",  # the unit's and the image's: with it, a script does not find a module that lies beside it
    "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT",  # set in edge/cli/main.py
}
"""Variables that are for the daemon and nobody else."""

_TAIL = 2000
"""Bytes that are kept of what a program complains about."""

_CHUNK = 65_536
_PAUSE_S = 0.01
"""Between two chunks: a program that complains without end costs no CPU time here."""

_REAP_S = 1.0
"""A killed process ends at once, unless the kernel waits for a device."""


def run_command(command: Sequence[str], event: bytes, limit_s: float, cancel: int) -> None:
    """Run a program to its end.

    It has a session and a process group of its own. Whatever is left of the group at the end is killed. What left the
    group, as setsid(1) does, goes on until systemd ends the service.

    Args:
        command: The program and its arguments; no shell reads them.
        event: What it reads from its standard input.
        limit_s: Seconds until it is killed.
        cancel: A file descriptor; the program is killed at once when it becomes readable.

    Raises:
        HookFailureError: It could not be started or watched, took too long, or ended with another status than 0.
    """
    try:
        process = _start(command, event)
    except BlockingIOError:
        message = "cannot be started: no process is left"
        raise HookFailureError(message) from None
    except OSError as error:
        message = f"cannot be started: {error.strerror}"
        raise HookFailureError(message) from None
    with process:
        try:
            complaint = _watch(process, limit_s, cancel)
        except OSError as error:
            message = f"was killed, because nothing can watch it: {error.strerror}"
            raise HookFailureError(message) from None
        finally:
            # The group's number is ours as long as its first process is not waited for.
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            _reap(process.pid)
    if process.returncode:
        ended = (
            f"ended with {process.returncode}" if process.returncode > 0 else f"died of signal {-process.returncode}"
        )
        raise HookFailureError(f"{ended}: {complaint}" if complaint else ended)


def _reap(group: int) -> None:
    """Wait for what was killed, where its new parent is this process: the first one of a container."""
    end_s = time.monotonic() + _REAP_S
    with suppress(ChildProcessError):
        while time.monotonic() < end_s:
            if not os.waitpid(-group, os.WNOHANG)[0]:
                time.sleep(_PAUSE_S)


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a hook's program: the daemon's without what is for the daemon alone."""
    return {name: value for name, value in ours.items() if not name.startswith(_OURS) and name not in _OURS_ALONE}


def _start(command: Sequence[str], event: bytes) -> subprocess.Popen[bytes]:
    with os.fdopen(os.memfd_create("event"), "wb", buffering=0) as stdin:
        stdin.write(event)
        stdin.seek(0)
        return subprocess.Popen(
            command,
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd="/",
            env=environment(os.environ),
            start_new_session=True,
        )


def _watch(process: subprocess.Popen[bytes], limit_s: float, cancel: int) -> str:
    """Wait for a program's end; return the last line of its standard error.

    Raises:
        HookFailureError: It takes too long.
    """
    until_s = time.monotonic() + limit_s
    errors = process.stderr.fileno() if process.stderr else -1
    os.set_blocking(errors, False)  # a program that it left behind may hold the other end
    tail = b""
    ended = os.pidfd_open(process.pid)
    with os.fdopen(ended, "rb", buffering=0), selectors.DefaultSelector() as selector:
        for descriptor in (ended, cancel, errors):
            selector.register(descriptor, selectors.EVENT_READ)
        while True:
            ready = {key.fd for key, _ in selector.select(max(0.0, until_s - time.monotonic()))}
            if errors in ready:
                chunk = _read(errors)
                tail = (tail + chunk)[-_TAIL:]
                if not chunk:
                    selector.unregister(errors)
            if ended in ready:
                return _last_line(tail + (_read(errors)))
            if cancel in ready:
                message = "was killed, because the daemon stops"
                raise HookFailureError(message)
            if time.monotonic() >= until_s:
                message = f"took longer than {limit_s:g} s and was killed"
                raise HookFailureError(message)
            if errors in ready:
                time.sleep(_PAUSE_S)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _CHUNK)
    except BlockingIOError:
        return b""


def _last_line(complaint: bytes) -> str:
    lines = complaint[-_TAIL:].decode(errors="replace").strip().splitlines()
    return printable(lines[-1], 200) if lines else ""
