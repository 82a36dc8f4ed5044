"""What is done for a file that somebody removed while it was open."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from edge.mqtt.outbox.database import Database
from edge.mqtt.outbox.database_files import put_in_place, set_aside
from edge.mqtt.outbox.errors import DamagedError, FullError, StoreError

if TYPE_CHECKING:
    from pathlib import Path


def rescue(removed: Database, path: Path, destination: str) -> None:
    """Write a removed file's content to a new file in its place. It can be read for as long as it is open.

    What is in its place now is set aside.

    Args:
        removed: The database, still open; released afterwards, unless this fails.
        path: Where it was.
        destination: As of `Database.open`.

    Raises:
        FullError: The new file cannot be written for now.
    """
    # SQLite removes the log of this name when it closes the removed file: the new one must not have it by then.
    new = path.with_name(f"{path.name}.new")
    try:
        if os.path.lexists(path):
            set_aside(path)
        with suppress(OSError):
            new.unlink()
        copy = Database.open(new, destination)
        try:
            with suppress(DamagedError):  # the rest counts as lost
                removed.copy_to(copy)
        finally:
            copy.close()
        removed.abandon()
        put_in_place(new, path)
    except StoreError as error:
        message = f"it cannot be written again: {error}"
        raise FullError(message) from None
