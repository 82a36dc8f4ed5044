"""Topics that the broker does not open to the device: each costs itself, and is told once."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from edge.config import OutboxConfig
from edge.mqtt import Outbox, connector
from edge.mqtt.message import Outgoing
from tests.broker import Mosquitto, Subscriber, wait_until
from tests.edge.mqtt.device import AVAILABILITY, EVENT, MakeClient, MakeEvent
from tests.edge.mqtt.scripted import Published, ScriptedBroker, packet
from tests.logged import warnings_of

if TYPE_CHECKING:
    from pathlib import Path

    from edge.mqtt.message import Incoming


@pytest.mark.parametrize("restart", [True, False])
def test_events_that_may_not_be_published_wait_and_the_connection_stays(
    tmp_path: Path, publish_to: MakeClient, event: MakeEvent, caplog: pytest.LogCaptureFixture, *, restart: bool
) -> None:
    rules = tmp_path / "acl"
    rules.write_text(f"topic readwrite {AVAILABILITY}\ntopic read {EVENT}\ntopic readwrite commands/#\n")
    outbox = Outbox(OutboxConfig())
    heard: list[Incoming] = []
    with (
        Mosquitto(tmp_path, options=[f"acl_file {rules}"]) as broker,
        contextlib.closing(Subscriber(broker.port, "listener")) as subscriber,
    ):
        client = publish_to(broker.url, outbox=outbox)
        client.subscribe("commands/+", heard.append)
        client.start()
        for sequence in range(50):
            client.publish_event(event(sequence), time.monotonic())
        wait_until(lambda: client.refused == "not authorized")
        time.sleep(0.5)  # several tries
        subscriber.publish("commands/off", b"now")
        wait_until(lambda: heard)
        assert outbox.status.depth == 50
        assert client.reconnects == 0
        rules.write_text("topic readwrite #\n")
        if restart:
            broker.restart()
        else:
            broker.reload()
        wait_until(lambda: outbox.status.depth == 0)
        assert client.refused is None
        assert client.reconnects == restart
        if not restart:  # which the subscriber does not survive unharmed
            wait_until(lambda: len(subscriber.payloads(EVENT)) >= 50)
            assert subscriber.payloads(EVENT) == [event(sequence).to_json() for sequence in range(50)]
    assert [EVENT in text for text in warnings_of(caplog) if "refuses" in text] == [True]


@pytest.mark.parametrize("reason", [b"\x97", b"\x80", b"\x83"])
def test_what_is_refused_for_now_is_sent_again_and_events_come_in_order(
    publish_to: MakeClient,
    event: MakeEvent,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    *,
    reason: bytes,
) -> None:
    """As brokers do that limit a client's messages per second: here each topic's first, and every fourth event."""
    monkeypatch.setattr(connector, "_TICK_S", 0.02)
    outbox = Outbox(OutboxConfig())
    tries: Counter[str] = Counter()
    taken: list[int] = []
    payloads = [event(sequence).to_json().encode() for sequence in range(12)]

    def answer(published: Published) -> bytes | None:
        tries[published.topic] += 1
        if tries[published.topic] % 4 == 1:
            return packet(0x40, published.mid + reason + b"\x00")
        if published.topic == EVENT:
            taken.append(payloads.index(published.payload))
        return None

    with ScriptedBroker(answer=answer) as broker:
        client = publish_to(broker.url, outbox=outbox)
        client.publish_retained(client.topics.detection, "OFF")
        for sequence in range(12):
            client.publish_event(event(sequence), time.monotonic())
        client.start()
        wait_until(lambda: outbox.status.depth == 0 and tries[AVAILABILITY] == tries[client.topics.detection] == 2)
        assert client.reconnects == 0
        client.close(0.3)
    assert taken[-12:] == list(range(12))
    assert set(taken[:-12]) <= set(range(1, 12))  # sent before the first was refused
    assert [sum(topic in text for text in warnings_of(caplog)) for topic in (AVAILABILITY, EVENT)] == [1, 1]


def test_a_broker_that_hangs_up_at_the_subscriptions_gets_a_question_in_the_log(
    publish_to: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """As some that speak MQTT 3.1.1 do instead of refusing one."""
    with ScriptedBroker(hangs_up_at=0x80) as broker:
        client = publish_to(broker.url, mqtt5=False)
        client.subscribe("secret/+", lambda _: None)
        client.start()
        wait_until(lambda: warnings_of(caplog))
        client.close(0.3)
    assert "may this device subscribe to emotion-edge/test/info, secret/+?" in warnings_of(caplog)[0]


def test_a_flood_of_response_topics_that_are_denied_is_told_once(
    tmp_path: Path, publish_to: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    rules = tmp_path / "acl"
    rules.write_text("topic readwrite emotion-edge/test/#\n")
    with Mosquitto(tmp_path, options=[f"acl_file {rules}"]) as broker:
        client = publish_to(broker.url)
        client.start()
        wait_until(lambda: client.connected)
        for number in range(300):
            client.publish_once(Outgoing(f"emotion-edge/nobody/{number}", "fine", correlation=b"x", reply=True))
            time.sleep(0.001)
        client.publish_retained(client.topics.state, "still here")
        wait_until(lambda: f"'{client.topics.state}'" in broker.log)
        wait_until(lambda: broker.log.count("Denied PUBLISH") >= 32)  # so many wait where the client is late
        assert client.reconnects == 0
    (told,) = [text for text in warnings_of(caplog) if "nobody" in text]
    assert "response topic" in told


def test_a_subscription_that_is_refused_is_told_once_and_events_go_on(
    publish_to: MakeClient, event: MakeEvent, caplog: pytest.LogCaptureFixture
) -> None:
    """mosquitto's access lists refuse a subscription without a word."""
    outbox = Outbox(OutboxConfig())
    with ScriptedBroker(granted=b"\x87") as broker:
        client = publish_to(broker.url, outbox=outbox)
        client.subscribe("secret/+", lambda _: None)
        client.start()
        for sequence in range(3):
            client.publish_event(event(sequence), time.monotonic())
            wait_until(lambda: outbox.status.depth == 0)
            broker.hang_up()
            wait_until(lambda count=sequence + 1: client.reconnects == count)  # type: ignore[misc]
        client.close()
    told = [text for text in warnings_of(caplog) if "does not open" in text]
    assert told == [f"{broker.url} does not open secret/+ to this device: not authorized"]
