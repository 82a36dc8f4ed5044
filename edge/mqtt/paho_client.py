"""paho's client, changed so that a message that it refuses costs that message and not the connection."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MessageType, MQTTErrorCode
from paho.mqtt.properties import (  # type: ignore[attr-defined]  # the first one's home differs in paho 2.1 and 2.2
    MQTTException,
    VariableByteIntegers,
)

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_BYTES = 2_000_000
"""Of one message to the device; else anybody who may send it a command could fill its memory."""

_KEPT_BYTES = 70_000
"""Of a larger message: its topic (at most 64 kB) and its packet identifier are among them."""

_CHUNK_BYTES = 65_536

_MOST_PROPERTIES_BYTES = 8_192
"""Of a message's properties (MQTT 5), and of every other packet."""

_MOST_PROPERTIES = 32
"""Of a message. paho copies all that follows, the payload too, for each: 600 kB of small ones kept the connection busy
for minutes, and 8 kB cost 50 ms, so that a few dozen such messages a second delayed commands."""

_FIXED = {0x01: 1, 0x02: 4, 0x23: 2}
"""Bytes of the properties of a message that always have as many, by identifier."""

_TEXTS = {0x03: 1, 0x08: 1, 0x09: 1, 0x26: 2}
"""How many texts or byte strings, each with its length before it, the others have."""

_SUBSCRIPTION_IDENTIFIER = 0x0B
"""The only one that is a variable byte integer."""

_MALFORMED = (struct.error, LookupError, ValueError, MQTTException)
"""What paho's parser raises."""


class PahoClient(paho.Client):
    """Skips messages that cannot be parsed, and those that are too large. Needs MQTT 5 or 3.1.1.

    paho answers such a message with a protocol error and closes the connection. The broker then delivers it again,
    if it is retained, and so on for ever: U+FEFF in a user property is enough (mosquitto passes it on). MQTT allows
    a client to close the connection for a malformed packet, but does not demand it of a message that is complete.
    The parser is the one place through which every message comes, so two methods of paho's are overridden,
    `_packet_handle` and `_sock_recv`, both the same since paho 2.0. Should a later one not call them, the client
    falls back to MQTT 3.1.1, whose messages have no properties.
    """

    def __init__(
        self, client_id: str, *, mqtt5: bool, on_skipped: Callable[[str], None], reconnect: bool = False
    ) -> None:
        """Prepare; `connect` connects.

        Args:
            client_id: The name by which the broker knows this client; empty: one at random.
            mqtt5: False for 3.1.1.
            on_skipped: Called with the reason for each message that is skipped.
            reconnect: Whether paho's own thread connects again.
        """
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id,
            protocol=paho.MQTTv5 if mqtt5 else paho.MQTTv311,
            reconnect_on_failure=reconnect,
        )
        self._on_skipped = on_skipped

    def _sock_recv(self, bufsize: int) -> bytes:
        """Receive, and forget all but the beginning of a packet that is too large."""
        if self._in_packet["have_remaining"] and self._in_packet["remaining_length"] > MOST_BYTES:
            del self._in_packet["packet"][_KEPT_BYTES:]
        return super()._sock_recv(min(bufsize, _CHUNK_BYTES))

    def _packet_handle(self) -> MQTTErrorCode:
        """Handle a whole packet; skip a PUBLISH that cannot be."""
        is_publish = self._in_packet["command"] & 0xF0 == MessageType.PUBLISH
        if not is_publish and self._in_packet["remaining_length"] > _MOST_PROPERTIES_BYTES:
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        try:
            if is_publish and (reason := self._too_large() or self._not_asked_for()):
                return self._skip(reason)
            if is_publish:
                self._topic().decode()  # else a callback would fail at it
            code = super()._packet_handle()
        except _MALFORMED as error:
            if is_publish:
                return self._skip(str(error) or type(error).__name__)
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        if is_publish and code == MQTTErrorCode.MQTT_ERR_PROTOCOL:
            return self._skip("protocol error")
        return code

    def _skip(self, reason: str) -> MQTTErrorCode:
        """Acknowledge the message, for a broker sends no more than a few that are not; then forget it."""
        packet, qos = self._in_packet["packet"], (self._in_packet["command"] & 0x06) >> 1
        self._on_skipped(reason)
        after_topic = 2 + len(self._topic())
        identifier = int.from_bytes(packet[after_topic : after_topic + 2], "big")
        if identifier and qos == 1:
            return self._send_puback(identifier)
        if identifier and qos == 2:
            return self._send_pubrec(identifier)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _topic(self) -> bytes:
        """Return the topic of a PUBLISH, as it came."""
        packet = self._in_packet["packet"]
        return bytes(packet[2 : 2 + int.from_bytes(packet[:2], "big")])

    def _not_asked_for(self) -> str:
        """Return whether a PUBLISH comes with QoS 2, which nothing here asks for, as a reason; empty: it does not.

        paho would keep each such message until the broker's PUBREL, without a limit.
        """
        return "QoS 2 was not asked for" if self._in_packet["command"] & 0x06 == 0x04 else ""

    def _too_large(self) -> str:
        """Return what of a PUBLISH is too large; empty: nothing."""
        size = self._in_packet["remaining_length"]
        if size > MOST_BYTES:
            return f"it has {size} bytes, more than {MOST_BYTES}"
        if self._protocol == paho.MQTTv5:
            begin = 2 + len(self._topic()) + (2 if self._in_packet["command"] & 0x06 else 0)
            size, prefix = VariableByteIntegers.decode(self._in_packet["packet"][begin : begin + 4])  # type: ignore[no-untyped-call]
            if size > _MOST_PROPERTIES_BYTES:
                return f"its properties have {size} bytes, more than {_MOST_PROPERTIES_BYTES}"
            begin += prefix
            count = _count_properties(bytes(self._in_packet["packet"][begin : begin + size]))
            if count > _MOST_PROPERTIES:
                return f"it has {count} properties, more than {_MOST_PROPERTIES}"
        return ""


def _count_properties(properties: bytes) -> int:
    """Return how many properties of a message (MQTT 5, section 3.3.2.3) follow each other.

    Raises:
        LookupError: One is unknown, or cut.
    """
    count = at = 0
    while at < len(properties):
        identifier = properties[at]
        count, at = count + 1, at + 1
        if identifier == _SUBSCRIPTION_IDENTIFIER:
            while properties[at] & 0x80:
                at += 1
            at += 1
        elif identifier in _FIXED:
            at += _FIXED[identifier]
        else:
            for _ in range(_TEXTS[identifier]):
                at += 2 + int.from_bytes(properties[at : at + 2], "big")
    return count
