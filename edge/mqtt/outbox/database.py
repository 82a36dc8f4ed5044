"""The outbox's file: an SQLite database that survives a power cut (WAL, every commit synced)."""

from __future__ import annotations

import math
import sqlite3
import zlib
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.mqtt.outbox.errors import DamagedError, StoreError, explained

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_OURS = 0x454D4F45
"""``application_id``: a database that is not ours is left alone."""

_VERSION = 1

_SCHEMA = f"""
BEGIN EXCLUSIVE;
CREATE TABLE boots(number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, wall_s REAL NOT NULL);
CREATE TABLE events(id INTEGER PRIMARY KEY, boot INTEGER NOT NULL, added_s REAL NOT NULL, payload TEXT NOT NULL,
                    checksum INTEGER NOT NULL);
PRAGMA application_id={_OURS};
PRAGMA user_version={_VERSION};
COMMIT;
"""
# boots.wall_s is what the wall clock showed when the monotonic one began, as that boot knew it last.

_WAIT_S = 0.2
"""For another process that has the file: it will have it for as long as it lives."""

_HIGHEST_ID = 1 << 62


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event's place in the file."""

    id: int
    boot: str
    added_s: float
    """On the monotonic clock of that boot."""


class Store:
    """The file, open and locked: a second daemon of the same name cannot open it. Used by one thread.

    Example:
        >>> store = Store.open(path)
        >>> store.write([(0, 12.5, "{}")], delete=(), boot="…", wall_s=0.0)
        >>> store.read([0])
        {0: '{}'}
        >>> store.close()
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Take a connection from `open`."""
        self._db = connection

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open the file, or make it.

        Raises:
            DamagedError: It holds something else, or half of something.
            StoreError: It cannot be opened.
        """
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            db = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise explained(error) from None
        try:
            _prepare(db)
        except sqlite3.Error as error:
            db.close()
            raise explained(error) from None
        except StoreError:
            db.close()
            raise
        return cls(db)

    def rows(self) -> tuple[list[StoredEvent], dict[str, float]]:
        """Give every event's place, oldest first, and what each boot knew of the wall clock.

        Raises:
            StoreError: It cannot be read.
        """
        try:
            boots = {number: (str(name), float(wall_s)) for number, name, wall_s in self._db.execute(
                "SELECT number, id, wall_s FROM boots"
            )}  # fmt: skip
            found = self._db.execute("SELECT id, boot, added_s FROM events ORDER BY id")
            rows = [StoredEvent(int(number), boots[boot][0], float(added_s)) for number, boot, added_s in found]
        except sqlite3.Error as error:
            raise explained(error) from None
        except (KeyError, TypeError, ValueError) as error:
            message = f"a row makes no sense ({error!r})"
            raise DamagedError(message) from None
        if any(not (0 <= row.id < _HIGHEST_ID and math.isfinite(row.added_s)) for row in rows):
            message = "a row makes no sense"
            raise DamagedError(message)
        return rows, dict(boots.values())

    def write(
        self, events: Iterable[tuple[int, float, str]], delete: Iterable[int], *, boot: str, wall_s: float
    ) -> None:
        """Put events in and take others out, synced, or change nothing.

        Args:
            events: Each one's id, when it was put in on the monotonic clock, and its JSON.
            delete: Ids.
            boot: Whose monotonic clock that is.
            wall_s: What the wall clock shows when the monotonic one shows 0.

        Raises:
            StoreError: It cannot be written; nothing has changed.
        """
        db = self._db
        try:
            db.execute("BEGIN IMMEDIATE")
            db.executemany("DELETE FROM events WHERE id = ?", ((number,) for number in delete))
            events = list(events)
            if events:
                db.execute(
                    "INSERT INTO boots(id, wall_s) VALUES(?, ?) ON CONFLICT(id) DO UPDATE SET wall_s = excluded.wall_s",
                    (boot, wall_s),
                )
            rows = ((number, boot, added_s, payload, _checksum(payload)) for number, added_s, payload in events)
            db.executemany("INSERT OR REPLACE INTO events SELECT ?, number, ?3, ?4, ?5 FROM boots WHERE id = ?2", rows)
            db.execute("COMMIT")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                if db.in_transaction:
                    db.execute("ROLLBACK")
            raise explained(error) from None

    def read(self, ids: Iterable[int]) -> dict[int, str]:
        """Give the JSON of events, by their ids; those that are not there whole are left out.

        Raises:
            StoreError: It cannot be read.
        """
        found = {}
        try:
            for number in ids:
                row = self._db.execute("SELECT payload, checksum FROM events WHERE id = ?", (number,)).fetchone()
                if row and isinstance(row[0], str) and _checksum(row[0]) == row[1]:
                    found[number] = row[0]
        except sqlite3.Error as error:
            raise explained(error) from None
        return found

    def close(self) -> None:
        """Let go of the file; an empty one gives its space back, and keeps nothing of what it held."""
        with suppress(sqlite3.Error):
            empty = self._db.execute("SELECT 1 FROM events LIMIT 1").fetchone() is None
            if empty and self._db.execute("DELETE FROM boots").rowcount:
                self._db.execute("VACUUM")
        with suppress(sqlite3.Error):
            self._db.close()

    def abandon(self) -> None:
        """Let go of a file that fails."""
        with suppress(sqlite3.Error):
            self._db.close()


def _prepare(db: sqlite3.Connection) -> None:
    """Lock the file for as long as it is open, and see whether it is ours and whole.

    Raises:
        StoreError: It is not.
    """
    db.execute("PRAGMA locking_mode=EXCLUSIVE")  # which needs no shared memory for the WAL either
    ours = db.execute("PRAGMA application_id").fetchone()[0] == _OURS
    if not ours and db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        message = "it is another program's database"
        raise StoreError(message)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA journal_size_limit=1000000")
    db.execute("PRAGMA cache_size=-500")  # KiB of memory
    if not ours:
        db.executescript(_SCHEMA)
    db.execute("BEGIN EXCLUSIVE")
    db.execute("COMMIT")
    if (version := db.execute("PRAGMA user_version").fetchone()[0]) != _VERSION:
        message = f"it has version {version} and not {_VERSION}"
        raise DamagedError(message)
    with closing(db.execute("PRAGMA quick_check(1)")) as check:
        if (verdict := check.fetchone()[0]) != "ok":
            message = str(verdict).splitlines()[-1]
            raise DamagedError(message)


def _checksum(payload: str) -> int:
    return zlib.crc32(payload.encode("utf-8", "surrogatepass"))
