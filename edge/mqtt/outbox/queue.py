"""The part of the outbox that is in memory: which events wait, which are sent next, which must go to the disk."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING

from edge.mqtt.outbox.entry import WINDOW, DiskTask, Entry, OutboxStatus
from edge.mqtt.outbox.lines import Earlier, Lines

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from edge.config import OutboxConfig

log = logging.getLogger(__name__)

AHEAD = 200
"""Events of each line that wait on the disk but are kept in memory too: those that are sent next."""


def _nobody() -> None:
    """Do nothing."""


class EventQueue:
    """Events in order, bounded by count and age. Any thread may call any method; none waits for the disk.

    The window of events that were sent but not acknowledged is kept here and not in the MQTT library, whose queue
    knows no age and refuses the newest instead of the oldest.
    """

    def __init__(self, config: OutboxConfig, clock: Callable[[], float], earlier: Earlier = Earlier.READ) -> None:
        """Start empty.

        Args:
            config: The bounds.
            clock: Seconds on a clock that never jumps.
            earlier: UNREAD: `adopt` will tell what earlier sessions left.
        """
        self._max_events = config.max_events
        self.max_age_s = config.max_age_h * 3600
        """Older events are dropped."""
        self._clock = clock
        self._lock = threading.Lock()
        self._lines = Lines(earlier)
        self._loaded: dict[int, Entry] = {}  # those in memory; the others are on the disk alone
        self._unsaved: OrderedDict[int, None] = OrderedDict()  # those in memory alone
        self._obsolete: list[int] = []  # on the disk, but no longer waiting
        self._in_flight: set[int] = set()
        self._added = self._dropped = 0
        self._told = False
        self.on_task: Callable[[], None] = _nobody
        """Called when there may be something to do for the disk. It must not call back."""
        self.on_ready: Callable[[], None] = _nobody
        """Called when `take` may have more because it came from the disk. It must not call back."""

    def add(self, payload: str, captured_s: float) -> int:
        """Add an event as the newest; the oldest may have to go. Return its sequence."""
        with self._lock:
            now = self._clock()
            sequence = self._added
            self._added += 1
            self._lines.live.append(sequence, now)
            self._loaded[sequence] = Entry(sequence, payload, captured_s, now)
            self._unsaved[sequence] = None
            self._drop(now)
            first = len(self._unsaved) == 1
        if first:  # the writer sleeps; otherwise it knows when to wake
            self.on_task()
        return sequence

    def take(self, window: int = WINDOW) -> list[Entry]:
        """Return the events to be sent now, each once until `rewind`.

        Args:
            window: Events that may be sent but not acknowledged at once.
        """
        with self._lock:
            now = self._clock()
            self._drop(now)
            taken: list[Entry] = []
            while len(self._in_flight) < window and (sequence := self._lines.send(now, self._loaded)) is not None:
                self._in_flight.add(sequence)
                taken.append(self._loaded[sequence])
            hungry = bool(self._missing(AHEAD // 2))
        if hungry:
            self.on_task()
        return taken

    def acknowledge(self, sequence: int) -> Entry | None:
        """Remove an event that the broker has, and return it. None: it was dropped before."""
        with self._lock:
            self._in_flight.discard(sequence)
            line = self._lines.of(sequence)
            if line is None:
                return None
            added_s, idle = line.added_s[sequence], not self._obsolete
            entry = self._forget(sequence) or Entry(sequence, "", added_s, added_s)
            first = idle and bool(self._obsolete)
        if first:
            self.on_task()
        return entry

    def give_up(self, sequence: int) -> None:
        """Drop an event that was taken and that no broker takes as it is."""
        if self.acknowledge(sequence):
            with self._lock:
                self._dropped += 1

    def rewind(self) -> None:
        """Forget what was sent: a new connection sends everything unacknowledged again, in order."""
        with self._lock:
            self._in_flight.clear()
            self._lines.rewind()
        self.on_task()

    @property
    def is_sending(self) -> bool:
        """Whether an event is on its way to a broker, whose answer may come."""
        with self._lock:
            return bool(self._in_flight)

    @property
    def status(self) -> OutboxStatus:
        """How many events wait, and how many are lost."""
        with self._lock:
            self._drop(self._clock())
            parked = len(self._lines.parked.added_s)
            return OutboxStatus(len(self._lines) - parked, self._dropped, parked)

    def task(self, waited_s: float, most: int) -> DiskTask:
        """Return what there is to do for the disk.

        Args:
            waited_s: Seconds that an event in memory must have waited to be saved.
            most: Events to be saved at once.
        """
        with self._lock:
            now = self._clock()
            self._drop(now)
            oldest = [self._loaded[sequence] for sequence in islice(self._unsaved, most)]
            return DiskTask(
                save=[entry for entry in oldest if now - entry.added_s >= waited_s],
                erase=list(self._obsolete),
                load=self._missing(AHEAD),
                oldest_unsaved_s=oldest[0].added_s if oldest else None,
            )

    def saved(self, entries: Iterable[Entry], erased: Iterable[int]) -> None:
        """Note what is on the disk now, and what no longer is; memory keeps only what is sent next."""
        with self._lock:
            gone = set(erased)
            self._obsolete = [sequence for sequence in self._obsolete if sequence not in gone]
            keep = self._in_flight.union(self._lines.ahead(AHEAD))
            for entry in entries:
                if self._lines.of(entry.sequence) is None:
                    self._obsolete.append(entry.sequence)  # acknowledged while it was written
                    continue
                self._unsaved.pop(entry.sequence, None)
                if entry.sequence not in keep:
                    self._loaded.pop(entry.sequence, None)

    def loaded(self, entries: Iterable[Entry], broken: Iterable[int]) -> int:
        """Take events back into memory; return how many are lost because the disk does not have them whole."""
        with self._lock:
            self._loaded.update({entry.sequence: entry for entry in entries if self._lines.of(entry.sequence)})
            lost = self._lose([sequence for sequence in broken if self._lines.of(sequence)])
        self.on_ready()
        return lost

    def adopt(self, added_s: Iterable[tuple[int, float, bool]], earlier: Earlier) -> None:
        """Put in line what earlier sessions left on the disk.

        Args:
            added_s: In order, each event's sequence (negative), when it was added on the clock of the outbox, and
                whether it is for this broker.
            earlier: READ: nothing more will come.
        """
        with self._lock:
            for sequence, when_s, ours in added_s:
                (self._lines.backlog if ours else self._lines.parked).append(sequence, when_s)
            self._lines.earlier = earlier
            self._drop(self._clock())
        self.on_ready()

    def reconcile(self, present: Collection[int]) -> int:
        """Compare with what the disk has after all; return how many events are lost because it has them no longer.

        Args:
            present: The sequences there. None where the disk had to begin anew.
        """
        with self._lock:
            self._obsolete = [sequence for sequence in present if self._lines.of(sequence) is None]
            lost = self._lose([s for s in self._lines if s not in self._unsaved and s not in present])
        self.on_ready()
        return lost

    def lose(self, count: int) -> int:
        """Count events that are lost with the disk before they were in line; return how many that can be at most."""
        with self._lock:
            count = min(count, self._max_events)
            self._dropped += count
        return count

    def _lose(self, absent: list[int]) -> int:
        again = [sequence for sequence in absent if sequence in self._loaded]
        for sequence in absent:
            if sequence not in self._loaded and (line := self._lines.of(sequence)):
                line.remove(sequence)
        self._unsaved = OrderedDict.fromkeys(sorted({*again, *self._unsaved}))  # what memory has is saved again
        lost = len(absent) - len(again)
        self._dropped += lost
        return lost

    def _missing(self, ahead: int) -> dict[int, float]:
        """Return which of the next events are on the disk alone."""
        lines = self._lines
        if len(self._loaded) == len(lines) - len(lines.parked.added_s):
            return {}
        soon = [sequence for sequence in lines.ahead(ahead) if sequence not in self._loaded]
        return {sequence: line.added_s[sequence] for sequence in soon if (line := lines.of(sequence))}

    def _forget(self, sequence: int) -> Entry | None:
        if line := self._lines.of(sequence):
            line.remove(sequence)
        if sequence in self._unsaved:
            del self._unsaved[sequence]
        else:
            self._obsolete.append(sequence)
        return self._loaded.pop(sequence, None)

    def _drop(self, now: float) -> None:
        """Drop the oldest events beyond the bounds."""
        while self._lines:
            sequence, added_s = next(iter(self._lines.oldest.added_s.items()))
            full, old = len(self._lines) > self._max_events, now - added_s > self.max_age_s
            if not full and not old:
                return
            # It stays in flight where it was sent: the broker still owes an answer, and the window counts those.
            self._forget(sequence)
            self._dropped += 1
            if not self._told:
                self._told = True
                bound = f"max_events = {self._max_events}" if full else f"max_age_h = {self.max_age_s / 3600:g}"
                log.warning("events wait beyond outbox.%s: from now on the oldest are dropped", bound)
        self._told = False
