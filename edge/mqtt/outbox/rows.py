"""The rows of the outbox's file, and those that are still whole once the file is damaged."""

from __future__ import annotations

import math
import sqlite3
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HIGHEST_ID = 1 << 62

_HOLE = 10_000
"""Ids that cannot be read in a row after which the rest is tried from the other end. A destroyed inner page of the tree
hides those of about 500 leaves, each with 6 to 12 events."""

_ON_A_PAGE = 20
"""Events on a page of 4 KiB at most: of a hole without a readable event on its other side, no more are counted."""

_FIRST = """
SELECT id, boot, added_s, CAST(payload AS BLOB), checksum, destination
FROM events WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1
"""
# One at a time: Python reads a row ahead, and an error there would cost the one before it.

_LAST = _FIRST.replace("ORDER BY id", "ORDER BY id DESC")

_BOOTS = (
    "SELECT number, id, 9e999 FROM boots INDEXED BY sqlite_autoindex_boots_1 ORDER BY id",
    "SELECT number, id, wall_s FROM boots NOT INDEXED",
)
_DESTINATIONS = (
    "SELECT number, name FROM destinations INDEXED BY sqlite_autoindex_destinations_1 ORDER BY name",
    "SELECT number, name FROM destinations NOT INDEXED",
)
# Each of their names is in the file twice: in the table, and in the index that keeps it unique. Without what the wall
# clock showed, a boot's events count as new (see `Boot.wall_s`).


class Boot(NamedTuple):
    """One boot of the machine."""

    id: str
    wall_s: float
    """What the wall clock showed when the monotonic one showed 0, as that boot knew it last; infinity: it did not."""


class Row(NamedTuple):
    """One event as it is written."""

    id: int
    boot: Boot
    added_s: float
    """On the monotonic clock of that boot."""
    payload: str
    checksum: int
    destination: str


@dataclass
class Copied:
    """What became of the rows of a damaged file."""

    saved: set[int] = field(default_factory=set)
    """Ids of the rows that are whole."""

    lost: set[int] = field(default_factory=set)
    """Ids of those that are not, as far as they are known."""


def checksum(payload: bytes) -> int:
    """Return what is kept of an event's UTF-8 JSON to notice that it is damaged."""
    return zlib.crc32(payload)


def whole_rows(db: sqlite3.Connection, copied: Copied) -> Iterator[Row]:
    """Return the rows that can be read and are whole, and note all others.

    Where a page of the file is destroyed, reading goes on behind it: past one id after the other until one can be read.

    Args:
        db: The database, however damaged.
        copied: Gets the ids.
    """
    boots = _table(db, _BOOTS)
    destinations = _table(db, _DESTINATIONS)
    low, high = 0, HIGHEST_ID - 1
    for question in _FIRST, _LAST:
        up = question is _FIRST
        skipped: list[int] = []
        beside = False  # whether there is a readable row before the hole
        while len(skipped) < _HOLE:
            number = low if up else high
            try:
                found = _next(db, question, low, high)
            except sqlite3.DatabaseError:
                skipped.append(number)
            else:
                copied.lost.update(skipped if beside else skipped[-_ON_A_PAGE:])
                skipped, beside = [], True
                if not found:
                    return
                number, boot, added_s, payload, crc, destination = found
                row = _row(number, boots.get(boot), added_s, payload, crc, destinations.get(destination))
                (copied.saved if row else copied.lost).add(number)
                if row:
                    yield row
            low, high = (number + 1, high) if up else (low, number - 1)
        if beside:
            copied.lost.update(skipped[:_ON_A_PAGE])
        if up:
            low = skipped[0]


def _next(db: sqlite3.Connection, question: str, low: int, high: int) -> tuple[Any, ...] | None:
    found: tuple[Any, ...] | None = db.execute(question, (low, high)).fetchone()
    if found and not low <= found[0] <= high:
        message = "pages are out of order"
        raise sqlite3.DatabaseError(message)
    return found


def _table(db: sqlite3.Connection, questions: Iterable[str]) -> dict[object, tuple[Any, ...]]:
    """Return the rows of a small table by their numbers, as far as they can be read; later answers are the better."""
    found: dict[object, tuple[Any, ...]] = {}
    for question in questions:
        with suppress(sqlite3.DatabaseError):
            found.update((number, tuple(rest)) for number, *rest in db.execute(question))
    return found


def _row(number: int, boot: object, added_s: object, payload: object, crc: object, destination: object) -> Row | None:
    match boot, added_s, payload, crc, destination:
        case (str(name), float(wall_s)), float(), bytes(), int(), (str(place),) if checksum(payload) == crc:
            if math.isfinite(added_s):
                return Row(number, Boot(name, wall_s), added_s, payload.decode(), crc, place)
    return None
