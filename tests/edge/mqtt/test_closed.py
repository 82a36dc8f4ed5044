"""Brokers that close the connection for a message: it is found and left out, and everything else goes on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from edge.config import OutboxConfig
from edge.mqtt import Outbox
from edge.mqtt.commands import Commands
from edge.mqtt.message import Incoming
from tests.broker import wait_until
from tests.edge.mqtt.device import AVAILABILITY, EVENT, STATE, MakeClient, MakeEvent
from tests.edge.mqtt.scripted import CLOSE, Published, ScriptedBroker
from tests.logged import warnings_of

if TYPE_CHECKING:
    from collections.abc import Callable


def refuses(*topics: str, told: bytes = CLOSE, above: int = 0) -> Callable[[Published], bytes | None]:
    """Close the connection for these topics, or end it with a DISCONNECT that tells why."""
    return lambda published: told if published.topic in topics and published.size > above else None


@pytest.mark.parametrize("told", [CLOSE, b"\xe0\x02\x87\x00", b"\xe0\x02\x95\x00"])
def test_a_topic_for_which_the_broker_closes_the_connection_is_found_and_left_out(
    publish_to: MakeClient, event: MakeEvent, caplog: pytest.LogCaptureFixture, *, told: bytes
) -> None:
    outbox = Outbox(OutboxConfig())
    with ScriptedBroker(answer=refuses(STATE, told=told)) as broker:
        client = publish_to(broker.url, outbox=outbox, refused_s=60)
        for topic in (client.topics.camera, client.topics.state, client.topics.health, client.topics.info):
            client.publish_retained(topic, "x" * 700)
        client.start()
        for sequence in range(30):
            client.publish_event(event(sequence), time.monotonic())
        wait_until(lambda: outbox.status.depth == 0)
        lost = client.reconnects
        assert lost <= 4
        client.publish_retained(client.topics.state, "y" * 700)
        client.publish_event(event(30), time.monotonic())
        wait_until(lambda: outbox.status.depth == 0)
        assert client.reconnects == lost
        assert outbox.status.dropped == 0
        client.close(0.3)
    assert sum(STATE in text for text in warnings_of(caplog)) == 1


def test_what_was_left_out_is_sent_when_its_time_is_over(
    publish_to: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The newest by then, though nothing else is published."""
    with ScriptedBroker(answer=refuses(STATE)) as broker:
        client = publish_to(broker.url, refused_s=0.5)
        client.publish_retained(client.topics.camera, "online")
        client.publish_retained(client.topics.state, "x")
        client.start()
        wait_until(lambda: any(STATE in text for text in warnings_of(caplog)))
        broker.answer = lambda _: None
        wait_until(lambda: client.connected)
        client.publish_retained(client.topics.state, "y")
        wait_until(lambda: (broker.published[-1].topic, broker.published[-1].payload) == (STATE, b"y"))
        client.close(0.3)


def test_who_asks_for_answers_on_topics_that_are_denied_cuts_nobody_off(
    publish_to: MakeClient, event: MakeEvent, caplog: pytest.LogCaptureFixture
) -> None:
    """Each request names another topic, and the broker closes the connection for each."""
    outbox = Outbox(OutboxConfig())
    with ScriptedBroker(answer=lambda sent: CLOSE if "/nobody/" in sent.topic else None) as broker:
        client = publish_to(broker.url, outbox=outbox, refused_s=60)
        commands = Commands(client.topics)
        commands.subscribe(client)
        client.publish_retained(client.topics.state, "x")
        client.start()
        asked = 0

        def answered() -> int:
            """Have an answer denied if a broker is there; return how many connections were lost."""
            nonlocal asked
            if client.connected and AVAILABILITY in client._sender.published:  # noqa: SLF001  # nothing else shows it
                asked += 1
                topic = f"emotion-edge/nobody/{asked}"
                request = Incoming(client.topics.request_health, b"", retained=False, response_topic=topic)
                client.publish_once(commands.answer(request, "fine"))
            return client.reconnects

        wait_until(lambda: answered() >= 2)
        wait_until(lambda: any("response topics" in text for text in warnings_of(caplog)))
        wait_until(lambda: client.connected)
        lost, before = client.reconnects, asked
        wait_until(lambda: answered() > lost or asked > before + 100)
        for sequence in range(10):
            client.publish_event(event(sequence), time.monotonic())
        wait_until(lambda: outbox.status.depth == 0)
        assert client.reconnects == lost <= 4
        client.close(0.3)


def test_events_for_which_the_broker_closes_the_connection_wait_and_the_rest_goes_on(
    publish_to: MakeClient, event: MakeEvent, caplog: pytest.LogCaptureFixture
) -> None:
    """As brokers do that speak MQTT 3.1.1, which knows no other way to deny a topic."""
    outbox = Outbox(OutboxConfig())
    with ScriptedBroker(answer=refuses(EVENT)) as broker:
        client = publish_to(broker.url, outbox=outbox, mqtt5=False, refused_s=60)
        client.publish_retained(client.topics.info, "x" * 1000)
        client.start()
        for sequence in range(30):
            client.publish_event(event(sequence), time.monotonic())
        wait_until(lambda: client.refused is not None)
        wait_until(lambda: client.connected)
        lost = client.reconnects
        client.publish_retained(client.topics.state, "still here")
        wait_until(lambda: broker.topics()[-1:] == [STATE])
        assert (client.reconnects, outbox.status.depth, outbox.status.dropped) == (lost, 30, 0)
        client.close(0.3)
    assert sum(EVENT in text for text in warnings_of(caplog)) <= 2


def test_a_broker_that_closes_every_connection_is_no_reason_to_hold_anything_back(
    publish_to: MakeClient, event: MakeEvent
) -> None:
    outbox = Outbox(OutboxConfig())
    with ScriptedBroker(answer=lambda _: CLOSE) as broker:
        client = publish_to(broker.url, outbox=outbox)
        client.start()
        client.publish_event(event(0), time.monotonic())
        wait_until(lambda: client.reconnects >= 8)
        broker.answer = lambda _: None
        wait_until(lambda: outbox.status.depth == 0)
        assert AVAILABILITY in broker.topics()[-2:]
        client.close(0.3)


@pytest.mark.parametrize("mqtt5", [True, False])
def test_a_message_that_is_never_acknowledged_is_sent_again(
    publish_to: MakeClient, event: MakeEvent, caplog: pytest.LogCaptureFixture, *, mqtt5: bool
) -> None:
    """A cluster may lose an acknowledgement with a node, while it answers everything that comes later."""
    outbox = Outbox(OutboxConfig())
    connections: list[int] = []

    def forget(published: Published) -> bytes | None:
        """Take the first event of the first connection, and say nothing."""
        first = published.topic == EVENT and b'"sequence":0' in published.payload and not connections
        if first:
            connections.append(len(broker.versions))
        return b"" if first else None

    with ScriptedBroker(answer=forget) as broker:
        client = publish_to(broker.url, outbox=outbox, mqtt5=mqtt5, acknowledgement_s=1.0)
        client.start()
        for sequence in range(3):
            client.publish_event(event(sequence), time.monotonic())
        wait_until(lambda: outbox.status.depth == 0)
        assert client.reconnects == 1
        client.close(0.3)
    assert any("a message was not acknowledged for 1 s" in text for text in warnings_of(caplog))
