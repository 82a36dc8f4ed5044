"""The tables of the outbox's database, and the way from an older version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.mqtt.outbox.errors import DamagedError, UnfitError

if TYPE_CHECKING:
    import sqlite3

APPLICATION_ID = 0x454D4F45
"""``application_id``: a database that is not ours is left alone."""

_VERSION = 2
"""1: without destinations."""

_CREATE = f"""
BEGIN EXCLUSIVE;
CREATE TABLE boots(number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, wall_s REAL NOT NULL);
CREATE TABLE destinations(number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE events(id INTEGER PRIMARY KEY, boot INTEGER NOT NULL, added_s REAL NOT NULL, payload TEXT NOT NULL,
                    checksum INTEGER NOT NULL, destination INTEGER NOT NULL DEFAULT 0);
PRAGMA application_id={APPLICATION_ID};
PRAGMA user_version={_VERSION};
COMMIT;
"""
# boots.wall_s is what the wall clock showed when the monotonic one began, as that boot knew it last; infinity where it
# never did, which makes its events new also for versions that did not write it.

_UPGRADE_1 = """
CREATE TABLE destinations(number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
ALTER TABLE events ADD COLUMN destination INTEGER NOT NULL DEFAULT 0;
"""


def prepare(db: sqlite3.Connection, destination: str) -> None:
    """Lock the database for as long as it is open, and make or upgrade its tables.

    Args:
        db: Just opened.
        destination: What an older version's events are for, which did not note it: the broker that is configured now.

    Raises:
        DamagedError: It has no version that there ever was.
        UnfitError: It is another program's, or of a newer version.
        sqlite3.Error: It cannot be read or written, or another process has it.
    """
    db.execute("PRAGMA locking_mode=EXCLUSIVE")  # which needs no shared memory for the WAL either
    ours = db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    if not ours and db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        message = "it is another program's database"
        raise UnfitError(message)
    version = db.execute("PRAGMA user_version").fetchone()[0] if ours else _VERSION
    if version > _VERSION:
        message = (
            f"a newer version of emotion-edge made it (database version {version}, this one knows {_VERSION}). It is "
            "kept as it is: install the newer version again, or move the file away to start without its events"
        )
        raise UnfitError(message)
    if version < 1:
        message = f"it has version {version}"
        raise DamagedError(message)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA journal_size_limit=1000000")
    db.execute("PRAGMA secure_delete=ON")  # deleted events are overwritten with zeros; Debian's SQLite does by itself
    db.execute("PRAGMA cache_size=-500")  # KiB of memory
    if not ours:
        db.executescript(_CREATE)
    db.execute("BEGIN EXCLUSIVE")
    if version == 1:
        for statement in _UPGRADE_1.strip().splitlines():
            db.execute(statement)
        db.execute("INSERT INTO destinations(number, name) VALUES(0, ?)", (destination,))
        db.execute(f"PRAGMA user_version={_VERSION}")
    db.execute("COMMIT")
