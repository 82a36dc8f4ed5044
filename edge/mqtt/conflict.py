"""Notice another daemon that publishes to this device's topics."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic_core import from_json

if TYPE_CHECKING:
    from edge.mqtt.message import Incoming
    from edge.mqtt.outcome import End
    from edge.mqtt.sender import Sender

_MOST = 16
"""Sessions of others that are remembered; anybody may publish."""

_MOST_BYTES = 65_536
"""Of an `info`; a device's has less than 2 kB, and two megabytes of JSON take a third of a second."""

_NODES = 4
"""How many nodes of a cluster may keep an earlier session's `info`, beside the one that keeps this session's. A node
that closes the connection too, without a reason, counts twice: so does a takeover."""


class NameConflicts:
    """Takes the messages to the device's own `info`, each of which names a session."""

    def __init__(self, sender: Sender) -> None:
        """Begin with none.

        Args:
            sender: Has the device's own `info`.
        """
        self._sender = sender
        self._takeovers = 0
        self._others: set[str] = set()
        self._earlier: Counter[str] = Counter()  # how often a broker had kept the `info` of an older session
        self._kept: str | None = None  # that session, on this connection
        self._known = self._overtaken = False

    @property
    def count(self) -> int:
        """Takeovers, and sessions of other daemons that published here, since the start."""
        return self._takeovers + len(self._others)

    def handle(self, message: Incoming) -> None:
        """Note a session that is neither this one nor the one before.

        Before this session's own `info` has arrived once, the broker may still keep that of any earlier one. So may
        another node of a cluster that keeps retained messages on each node alone, as RabbitMQ does. Each node gives it
        once, as this session's own takes its place; where another daemon is there, it comes again and again.
        """
        topic = self._sender.topics.info
        own, arrived = self._sender.pending.kept(topic), topic in self._sender.published
        self._known |= arrived
        if own is None or not self._known:
            return
        other, ours = _sessions(message.payload), _sessions(own.payload)
        session = other.get("session")
        if not isinstance(session, str) or session in ours.values():
            return
        if message.retained and session < str(ours["session"]):
            self._kept = session
            if not self._again(session):
                return
        self._overtaken |= not arrived
        if session not in self._others and len(self._others) < _MOST:
            self._others.add(session)
            self._sender.status.name_conflict(session)
            self._sender.pending.keep(own)  # so that the other one notices as well

    def _again(self, session: str) -> bool:
        """Count a sign of another daemon, with an older session; return whether there are more than in a cluster.

        A session's name is a ULID, which sorts by time.
        """
        if session in self._earlier or len(self._earlier) < _MOST:
            self._earlier[session] += 1
        return self._earlier[session] > _NODES

    def ended(self, end: End) -> End:
        """Note how a connection ended; return that, or a takeover where the broker does not say that it was one.

        MQTT 3.1.1 has no reason code for it, and mosquitto 2.0.11 sends none with MQTT 5 either. If the broker has the
        `info` of another session when this one is back, and closes the connection again, it is a takeover.
        """
        self._known |= self._sender.topics.info in self._sender.published
        if end.kind == "away" and end.by_broker and not end.code:
            if self._overtaken:
                end = replace(end, kind="taken over")
            elif self._kept:
                self._again(self._kept)
        self._overtaken, self._kept = False, None
        self._takeovers += end.kind == "taken over"
        return end


def _sessions(payload: str | bytes) -> dict[str, object]:
    """Return the sessions that a payload names; none where it is not what `info` carries."""
    if len(payload) > _MOST_BYTES:
        return {}
    try:
        content = from_json(payload)  # it refuses deep nesting by itself
    except ValueError:
        return {}
    if not isinstance(content, dict):
        return {}
    return {key: content.get(key) for key in ("session", "previous_session")}
