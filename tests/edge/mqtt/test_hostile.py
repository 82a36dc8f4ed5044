"""Brokers that are wrong, mean or broken: each gets one sentence, and the events wait for a better one."""

from __future__ import annotations

import contextlib
import random
import socketserver
import threading
import time
from socket import SHUT_RDWR
from typing import TYPE_CHECKING, Self

import pytest

from edge.config import MqttConfig, OutboxConfig
from edge.mqtt import Backoff, MqttClient, Outbox, connection
from edge.mqtt.message import Outgoing
from tests.broker import HOST, Mosquitto, Subscriber, wait_until
from tests.certificates import needs_openssl
from tests.edge.mqtt.device import AVAILABILITY, EVENT, STATE, MakeClient, MakeEvent
from tests.edge.mqtt.scripted import CONNACK, length, packet
from tests.logged import warnings_of
from tests.proxy import Proxy

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from tests.certificates import Authority


HUGE = b"\xff\xff\xff\x7f"  # a remaining length of 256 MB
IMPATIENT = Backoff(first_s=0.02, most_s=0.04, refused_s=0.05, answer_s=0.2, settled_s=0.0)
NOISE = random.Random(5).randbytes(100_000)  # noqa: S311  # to be repeatable


@needs_openssl
@pytest.mark.parametrize(
    ("certificate", "why"), [("expired", "certificate has expired"), ("elsewhere", "IP address mismatch")]
)
def test_a_wrong_certificate_is_told_once_and_its_successor_trusted(
    tmp_path: Path,
    authority: Authority,
    publish_to: MakeClient,
    event: MakeEvent,
    caplog: pytest.LogCaptureFixture,
    *,
    certificate: str,
    why: str,
) -> None:
    outbox = Outbox(OutboxConfig())
    for end in ("pem", "key"):
        (tmp_path / f"broker.{end}").write_bytes((authority.folder / f"{certificate}.{end}").read_bytes())
    options = [f"certfile {tmp_path}/broker.pem", f"keyfile {tmp_path}/broker.key"]
    with Mosquitto(tmp_path, options=options) as broker:
        client = publish_to(f"mqtts://{HOST}:{broker.port}", outbox=outbox, ca_file=authority.folder / "ca.pem")
        client.start()
        client.publish_event(event(0), time.monotonic())
        wait_until(lambda: client.refused is not None)
        time.sleep(0.5)  # further attempts
        assert client.refused is not None
        assert why in client.refused
        assert not client.connected
        told = warnings_of(caplog)
        assert len(told) == 1
        assert why in told[0]
        for end in ("pem", "key"):
            (tmp_path / f"broker.{end}").write_bytes((authority.folder / f"broker.{end}").read_bytes())
        broker.restart()
        wait_until(lambda: client.connected and outbox.status.depth == 0)
    assert client.refused is None


@needs_openssl
def test_a_network_that_flips_bits_costs_a_tls_connection_and_no_event(
    tmp_path: Path, authority: Authority, publish_to: MakeClient, event: MakeEvent, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Outbox(OutboxConfig())
    broker = Mosquitto(tmp_path, options=authority.options("broker"))
    with broker, Proxy(broker.port) as proxy:
        client = publish_to(f"mqtts://{HOST}:{proxy.port}", outbox=outbox, ca_file=authority.folder / "ca.pem")
        client.start()
        wait_until(lambda: client.connected)
        proxy.corrupting = True
        for sequence in range(50):
            client.publish_event(event(sequence), time.monotonic())
        wait_until(lambda: not client.connected)
        time.sleep(0.5)
        assert outbox.status.depth == 50
        proxy.corrupting = False
        wait_until(lambda: client.connected and outbox.status.depth == 0)
    assert warnings_of(caplog)


def test_a_retained_topic_that_may_not_be_published_is_told_once_and_stops_no_event(
    tmp_path: Path, publish_to: MakeClient, event: MakeEvent, caplog: pytest.LogCaptureFixture
) -> None:
    rules = tmp_path / "acl"
    rules.write_text("topic read #\ntopic write emotion-edge/test/event\ntopic write emotion-edge/test/availability\n")
    outbox = Outbox(OutboxConfig())
    with (
        Mosquitto(tmp_path, options=[f"acl_file {rules}"]) as broker,
        contextlib.closing(Subscriber(broker.port, "listener")) as subscriber,
    ):
        client = publish_to(broker.url, outbox=outbox)
        client.start()
        for number in range(5):
            client.publish_retained(client.topics.state, str(number))
            client.publish_event(event(number), time.monotonic())
            wait_until(lambda: outbox.status.depth == 0)
        wait_until(lambda: len(subscriber.payloads(EVENT)) == 5)
        assert subscriber.payloads(STATE) == []
        assert [STATE in text for text in warnings_of(caplog)] == [True]
        assert client.reconnects == 0
        rules.write_text("topic readwrite #\n")
        broker.restart()
        wait_until(lambda: set(subscriber.payloads(STATE)) == {"4"})  # live, retained or both


def test_response_topics_that_others_make_up_are_not_remembered(
    mosquitto: Mosquitto, subscriber: Subscriber, publish_to: MakeClient
) -> None:
    client = publish_to(mosquitto.url)
    client.start()
    for number in range(20):
        client.publish_once(Outgoing(f"emotion-edge/made-up/{number}", "fine", reply=True))
    wait_until(lambda: subscriber.payloads("emotion-edge/made-up/19"))
    wait_until(lambda: client._sender.published)  # noqa: SLF001  # nothing else shows it
    client.close(0.3)  # after which each of them was acknowledged
    assert client._sender.published == {AVAILABILITY}  # noqa: SLF001


class Hostile(socketserver.ThreadingTCPServer):
    """Says the same to everyone who connects, and then nothing, until it is gone."""

    allow_reuse_address = True

    def __init__(self, port: int, says: bytes) -> None:
        super().__init__((HOST, port), _Speaker)
        self.says = says
        self.guests: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.02,)).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        for guest in self.guests:
            with contextlib.suppress(OSError):  # it left before
                guest.shutdown(SHUT_RDWR)
        self.server_close()


class _Speaker(socketserver.BaseRequestHandler):
    server: Hostile

    def handle(self) -> None:
        self.server.guests.append(self.request)
        with contextlib.suppress(OSError):
            self.request.recv(4096)  # CONNECT
            self.request.sendall(self.server.says)
            while self.request.recv(4096):
                pass


def impatient(broker: Mosquitto, outbox: Outbox) -> MqttClient:
    return MqttClient(MqttConfig(url=broker.url, device="test"), outbox, backoff=IMPATIENT)


GARBAGE = {
    "nothing": b"",
    "noise": NOISE,
    "HTTP": b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
    "half a CONNACK": CONNACK[:3],
    "a CONNACK without its body": b"\x20\x00",
    "a CONNACK with one byte": b"\x20\x01\x00",
    "a CONNACK with a property of no kind": b"\x20\x06\x00\x00\x03\xfa\xfb\xfc",
    "a CONNACK whose properties are longer than it": b"\x20\x04\x00\x00\x7f\x21",
    "a CONNACK with a reason that does not exist": b"\x20\x03\x00\x77\x00",
    "a huge CONNACK": b"\x20" + HUGE,
    "a CONNACK with more properties than paho reads in a minute": packet(
        0x20, b"\x00\x00" + length(600_000) + b"\x26\x00\x01a\x00\x00" * 100_000
    ),
    "a length that never ends": b"\x20" + b"\xff" * 50,
    "an answer to nothing": b"\x40\x02\x00\x07",
    "a message before the CONNACK": b"\x30\x05\x00\x01ahi",
    "after the CONNACK, noise": CONNACK + NOISE,
    "after the CONNACK, a packet of no kind": CONNACK + b"\x00\x00",
    "after the CONNACK, a PUBACK of one byte": CONNACK + b"\x40\x01\x00",
    "after the CONNACK, a PUBACK of nothing": CONNACK + b"\x40\x02\x00\x63",
    "after the CONNACK, a SUBACK with no reasons": CONNACK + b"\x90\x03\x00\x01\x00",
    "after the CONNACK, a huge message": CONNACK + b"\x32" + HUGE + b"\x00\x01a",
    "after the CONNACK, a message whose topic is longer than it": CONNACK + b"\x30\x04\xff\xff\x61\x61",
    "after the CONNACK, a message whose topic is no text": CONNACK + b"\x30\x05\x00\x02\xff\xfe\x00",
    "after the CONNACK, DISCONNECT": CONNACK + b"\xe0\x00",
    "after the CONNACK, DISCONNECT with a reason that does not exist": CONNACK + b"\xe0\x02\x77\x00",
    "a second CONNACK": CONNACK + CONNACK,
    "a window of nothing": b"\x20\x06\x00\x00\x03\x21\x00\x00",
}


HARMLESS = {
    "after the CONNACK, a PUBACK of nothing",
    "after the CONNACK, a SUBACK with no reasons",
    "after the CONNACK, a huge message",
    "after the CONNACK, a message whose topic is longer than it",
    "after the CONNACK, a message whose topic is no text",
    "a second CONNACK",
}
"""What a client may overlook: here the end of the connection shows what broker that was."""


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_is_told_and_a_good_broker_found_after_it(
    tmp_path: Path, event: MakeEvent, caplog: pytest.LogCaptureFixture, *, kind: str
) -> None:
    broker = Mosquitto(tmp_path)
    outbox = Outbox(OutboxConfig())
    with contextlib.closing(impatient(broker, outbox)) as client:
        with Hostile(broker.port, GARBAGE[kind]) as hostile:
            client.start()
            client.publish_event(event(0), time.monotonic())
            wait_until(lambda: client.connected if kind in HARMLESS else len(hostile.guests) >= 2)
            assert outbox.status.depth == 1
        with broker:
            wait_until(lambda: outbox.status.depth == 0)
            client.close()
    told = [text for text in warnings_of(caplog) if "events are kept" in text]
    assert told
    assert len(told) == 1 or GARBAGE[kind].startswith(CONNACK)


def test_a_broker_that_accepts_and_then_says_nothing_more_is_given_up(
    tmp_path: Path, event: MakeEvent, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_KEEPALIVE_S", 1)
    broker = Mosquitto(tmp_path)
    outbox = Outbox(OutboxConfig())
    with contextlib.closing(impatient(broker, outbox)) as client:
        with Hostile(broker.port, CONNACK) as hostile:
            client.start()
            client.publish_event(event(0), time.monotonic())
            wait_until(lambda: len(hostile.guests) == 2)
        with broker:
            wait_until(lambda: outbox.status.depth == 0)
            client.close()
    assert warnings_of(caplog)[0] == f"lost {broker.url}: keep alive timeout; trying again, events are kept"
