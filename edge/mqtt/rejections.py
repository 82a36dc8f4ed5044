"""Find the message for which a broker closes the connection, and withhold it.

MQTT 3.1.1 gives a broker no other way to refuse a message that is too large or not allowed, and some brokers do the
same under MQTT 5. Sent again on every connection, that message would end them all.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge.mqtt.outcome import End, Sent

_CLOSURES = 2
"""Connections that the broker has to close with the same message alone on its way."""

_EVENT_CLOSURES = 3
"""The same for an event that may be too large, which is dropped."""

_CAREFUL_S = 10.0
"""From a connection's beginning; by then every candidate was sent."""

_MOST_WITHHELD_S = 600.0
"""A message is tried again after `first_s`, then after twice as long each time, up to this."""

_UNRELATED = {"Server shutting down", "Server busy", "Session taken over", "Keep alive timeout", "Use another server",
             "Server moved", "Administrative action", "Connection rate exceeded", "Maximum connect time",
             "Message rate too high", "Quota exceeded", "Receive maximum exceeded"}  # fmt: skip
"""Reasons of MQTT 5 that have nothing to do with a message."""

_NOTHING = 0, float("-inf")
"""Withheld: messages of any size, until long ago."""


@dataclass(frozen=True)
class Rejection:
    """A message for which the broker closes the connection."""

    topic: str
    """As `Outgoing.kind`."""

    size: int | None
    """Packets of so many bytes and more are closed for; None: all on this topic."""


@dataclass(frozen=True)
class Candidate:
    """A message that was alone on its way when the broker closed the connection, but for other replies."""

    sent: Sent
    by_size: bool
    """Whether no packet as large had arrived."""

    explained: bool
    """Whether the broker sent a reason with its DISCONNECT, so that one closure is enough."""


class RejectionFinder:
    """Takes what was on its way when the broker closed the connection for candidates, and has them sent one by one.

    A broker that restarts closes connections as well. So a closure counts only if the broker accepts the next
    connection at the first attempt, and a message that arrives is no candidate any more.
    """

    def __init__(self, event_topic: str, clock: Callable[[], float], first_s: float) -> None:
        """Begin with no candidate.

        Args:
            event_topic: The topic of events, which wait where others are left out.
            clock: Seconds that never jump.
            first_s: Until a message is first tried again.
        """
        self._event_topic, self._clock, self._first_s = event_topic, clock, first_s
        self._candidates: dict[str, int] = {}  # size by topic
        self._candidate: Candidate | None = None
        self._closures: Counter[tuple[str, int | None]] = Counter()  # by topic, and which event
        self._found: Counter[str] = Counter()
        self._withheld: dict[str, tuple[int, float]] = {}  # by topic: from which size on, and until when
        self._arrived: set[str] = set()  # topics, on this connection
        self._proven = 0  # bytes of the largest packet that arrived on this connection
        self._answers = 0
        self._careful_until_s = 0.0

    def began(self) -> Rejection | None:
        """Note that a broker has accepted a connection; return which message ended the one before, if certain."""
        self._proven = self._answers = 0
        self._arrived.clear()
        self._careful_until_s = self._clock() + _CAREFUL_S
        candidate, self._candidate = self._candidate, None
        return self._count(candidate) if candidate else None

    def failed(self) -> None:
        """Note that the broker was not there, or did not accept a connection."""
        self._candidate = None

    @property
    def one_at_a_time(self) -> bool:
        """Whether to send one message at a time, and the next when it has arrived."""
        return bool(self._candidates) and self._clock() < self._careful_until_s

    def arrived(self, sent: Sent) -> None:
        """Note that the broker has taken, or refused, a message: it did not close the connection for it."""
        topic, size = sent.message.kind, sent.size
        self._answers += 1
        self._proven = max(self._proven, size)
        self._arrived.add(topic)
        if size >= self._candidates.get(topic, 0):
            self._candidates.pop(topic, None)
        if sent.message.reply:
            return  # that one topic is allowed says nothing of the next
        self._closures.pop((topic, sent.sequence), None)
        if size >= self._withheld.get(topic, _NOTHING)[0]:
            self._withheld.pop(topic, None)
            self._found.pop(topic, None)

    def ended(self, end: End, underway: Sequence[Sent]) -> None:
        """Note why an accepted connection is over.

        Args:
            end: Why it is over.
            underway: What was sent and not answered, in order.
        """
        self._candidate = None
        if not end.by_broker or end.code in _UNRELATED or not underway:
            return
        self._candidates = {sent.message.kind: sent.size for sent in underway}
        replies = all(sent.message.reply for sent in underway)
        if not self._answers or (len(underway) > 1 and not replies):
            return  # it may be any of them, or a broker that takes nothing at all
        by_size = underway[0].size > self._proven and not replies
        if by_size or replies or underway[0].message.kind not in self._arrived:
            self._candidate = Candidate(underway[0], by_size, bool(end.code))

    def withheld(self, topic: str, size: int) -> bool:
        """Return whether a message of this kind is not to be sent: the broker closed the connection for one like it."""
        least, until_s = self._withheld.get(topic, _NOTHING)
        return size >= least and self._clock() < until_s

    def until_s(self, topic: str) -> float:
        """Return until when messages of this kind are withheld, at least the large ones."""
        return self._withheld.get(topic, _NOTHING)[1]

    def _count(self, candidate: Candidate) -> Rejection | None:
        sent, by_size = candidate.sent, candidate.by_size
        topic = sent.message.kind
        self._closures[topic, sent.sequence] += 1
        needed = _EVENT_CLOSURES if by_size and topic == self._event_topic else _CLOSURES
        if self._closures[topic, sent.sequence] < needed and not candidate.explained and topic not in self._found:
            return None
        self._candidates.pop(topic, None)
        self._closures.clear()  # of other events on this topic too
        self._found[topic] += 1
        wait_s = min(_MOST_WITHHELD_S, self._first_s * 2.0 ** min(self._found[topic] - 1, 30))
        self._withheld[topic] = (sent.size if by_size else 0, self._clock() + wait_s)
        return Rejection(topic, sent.size if by_size else None)
