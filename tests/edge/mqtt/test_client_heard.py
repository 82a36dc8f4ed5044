"""What the client hears from others, and what it answers."""

from __future__ import annotations

import contextlib

import pytest

from edge.mqtt.message import Incoming, Outgoing
from tests.broker import Mosquitto, Subscriber, wait_until
from tests.edge.mqtt.device import AVAILABILITY, MakeClient
from tests.requester import Requester


@pytest.mark.parametrize("mqtt5", [True, False])
def test_what_others_publish_is_heard_on_every_connection_whatever_it_is(
    mosquitto: Mosquitto, subscriber: Subscriber, publish_to: MakeClient, *, mqtt5: bool
) -> None:
    heard: list[Incoming] = []
    client = publish_to(mosquitto.url, mqtt5=mqtt5)
    client.subscribe("a/+", heard.append)
    client.subscribe("b/c", heard.append)
    client.start()
    wait_until(lambda: client.connected)
    mosquitto.restart()
    wait_until(lambda: client.reconnects == 1)
    payloads = {b"", b"\xff\x00\xc3", b"x" * 1_000_000}

    def both_are_back() -> bool:
        subscriber.publish("b/c", b"there?")
        return bool(heard)

    wait_until(both_are_back)
    for payload in payloads:
        subscriber.publish("a/b", payload)
        subscriber.publish("not/for/us", payload)
    wait_until(lambda: {message.payload for message in heard if message.topic == "a/b"} == payloads)
    assert {message.topic for message in heard} == {"a/b", "b/c"}
    assert not any(message.retained for message in heard)
    assert client.connected


def test_a_message_that_would_fill_the_memory_is_not_taken(
    mosquitto: Mosquitto, subscriber: Subscriber, publish_to: MakeClient
) -> None:
    heard: list[Incoming] = []
    client = publish_to(mosquitto.url)
    client.subscribe("a/+", heard.append)
    client.start()
    wait_until(lambda: client.connected)
    wait_until(lambda: "a/+ (QoS 1)" in mosquitto.log)
    subscriber.publish("a/b", b"x" * 3_000_000)
    subscriber.publish("a/b", b"small")
    wait_until(lambda: heard)
    assert [message.payload for message in heard] == [b"small"]
    assert client.reconnects == 0


@pytest.mark.parametrize("retained", [True, False])
def test_a_retained_message_says_that_it_is_also_when_it_is_new(
    mosquitto: Mosquitto, publish_to: MakeClient, *, retained: bool
) -> None:
    heard: list[Incoming] = []
    with contextlib.closing(Requester(mosquitto.port)) as requester:
        requester.publish("a/old", b"1", retain=True)
        client = publish_to(mosquitto.url)
        client.subscribe("a/+", heard.append, retained=retained)
        client.start()
        wait_until(lambda: "a/+ (QoS 1)" in mosquitto.log)
        wait_until(lambda: len(heard) == retained)
        requester.publish("a/new", b"2", retain=True)
        requester.publish("a/once", b"3", retain=False)
        wait_until(lambda: [message.payload for message in heard][-1:] == [b"3"])
    assert [message.retained for message in heard] == [True] * retained + [True, False]


def test_an_answer_goes_where_it_was_asked_for_with_what_belongs_to_it(
    mosquitto: Mosquitto, publish_to: MakeClient
) -> None:
    client = publish_to(mosquitto.url)

    def answer(request: Incoming) -> None:
        client.publish_once(Outgoing(request.response_topic or "", "fine", correlation=request.correlation))

    client.subscribe("question", answer)
    client.start()
    wait_until(lambda: client.connected)
    with contextlib.closing(Requester(mosquitto.port)) as requester:
        assert requester.ask("question", b"\x00\xff 42") == (b"fine", b"\x00\xff 42")
    with contextlib.closing(Subscriber(mosquitto.port)) as late:
        wait_until(lambda: late.payloads(AVAILABILITY))
        assert {message.topic for message in late.messages} == {AVAILABILITY}  # nothing was kept


def test_what_is_sent_once_is_not_sent_again(
    mosquitto: Mosquitto, subscriber: Subscriber, publish_to: MakeClient
) -> None:
    client = publish_to(mosquitto.url)
    for number in range(40):
        client.publish_once(Outgoing("once", str(number)))
    client.start()
    wait_until(lambda: subscriber.payloads("once")[-1:] == ["39"])
    assert subscriber.payloads("once") == [str(number) for number in range(8, 40)]
    mosquitto.restart()
    wait_until(lambda: client.reconnects == 1)
    with contextlib.closing(Subscriber(mosquitto.port)) as late:
        client.publish_again()
        wait_until(lambda: late.payloads(AVAILABILITY))
        assert late.payloads("once") == []
