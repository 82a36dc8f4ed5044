"""Two daemons with one name: it is noticed, said with what to do, counted, and nothing is lost."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING

import pytest

from edge.config import OutboxConfig
from edge.mqtt import Outbox, connector
from tests.broker import Mosquitto, Subscriber, wait_until
from tests.edge.mqtt.device import EVENT, INFO, MakeClient, MakeEvent
from tests.edge.mqtt.scripted import ScriptedBroker
from tests.logged import warnings_of
from tests.proxy import Proxy
from tests.requester import Requester

if TYPE_CHECKING:
    from pathlib import Path

    from edge.mqtt.message import Incoming


def info(session: str, previous: str | None = None) -> str:
    return json.dumps({"session": session, "previous_session": previous})


class Daemon:
    """Publishes what a daemon does, in a session of its own."""

    def __init__(self, session: str, url: str, publish_to: MakeClient, event: MakeEvent, **options: object) -> None:
        self.outbox = Outbox(OutboxConfig())
        self.client = publish_to(url, outbox=self.outbox, **options)
        self.client.publish_retained(self.client.topics.info, info(session))
        for sequence in range(50):
            one = event(sequence).model_copy(update={"session": session})
            self.client.publish_event(one, time.monotonic())
        self.client.start()


@pytest.mark.parametrize("mqtt5", [True, False])
def test_two_with_one_client_id_take_turns_and_lose_nothing(
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    publish_to: MakeClient,
    event: MakeEvent,
    caplog: pytest.LogCaptureFixture,
    *,
    mqtt5: bool,
) -> None:
    both = [Daemon(session, mosquitto.url, publish_to, event, mqtt5=mqtt5) for session in ("first", "second")]
    wait_until(lambda: all(daemon.outbox.status.depth == 0 for daemon in both))
    wait_until(lambda: all(daemon.client.health.conflicts for daemon in both))
    wait_until(lambda: len(set(subscriber.payloads(EVENT))) == 100)
    time.sleep(1.0)  # they go on to take turns
    told = warnings_of(caplog)
    assert sum("publishes to emotion-edge/test/" in text for text in told) == 2  # each daemon says each thing once
    assert sum("machine-id" in text for text in told) == 2
    assert sum("lost" in text for text in told) <= 12  # until the younger one is sure that it is no node of a cluster


def test_a_broker_that_says_so_is_understood_at_once(
    publish_to: MakeClient, event: MakeEvent, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Outbox(OutboxConfig())
    with ScriptedBroker(greeting=b"\xe0\x02\x8e\x00") as broker:  # DISCONNECT: session taken over
        client = publish_to(broker.url, outbox=outbox)
        client.publish_event(event(0), time.monotonic())
        client.start()
        wait_until(lambda: client.health.conflicts >= 3)
        assert client.refused == "another client has this device's client id"
        broker.greeting = b""
        wait_until(lambda: outbox.status.depth == 0)
        assert client.refused is None
        client.close(0.3)
    (told,) = warnings_of(caplog)
    assert "machine-id" in told


@pytest.mark.parametrize("mqtt5", [True, False])
def test_two_on_different_machines_notice_each_other(
    mosquitto: Mosquitto,
    publish_to: MakeClient,
    event: MakeEvent,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    *,
    mqtt5: bool,
) -> None:
    both = []
    for session in ("first", "second"):
        monkeypatch.setattr(connector, "client_id", lambda _root, session=session: f"edge{session}")
        both.append(Daemon(session, mosquitto.url, publish_to, event, mqtt5=mqtt5))
        wait_until(lambda: both[-1].client.connected and both[-1].outbox.status.depth == 0)
    wait_until(lambda: [daemon.client.health.conflicts for daemon in both] == [1, 1])
    assert all(daemon.client.reconnects == 0 for daemon in both)
    told = warnings_of(caplog)
    assert len(told) == 2
    assert all(f"session {other}" in "".join(told) for other in ("first", "second"))
    time.sleep(0.3)
    infos = [line for line in mosquitto.log.splitlines() if "Received PUBLISH" in line and INFO in line]
    assert len(infos) <= 4  # no endless exchange


@pytest.mark.parametrize("mqtt5", [True, False])
def test_the_session_before_is_no_other_daemon(
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    publish_to: MakeClient,
    caplog: pytest.LogCaptureFixture,
    *,
    mqtt5: bool,
) -> None:
    """The broker keeps its `info`, and sends it on every connect with MQTT 3.1.1."""
    first = publish_to(mosquitto.url, mqtt5=mqtt5)
    first.publish_retained(first.topics.info, info("first"))
    first.start()
    wait_until(lambda: subscriber.payloads(INFO) == [info("first")])
    first.close()
    second = publish_to(mosquitto.url, mqtt5=mqtt5)
    second.start()
    wait_until(lambda: second.connected)
    time.sleep(0.2)
    second.publish_retained(second.topics.info, info("second", "first"))
    wait_until(lambda: subscriber.payloads(INFO)[-1:] == [info("second", "first")])
    subscriber.publish(INFO, info("first"))  # as a bridge does that is late
    second.publish_retained(second.topics.info, info("second", "first"))  # one's own, which comes back
    time.sleep(0.3)
    assert second.health.conflicts == 0
    assert warnings_of(caplog) == []


@pytest.mark.parametrize("mqtt5", [True, False])
def test_a_session_that_another_node_kept_is_no_other_daemon(
    tmp_path: Path, publish_to: MakeClient, caplog: pytest.LogCaptureFixture, *, mqtt5: bool
) -> None:
    """RabbitMQ keeps retained messages on each node alone: one that was not used for long has an old session's."""
    own, earlier = info("S3", "S2"), info("S1")
    with contextlib.ExitStack() as cleanup:
        nodes = []
        for name in ("used", "unused", "another"):
            (tmp_path / name).mkdir()
            nodes.append(cleanup.enter_context(Mosquitto(tmp_path / name)))
        heard = [cleanup.enter_context(contextlib.closing(Subscriber(node.port))) for node in nodes]
        proxy = cleanup.enter_context(Proxy(nodes[0].port))
        client = publish_to(proxy.url, mqtt5=mqtt5)
        client.publish_retained(client.topics.info, own)
        client.start()
        wait_until(lambda: heard[0].payloads(INFO) == [own])
        for node, there in zip(nodes[1:], heard[1:], strict=True):
            with contextlib.closing(Requester(node.port)) as requester:
                requester.publish(INFO, earlier.encode(), retain=True)
            proxy.upstream = node.port
            proxy.cut()
            wait_until(lambda there=there: there.payloads(INFO) == [earlier, own])  # type: ignore[misc]
        wait_until(lambda: client.reconnects == 2)
        assert client.health.conflicts == 0
        assert not any("another daemon" in text or "machine-id" in text for text in warnings_of(caplog))


def test_an_older_session_that_always_comes_back_is_another_daemon(
    mosquitto: Mosquitto, publish_to: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """As it does where two take turns with one client id."""
    with Proxy(mosquitto.port) as proxy, contextlib.closing(Requester(mosquitto.port)) as other:
        client = publish_to(proxy.url)
        client.publish_retained(client.topics.info, info("S3", "S2"))
        client.start()
        wait_until(lambda: INFO in client._sender.published)  # noqa: SLF001  # nothing else shows it
        turns = 0
        while not client.health.conflicts and turns < 20:
            turns += 1
            reconnects = client.reconnects
            proxy.shut = True
            proxy.cut()
            other.publish(INFO, info("S1").encode(), retain=True)
            proxy.shut = False
            wait_until(lambda reconnects=reconnects: client.reconnects > reconnects)  # type: ignore[misc]
            # Its own `info` is acknowledged after the broker has sent what it had kept.
            wait_until(lambda: INFO in client._sender.published)  # noqa: SLF001
        assert client.health.conflicts
        assert turns <= 4  # the first one ends a connection on which nothing was kept
    assert any("session S1" in text for text in warnings_of(caplog))


@pytest.mark.parametrize(
    "payload",
    [
        *(b"", b"\xff", b"[]", b"7", b"{}", b'{"session": 7}', b'{"session": null}', b"[" * 100_000, b"x" * 90_000),
        b'{"session": "another one", "longer than any info": "' + b"x" * 65_536 + b'"}',
    ],
)
def test_what_is_no_info_is_no_conflict(
    mosquitto: Mosquitto, subscriber: Subscriber, publish_to: MakeClient, payload: bytes
) -> None:
    client = publish_to(mosquitto.url)
    client.publish_retained(client.topics.info, info("own"))
    heard: list[Incoming] = []
    client.subscribe("mark", heard.append)
    client.start()
    wait_until(lambda: subscriber.payloads(INFO))
    subscriber.publish(INFO, payload)
    subscriber.publish("mark", b"")
    wait_until(lambda: heard)
    assert client.health.conflicts == 0


def test_a_session_of_control_characters_does_not_reach_the_log(
    mosquitto: Mosquitto, subscriber: Subscriber, publish_to: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = publish_to(mosquitto.url)
    client.publish_retained(client.topics.info, info("own"))
    client.start()
    wait_until(lambda: subscriber.payloads(INFO))
    subscriber.publish(INFO, info("\x1b[2J\n<2>disk failure"))
    wait_until(lambda: client.health.conflicts)
    wait_until(lambda: warnings_of(caplog))
    assert all(text.isprintable() for text in warnings_of(caplog))


def test_a_flood_of_sessions_is_bounded(
    mosquitto: Mosquitto, subscriber: Subscriber, publish_to: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = publish_to(mosquitto.url)
    client.publish_retained(client.topics.info, info("own"))
    heard: list[Incoming] = []
    client.subscribe("mark", heard.append)
    client.start()
    wait_until(lambda: subscriber.payloads(INFO))
    for number in range(500):
        subscriber.publish(INFO, info(f"made up {number} " + "x" * 1000))
    subscriber.publish("mark", b"")
    wait_until(lambda: heard)
    assert client.health.conflicts == len(warnings_of(caplog)) == 16
    assert max(map(len, warnings_of(caplog))) < 300
