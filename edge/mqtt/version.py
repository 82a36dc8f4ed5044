"""Which version of MQTT the next connection speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.mqtt.outcome import End

_MOST_MALFORMED = 2
"""Connections with MQTT 5 in a row on which the broker sent what cannot be read, until 3.1.1 is spoken."""


class VersionChoice:
    """MQTT 5 where the broker speaks it, else 3.1.1: its packets have no properties, and it cannot say what is wrong.

    A broker that is starting or shutting down leaves a connection without an answer, and so do some that do not know
    MQTT 5 (amqtt). So when MQTT 5 gets no answer, 3.1.1 is tried at once, and when that gets one, MQTT 5 is asked once
    more before 3.1.1 is used.
    """

    def __init__(self, *, mqtt5: bool) -> None:
        """Begin with MQTT 5.

        Args:
            mqtt5: False for a broker that is known to speak 3.1.1 only.
        """
        self.mqtt5 = self._may_5 = mqtt5
        """Whether the next connection speaks MQTT 5."""
        self.asking = False
        """Whether the next connection is only to see whether the broker answers to 3.1.1."""
        self._answers_old = False
        self._malformed = 0

    def may_explain(self, end: End) -> bool:
        """Return whether the version may be all that is wrong; the next connection, with 3.1.1, tells."""
        return self.mqtt5 and end.kind == "mute"

    def ended(self, end: End, *, accepted: bool) -> bool:
        """Note how a connection ended; return whether the broker is to be asked again at once."""
        if not self.mqtt5:
            self._answers_old |= self.asking and accepted
            again, self.asking = self.asking and accepted, False
            self.mqtt5 = self._may_5
            return again
        self._malformed = self._malformed + 1 if end.kind == "malformed" else 0
        if accepted and end.kind != "malformed":
            self._answers_old = False
        mute = end.kind == "mute"
        self.asking = mute and not self._answers_old
        self.mqtt5 = not (mute or end.kind == "version" or self._malformed >= _MOST_MALFORMED)
        return end.kind == "version" or mute
