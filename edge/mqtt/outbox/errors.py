"""What can go wrong with the outbox's file, and where a damaged one goes."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_UNWRITABLE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY}
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}

_MOST_DAMAGED = 3


class StoreError(Exception):
    """The file does not do what it should; the message is a clause for a person."""


class FullError(StoreError):
    """It cannot be written for now; what is in it can still be read."""


class DamagedError(StoreError):
    """What is in the file cannot be trusted."""


def set_aside(path: Path) -> Path:
    """Rename a damaged file and what belongs to it; gives its new name. Of many, the first few and the last stay.

    Raises:
        StoreError: It cannot be renamed.
    """
    try:
        for number in range(1, _MOST_DAMAGED + 1):
            aside = path.with_name(f"{path.name}.damaged-{number}")
            if not aside.exists():
                break
        for end in ("-wal", "-shm"):  # they would be taken for the next file's
            companion = path.with_name(path.name + end)
            if companion.exists():
                companion.replace(aside.with_name(aside.name + end))
        path.replace(aside)
    except OSError as error:
        raise explained(error) from None
    return aside


def explained(error: OSError | sqlite3.Error) -> StoreError:
    """Give what happened, as one of ours."""
    if isinstance(error, OSError):
        return StoreError(str(error.strerror or error).lower())
    # Programming mistakes have none; they are of this module alone.
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return DamagedError(str(error)) if isinstance(error, sqlite3.OperationalError) else StoreError(str(error))
    primary = code & 0xFF
    if primary in _DAMAGED or (primary == sqlite3.SQLITE_ERROR and "no such" in str(error)):
        return DamagedError(str(error))
    if primary in _UNWRITABLE:
        return FullError(str(error))
    if primary in _LOCKED:
        return StoreError("another process has it, perhaps a daemon of the same name")
    return StoreError(str(error))
