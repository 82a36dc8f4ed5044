"""What is done for a file that somebody removed while it was open, and for one that is damaged."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from edge.files import is_there
from edge.mqtt.outbox.database import Database
from edge.mqtt.outbox.database_files import put_in_place, remove, set_aside
from edge.mqtt.outbox.errors import DamagedError, FullError, StoreError, explained
from edge.mqtt.outbox.rows import Copied

if TYPE_CHECKING:
    from pathlib import Path

_LOG_BYTES = 5_000_000
"""SQLite moves its log into the file after 1,000 pages."""


def rescue(removed: Database, path: Path, destination: str) -> Copied:
    """Write a removed file's content to a new file in its place. It can be read for as long as it is open.

    What is in its place now is set aside.

    Args:
        removed: The database, still open; released afterwards, unless this fails.
        path: Where it was.
        destination: As of `Database.open`.

    Returns:
        Which events are in the new file, and which are lost.

    Raises:
        FullError: The new file cannot be written for now.
    """
    try:
        if os.path.lexists(path):
            set_aside(path)
        copied = _copy(removed, _new(path), destination)
        put_in_place(_new(path), path)
        # Then SQLite removes the log of this name: the new file, which is not open yet, has none.
        removed.abandon()
    except StoreError as error:
        message = f"it cannot be written again: {error}"
        raise FullError(message) from None
    return copied


def salvage(path: Path, destination: str) -> tuple[Path, Copied]:
    """Write what can be read of a damaged file to a new file in its place, and set the damaged one aside.

    Args:
        path: The file; not open.
        destination: As of `Database.open`.

    Returns:
        The damaged file's new name; which events are in the new file, and which are lost.

    Raises:
        StoreError: The damaged file cannot be opened or renamed, or the new one cannot be written: then nothing is
            changed. Or the new one cannot be renamed: `finish` does it later.
    """
    try:
        damaged = Database.open(path, destination)
    except DamagedError:
        return set_aside(path), Copied()
    try:
        _check_room(path)
        copied = _copy(damaged, _new(path), destination)
    finally:
        damaged.abandon()
    aside = set_aside(path)
    put_in_place(_new(path), path)
    return aside, copied


def is_unfinished(path: Path) -> bool:
    """Return whether a whole copy is to be put in place of a file that was set aside: its writer ended in between."""
    log = _new(path).with_name(f"{_new(path).name}-wal")  # a copy that is not whole has one
    return not os.path.lexists(path) and is_there(_new(path)) and not os.path.lexists(log)


def finish(path: Path) -> None:
    """Put such a copy in place.

    Raises:
        StoreError: It cannot be renamed.
    """
    if is_unfinished(path):
        put_in_place(_new(path), path)


def remove_half(path: Path) -> None:
    """Remove the copy that a life before this one began and did not end; only who has the file open may do so."""
    remove(_new(path))


def _new(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")


def _check_room(path: Path) -> None:
    """Check that a copy has room: to fill the disk in vain, again and again, would wear it."""
    try:
        size, free = path.stat().st_size, shutil.disk_usage(path.parent).free
    except OSError as error:
        raise explained(error) from None
    if free < size + min(size, _LOG_BYTES):
        message = "it is damaged, and a copy of what can be read has no room"
        raise FullError(message)


def _copy(old: Database, new: Path, destination: str) -> Copied:
    remove(new)
    try:
        copy = Database.open(new, destination)
        try:
            copied = old.copy_to(copy)
            copy.empty_log()  # it is not renamed with the file
        finally:
            copy.close()
    except StoreError:
        remove(new)  # it takes space that is needed
        raise
    return copied
