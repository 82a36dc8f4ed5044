"""Which life of the daemon came before this one, and how far it counted: so that a lost tail shows."""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import OutputError
from edge.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

_LOG = logging.getLogger(__name__)

_FILE = "session.json"
_LONGEST = 200
"""Bytes of a record, filled up with blanks: a shorter one leaves nothing of a longer one."""


@dataclass(frozen=True)
class Record:
    """One life."""

    session: str
    last_sequence: int | None
    """Of its last event; None where it had none or nobody knows any more."""


class Life:
    """Notes this life's last sequence, and knows the life before.

    Every event is noted in memory (a tmpfs), where it outlives the process; the disk hears of a life only when
    it begins and when it ends in good order. So after a crash the count is exact, and after a power cut only
    the session is known. Nothing here is fatal: what cannot be noted is said once.
    """

    def __init__(self, session: str, state: Path, runtime: Path) -> None:
        """Read what the life before left.

        Args:
            session: This life's.
            state: A folder on the disk.
            runtime: A folder in memory.
        """
        self._session = session
        self._state, self._runtime = state / _FILE, runtime / _FILE
        self._last: int | None = None
        self._note: int | None = None
        self.previous = _read(self._runtime) or _read(self._state)

    def begin(self) -> None:
        """Note that this is the newest life."""
        try:
            self._runtime.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Never through a link that another user put into a folder for everybody.
            flags = os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            self._note = os.open(self._runtime, flags, 0o600)
            self._write_note()
        except OSError as error:
            _LOG.warning("%s: cannot be written (%s); a crash will hide what it loses", self._runtime, error.strerror)
            self._close_note()
        self._write_state()

    def note(self, sequence: int) -> None:
        """Note an event, before it is told: what is lost on the way shows as missing."""
        self._last = sequence
        if self._note is not None:
            try:
                self._write_note()
            except OSError as error:
                _LOG.warning("%s: cannot be written (%s)", self._runtime, error.strerror)
                self._close_note()
                with suppress(OSError):
                    self._runtime.unlink()  # rather nothing than something false

    def end(self) -> None:
        """Note on the disk how far this life came."""
        self._close_note()
        self._write_state()

    def _text(self) -> bytes:
        record = {"session": self._session, "last_sequence": self._last}
        return json.dumps(record).encode().ljust(_LONGEST - 1) + b"\n"

    def _write_note(self) -> None:
        if self._note is not None:
            os.pwrite(self._note, self._text(), 0)  # within one page, which no kill cuts in two

    def _close_note(self) -> None:
        if self._note is not None:
            os.close(self._note)
            self._note = None

    def _write_state(self) -> None:
        try:
            self._state.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self._state, self._text())
        except OSError as error:
            _LOG.warning("%s: cannot be written (%s)", self._state, error.strerror)
        except OutputError as error:
            _LOG.warning("%s", error)


def _read(file: Path) -> Record | None:
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    match content:
        case {"session": str(session), "last_sequence": (int() | None) as last} if not isinstance(last, bool):
            return Record(session, last if last is None or last >= 0 else None)
    return None
