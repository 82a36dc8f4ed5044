"""Commands: turn detection on or off, and ask for health.

Only what is exactly right is done. Anything else is counted, logged once, and forgotten.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.logs import LogOnce
from edge.mqtt.message import Outgoing
from edge.wire.characters import forbidden_character
from edge.wire.topics import BASE

if TYPE_CHECKING:
    from edge.mqtt.client import MqttClient
    from edge.mqtt.message import Incoming
    from edge.wire.topics import Topics

log = logging.getLogger(__name__)

_SWITCH = {b"ON": True, b"OFF": False}

_MOST_BYTES = 256
"""Of a request, whose content has no meaning."""

_MOST_TOPIC = 256
"""Characters of a response topic."""

_MOST_LEVELS = 16
"""Of a response topic; a broker may close the connection for too many (mosquitto: for 200)."""

_MOST_WAITING = 16
"""Requests that wait for an answer; a program that asks faster than the daemon answers is ignored."""


@dataclass(frozen=True)
class PendingCommands:
    """The commands since the last time."""

    detection: bool | None = None
    """Turn detection on or off: the newest command; None: no such command."""

    health: tuple[Incoming, ...] = ()
    """Requests for health, oldest first."""


class Commands:
    """Takes commands on the client's thread, and returns them to the daemon's.

    Example:
        >>> commands = Commands(client.topics)
        >>> commands.subscribe(client)
        >>> commands.take()
        PendingCommands(detection=None, health=())
    """

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._lock = threading.Lock()
        # Apart from the requests, so that no flood of those loses a command for privacy.
        self._detection: bool | None = None
        self._health: deque[Incoming] = deque()
        self._ignored = 0
        self._problems = LogOnce(log)

    def subscribe(self, client: MqttClient) -> None:
        """Subscribe, also to the commands that do not exist, so that they are counted."""
        for topic in self._topics.commands:
            client.subscribe(topic, self.handle)

    def handle(self, message: Incoming) -> None:
        """Note a command, or count it as ignored. From any thread."""
        reason = self._refusal(message)
        with self._lock:
            if reason is None and message.topic == self._topics.detection_set:
                self._detection = _SWITCH[message.payload]
                return
            if reason is None and len(self._health) < _MOST_WAITING:
                self._health.append(message)
                return
            self._ignored += 1
            reason = reason or "there are too many at once"
        line = "a command on %r is ignored: %s; further ones are only counted"
        self._problems.warning(reason, line, message.topic[:80], reason)

    def take(self) -> PendingCommands:
        """Return the commands since the last call."""
        with self._lock:
            pending = PendingCommands(self._detection, tuple(self._health))
            self._detection = None
            self._health.clear()
            return pending

    def answer(self, request: Incoming, payload: str) -> Outgoing:
        """Return the message that answers a request."""
        usual = self._topics.response_health
        topic = request.response_topic or usual
        return Outgoing(
            topic, payload, usual.qos, usual.retained, correlation=request.correlation, reply=topic != usual
        )

    @property
    def ignored(self) -> int:
        """Commands that were ignored."""
        with self._lock:
            return self._ignored

    def _refusal(self, message: Incoming) -> str | None:
        """Return what is wrong with a command, in a clause."""
        if message.retained:
            return "the broker keeps it (retained), so it would come again with every start"
        if message.topic == self._topics.detection_set:
            return None if message.payload in _SWITCH else "it is neither ON nor OFF"
        if message.topic != self._topics.request_health:
            return "there is no such request"
        return self._refusal_of_request(message)

    def _refusal_of_request(self, message: Incoming) -> str | None:
        if len(message.payload) > _MOST_BYTES:
            return f"it is longer than {_MOST_BYTES} bytes"
        try:
            message.payload.decode()
        except UnicodeDecodeError:
            return "it is no text"
        if message.response_topic is not None and not self._may_answer_on(message.response_topic):
            return f"its response topic must lie below {self._topics.base}/, and be none of a device's own"
        return None

    def _may_answer_on(self, topic: str) -> bool:
        """Return whether an answer may go there.

        Who may ask for health could else have this device publish where it may not publish itself. So only topics
        below the base are allowed, and of those none where an answer would pass for something else.
        """
        prefix = next((f"{base}/" for base in (self._topics.base, BASE) if topic.startswith(f"{base}/")), None)
        if prefix is None or len(topic) > _MOST_TOPIC or topic.count("/") > _MOST_LEVELS:
            return False
        if set("+#") & set(topic) or forbidden_character(topic):
            return False
        if topic == self._topics.response_health:
            return True
        own = [name.removeprefix(self._topics.root) for name in self._topics.named.values()]
        _device, _, rest = topic.removeprefix(prefix).partition("/")
        if any(f"/{rest}/".startswith(f"{name}/") for name in own):
            return False
        # Bases may nest, as emotion-edge and emotion-edge/site2 do: after the first level any other may be a device.
        _first, _second, *deeper = topic.split("/")
        return not "/".join(["", *deeper]).endswith(tuple(own))
