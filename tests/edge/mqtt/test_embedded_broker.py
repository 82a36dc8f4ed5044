from __future__ import annotations

import contextlib
import gc
import logging
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from edge.errors import ConfigError
from edge.mqtt import EmbeddedBroker, MqttClient
from tests.broker import Subscriber, free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.wire.messages import FaceEvent

EVENT = "emotion-edge/test/event"

# amqtt leaves a connection that comes while it shuts down to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def embedded() -> Iterator[EmbeddedBroker]:
    broker = EmbeddedBroker(free_port())
    yield broker
    broker.stop()
    gc.collect()  # here, and not in whatever test comes next


def test_events_pass_through_it(
    embedded: EmbeddedBroker,
    publish_to: Callable[..., MqttClient],
    event: Callable[[int], FaceEvent],
    caplog: pytest.LogCaptureFixture,
) -> None:
    port = embedded.start()
    with contextlib.closing(Subscriber(port)) as subscriber:
        client = publish_to(f"mqtt://127.0.0.1:{port}", mqtt5=False)
        client.start()
        client.publish_retained(client.topics.state, "somebody")
        for sequence in range(50):
            client.publish_event(event(sequence), time.monotonic())
        wait_until(lambda: len(subscriber.payloads(EVENT)) == 50)
        assert subscriber.payloads(EVENT) == [event(sequence).to_json() for sequence in range(50)]
        with contextlib.closing(Subscriber(port)) as late:
            # amqtt may hand what is retained over twice, to one subscription.
            wait_until(lambda: set(late.payloads(client.topics.state)) == {"somebody"})
        client.close()
        wait_until(lambda: subscriber.payloads(client.topics.availability) == ["online", "offline"])
    assert not [record for record in caplog.records if record.levelno < logging.WARNING]
    embedded.stop()
    embedded.stop()
    assert "broker" not in {thread.name for thread in threading.enumerate()}


def test_it_takes_the_next_port_that_is_free(embedded: EmbeddedBroker) -> None:
    port = embedded.start()
    second = EmbeddedBroker(port)
    try:
        assert second.start() > port
    finally:
        second.stop()


def test_only_this_machine_reaches_it(embedded: EmbeddedBroker) -> None:
    port = embedded.start()
    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.connect(("127.0.0.2", port))


def test_without_amqtt_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "amqtt.broker", raising=False)
    monkeypatch.setitem(sys.modules, "amqtt", None)
    with pytest.raises(ConfigError, match=r"emotion-edge\[demo\]"):
        EmbeddedBroker()
