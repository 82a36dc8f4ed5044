"""Which daemon runs with a state folder: a file that the daemon keeps locked for as long as it lives."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

FILE = "daemon.json"

_MOST_BYTES = 4096

_FLOCK = struct.Struct("hhqqi")
"""struct flock of fcntl(2): type, whence, start, length, process."""


@dataclass(frozen=True)
class RunningDaemon:
    """A daemon that is alive."""

    pid: int | None
    """From the kernel, which knows who holds the lock; what the file says could be anybody's. None: the kernel names no
    process, as of one in another container, or behind a lock of another kind."""

    facts: dict[str, Any]
    """What the daemon wrote; empty if that makes no sense."""


class DaemonFile:
    """The file of a daemon that runs. Where it cannot be made, or another daemon has it, nothing is written."""

    def __init__(self, state: Path) -> None:
        """Make the file and lock it.

        Args:
            state: The daemon's folder on disk.
        """
        self._file = state / FILE
        self._descriptor: int | None = None
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Opened once and kept open: closing any descriptor of the file would give the lock up.
            descriptor = os.open(self._file, flags, 0o600)
        except OSError as error:
            log.warning(
                "%s: cannot be written (%s); 'model use' will not reach this daemon", self._file, error.strerror
            )
            return
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            log.warning("%s: another daemon runs with this folder; give each a device name of its own", state)
            return
        self._descriptor = descriptor

    def write(self, **facts: str | None) -> None:
        """Replace what the file says."""
        if self._descriptor is None:
            return
        text = json.dumps(facts).encode() + b"\n"
        try:
            os.pwrite(self._descriptor, text, 0)
            os.ftruncate(self._descriptor, len(text))
        except OSError as error:
            log.warning("%s: cannot be written (%s)", self._file, error.strerror)

    def close(self) -> None:
        """Release the lock. Safe to call twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def find_daemon(state: Path) -> RunningDaemon | None:
    """Return the daemon that runs with a state folder; None if there is none, or its file cannot be read."""
    try:
        descriptor = os.open(state / FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
        if kind == fcntl.F_UNLCK:
            return None
        facts: Any = None
        with suppress(ValueError, RecursionError):  # it is being written
            facts = json.loads(os.pread(descriptor, _MOST_BYTES, 0))
    except OSError:  # it is a pipe, say
        return None
    finally:
        os.close(descriptor)
    # fcntl(2) gives 0 or -1 for what it cannot name; for kill(2) these are many processes, or all.
    return RunningDaemon(pid if pid > 0 else None, facts if isinstance(facts, dict) else {})
