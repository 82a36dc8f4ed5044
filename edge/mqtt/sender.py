"""What goes out over a connection: retained topics, replies and events, and which of them has arrived."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from edge.mqtt.message import Outgoing
from edge.mqtt.pending import PendingMessages

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.mqtt.connection import Connection
    from edge.mqtt.outbox.queue import Outbox
    from edge.wire.topics import Topic, Topics

_LATENCIES = 1000


class Sender:
    """Takes messages from any thread, and sends them in the one that drives the connection."""

    def __init__(self, topics: Topics, outbox: Outbox, clock: Callable[[], float]) -> None:
        """Have ``online`` sent first.

        Args:
            topics: The device's.
            outbox: Where events wait for the broker.
            clock: The clock on which frames are captured.
        """
        self.topics = topics
        self._outbox, self._clock = outbox, clock
        self.pending = PendingMessages()
        self.pending.keep(Outgoing.on(topics.availability, "online"))
        self._lock = threading.Lock()  # over the latencies; held for a moment only
        self._latencies: deque[float] = deque(maxlen=_LATENCIES)

    def keep(self, topic: Topic, payload: str) -> None:
        """Have this sent as what is so now, also on later connections."""
        self.pending.keep(Outgoing.on(topic, payload))

    def send(self, connection: Connection, *, events: bool) -> None:
        """Send what may be sent: each retained topic when its last message has arrived, events as the window allows."""
        for message in self.pending.collect(connection.room, connection.unsettled.values()):
            connection.publish(message)
        for entry in self._outbox.take(connection.window) if events else ():
            connection.publish(Outgoing.on(self.topics.event, entry.payload), entry.sequence)

    def rewind(self) -> None:
        """Prepare for a new connection, on which every event that has not arrived is sent again."""
        self._outbox.rewind()

    @property
    def waiting(self) -> int:
        """Events that have not arrived."""
        return self._outbox.depth

    def drained(self, connection: Connection) -> bool:
        """Return whether nothing is left to send or to arrive."""
        return not self.pending.waits() and not connection.unsettled and self._outbox.depth == 0

    def said_offline(self, connection: Connection) -> bool:
        """Return whether the broker has the last message to `availability`."""
        topic = self.topics.availability
        return not self.pending.waits(topic) and topic not in connection.unsettled.values()

    def acknowledged(self, sequence: int) -> None:
        """Note that the broker has an event."""
        if entry := self._outbox.acknowledge(sequence):
            with self._lock:
                self._latencies.append((self._clock() - entry.captured_s) * 1000)

    @property
    def latencies(self) -> tuple[float, ...]:
        """Milliseconds from capture to the broker's acknowledgement, of the newest 1000 events, oldest first."""
        with self._lock:
            return tuple(self._latencies)
