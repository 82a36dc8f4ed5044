"""Store and forward: an event stays here until the broker has acknowledged it."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict, deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from edge.config import OutboxConfig

_LOG = logging.getLogger(__name__)

WINDOW = 20
"""Events that may be on their way at once. More would only be sent twice after a lost connection."""

AHEAD = 200
"""Events that wait on the disk but are kept in memory too: those that are sent next."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event on its way."""

    sequence: int
    """Counts what was put into this outbox from 0. What an earlier life left has negative ones, and goes first."""

    payload: str
    """JSON."""

    captured_s: float
    """When its frame was captured, on the clock of the outbox; when it was put in, where that was forgotten."""

    added_s: float
    """When it was put in, on the same clock."""


def _nobody() -> None:
    """Listen to nothing."""


class Outbox:
    """Events in order, bounded by count and age. Every method may be called from any thread, and none waits.

    The window of events that were sent but not acknowledged is kept here and
    not in the MQTT library, whose queue knows no age and refuses the newest
    instead of the oldest.

    This is the part in memory; `edge.mqtt.outbox.spill` moves to the disk what waits
    for long, and brings it back when its turn comes.
    """

    def __init__(self, config: OutboxConfig, clock: Callable[[], float] = time.monotonic) -> None:
        """Start empty.

        Args:
            config: The bounds.
            clock: Seconds on a clock that never jumps.
        """
        self._max_events = config.max_events
        self._max_age_s = config.max_age_h * 3600
        self.clock = clock
        self._lock = threading.Lock()
        self._added_s: OrderedDict[int, float] = OrderedDict()  # every event that waits
        self._loaded: dict[int, Entry] = {}  # those in memory; the others are on the disk alone
        self._unsaved: OrderedDict[int, None] = OrderedDict()  # those in memory alone
        self._obsolete: list[int] = []  # on the disk, but no longer waiting
        self._unsent: deque[int] = deque()  # not sent on this connection
        self._in_flight: set[int] = set()
        self._added = self._dropped = 0
        self._held = self._told = False
        self.on_change: Callable[[], None] = _nobody
        """Called when there may be something to do for the disk. It must not call back."""

        self.on_ready: Callable[[], None] = _nobody
        """Called when `take` may have more because it came from the disk. It must not call back."""

    def add(self, payload: str, captured_s: float) -> int:
        """Put an event in as the newest; the oldest may have to go. Gives its sequence."""
        with self._lock:
            now = self.clock()
            sequence = self._added
            self._added += 1
            self._added_s[sequence] = now
            self._loaded[sequence] = Entry(sequence, payload, captured_s, now)
            self._unsaved[sequence] = None
            self._unsent.append(sequence)
            self._drop(now)
            first = len(self._unsaved) == 1
        if first:  # whoever saves is asleep; otherwise it knows when to wake
            self.on_change()
        return sequence

    def take(self, window: int = WINDOW) -> list[Entry]:
        """Give the events to be sent now, oldest first, each once until `rewind`.

        Args:
            window: Events that may be sent but not acknowledged at once.
        """
        with self._lock:
            self._drop(self.clock())
            taken: list[Entry] = []
            while self._unsent and len(self._in_flight) < window and not self._held:
                entry = self._loaded.get(self._unsent[0])
                if entry is None and self._unsent[0] in self._added_s:
                    break  # until it comes from the disk: the order holds
                self._unsent.popleft()
                if entry:
                    self._in_flight.add(entry.sequence)
                    taken.append(entry)
            hungry = bool(self._missing(AHEAD // 2))
        if hungry:
            self.on_change()
        return taken

    def acknowledge(self, sequence: int) -> Entry | None:
        """Let an event go: the broker has it. None where it was dropped before."""
        with self._lock:
            self._in_flight.discard(sequence)
            added_s = self._added_s.get(sequence)
            if added_s is None:
                return None
            first = not self._obsolete
            entry = self._forget(sequence) or Entry(sequence, "", added_s, added_s)
            first = first and bool(self._obsolete)
        if first:
            self.on_change()
        return entry

    def give_up(self, sequence: int) -> None:
        """Drop an event that was taken and that no broker takes as it is; it counts as dropped."""
        if self.acknowledge(sequence):
            with self._lock:
                self._dropped += 1

    def rewind(self) -> None:
        """Forget what was sent: a new connection sends everything unacknowledged again, in order."""
        with self._lock:
            self._in_flight.clear()
            self._unsent = deque(self._added_s)
        self.on_change()

    @property
    def depth(self) -> int:
        """Events that are not acknowledged."""
        with self._lock:
            self._drop(self.clock())
            return len(self._added_s)

    @property
    def dropped(self) -> int:
        """Events given up because there were too many, they were too old or the disk lost them."""
        with self._lock:
            self._drop(self.clock())
            return self._dropped

    def hold(self) -> None:
        """Give nothing out until `adopt` has told what an earlier life left."""
        self._held = True

    def adopt(self, added_s: dict[int, float]) -> None:
        """Put in, before everything else, what an earlier life left on the disk.

        Args:
            added_s: When each was put in, by its (negative) sequence, oldest first; on the clock of the outbox.
        """
        with self._lock:
            for sequence in reversed(added_s):
                self._added_s[sequence] = added_s[sequence]
                self._added_s.move_to_end(sequence, last=False)
                self._unsent.appendleft(sequence)
            self._held = False
            self._drop(self.clock())
        self.on_ready()

    def unsaved(self, waited_s: float, most: int) -> list[Entry]:
        """Give those in memory alone that have waited so long, oldest first.

        Args:
            waited_s: Seconds.
            most: How many at once.
        """
        with self._lock:
            now = self.clock()
            self._drop(now)
            oldest = (self._loaded[sequence] for sequence in islice(self._unsaved, most))
            return [entry for entry in oldest if now - entry.added_s >= waited_s]

    @property
    def oldest_unsaved_s(self) -> float | None:
        """When the oldest that is in memory alone was put in."""
        with self._lock:
            return self._added_s[next(iter(self._unsaved))] if self._unsaved else None

    def saved(self, entries: Iterable[Entry]) -> None:
        """Note that these are on the disk; memory keeps only what is sent next."""
        with self._lock:
            keep = self._in_flight.union(islice(self._unsent, AHEAD))
            for entry in entries:
                if entry.sequence not in self._added_s:
                    self._obsolete.append(entry.sequence)  # acknowledged while it was written
                    continue
                self._unsaved.pop(entry.sequence, None)
                if entry.sequence not in keep:
                    self._loaded.pop(entry.sequence, None)

    def wanted(self) -> dict[int, float]:
        """Give what is sent next but is on the disk alone: when each was put in, by its sequence."""
        with self._lock:
            return {sequence: self._added_s[sequence] for sequence in self._missing(AHEAD)}

    def load(self, entries: Iterable[Entry]) -> None:
        """Take what was wanted back into memory."""
        with self._lock:
            self._loaded.update({entry.sequence: entry for entry in entries if entry.sequence in self._added_s})
        self.on_ready()

    @property
    def obsolete(self) -> list[int]:
        """Those on the disk that need not be there any more."""
        with self._lock:
            return list(self._obsolete)

    def erased(self, sequences: Iterable[int]) -> None:
        """Note that these are off the disk."""
        with self._lock:
            erased = set(sequences)
            self._obsolete = [sequence for sequence in self._obsolete if sequence not in erased]

    def lose(self, sequences: Iterable[int]) -> int:
        """Note that the disk cannot give these back; gives how many are lost with that."""
        with self._lock:
            lost = self._lose([sequence for sequence in sequences if sequence in self._added_s])
        self.on_ready()
        return lost

    def confirm(self, present: Collection[int]) -> int:
        """Compare with what the disk has after all; gives how many are lost because it has them no longer.

        Args:
            present: The sequences there. None where the disk had to begin anew.
        """
        with self._lock:
            self._obsolete = [sequence for sequence in present if sequence not in self._added_s]
            lost = self._lose([s for s in self._added_s if s not in self._unsaved and s not in present])
        self.on_ready()
        return lost

    def _lose(self, absent: list[int]) -> int:
        again = [sequence for sequence in absent if sequence in self._loaded]
        lost = len(absent) - len(again)
        for sequence in absent:
            if sequence not in self._loaded:
                del self._added_s[sequence]
        self._dropped += lost
        self._unsaved = OrderedDict.fromkeys(sorted({*again, *self._unsaved}))  # what memory has is saved again
        return lost

    def _missing(self, ahead: int) -> list[int]:
        """Give which of the next are on the disk alone."""
        if len(self._loaded) == len(self._added_s):
            return []
        soon = islice(self._unsent, ahead)
        return [sequence for sequence in soon if sequence in self._added_s and sequence not in self._loaded]

    def _forget(self, sequence: int) -> Entry | None:
        del self._added_s[sequence]
        if sequence in self._unsaved:
            del self._unsaved[sequence]
        else:
            self._obsolete.append(sequence)
        return self._loaded.pop(sequence, None)

    def _drop(self, now: float) -> None:
        while self._added_s:
            sequence, added_s = next(iter(self._added_s.items()))
            full, old = len(self._added_s) > self._max_events, now - added_s > self._max_age_s
            if not full and not old:
                return
            # It stays in flight where it was sent: the broker still owes an answer, and the window counts those.
            self._forget(sequence)
            if self._unsent and self._unsent[0] == sequence:
                self._unsent.popleft()
            self._dropped += 1
            if not self._told:
                self._told = True
                bound = f"max_events = {self._max_events}" if full else f"max_age_h = {self._max_age_s / 3600:g}"
                _LOG.warning("events wait beyond outbox.%s: from now on the oldest are dropped", bound)
        self._told = False
