"""Brokers that refuse, are absent, mute or of another version: what is said, and how it goes on."""

from __future__ import annotations

import logging
import os
import select
import socket
import socketserver
import threading
import time
from typing import TYPE_CHECKING

import pytest

from edge.config import MqttConfig, OutboxConfig
from edge.errors import ConfigError
from edge.mqtt import MqttClient, Outbox
from edge.mqtt.credentials import credentials
from tests.broker import HOST, Mosquitto, Subscriber, wait_until
from tests.edge.mqtt.device import EVENT, MakeClient, MakeEvent
from tests.edge.mqtt.scripted import CONNACK, CONNACK_311, UNACCEPTABLE_VERSION, ScriptedBroker
from tests.logged import warnings_of

if TYPE_CHECKING:
    from pathlib import Path


def test_a_refused_password_is_told_once_and_mended_in_its_file(
    tmp_path: Path, publish_to: MakeClient, event: MakeEvent, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    file = tmp_path / "secret"
    file.write_text("sesame-wrong\n")
    outbox = Outbox(OutboxConfig())
    with Mosquitto(tmp_path, users={"pi": "sesame-right"}) as broker:
        client = publish_to(broker.url.replace("//", "//pi@"), outbox=outbox, password_file=file)
        client.start()
        client.publish_event(event(0), time.monotonic())
        wait_until(lambda: broker.log.count("not authorised") >= 3)
        assert client.refused == "not authorized"
        assert not client.connected
        file.write_text("sesame-right\n")
        wait_until(lambda: client.connected and outbox.status.depth == 0)
        assert client.refused is None
    told = [text for text in warnings_of(caplog) if "refuses" in text]
    assert len(told) == 1
    assert "mqtt.password_file" in told[0]
    assert "sesame" not in caplog.text + repr(client) + repr(vars(client))


def test_a_refused_password_is_mended_at_the_broker(tmp_path: Path, publish_to: MakeClient) -> None:
    file = tmp_path / "secret"
    file.write_text("right")
    with Mosquitto(tmp_path, users={"pi": "wrong"}) as broker:
        client = publish_to(broker.url.replace("//", "//pi@"), password_file=file, mqtt5=False)
        client.start()
        wait_until(lambda: client.refused is not None)
        broker.set_password("pi", "right")
        wait_until(lambda: client.connected)


@pytest.mark.parametrize(
    ("mqtt5", "busy"),
    [*((True, b"\x20\x03\x00" + code + b"\x00") for code in (b"\x88", b"\x89", b"\x97", b"\x9f")),
     (False, b"\x20\x02\x00\x03")],
)  # fmt: skip
def test_a_broker_that_is_unavailable_or_busy_is_away(
    publish_to: MakeClient, caplog: pytest.LogCaptureFixture, *, mqtt5: bool, busy: bytes
) -> None:
    """A cluster says so while it chooses a leader: no password is wrong, and a minute would be too long."""
    with ScriptedBroker(connack=busy, connack_311=busy) as broker:
        client = publish_to(broker.url, mqtt5=mqtt5, refused_s=60)
        client.start()
        wait_until(lambda: len(broker.versions) > 2)
        assert client.refused is None
        broker.connack, broker.connack_311 = CONNACK, CONNACK_311
        wait_until(lambda: client.connected)
    (told, *_) = warnings_of(caplog)
    assert any(reason in told for reason in ("server", "quota exceeded", "connection rate exceeded"))
    assert "password" not in told


@pytest.mark.parametrize(("code", "asked"), [(0x86, True), (0x87, True), (0x8C, True), (0x85, False), (0x8A, False)])
def test_the_user_is_to_be_checked_where_the_refusal_has_to_do_with_it(
    publish_to: MakeClient, caplog: pytest.LogCaptureFixture, *, code: int, asked: bool
) -> None:
    with ScriptedBroker(connack=b"\x20\x03\x00" + bytes([code, 0])) as broker:
        client = publish_to(broker.url)
        client.start()
        wait_until(lambda: client.refused)
        client.close(0.3)
    (told,) = warnings_of(caplog)
    assert ("check the user" in told) == asked


def test_a_broker_that_is_absent_is_told_once_and_found_when_it_comes(
    tmp_path: Path, publish_to: MakeClient, event: MakeEvent, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "edge.mqtt")
    broker = Mosquitto(tmp_path)
    outbox = Outbox(OutboxConfig())
    client = publish_to(broker.url, outbox=outbox)
    client.start()
    client.publish_event(event(0), time.monotonic())
    time.sleep(1.0)  # several attempts
    assert warnings_of(caplog) == [f"cannot reach {broker.url}: connection refused; trying again, events are kept"]
    assert (client.connected, client.refused) == (False, None)
    with broker:
        wait_until(lambda: outbox.status.depth == 0)
    assert client.reconnects == 0


class Older(socketserver.BaseRequestHandler):
    """Stands before a broker and answers MQTT 5 as one that knows 3.1.1 only."""

    behind: int
    answer: bytes

    def handle(self) -> None:
        connect = self.request.recv(4096)
        if connect[connect.index(b"MQTT") + 4] == 5:
            self.request.sendall(self.answer)
            return
        with socket.create_connection((HOST, self.behind)) as broker:
            broker.sendall(connect)
            pairs = {self.request: broker, broker: self.request}
            while True:
                for source in select.select(list(pairs), [], [])[0]:
                    if not (data := source.recv(4096)):
                        return
                    pairs[source].sendall(data)


@pytest.mark.parametrize("answer", [UNACCEPTABLE_VERSION, b""])
def test_a_broker_that_does_not_know_mqtt_5_gets_3_1_1(
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    publish_to: MakeClient,
    event: MakeEvent,
    caplog: pytest.LogCaptureFixture,
    *,
    answer: bytes,
) -> None:
    Older.behind, Older.answer = mosquitto.port, answer
    with socketserver.ThreadingTCPServer((HOST, 0), Older) as older:
        threading.Thread(target=older.serve_forever, args=(0.05,)).start()
        client = publish_to(f"mqtt://{HOST}:{older.server_address[1]}")
        client.start()
        client.publish_event(event(0), time.monotonic())
        wait_until(lambda: len(subscriber.payloads(EVENT)) == 1)
        client.close()
        older.shutdown()
    assert warnings_of(caplog) == []


def test_a_broker_that_does_not_answer_is_given_up_and_tried_again(
    tmp_path: Path, publish_to: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    with Mosquitto(tmp_path) as broker:
        broker.pause()
        client = publish_to(broker.url, answer_s=1.0)
        client.start()
        wait_until(lambda: "no answer" in caplog.text)
        broker.resume()
        wait_until(lambda: client.connected)


@pytest.mark.parametrize(("content", "why"), [(None, "No such file"), ("", "on one line"), ("a\nb", "on one line")])
def test_a_password_file_that_is_none_is_told_at_once(tmp_path: Path, content: str | None, why: str) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_text(content)
    config = MqttConfig(url="mqtt://pi@localhost", password_file=file)
    with pytest.raises(ConfigError, match=why) as caught:
        MqttClient(config, Outbox(OutboxConfig()))
    assert str(file) in str(caught.value)


def test_a_password_file_is_a_regular_file_of_a_line(tmp_path: Path) -> None:
    config = MqttConfig(url="mqtt://pi@localhost", password_file=tmp_path / "secret")
    (tmp_path / "secret").write_text("hush\r\n", encoding="utf-8-sig")
    assert credentials(config)[0] == "hush"
    for end in ("fifo", "zero"):
        (tmp_path / "secret").unlink()
        if end == "fifo":
            os.mkfifo(tmp_path / "secret")
        else:
            (tmp_path / "secret").symlink_to("/dev/zero")
        with pytest.raises(ConfigError, match="not a regular file"):
            credentials(config)
