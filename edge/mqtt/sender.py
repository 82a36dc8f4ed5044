"""What goes out over a connection: retained topics, replies and events, as far as the broker takes them."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge.mqtt.limits import packet_bytes
from edge.mqtt.message import Outgoing
from edge.mqtt.pending import PendingMessages
from edge.mqtt.rejections import RejectionFinder
from edge.wire.messages import Box, Face, FaceEvent, FrameSize

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.mqtt.broker_status import BrokerStatus
    from edge.mqtt.connection import Connection
    from edge.mqtt.limits import BrokerLimits
    from edge.mqtt.outbox import Outbox
    from edge.mqtt.outcome import End, Sent
    from edge.wire.topics import Topic, Topics

_LATENCIES = 1000

_OVER_QUOTA = "quota exceeded"
_OVER_QUOTA_S = 5.0
"""Until a message is sent again that a broker refused as one too many."""

_PASSING = {_OVER_QUOTA, "unspecified error", "implementation specific error"}
"""Refusals that are not about a topic: the same message may be taken later."""


class Sender:
    """Takes messages from any thread, and sends them in the one that drives the connection."""

    def __init__(
        self,
        topics: Topics,
        outbox: Outbox,
        status: BrokerStatus,
        limits: BrokerLimits,
        clock: Callable[[], float],
        refused_s: float,
    ) -> None:
        """Have ``online`` sent first.

        Args:
            topics: The device's.
            outbox: Where events wait for the broker.
            status: Logs what the broker does not take.
            limits: What the broker takes.
            clock: The clock on which frames are captured.
            refused_s: Seconds until an event is tried again, after the broker has refused one.
        """
        self.topics, self.pending = topics, PendingMessages()
        self.pending.keep(Outgoing.on(topics.availability, "online"))
        self.published: set[str] = set()
        """The device's topics on which the broker has taken a message on this connection."""
        self.status, self.limits = status, limits
        self._outbox, self._clock = outbox, clock
        self._refused_s = refused_s
        self._smallest_event = Outgoing.on(topics.event, _smallest_event(topics.device))
        self._rejections = RejectionFinder(topics.event, clock, refused_s)
        self._least_bytes = 0
        self._held_until_s: float | None = None
        self._probing = self._catching_up = False
        self._lock = threading.Lock()  # over the latencies; held for a moment only
        self._latencies: deque[float] = deque(maxlen=_LATENCIES)

    def keep(self, topic: Topic, payload: str) -> None:
        """Have this sent as what is so now, also on later connections."""
        self.pending.keep(Outgoing.on(topic, payload))

    def prepare(self) -> None:
        """Prepare for a new connection, on which every event that has not arrived is sent again."""
        self._outbox.rewind()

    def begin(self, connection: Connection) -> None:
        """Note that the broker has accepted the connection: everything retained is sent again."""
        self._least_bytes = packet_bytes(self._smallest_event, mqtt5=connection.mqtt5)
        if not self.limits.fits(self._least_bytes):
            self.status.nothing_fits(self.limits)
        self.pending.drop_live()
        self.pending.again()  # availability is the first
        self.published.clear()
        if rejection := self._rejections.began():
            self.status.found(rejection)
            if rejection.topic == self.topics.event and rejection.size is None:
                self._probing = True
                self.status.events_refused(
                    f"the broker closes the connection for what is published to {rejection.topic}"
                )
        if self._held_until_s is not None:  # the broker may have been fixed: try one event
            self._held_until_s, self._probing = None, True

    def send(self, connection: Connection, *, events: bool) -> None:
        """Send what may be sent: each retained topic when its last message has arrived, events as the window allows."""
        alone = self._rejections.one_at_a_time
        room = int(not connection.underway) if alone else connection.room
        topics = [sent.message.topic for sent in connection.underway if sent.sequence is None]
        for message in self.pending.collect(room, topics, self._clock()):
            self._publish(connection, message, alone=alone)
        if events and self._may_send_events(connection):
            window = 1 if alone or self._probing else connection.window
            if not (alone and connection.underway):
                self._send_events(connection, window)
        connection.confirm()

    def ended(self, end: End, underway: list[Sent], *, accepted: bool) -> None:
        """Note why a connection, or an attempt at one, is over, and what was on its way then."""
        if accepted:
            self._rejections.ended(end, underway)
        else:
            self._rejections.failed()

    def arrived(self, sent: Sent) -> None:
        """Note that the broker has a message."""
        self._rejections.arrived(sent)
        if not sent.message.reply:
            self.published.add(sent.message.topic)
        if sent.sequence is None or self._held_until_s is not None:
            return  # what was sent together with a refused event is sent again after it, in order
        entry = self._outbox.acknowledge(sent.sequence)
        self._catching_up = self._catching_up and self._outbox.status.depth > 0
        self._probing = self._catching_up
        if not self._catching_up:
            self.status.event_taken()
        if entry:
            with self._lock:
                self._latencies.append((self._clock() - entry.captured_s) * 1000)

    def refused(self, sent: Sent, reason: str) -> None:
        """Note that the broker refuses a message: a topic that it denies costs that topic."""
        self._rejections.arrived(sent)
        topic = sent.message.topic
        again_s = self._clock() + (min(_OVER_QUOTA_S, self._refused_s) if reason == _OVER_QUOTA else self._refused_s)
        if sent.sequence is not None:
            # For a while no event, then one to see whether it is taken now.
            self._held_until_s = again_s
            self._catching_up |= reason in _PASSING  # one at a time: none behind it arrives before it
            self.status.events_refused(reason)
        elif sent.message.reply:
            self.status.reply_refused(topic, reason)
        elif reason in _PASSING:
            self.pending.postpone(topic, again_s)
            self.status.topic_refused(topic, reason)
        else:
            self.status.topic_denied(topic, reason)

    def drained(self, connection: Connection) -> bool:
        """Return whether nothing is left to send or to arrive."""
        return not self.pending.waits() and not connection.underway and self._outbox.status.depth == 0

    def said_offline(self, connection: Connection) -> bool:
        """Return whether the broker has the last message to `availability`."""
        topic = self.topics.availability
        return not self.pending.waits(topic) and all(sent.message.topic != topic for sent in connection.underway)

    @property
    def waiting(self) -> int:
        """Events that have not arrived."""
        return self._outbox.status.depth

    @property
    def latencies(self) -> tuple[float, ...]:
        """Milliseconds from capture to the broker's acknowledgement, of the newest 1000 events, oldest first."""
        with self._lock:
            return tuple(self._latencies)

    def _publish(self, connection: Connection, message: Outgoing, *, alone: bool) -> None:
        if alone and not message.qos:
            message = replace(message, qos=1)
        message = self.limits.adapt(message)
        if self._fits(connection, message):
            connection.publish(message)
        elif (until_s := self._rejections.until_s(message.kind)) > self._clock():
            self.pending.postpone(message.topic, until_s)

    def _send_events(self, connection: Connection, window: int) -> None:
        for entry in self._outbox.take(window):
            message = self.limits.adapt(Outgoing.on(self.topics.event, entry.payload))
            if self._fits(connection, message):
                connection.publish(message, entry.sequence)
            else:
                self._outbox.give_up(entry.sequence)

    def _fits(self, connection: Connection, message: Outgoing) -> bool:
        """Return whether the broker takes a message of this size, and log where it does not."""
        size = packet_bytes(message, mqtt5=connection.mqtt5)
        if not self.limits.fits(size):
            self.status.too_large(message.kind, size, self.limits)
            return False
        return not self._rejections.withheld(message.kind, size)

    def _may_send_events(self, connection: Connection) -> bool:
        if not self.limits.fits(self._least_bytes) or self._rejections.withheld(self.topics.event, self._least_bytes):
            return False
        if self._held_until_s is None:
            return True
        # In order: not before all that was sent together with the refused one is answered.
        if self._clock() < self._held_until_s or any(sent.sequence is not None for sent in connection.underway):
            return False
        self._outbox.rewind()
        self._held_until_s, self._probing = None, True
        return True


def _smallest_event(device: str) -> str:
    """Return the JSON of an event as small as a camera of 640 x 480 gives them, with the shortest of usual labels."""
    one = Face(id=1, box=Box(x=10, y=10, width=100, height=100), frame=FrameSize(width=640, height=480))
    return FaceEvent(
        device=device,
        session="0" * 26,
        type="gone",
        sequence=0,
        captured_at=datetime.fromtimestamp(0, UTC),
        face=one,
        emotion="sad",
        confidence=0.5,
        lasted_s=1.5,
    ).to_json()
