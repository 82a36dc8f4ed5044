"""The values that go into and out of the outbox, and between its parts."""

from __future__ import annotations

from dataclasses import dataclass

WINDOW = 20
"""Events that may be on their way at once. More would only be sent twice after a lost connection."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event that waits."""

    sequence: int
    """Counts what was added to this outbox from 0. What earlier sessions left has negative ones."""

    payload: str
    """JSON."""

    captured_s: float
    """When its frame was captured, on the clock of the outbox; for events of earlier sessions, when it was added."""

    added_s: float
    """When it was added, on the same clock."""


@dataclass(frozen=True)
class OutboxStatus:
    """How many events wait, and how many are lost."""

    depth: int = 0
    """Events for this broker that are not acknowledged."""

    dropped: int = 0
    """Events given up since the start: too many, too old, too large for the broker, or lost with the file."""

    for_other_brokers: int = 0
    """Events that wait until the broker that they were made for is configured again."""


@dataclass(frozen=True)
class DiskTask:
    """What there is to do for the disk."""

    save: list[Entry]
    """Events in memory alone that have waited for long enough."""

    erase: list[int]
    """Sequences on the disk that no longer wait."""

    load: dict[int, float]
    """What is sent next and is on the disk alone: when each was added, by its sequence."""

    oldest_unsaved_s: float | None
    """When the oldest event that is in memory alone was added."""
