from __future__ import annotations

import contextlib
import gc
import logging
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from edge.config import MqttConfig
from edge.errors import ConfigError
from edge.mqtt import EmbeddedBroker, MqttClient
from edge.mqtt.embedded_port import embedded_port, remembered
from edge.watch.subscriber import Subscriber as Watcher
from tests.broker import HOST, Subscriber, free_port, wait_until
from tests.edge.mqtt.device import EVENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.wire.messages import FaceEvent

CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00"

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


def test_it_leaves_the_librarys_loggers_as_they_were(embedded: EmbeddedBroker) -> None:
    def state() -> list[tuple[int, bool, list[logging.Handler]]]:
        loggers = [logging.getLogger(name) for name in ("amqtt", "transitions")]
        return [(logger.level, logger.propagate, [*logger.handlers]) for logger in loggers]

    before = state()
    embedded.start()
    assert state() != before
    embedded.stop()
    assert state() == before


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
    with pytest.raises(ConfigError, match=r"pip install 'amqtt>=0.11,<0.13'"):
        EmbeddedBroker()


GARBAGE = {
    "a port check": b"",
    "another protocol": b"GET / HTTP/1.1\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "half a header": b"\x10\xff",
    "an endless header": b"\x10\xff\xff\xff\xff\xff",
    "half a packet": b"\x10\x20\x00\x04MQTT\x04",
    "an older version": b"\x10\x0e\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x00",
    "no client id": b"\x10\x0c\x00\x04MQTT\x04\x00\x00\x3c\x00\x00",
    "a will without a topic": b"\x10\x0c\x00\x04MQTT\x04\x06\x00\x3c\x00\x00",
    "garbage later": CONNECT + b"\xff\x00garbage" * 50,
    "half a packet later": CONNECT + b"\x30\x10\x00\x05a",
    "a topic that is no UTF-8": CONNECT + b"\x30\x05\x00\x03\xff\xfe\xfdx",
}
"""What comes to a port on which a broker listens."""


def ours(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what goes where logs go; pytest also listens to amqtt's loggers, which have no other listener."""
    return [record.getMessage() for record in caplog.records if record.name.startswith("edge.")]


@pytest.mark.parametrize("reset", [False, True])
def test_what_is_no_mqtt_costs_one_line_at_most_and_nobody_else_anything(
    embedded: EmbeddedBroker, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], *, reset: bool
) -> None:
    port = embedded.start()
    for sent in GARBAGE.values():
        with socket.create_connection((HOST, port)) as client:
            if reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(sent)
            time.sleep(0.02)
    silent = [socket.create_connection((HOST, port)) for _ in range(10)]
    with contextlib.closing(Subscriber(port)) as subscriber:
        subscriber.publish("still/there", "yes")
        wait_until(lambda: subscriber.payloads("still/there") == ["yes"])
    embedded.stop()
    for client in silent:
        client.close()
    said = ours(caplog)
    assert [record.name for record in caplog.records if record.exc_info and record.name.startswith("edge.")] == []
    assert all("\n" not in message for message in said)
    assert sum("a client's connection failed" in message for message in said) <= 1
    assert len(said) <= 2  # and that one spoke an older version
    assert capfd.readouterr() == ("", "")


def test_a_client_that_speaks_mqtt_5_is_told_at_once(
    embedded: EmbeddedBroker, caplog: pytest.LogCaptureFixture
) -> None:
    port = embedded.start()
    said: list[str] = []
    for count in (1, 2, 3):
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5, reconnect_on_failure=False)
        client.on_connect = lambda _client, _data, _flags, code, _extra: said.append(str(code))
        client.connect(HOST, port)
        client.loop_start()
        wait_until(lambda count=count: len(said) == count)  # type: ignore[misc]
        client.loop_stop()
    assert said == ["Unsupported protocol version"] * 3
    assert ours(caplog) == ["a client was refused: the embedded broker speaks MQTT 3.1.1 only"]


@pytest.mark.skipif(shutil.which("mosquitto_sub") is None, reason="sudo apt install mosquitto-clients")
def test_mosquittos_own_client_is_told_too(embedded: EmbeddedBroker, caplog: pytest.LogCaptureFixture) -> None:
    command = ["mosquitto_sub", "-V", "5", "-p", str(embedded.start()), "-t", "#", "-W", "5"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Unsupported Protocol Version" in ran.stderr
    assert len(ours(caplog)) == 1


def test_watch_finds_the_broker_wherever_it_listens(embedded: EmbeddedBroker) -> None:
    assert embedded_port() == 1883
    port = embedded.start()
    with remembered(port):
        assert embedded_port() == port
        config = MqttConfig(url="embedded")
        with Watcher(config, "+") as watcher, contextlib.closing(Subscriber(port)) as device:
            wait_until(lambda: watcher.problem is None)

            def heard() -> bool:  # it may be connected and not yet subscribed
                device.publish("emotion-edge/kitchen/availability", "online")
                return bool(watcher.take(0.1))

            wait_until(heard)
        with remembered(port + 1):
            assert embedded_port() == port + 1
    assert embedded_port() == 1883
