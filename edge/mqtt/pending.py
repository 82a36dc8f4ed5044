"""What waits to be published, beside the events: the newest of each retained topic, and what is sent once."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from edge.mqtt.message import Outgoing

_MOST_LIVE = 4
"""Messages that are worthless when they are late; older ones are dropped."""

_AT_ONCE = float("-inf")

_MOST_ONCE = 32
"""Messages sent once that may wait; the oldest are dropped. Nobody waits an hour for an answer."""


class PendingMessages:
    """Filled by any thread, collected by the one that publishes. No call waits for more than a moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._retained: dict[str, Outgoing] = {}
        self._unsent: dict[str, float] = {}  # retained topics, in order, and from when on each may be sent
        self._once: deque[Outgoing] = deque(maxlen=_MOST_ONCE)
        self._live: deque[Outgoing] = deque(maxlen=_MOST_LIVE)

    def keep(self, message: Outgoing) -> None:
        """Have this sent, also on later connections: it replaces the last message of its topic."""
        with self._lock:
            self._retained[message.topic] = message
            self._unsent[message.topic] = _AT_ONCE

    def postpone(self, topic: str, until_s: float) -> None:
        """Have a retained topic that the broker did not take sent again then, unless it has a newer message already."""
        with self._lock:
            if topic in self._retained:
                self._unsent.setdefault(topic, until_s)

    def once(self, message: Outgoing) -> None:
        """Have this sent, and not again."""
        with self._lock:
            self._once.append(message)

    def live(self, message: Outgoing) -> None:
        """Have this sent now or never."""
        with self._lock:
            self._live.append(message)

    def drop_live(self) -> None:
        """Forget what is late by now."""
        with self._lock:
            self._live.clear()

    def again(self) -> None:
        """Have everything retained sent again, in the order in which the topics first came."""
        with self._lock:
            self._unsent = dict.fromkeys(self._retained, _AT_ONCE)

    def collect(self, room: int, underway: Collection[str], now_s: float) -> list[Outgoing]:
        """Take what may be sent now: at most `room` messages, and none to a retained topic that is `underway`."""
        with self._lock:
            topics = [topic for topic, from_s in self._unsent.items() if from_s <= now_s and topic not in underway]
            due = [self._retained[topic] for topic in topics[: max(0, room)]]
            for message in due:
                del self._unsent[message.topic]
            for queue in (self._once, self._live):
                while queue and len(due) < room:
                    due.append(queue.popleft())
            return due

    def kept(self, topic: str) -> Outgoing | None:
        """Return the newest message of a retained topic; None: there is none."""
        with self._lock:
            return self._retained.get(topic)

    def waits(self, topic: str | None = None) -> bool:
        """Return whether a retained topic, or anything that is not postponed, is still to be sent."""
        with self._lock:
            return topic in self._unsent if topic else bool(self._once) or _AT_ONCE in self._unsent.values()
