"""Store and forward: an event stays here until the broker has acknowledged it."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.config import OutboxConfig

WINDOW = 20
"""Events that may be on their way at once. More would only be sent twice after a lost connection."""


@dataclass(frozen=True)
class Entry:
    """One event on its way."""

    sequence: int
    """Counts what was put into this outbox from 0."""

    payload: str
    """JSON."""

    captured_s: float
    """When its frame was captured, on the clock of the outbox."""

    added_s: float
    """When it was put in, on the same clock."""


class Outbox:
    """Events in order, bounded by count and age. Every method may be called from any thread, and none waits.

    The window of events that were sent but not acknowledged is kept here and
    not in the MQTT library, whose queue knows no age and refuses the newest
    instead of the oldest.
    """

    def __init__(self, config: OutboxConfig, clock: Callable[[], float] = time.monotonic) -> None:
        """Start empty.

        Args:
            config: The bounds.
            clock: Seconds on a clock that never jumps.
        """
        self._max_events = config.max_events
        self._max_age_s = config.max_age_h * 3600
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[int, Entry] = OrderedDict()
        self._in_flight: set[int] = set()
        self._added = 0
        self._next = 0  # the first that was not sent on this connection
        self._dropped = 0

    def add(self, payload: str, captured_s: float) -> int:
        """Put an event in as the newest; the oldest may have to go. Gives its sequence."""
        with self._lock:
            now = self._clock()
            sequence = self._added
            self._entries[sequence] = Entry(sequence, payload, captured_s, now)
            self._added += 1
            self._drop(now)
            return sequence

    def take(self, window: int = WINDOW) -> list[Entry]:
        """Give the events to be sent now, oldest first, each once until `rewind`.

        Args:
            window: Events that may be sent but not acknowledged at once.
        """
        with self._lock:
            self._drop(self._clock())
            taken = []
            while len(self._in_flight) < window and self._next < self._added:
                entry = self._entries.get(self._next)
                self._next += 1
                if entry:  # else it was acknowledged on an earlier connection
                    self._in_flight.add(entry.sequence)
                    taken.append(entry)
            return taken

    def acknowledge(self, sequence: int) -> Entry | None:
        """Let an event go: the broker has it. None where it was dropped before."""
        with self._lock:
            self._in_flight.discard(sequence)
            return self._entries.pop(sequence, None)

    def rewind(self) -> None:
        """Forget what was sent: a new connection sends everything unacknowledged again, in order."""
        with self._lock:
            self._in_flight.clear()
            self._next = next(iter(self._entries), self._added)

    @property
    def depth(self) -> int:
        """Events that are not acknowledged."""
        with self._lock:
            self._drop(self._clock())
            return len(self._entries)

    @property
    def dropped(self) -> int:
        """Events given up because there were too many or they were too old."""
        with self._lock:
            self._drop(self._clock())
            return self._dropped

    def _drop(self, now: float) -> None:
        while self._entries:
            sequence, oldest = next(iter(self._entries.items()))
            if len(self._entries) <= self._max_events and now - oldest.added_s <= self._max_age_s:
                return
            # It stays in flight where it was sent: the broker still owes an answer, and the window counts those.
            del self._entries[sequence]
            self._dropped += 1
            self._next = max(self._next, sequence + 1)
