"""The session before this one and its last sequence, so that subscribers see a lost tail."""

from __future__ import annotations

import json
import logging
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from edge.errors import OutputError
from edge.files import private_folder, read_regular, write_own

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

_FILE = "session.json"

_ULID = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}")

_LONGEST = 200
"""Bytes of a record, padded with blanks, so that a shorter one leaves nothing of a longer one."""

_MOST_BYTES = 4096
"""Of a record that is read."""


@dataclass(frozen=True)
class PreviousSession:
    """The session before this one."""

    session: str
    last_sequence: int | None
    """Of its last event; None if it had none, or if a power cut took the record."""


class SessionRecord(Protocol):
    """What the daemon records of its session."""

    previous: PreviousSession | None
    """The session before, if one is known."""

    def begin(self) -> None:
        """Record that this is the newest session."""

    def note(self, sequence: int) -> None:
        """Record an event before it is published."""

    def end(self) -> None:
        """Record the last sequence of this session."""


class NullSessionRecord:
    """The record of a daemon without a lasting broker: nothing is left for the next session."""

    previous: PreviousSession | None = None

    def begin(self) -> None:
        """Do nothing."""

    def note(self, sequence: int) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""


class SessionFiles:
    """Records this session's last sequence, and knows the session before.

    Every event is recorded in memory (a tmpfs), where the record outlives the process. The disk is written only when a
    session begins and when it ends in good order. So after a crash the count is exact, and after a power cut only
    the session is known. A record that cannot be written is logged and stops nothing.
    """

    def __init__(self, session: str, state: Path, runtime: Path) -> None:
        """Read what the session before left.

        Args:
            session: This session's ULID.
            state: A folder on disk.
            runtime: A folder in memory.
        """
        self._session = session
        self._state, self._runtime = state / _FILE, runtime / _FILE
        self._last: int | None = None
        self._note: int | None = None
        self.previous: PreviousSession | None = None
        with suppress(OSError):  # `begin` says why
            private_folder(self._runtime.parent)
            self.previous = _read(self._runtime)
        self.previous = self.previous or _read(self._state)

    def begin(self) -> None:
        """Record that this is the newest session."""
        try:
            private_folder(self._runtime.parent)
            self._runtime.unlink(missing_ok=True)  # also what is no regular file
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            self._note = os.open(self._runtime, flags, 0o600)
            self._write_note()
        except OSError as error:
            log.warning("%s: cannot be written (%s); a crash will hide what it loses", self._runtime, error.strerror)
            self._close_note()
        self._write_state()

    def note(self, sequence: int) -> None:
        """Record an event before it is published: one that is lost on the way shows as missing."""
        self._last = sequence
        if self._note is not None:
            try:
                self._write_note()
            except OSError as error:
                log.warning("%s: cannot be written (%s)", self._runtime, error.strerror)
                self._close_note()
                with suppress(OSError):
                    self._runtime.unlink()  # no record is better than a wrong one

    def end(self) -> None:
        """Record on disk the last sequence of this session."""
        self._close_note()
        self._write_state()

    def _text(self) -> bytes:
        record = {"session": self._session, "last_sequence": self._last}
        return json.dumps(record).encode().ljust(_LONGEST - 1) + b"\n"

    def _write_note(self) -> None:
        if self._note is not None:
            os.pwrite(self._note, self._text(), 0)  # within one page, so a kill cannot cut it in two

    def _close_note(self) -> None:
        if self._note is not None:
            os.close(self._note)
            self._note = None

    def _write_state(self) -> None:
        try:
            write_own(self._state, self._text())
        except OSError as error:
            log.warning("%s: cannot be written (%s)", self._state, error.strerror)
        except OutputError as error:
            log.warning("%s", error)


def _read(file: Path) -> PreviousSession | None:
    try:
        content = json.loads(read_regular(file, _MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    match content:
        case {"session": str(session), "last_sequence": (int() | None) as last}:
            if _ULID.fullmatch(session) and not isinstance(last, bool):
                return PreviousSession(session, last if last is None or last >= 0 else None)
    return None
