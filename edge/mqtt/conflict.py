"""Notice another daemon that publishes to this device's topics."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.mqtt.broker_status import BrokerStatus
    from edge.mqtt.message import Incoming
    from edge.mqtt.sender import Sender

_MOST = 16
"""Sessions of others that are remembered; anybody may publish."""


class NameConflicts:
    """Takes the messages to the device's own `info`, each of which names a session."""

    def __init__(self, sender: Sender, status: BrokerStatus) -> None:
        self._sender, self._status = sender, status
        self._others: set[str] = set()

    @property
    def count(self) -> int:
        """Sessions of other daemons that published here since the start."""
        return len(self._others)

    def hear(self, message: Incoming) -> None:
        """Note a session that is neither this one nor the one before.

        Before this session's own `info` has arrived, the broker may still keep that of any earlier one.
        """
        topic = self._sender.topics.info
        own = self._sender.pending.kept(topic)
        if own is None or topic not in self._sender.published:
            return
        other, ours = _sessions(message.payload), _sessions(own.payload)
        session = other.get("session")
        if not isinstance(session, str) or session in ours.values() or session in self._others:
            return
        if len(self._others) < _MOST:
            self._others.add(session)
            self._status.name_conflict(session)
            self._sender.pending.keep(own)  # so that the other one notices as well


def _sessions(payload: str | bytes) -> dict[str, object]:
    """Return the sessions that a payload names; none where it is not what `info` carries."""
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(said, dict):
        return {}
    return {key: said.get(key) for key in ("session", "previous_session")}
