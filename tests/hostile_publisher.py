"""Publishes what brokers pass on and client libraries refuse."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.broker import HOST

if TYPE_CHECKING:
    from collections.abc import Iterable

MARK = "\ufeff"
"""The byte-order mark: MQTT allows it in a string, mosquitto passes it on, paho takes it for a protocol error."""

KINDS = ("UserProperty", "ResponseTopic", "ContentType")


def refused_properties(kind: str) -> Properties:
    """Return properties with a string that paho refuses in what it receives."""
    made = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    setattr(made, kind, ("key", MARK) if kind == "UserProperty" else f"a{MARK}")
    return made


class HostilePublisher:
    """Speaks MQTT 5, and means harm.

    Example:
        >>> with HostilePublisher(port) as mean:
        ...     mean.flood(["a/b"], seed=1)
    """

    def __init__(self, port: int) -> None:
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.connect(HOST, port)

    def publish(self, topic: str, payload: bytes, kind: str | None = None, *, retain: bool = False) -> None:
        """Publish, and wait for the broker's answer.

        Args:
            topic: Where.
            payload: What.
            kind: Which property holds what is refused; None: no properties.
            retain: Whether the broker shall keep it.
        """
        extra = refused_properties(kind) if kind else None
        self._client.publish(topic, payload, qos=1, retain=retain, properties=extra).wait_for_publish(5)

    def flood(self, topics: Iterable[str], seed: int) -> None:
        """Publish on each topic, live and to be kept, in each of the ways."""
        dice = random.Random(seed)  # noqa: S311  # to be repeatable
        for topic in topics:
            for kind in KINDS:
                payload = dice.choice([b"OFF", b"online", b"", dice.randbytes(300)])
                for retain in (False, True):
                    extra = refused_properties(kind)
                    self._client.publish(
                        topic, payload or b"x", qos=dice.choice([0, 1]), retain=retain, properties=extra
                    )

    def __enter__(self) -> Self:
        self._client.loop_start()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()
