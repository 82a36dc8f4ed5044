"""Brokers that take less than MQTT allows: what fits arrives, and what does not is said once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.config import OutboxConfig
from edge.mqtt import Outbox
from edge.mqtt.limits import BrokerLimits, packet_bytes
from edge.mqtt.message import Outgoing
from edge.wire.topics import HomeAssistantTopics
from tests.broker import Mosquitto, Subscriber, wait_until
from tests.edge.mqtt.device import AVAILABILITY, EVENT, STATE, MakeClient, MakeEvent, sequences
from tests.edge.mqtt.scripted import Published, ScriptedBroker, packet
from tests.logged import warnings_of

if TYPE_CHECKING:
    from pathlib import Path


HOME = HomeAssistantTopics("homeassistant", "emotion_edge_test")
ANNOUNCEMENT = "x" * 5400


@pytest.mark.parametrize("mqtt5", [True, False])
def test_what_is_larger_than_a_packet_is_not_sent_and_the_rest_arrives(
    tmp_path: Path, publish_to: MakeClient, event: MakeEvent, caplog: pytest.LogCaptureFixture, *, mqtt5: bool
) -> None:
    outbox = Outbox(OutboxConfig())
    with Mosquitto(tmp_path, options=["max_packet_size 2000"]) as broker:
        subscriber = Subscriber(broker.port)
        client = publish_to(broker.url, outbox=outbox, mqtt5=mqtt5, refused_s=60)
        client.publish_retained(HOME.config, ANNOUNCEMENT)
        client.publish_retained(client.topics.state, "somebody")
        client.start()
        for sequence in range(30):
            client.publish_event(event(sequence), time.monotonic())
        wait_until(lambda: outbox.status.depth == 0)
        wait_until(lambda: len(set(sequences(subscriber))) == 30)
        wait_until(lambda: "somebody" in subscriber.payloads(STATE))
        lost = client.reconnects
        assert lost == 0 if mqtt5 else lost <= 4
        time.sleep(0.5)
        assert client.reconnects == lost  # it stays
        assert subscriber.payloads(HOME.config) == []
        assert outbox.status.dropped == 0
        subscriber.close()
    told = [text for text in warnings_of(caplog) if HOME.config in text]
    assert len(told) == 1
    assert "max_packet_size" in told[0]


def test_a_flood_of_response_topics_on_which_an_answer_does_not_fit_is_told_once(
    tmp_path: Path, publish_to: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Others choose these topics: a line for each would leave none for what is wrong with the broker later."""
    with Mosquitto(tmp_path, options=["max_packet_size 2000"]) as broker:
        subscriber = Subscriber(broker.port)
        client = publish_to(broker.url)
        for number in range(20):
            client.publish_once(Outgoing(f"emotion-edge/me/{number}", "x" * 2000, reply=True))
        client.publish_once(Outgoing("mark", "end"))
        client.start()
        wait_until(lambda: subscriber.payloads("mark"))
        subscriber.close()
    assert sum("takes packets of 2000 bytes" in text for text in warnings_of(caplog)) == 1


@pytest.mark.parametrize("mqtt5", [True, False])
def test_events_of_every_size_that_fits_arrive_and_the_others_are_counted(
    tmp_path: Path, publish_to: MakeClient, event: MakeEvent, caplog: pytest.LogCaptureFixture, *, mqtt5: bool
) -> None:
    """To the byte, where the broker names its limit (mosquitto counts without the fixed header)."""
    sizes = [0, 3, 50, 2, 7, 5, 1, 60, 6, 4]
    events = [event(n).model_copy(update={"emotion": "x" * (100 + size)}) for n, size in enumerate(sizes)]
    limit = packet_bytes(Outgoing(EVENT, events[1].to_json()), mqtt5=mqtt5)  # three letters more than the shortest
    outbox = Outbox(OutboxConfig())
    with Mosquitto(tmp_path, options=[f"max_packet_size {limit}"]) as broker:
        subscriber = Subscriber(broker.port)
        client = publish_to(broker.url, outbox=outbox, mqtt5=mqtt5, refused_s=60)
        client.start()
        for one in events:
            client.publish_event(one, time.monotonic())
        wait_until(lambda: outbox.status.depth == 0)
        wait_until(lambda: len(set(sequences(subscriber))) == len(sizes) - outbox.status.dropped)
        arrived = sorted({sizes[n] for n in sequences(subscriber)})
        assert arrived[:4] == [0, 1, 2, 3]
        assert len(arrived) == 4 if mqtt5 else len(arrived) <= 7
        assert list(dict.fromkeys(sequences(subscriber))) == sorted(set(sequences(subscriber)))  # in order
        subscriber.close()
    told = [text for text in warnings_of(caplog) if EVENT in text]
    assert len(told) == 1
    assert "dropped and counted" in told[0]


def test_where_no_event_fits_they_wait_and_one_sentence_says_so(
    tmp_path: Path, publish_to: MakeClient, event: MakeEvent, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Outbox(OutboxConfig())
    broker = Mosquitto(tmp_path, options=["max_packet_size 300"])
    with broker:
        client = publish_to(broker.url, outbox=outbox)
        client.publish_retained(HOME.config, ANNOUNCEMENT)
        client.publish_retained(client.topics.info, "i" * 700)
        client.start()
        for sequence in range(30):
            client.publish_event(event(sequence), time.monotonic())
        wait_until(lambda: client.connected)
        time.sleep(0.5)
        assert (client.reconnects, outbox.status.depth, outbox.status.dropped) == (0, 30, 0)
        assert client.refused == "no event fits into packets of 300 bytes"
        (told,) = warnings_of(caplog)
        assert "no event fits" in told
        broker.configure(["max_packet_size 10000"])
        broker.restart()
        wait_until(lambda: outbox.status.depth == 0)
        assert client.refused is None


@pytest.mark.parametrize(
    ("option", "why"), [("max_qos 0", "takes QoS 0 only"), ("retain_available false", "keeps no retained messages")]
)
def test_a_broker_without_qos_1_or_retained_messages_gets_what_it_takes(
    tmp_path: Path,
    publish_to: MakeClient,
    event: MakeEvent,
    caplog: pytest.LogCaptureFixture,
    *,
    option: str,
    why: str,
) -> None:
    outbox = Outbox(OutboxConfig())
    with Mosquitto(tmp_path, options=[option]) as broker:
        subscriber = Subscriber(broker.port)
        client = publish_to(broker.url, outbox=outbox)
        client.publish_retained(client.topics.state, "somebody")
        client.start()
        for sequence in range(100):
            client.publish_event(event(sequence), time.monotonic())
        wait_until(lambda: outbox.status.depth == 0)
        wait_until(lambda: sequences(subscriber)[-1:] == [99])
        assert sequences(subscriber) == list(range(100))
        wait_until(lambda: subscriber.payloads(STATE)[-1:] == ["somebody"])
        assert subscriber.payloads(AVAILABILITY)[:1] == ["online"]
        assert client.refused is None
        assert client.reconnects == 0
        client.close()
        wait_until(lambda: subscriber.payloads(AVAILABILITY)[-1:] == ["offline"])
        subscriber.close()
    assert sum(why in text for text in warnings_of(caplog)) == 1
    assert not any("check the user" in text for text in warnings_of(caplog))


def test_nothing_is_lost_with_qos_0_when_the_broker_is_killed(
    tmp_path: Path, publish_to: MakeClient, event: MakeEvent
) -> None:
    """What was written to the socket has not arrived: an answer to a later packet shows that."""
    outbox = Outbox(OutboxConfig())
    with Mosquitto(tmp_path, options=["max_qos 0"]) as broker:
        client = publish_to(broker.url, outbox=outbox)
        client.start()
        wait_until(lambda: client.connected)
        broker.pause()
        for sequence in range(50):
            client.publish_event(event(sequence), time.monotonic())
        time.sleep(0.5)
        assert outbox.status.depth == 50
        broker.kill()
        wait_until(lambda: not client.connected)
        broker.start()
        wait_until(lambda: outbox.status.depth == 0)
        # From its log, as the events may come before anybody subscribes.
        wait_until(lambda: broker.log.count(f"(d0, q0, r0, m0, '{EVENT}'") >= 50)


def test_the_last_will_is_one_that_the_broker_takes(tmp_path: Path, publish_to: MakeClient) -> None:
    with Mosquitto(tmp_path, options=["max_qos 0", "retain_available false"]) as broker:
        client = publish_to(broker.url)
        client.start()
        wait_until(lambda: client.connected)
        assert "Will message specified (7 bytes) (r0, q0)" in broker.log


@pytest.mark.parametrize("told", [b"\xe0\x02\x9a\x00", b"\xe0\x02\x9b\x00"])
def test_a_broker_that_refuses_what_its_connack_allows_is_not_asked_for_ever(
    publish_to: MakeClient, event: MakeEvent, *, told: bytes
) -> None:
    def answer(published: Published) -> bytes | None:
        return told if (published.retain if told[2] == 0x9A else published.qos) else None

    outbox = Outbox(OutboxConfig())
    with ScriptedBroker(answer=answer) as broker:
        client = publish_to(broker.url, outbox=outbox)
        client.start()
        client.publish_event(event(0), time.monotonic())
        wait_until(lambda: outbox.status.depth == 0)
        assert client.reconnects <= 3
        client.close(0.3)


@pytest.mark.parametrize("payload", ["", "x", "ü" * 60, "x" * 200, "x" * 20_000])
@pytest.mark.parametrize("correlation", [None, b"", b"x" * 124, b"x" * 125, b"x" * 20_000])
def test_the_size_of_a_packet_is_what_goes_over_the_network(
    publish_to: MakeClient, *, payload: str, correlation: bytes | None
) -> None:
    message = Outgoing(STATE, payload, correlation=correlation)
    for mqtt5 in (True, False):
        with ScriptedBroker() as broker:
            client = publish_to(broker.url, mqtt5=mqtt5)
            client.publish_once(message)
            client.start()
            wait_until(lambda broker=broker: STATE in broker.topics())  # type: ignore[misc]
            (published,) = [one for one in broker.published if one.topic == STATE]
            assert published.size == packet_bytes(message, mqtt5=mqtt5)
            client.close(0.3)


def test_limits_are_what_the_connack_says() -> None:
    limits = BrokerLimits()
    properties = Properties(PacketTypes.CONNACK)  # type: ignore[no-untyped-call]
    properties.MaximumPacketSize, properties.MaximumQoS, properties.RetainAvailable = 500, 0, 0
    limits.announced(properties)
    assert (limits.most_bytes, limits.most_qos, limits.retains) == (500, 0, False)
    assert limits.adapt(Outgoing("t", "p", 1, retain=True)) == Outgoing("t", "p", 0, retain=False)
    limits.announced(None)
    assert (limits.most_bytes, limits.most_qos, limits.retains) == (None, 1, True)
    assert packet(0x30, b"x" * 200)[1:3] == b"\xc8\x01"  # two bytes from 128 on


@pytest.mark.parametrize(
    ("limit", "reason"), [("MaximumQoS", "QoS not supported"), ("RetainAvailable", "Retain not supported")]
)
def test_a_broker_that_names_its_limits_is_believed_when_it_lifts_them_again_and_again(limit: str, reason: str) -> None:
    """Each time its limit comes back, it refuses the last will that it took before: that is no contradiction."""
    limits = BrokerLimits()
    limited = Properties(PacketTypes.CONNACK)  # type: ignore[no-untyped-call]
    setattr(limited, limit, 0)
    for _ in range(5):
        assert limits.refused(reason)
        limits.announced(limited)
        assert (limits.most_qos, limits.retains) != (1, True)
        limits.announced(None)
        assert (limits.most_qos, limits.retains) == (1, True)
