"""Who is next: the order in which waiting events are sent."""

from __future__ import annotations

from collections import OrderedDict, deque
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

HEAD_START_S = 1.0
"""Seconds on each connection for which what earlier sessions left goes before this session's events: about 5,000
events, so that sessions seldom mix. Beyond it both take turns: a long backlog delays a live event no further."""


class Line:
    """Sequences in order: each waits for the one before it."""

    def __init__(self) -> None:
        """Start empty."""
        self.added_s: OrderedDict[int, float] = OrderedDict()
        """When each event that waits was added, by its sequence, oldest first."""
        self._unsent: deque[int] = deque()

    def append(self, sequence: int, added_s: float) -> None:
        """Add an event as the newest."""
        self.added_s[sequence] = added_s
        self._unsent.append(sequence)

    def remove(self, sequence: int) -> None:
        """Remove an event that waits."""
        del self.added_s[sequence]
        self.next()  # so that what was dropped unsent does not pile up

    def next(self) -> int | None:
        """Return the oldest event that was not sent; None: there is none."""
        while self._unsent and self._unsent[0] not in self.added_s:
            self._unsent.popleft()
        return self._unsent[0] if self._unsent else None

    def send(self) -> None:
        """Note that the event that `next` returns is sent."""
        self._unsent.popleft()

    def rewind(self) -> None:
        """Have every event that waits sent again."""
        self._unsent = deque(self.added_s)

    def ahead(self, most: int) -> Iterator[int]:
        """Return the events that are sent next, in order."""
        return (sequence for sequence in islice(self._unsent, most) if sequence in self.added_s)


class Earlier(Enum):
    """What is known of the events that earlier sessions left."""

    UNREAD = "the file is being read"
    READ = "all are in line"


class Lines:
    """Three lines, and whose turn it is. Not thread-safe: `EventQueue` locks.

    - backlog: what earlier sessions left for this broker,
    - live: this session's events,
    - parked: what earlier sessions left for other brokers, which is not sent.
    """

    def __init__(self, earlier: Earlier) -> None:
        """Start empty."""
        self.backlog, self.live, self.parked = Line(), Line(), Line()
        self.earlier = earlier
        self._all = self.backlog, self.live, self.parked
        self._sent = self.backlog, self.live
        self._passed_s: float | None = None  # when the first live event of this connection let the backlog pass
        self._live_is_next = True

    def __len__(self) -> int:
        """Return how many events wait."""
        return sum(len(line.added_s) for line in self._all)

    def __iter__(self) -> Iterator[int]:
        """Return the sequences of all that wait."""
        return (sequence for line in self._all for sequence in line.added_s)

    def of(self, sequence: int) -> Line | None:
        """Return the line in which an event waits; None: it does not."""
        return next((line for line in self._all if sequence in line.added_s), None)

    @property
    def oldest(self) -> Line:
        """The line with the event that was added first. Something must wait."""
        return min((line for line in self._all if line.added_s), key=lambda line: next(iter(line.added_s)))

    def rewind(self) -> None:
        """Have everything sent again, on a new connection."""
        for line in self._sent:
            line.rewind()
        self._passed_s = None

    def ahead(self, most: int) -> Iterator[int]:
        """Return what is sent next of each line."""
        return (sequence for line in self._sent for sequence in line.ahead(most))

    def send(self, now_s: float, loaded: Container[int]) -> int | None:
        """Return the event that is sent now, and note that it is.

        Args:
            now_s: The time, on a clock that never jumps.
            loaded: The events in memory; one that is not must come from the disk first.

        Returns:
            Its sequence; None: nothing waits, or the next event is on the disk.
        """
        for line in self._turn(now_s):
            sequence = line.next()
            if sequence is not None and sequence in loaded:
                line.send()
                return sequence
        return None

    def _turn(self, now_s: float) -> tuple[Line, ...]:
        """Return the lines that may send now, the one whose turn it is first."""
        if self.live.next() is None:
            return (self.backlog,)
        if self.backlog.next() is None and self.earlier is Earlier.READ:
            return (self.live,)
        if self._passed_s is None:
            self._passed_s = now_s
        if now_s - self._passed_s < HEAD_START_S:
            return (self.backlog,)
        self._live_is_next = not self._live_is_next
        return (self.live, self.backlog) if self._live_is_next else (self.backlog, self.live)
