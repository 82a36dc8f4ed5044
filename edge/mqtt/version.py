"""Which version of MQTT the next connection speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.mqtt.outcome import End

_MOST_MALFORMED = 2
"""Connections with MQTT 5 in a row on which the broker sent what cannot be read, until 3.1.1 is spoken."""


class VersionChoice:
    """MQTT 5 where the broker speaks it, else 3.1.1, whose packets have no properties."""

    def __init__(self, *, mqtt5: bool) -> None:
        """Begin with MQTT 5.

        Args:
            mqtt5: False for a broker that is known to speak 3.1.1 only.
        """
        self.mqtt5 = self._may_5 = mqtt5
        """Whether the next connection speaks MQTT 5."""
        self._malformed = 0

    def ended(self, end: End) -> bool:
        """Note how a connection ended; return whether the broker is to be asked again at once, with 3.1.1."""
        spoke_5 = self.mqtt5
        if spoke_5:
            self._malformed = self._malformed + 1 if end.kind == "malformed" else 0
        unreadable = self._malformed >= _MOST_MALFORMED
        # Some brokers (amqtt) leave an MQTT 5 client without an answer, so after that 3.1.1 has its turn.
        back = spoke_5 and (end.kind in ("version", "mute") or unreadable)
        self.mqtt5 = self._may_5 and not back
        return back and end.kind == "version"
