"""A message that the client library refuses costs that message: the connection stays, and what follows is heard."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import pytest

from edge.config import OutboxConfig
from edge.mqtt import Outbox, connector
from edge.mqtt.paho_client import PahoClient
from tests.broker import Mosquitto, Subscriber, wait_until
from tests.edge.mqtt.device import EVENT, SET, MakeClient, MakeEvent
from tests.edge.mqtt.scripted import CONNACK, Published, ScriptedBroker, packet, publish
from tests.hostile_publisher import KINDS, MARK, HostilePublisher
from tests.logged import warnings_of

if TYPE_CHECKING:
    from edge.mqtt.message import Incoming


TOPICS = [SET, "emotion-edge/test/request/health", "homeassistant/status", "homeassistant/device/x/config"]


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_retained_message_with_a_byte_order_mark_stops_nothing(
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    publish_to: MakeClient,
    event: MakeEvent,
    caplog: pytest.LogCaptureFixture,
    *,
    topic: str,
    kind: str,
) -> None:
    heard: list[Incoming] = []
    outbox = Outbox(OutboxConfig())
    client = publish_to(mosquitto.url, outbox=outbox)
    for one in TOPICS:
        client.subscribe(one, heard.append, retained=True)  # the worst case
    with HostilePublisher(mosquitto.port) as mean:
        mean.publish(topic, b"online", kind, retain=True)
        client.start()
        for sequence in range(10):
            client.publish_event(event(sequence), time.monotonic())
            mean.publish(topic, b"again", kind)
        wait_until(lambda: len(subscriber.payloads(EVENT)) == 10)
        mean.publish(SET, b"OFF")
        wait_until(lambda: heard)
    assert [message.payload for message in heard] == [b"OFF"]
    assert client.reconnects == 0
    assert "(p5," in mosquitto.log
    (told,) = warnings_of(caplog)
    assert "is skipped" in told


STRING = {"U+0000": b"a\x00", "U+FEFF": b"\xef\xbb\xbf", "a surrogate": b"\xed\xa0\x80", "not UTF-8": b"\xff\xfe",
          "cut UTF-8": b"\xc3", "longer than it says": b"\xff"}  # fmt: skip


def string(content: bytes) -> bytes:
    return len(content).to_bytes(2, "big") + content


def user_property(key: bytes, value: bytes) -> bytes:
    """Return a message with a user property."""
    return publish(SET.encode(), b"\x26" + string(key) + string(value))


REFUSED = {
    **{f"a response topic with {name}": publish(SET.encode(), b"\x08" + string(bad)) for name, bad in STRING.items()},
    **{f"a content type with {name}": publish(SET.encode(), b"\x03" + string(bad)) for name, bad in STRING.items()},
    **{f"a user key with {name}": user_property(bad, b"v") for name, bad in STRING.items()},
    **{f"a user value with {name}": user_property(b"k", bad) for name, bad in STRING.items()},
    "a response topic that is longer than the packet": publish(SET.encode(), b"\x08\xff\xff"),
    "correlation data longer than the packet": publish(SET.encode(), b"\x09\xff\xffab"),
    "a property twice": publish(SET.encode(), b"\x01\x00\x01\x00"),
    "a property that does not exist": publish(SET.encode(), b"\x7f\x00"),
    "a property of another packet": publish(SET.encode(), b"\x21\x00\x14"),
    "a property id that never ends": publish(SET.encode(), b"\xff\xff\xff\xff\xff"),
    "a payload format of 7": publish(SET.encode(), b"\x01\x07"),
    "a topic alias of 0": publish(SET.encode(), b"\x23\x00\x00"),
    "a subscription id of 0": publish(SET.encode(), b"\x0b\x00"),
    "half a property": publish(SET.encode(), b"\x02\x00"),
    "properties longer than the packet": packet(0x30, string(SET.encode()) + b"\x7f"),
    "no properties at all": packet(0x30, string(SET.encode())),
    "a topic longer than the packet": packet(0x30, b"\xff\xffa"),
    "no topic": packet(0x30, b""),
    "QoS 3": publish(SET.encode(), mid=9, flags=0x06),
    "QoS 2": publish(SET.encode(), b"", b"ON", mid=9, flags=0x04) + packet(0x62, b"\x00\x09"),
    "a topic that is not UTF-8": publish(b"emotion-edge/test/\xff\xfe", payload=b"OFF"),
    "a topic with a surrogate": publish(b"emotion-edge/test/\xed\xa0\x80", payload=b"OFF"),
    "a topic of no letters": publish(b"", payload=b"OFF"),
    "more properties than paho reads in a minute": publish(SET.encode(), b"\x26\x00\x01a\x00\x00" * 100_000, b"ON"),
    "the same with QoS 1": publish(SET.encode(), b"\x26\x00\x01a\x00\x00" * 100_000, b"ON", mid=9),
    "33 empty user properties": publish(SET.encode(), b"\x26\x00\x00\x00\x00" * 33, b"ON"),
    "33 of which paho reads identifiers of two bytes": publish(SET.encode(), b"\xa6\x00\x00\x00\x00\x00" * 33, b"ON"),
    "1600 subscription identifiers": publish(SET.encode(), b"\x0b\x80\x80\x80\x01" * 1600, b"ON"),
    "two megabytes and more": publish(SET.encode(), payload=b"x" * 2_000_001),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_whatever_the_library_refuses_costs_that_message_only(
    publish_to: MakeClient, event: MakeEvent, caplog: pytest.LogCaptureFixture, *, kind: str
) -> None:
    heard: list[Incoming] = []
    outbox = Outbox(OutboxConfig())
    with ScriptedBroker(greeting=REFUSED[kind] + publish(SET.encode(), b"", b"OFF")) as broker:
        client = publish_to(broker.url, outbox=outbox)
        client.subscribe(SET, heard.append)
        client.subscribe("emotion-edge/test/request/#", heard.append)
        client.start()
        client.publish_event(event(0), time.monotonic())
        wait_until(lambda: outbox.status.depth == 0 and heard)
        assert [message.payload for message in heard] == [b"OFF"]
        assert (client.connected, client.reconnects) == (True, 0)
        assert broker.versions == [5]
        client.close(0.3)
    assert all("is skipped" in text for text in warnings_of(caplog))


def test_a_message_with_each_property_is_heard(publish_to: MakeClient) -> None:
    heard: list[Incoming] = []
    each = b"\x01\x01\x02\x00\x00\x00\x09\x0b\x80\x01\x09\x00\x03\x26\x26\x26\x03\x00\x01t"
    several = b"\x08\x00\x0cemotion-edge" + (b"\x26" + string(b"key") + string(b"value")) * 26
    with ScriptedBroker(greeting=publish(SET.encode(), each + several, b"OFF")) as broker:
        client = publish_to(broker.url)
        client.subscribe(SET, heard.append)
        client.start()
        wait_until(lambda: heard)
        client.close(0.3)
    assert [(message.payload, message.correlation) for message in heard] == [(b"OFF", b"&&&")]
    assert heard[0].response_topic == "emotion-edge"


def test_a_message_that_is_skipped_is_acknowledged_or_the_broker_would_send_no_more(publish_to: MakeClient) -> None:
    bad = b"\x26" + string(b"k") + string(MARK.encode())
    many = b"".join(publish(SET.encode(), bad, b"OFF", mid=mid) for mid in range(1, 41))
    with ScriptedBroker(greeting=many) as broker:
        client = publish_to(broker.url)
        client.subscribe(SET, lambda _: None)
        client.start()
        wait_until(lambda: len(broker.acknowledged) == 40)
        assert broker.acknowledged == list(range(1, 41))
        client.close(0.3)


def test_a_message_with_qos_2_is_answered_as_well(publish_to: MakeClient) -> None:
    heard: list[Incoming] = []
    bad = publish(SET.encode(), b"\x7f\x00", b"OFF", mid=7, flags=0x04)
    with ScriptedBroker(greeting=bad + packet(0x62, b"\x00\x07") + publish(SET.encode(), b"", b"ON")) as broker:
        client = publish_to(broker.url)
        client.subscribe(SET, heard.append)
        client.start()
        wait_until(lambda: heard)
        assert [message.payload for message in heard] == [b"ON"]
        assert client.reconnects == 0
        client.close(0.3)


@pytest.mark.parametrize("mqtt5", [True, False])
def test_a_huge_message_is_read_past_and_never_held(
    publish_to: MakeClient, monkeypatch: pytest.MonkeyPatch, *, mqtt5: bool
) -> None:
    """MQTT 3.1.1 knows no limit that a client may set, and a broker may ignore that of MQTT 5."""
    heard: list[Incoming] = []
    held: list[int] = []

    class Watched(PahoClient):
        """Notes how much of a packet it holds."""

        def _sock_recv(self, bufsize: int) -> bytes:
            data = super()._sock_recv(bufsize)
            held.append(len(self._in_packet["packet"]) + len(data))
            return data

    monkeypatch.setattr(connector, "PahoClient", Watched)
    huge = publish(SET.encode(), b"" if mqtt5 else None, b"x" * 30_000_000, mid=5)
    with ScriptedBroker(greeting=huge + publish(SET.encode(), b"" if mqtt5 else None, b"OFF")) as broker:
        client = publish_to(broker.url, mqtt5=mqtt5)
        client.subscribe(SET, heard.append)
        client.start()
        wait_until(lambda: heard)
        assert [message.payload for message in heard] == [b"OFF"]
        wait_until(lambda: broker.acknowledged == [5])
        assert client.reconnects == 0
        client.close(0.3)
    assert 100_000 < max(held) < 200_000


def test_a_broker_that_cannot_be_read_with_mqtt_5_is_spoken_to_with_3_1_1(
    publish_to: MakeClient, event: MakeEvent, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "edge.mqtt")
    outbox = Outbox(OutboxConfig())
    unreadable = packet(0x20, b"\x00\x00\x09\x26" + string(b"k") + string(MARK.encode()))
    with ScriptedBroker(connack=unreadable) as broker:
        client = publish_to(broker.url, outbox=outbox)
        client.start()
        client.publish_event(event(0), time.monotonic())
        wait_until(lambda: outbox.status.depth == 0)
        assert broker.versions == [5, 5, 4]
        broker.hang_up()
        wait_until(lambda: client.reconnects == 1)
        assert broker.versions == [5, 5, 4, 5, 4]  # whether it is fixed is seen at once
        broker.connack = CONNACK
        broker.hang_up()
        wait_until(lambda: client.reconnects == 2)
        assert broker.versions[-1] == 5
        client.close(0.3)
    assert sum("trying MQTT 3.1.1" in text for text in warnings_of(caplog)) == 1


def test_acknowledgements_that_cannot_be_read_end_no_more_than_two_connections(
    publish_to: MakeClient, event: MakeEvent
) -> None:
    def answer(published: Published) -> bytes | None:
        reason = b"\x1f" + string(MARK.encode())
        unreadable = packet(0x40, published.mid + b"\x00" + bytes([len(reason)]) + reason)
        return unreadable if published.mqtt5 and published.topic == EVENT else None

    outbox = Outbox(OutboxConfig())
    with ScriptedBroker(answer=answer) as broker:
        client = publish_to(broker.url, outbox=outbox)
        client.start()
        client.publish_event(event(0), time.monotonic())
        wait_until(lambda: outbox.status.depth == 0)
        assert broker.versions == [5, 5, 4]
        client.close(0.3)


def test_a_defect_in_a_handler_costs_its_message(
    mosquitto: Mosquitto, subscriber: Subscriber, publish_to: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[bytes] = []

    def handle(message: Incoming) -> None:
        heard.append(message.payload)
        if message.payload == b"bad":
            raise ZeroDivisionError

    client = publish_to(mosquitto.url)
    client.subscribe("a/b", handle)
    client.start()
    wait_until(lambda: "a/b (QoS 1)" in mosquitto.log)
    for payload in (b"bad", b"good"):
        subscriber.publish("a/b", payload)
    wait_until(lambda: heard == [b"bad", b"good"])
    assert client.reconnects == 0
    assert "report it" in caplog.text
