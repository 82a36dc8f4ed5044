"""Find the message for which a broker closes the connection without a word, and send it no more.

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

_STRIKES = 2
"""Connections in a row that end with the same topic alone on its way, until that counts as the reason."""

_EVENT_STRIKES = 3
"""The same for an event that may be too large, which is dropped."""

_CAREFUL_S = 10.0
"""From a connection's beginning; by then everything suspect was sent."""

WITHHELD_S = 600.0
"""Until it is tried again, which costs a connection if nothing has changed."""

_TOO_LARGE = "Packet too large"
_INNOCENT = {"Server shutting down", "Server busy", "Session taken over", "Keep alive timeout", "Use another server",
             "Server moved", "Administrative action", "Connection rate exceeded", "Maximum connect time"}  # fmt: skip
"""Reasons of MQTT 5 for which no message is to blame."""


@dataclass(frozen=True)
class Culprit:
    """A message for which the broker closes the connection."""

    topic: str
    size: int | None
    """Packets of so many bytes and more are closed for; None: all on this topic."""


class Culprits:
    """Suspects what was on its way when the broker closed the connection, and then sends it alone to be certain."""

    def __init__(self, event_topic: str, clock: Callable[[], float]) -> None:
        self._event_topic, self._clock = event_topic, clock
        self._suspects: dict[str, int] = {}  # size by topic
        self._strikes: Counter[str] = Counter()
        self._withheld: dict[str, tuple[int, float]] = {}  # by topic: from which size on, and until when
        self._proven = 0  # bytes of the largest packet that arrived on this connection
        self._answers = 0
        self._careful_until_s = 0.0

    def began(self) -> None:
        """Note that a broker has accepted a connection."""
        self._proven = self._answers = 0
        self._careful_until_s = self._clock() + _CAREFUL_S

    @property
    def careful(self) -> bool:
        """Whether to send one message at a time, and the next when it has arrived."""
        return bool(self._suspects) and self._clock() < self._careful_until_s

    def arrived(self, sent: Sent) -> None:
        """Note that the broker has taken, or refused, a message: it did not close the connection for it."""
        topic, size = sent.message.topic, sent.size
        self._answers += 1
        self._proven = max(self._proven, size)
        if size >= self._suspects.get(topic, 0):
            self._suspects.pop(topic, None)
            self._strikes.pop(topic, None)

    def ended(self, end: End, underway: Sequence[Sent]) -> Culprit | None:
        """Note why an accepted connection is over; return the message that ended it, once that is certain.

        Args:
            end: Why it is over.
            underway: What was sent and not answered, in order.
        """
        if not end.by_broker or end.told in _INNOCENT or not underway:
            return None
        self._suspects = {sent.message.topic: sent.size for sent in underway}
        if len(underway) > 1 or not self._answers:
            return None  # it may be any of them, or a broker that takes nothing at all
        topic, size = underway[0].message.topic, underway[0].size
        by_size = size > self._proven
        self._strikes[topic] += _EVENT_STRIKES if end.told == _TOO_LARGE or topic in self._withheld else 1
        if self._strikes[topic] < (_EVENT_STRIKES if by_size and topic == self._event_topic else _STRIKES):
            return None
        del self._suspects[topic]
        self._withheld[topic] = (size if by_size else 0, self._clock() + WITHHELD_S)
        return Culprit(topic, size if by_size else None)

    def withheld(self, topic: str, size: int) -> bool:
        """Return whether a message is not to be sent, because the broker closed the connection for one like it."""
        least, until_s = self._withheld.get(topic, (0, float("-inf")))
        return size >= least and self._clock() < until_s
