"""What can go wrong with the outbox's file."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_UNWRITABLE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY}
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


class StoreError(Exception):
    """The file does not do what it should; the message is a clause for a person."""


class FullError(StoreError):
    """It cannot be written for now; what is in it can still be read."""


class DamagedError(StoreError):
    """What is in the file cannot be trusted."""


class UnfitError(StoreError):
    """The file is whole and not for us: no regular file, another program's, or of a newer version. It is left alone."""


def explained(error: OSError | sqlite3.Error) -> StoreError:
    """Return what happened as one of ours."""
    if isinstance(error, OSError):
        return StoreError(str(error.strerror or error).lower())
    # Programming mistakes have none; they are of this package alone.
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


@contextmanager
def explaining() -> Iterator[None]:
    """Raise what goes wrong with a row or with SQLite as a `StoreError`."""
    try:
        yield
    except sqlite3.Error as error:
        raise explained(error) from None
    except (KeyError, TypeError, ValueError) as error:
        message = f"a row makes no sense ({error!r})"
        raise DamagedError(message) from None
