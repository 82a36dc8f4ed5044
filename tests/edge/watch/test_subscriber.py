"""What devices, and others, publish: a message that cannot be read costs that message."""

from __future__ import annotations

import pytest

from edge.config import MqttConfig
from edge.watch.subscriber import Subscriber
from tests.broker import wait_until
from tests.edge.mqtt.scripted import ScriptedBroker, packet, publish

TOPIC = b"emotion-edge/kitchen/state"

REFUSED = {
    "a topic that is not UTF-8": publish(b"emotion-edge/\xff", None, b"x"),
    "no topic": publish(b"", None, b"x"),
    "a topic longer than the packet": packet(0x30, b"\xff\xffa"),
    "three megabytes": publish(TOPIC, None, b"x" * 3_000_000),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_passed_over(kind: str) -> None:
    with ScriptedBroker(greeting=REFUSED[kind] + publish(TOPIC, None, b"{}")) as broker:
        received: list[bytes] = []

        def is_received() -> bool:
            received.extend(message.payload for message in subscriber.take(0.05))
            return b"{}" in received

        with Subscriber(MqttConfig(url=broker.url), "+") as subscriber:
            wait_until(is_received)
            assert broker.versions == [4]
        assert received == [b"{}"]
