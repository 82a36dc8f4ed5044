"""What the broker takes: packet size, QoS and retained messages (CONNACK, MQTT 5 section 3.2.2.3)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from paho.mqtt.properties import Properties

    from edge.mqtt.message import Outgoing

NO_RETAIN = "Retain not supported"
NO_QOS = "QoS not supported"
"""Reasons of CONNACK and DISCONNECT, as paho names them."""

_CERTAIN = 2
"""After so many refusals of what the CONNACK allowed, it no longer lifts a limit."""


class BrokerLimits:
    """What the broker takes, kept from one connection to the next: the last will is sent before the CONNACK comes."""

    def __init__(self) -> None:
        self.most_bytes: int | None = None
        """Of a packet; None: the broker names no limit."""
        self.most_qos: Literal[0, 1] = 1
        self.retains = True
        """Whether it keeps retained messages."""
        self._refusals: Counter[str] = Counter()

    def announced(self, properties: Properties | None) -> None:
        """Note the limits in a CONNACK; an absent property means no limit, unless the broker refused nevertheless."""
        self.most_bytes = getattr(properties, "MaximumPacketSize", None)
        most_qos: Literal[0, 1] = 0 if getattr(properties, "MaximumQoS", 1) == 0 else 1
        retains = getattr(properties, "RetainAvailable", 1) != 0
        if not most_qos:
            del self._refusals[NO_QOS]  # it names its limit, so that it is believed when it lifts it
        if not retains:
            del self._refusals[NO_RETAIN]
        if self._refusals[NO_QOS] < _CERTAIN:
            self.most_qos = most_qos
        if self._refusals[NO_RETAIN] < _CERTAIN:
            self.retains = retains

    def refused(self, reason: str) -> bool:
        """Note why a broker refused or ended a connection; return whether the next one will avoid that."""
        self._refusals[reason] += reason in (NO_RETAIN, NO_QOS)
        if reason == NO_RETAIN and self.retains:
            self.retains = False
            return True
        if reason == NO_QOS and self.most_qos:
            self.most_qos = 0
            return True
        return False

    def fits(self, size: int) -> bool:
        """Return whether the broker takes a packet of so many bytes."""
        return self.most_bytes is None or size <= self.most_bytes

    def adapt(self, message: Outgoing) -> Outgoing:
        """Return the message with the QoS and retain that the broker takes."""
        if message.qos <= self.most_qos and self.retains >= message.retain:
            return message
        return replace(message, qos=min(message.qos, self.most_qos), retain=message.retain and self.retains)


def packet_bytes(message: Outgoing, *, mqtt5: bool) -> int:
    """Return the size of the PUBLISH packet that carries a message."""
    size = 2 + len(message.topic.encode()) + 2 * bool(message.qos) + len(message.payload.encode())
    if mqtt5:
        properties = 0 if message.correlation is None else 3 + len(message.correlation)
        size += _length_bytes(properties) + properties
    return 1 + _length_bytes(size) + size


def _length_bytes(length: int) -> int:
    """Return the size of a variable byte integer (section 1.5.5)."""
    return 1 + (length > 0x7F) + (length > 0x3FFF) + (length > 0x1FFFFF)
