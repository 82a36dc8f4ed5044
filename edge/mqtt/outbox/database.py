"""The outbox's file: an SQLite database that survives a power cut (WAL, every commit synced)."""

from __future__ import annotations

import math
import os
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING

from edge.mqtt.outbox.database_files import Marks, claim
from edge.mqtt.outbox.errors import DamagedError, StoreError, explained, explaining
from edge.mqtt.outbox.rows import HIGHEST_ID, Boot, Copied, Row, checksum, whole_rows
from edge.mqtt.outbox.schema import prepare

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

_WAIT_S = 0.2
"""For another process that has the file: it will have it for as long as it lives."""

_CHUNK = 2000
"""Rows copied in one write."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event's place in the file."""

    id: int
    boot: str
    added_s: float
    """On the monotonic clock of that boot."""
    destination: str


class Interference(Enum):
    """What somebody else did to the files while they were open."""

    NONE = "nothing"
    REMOVED = "it was removed or replaced"
    CHANGED = "another program changed it or its log"


class Database:
    """The file, open and locked: a second daemon of the same name cannot open it. Used by one thread at a time.

    Every method but `interference`, `close` and `abandon` raises a `StoreError` where the file cannot be read or
    written, and a `DamagedError` where it holds something else or half of something.

    Example:
        >>> database = Database.open(path, "mqtt://broker:1883/emotion-edge/kitchen")
        >>> database.write([(0, 12.5, "{}")], delete=(), boot="…", wall_s=0.0)
        >>> database.read([0])
        {0: '{}'}
        >>> database.close()
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, destination: str) -> None:
        """Take a connection from `open`."""
        self._db, self._path, self._destination = connection, path, destination
        self._log = path.with_name(path.name + "-wal")
        self._marks = Marks.of(path, self._log)
        self._log_holds_deleted = True

    @classmethod
    def open(cls, path: Path, destination: str) -> Database:
        """Open the file, or make it, for this user alone.

        Args:
            path: The file; no link.
            destination: What the events that are written are for.

        Raises:
            UnfitError: It is whole and not for us.
        """
        claim(path)
        with explaining():
            db = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
            try:
                prepare(db, destination)
            except (sqlite3.Error, StoreError):
                db.close()
                raise
        return cls(db, path, destination)

    def check(self) -> None:
        """Read the whole file and check its structure."""
        with explaining():
            verdict = str(self._db.execute("PRAGMA quick_check(1)").fetchall()[0][0])
        if verdict != "ok":
            raise DamagedError(verdict.splitlines()[-1])

    def highest_id(self) -> int:
        """Return the highest id of an event; -1 where there is none."""
        with explaining():
            highest = self._db.execute("SELECT max(id) FROM events").fetchone()[0]
        if highest is not None and not 0 <= highest < HIGHEST_ID:
            message = "a row makes no sense"
            raise DamagedError(message)
        return -1 if highest is None else int(highest)

    def ids(self) -> list[int]:
        """Return the ids of all events, in order."""
        with explaining():
            return [number for (number,) in self._db.execute("SELECT id FROM events ORDER BY id")]

    def boots(self) -> dict[str, float]:
        """Return what each boot of the machine knew of the wall clock."""
        with explaining():
            return {str(name): float(wall_s) for name, wall_s in self._db.execute("SELECT id, wall_s FROM boots")}

    def events(self, after: int, most: int) -> list[StoredEvent]:
        """Return the places of events, oldest first: at most so many, with higher ids than `after`."""
        db = self._db
        with explaining():
            boots = dict(db.execute("SELECT number, id FROM boots").fetchall())
            destinations = dict(db.execute("SELECT number, name FROM destinations").fetchall())
            found = db.execute(
                "SELECT id, boot, added_s, destination FROM events WHERE id > ? ORDER BY id LIMIT ?", (after, most)
            ).fetchall()
            rows = [StoredEvent(int(n), str(boots[b]), float(s), str(destinations[d])) for n, b, s, d in found]
        if any(not (0 <= row.id < HIGHEST_ID and math.isfinite(row.added_s)) for row in rows):
            message = "a row makes no sense"
            raise DamagedError(message)
        return rows

    def write(
        self, events: Iterable[tuple[int, float, str]], delete: Collection[int], *, boot: str, wall_s: float
    ) -> None:
        """Put events in and take others out, synced, or change nothing.

        Args:
            events: Each one's id, when it was added on the monotonic clock, and its JSON.
            delete: Ids.
            boot: Whose monotonic clock that is.
            wall_s: What the wall clock shows when the monotonic one shows 0.
        """
        rows = [
            Row(number, Boot(boot, wall_s), added_s, payload, checksum(payload.encode()), self._destination)
            for number, added_s, payload in events
        ]
        self._insert(rows, delete)

    def read(self, ids: Iterable[int]) -> dict[int, str]:
        """Return the JSON of events, by their ids; those that are not there whole are left out."""
        # As bytes: text that is no longer UTF-8 would be an error of the whole file.
        question = "SELECT CAST(payload AS BLOB), checksum FROM events WHERE id = ?"
        found = {}
        with explaining():
            for number in ids:
                row = self._db.execute(question, (number,)).fetchone()
                if row and checksum(row[0]) == row[1]:
                    found[number] = row[0].decode()
        return found

    def interference(self) -> Interference:
        """Return what somebody else did to the files since our last write."""
        marks = Marks.of(self._path, self._log)
        if marks == self._marks:
            return Interference.NONE
        return Interference.CHANGED if marks.same_files(self._marks) else Interference.REMOVED

    def copy_to(self, other: Database) -> Copied:
        """Write every whole row into another database. A file that was removed can be read for as long as it is open.

        Returns:
            What was written, and what could not be read.
        """
        copied = Copied()
        rows = whole_rows(self._db, copied)
        while chunk := list(islice(rows, _CHUNK)):
            other._insert(chunk, ())  # of the same class
        return copied

    def empty_log(self) -> None:
        """Move what is in the write-ahead log into the file itself, without the events that were deleted."""
        if self._marks.log.size:
            with explaining():
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._marks = Marks.of(self._path, self._log)
        self._log_holds_deleted = False

    def forget_deleted(self) -> None:
        """Empty the log if an event that was deleted can still be read there."""
        if self._log_holds_deleted:
            self.empty_log()

    def close(self) -> None:
        """Release the file; an empty one returns its space, and keeps nothing of what it held."""
        with suppress(sqlite3.Error):
            empty = self._db.execute("SELECT 1 FROM events LIMIT 1").fetchone() is None
            if empty and self._db.execute("DELETE FROM boots").rowcount:
                self._db.execute("DELETE FROM destinations")
                self._db.execute("VACUUM")
        self.abandon()

    def abandon(self) -> None:
        """Release a file that fails, as it is."""
        with suppress(sqlite3.Error):
            self._db.close()

    def abandon_changed(self) -> None:
        """Release a file that another program changed.

        SQLite would copy its log into the database while it closes, and does not look at the log's checksums then. It
        does when it opens the file again. So the log is hidden from it meanwhile.
        """
        content = b""
        with suppress(OSError):
            content = self._log.read_bytes()
            os.truncate(self._log, 0)
        self.abandon()
        if content:
            with suppress(OSError):
                self._log.write_bytes(content)

    def _insert(self, rows: Collection[Row], delete: Collection[int]) -> None:
        db = self._db
        self._log_holds_deleted |= bool(delete)
        try:
            db.execute("BEGIN IMMEDIATE")
            db.executemany("DELETE FROM events WHERE id = ?", ((number,) for number in delete))
            db.executemany(
                "INSERT INTO boots(id, wall_s) VALUES(?, ?) ON CONFLICT(id) DO UPDATE SET wall_s = excluded.wall_s",
                {row.boot for row in rows},
            )
            db.executemany("INSERT OR IGNORE INTO destinations(name) VALUES(?)", {(row.destination,) for row in rows})
            db.executemany(
                "INSERT OR REPLACE INTO events(id, boot, added_s, payload, checksum, destination) "
                "SELECT ?1, (SELECT number FROM boots WHERE id = ?2), ?3, ?4, ?5, "
                "(SELECT number FROM destinations WHERE name = ?6)",
                ((row.id, row.boot.id, row.added_s, row.payload, row.checksum, row.destination) for row in rows),
            )
            db.execute("COMMIT")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                if db.in_transaction:
                    db.execute("ROLLBACK")
            raise explained(error) from None
        finally:
            self._marks = Marks.of(self._path, self._log)
