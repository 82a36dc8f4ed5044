from __future__ import annotations

import contextlib
import itertools
import json
import logging
import select
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from edge.config import MqttConfig, OutboxConfig
from edge.errors import ConfigError
from edge.events import FaceEvent
from edge.mqtt import MqttClient, Outbox, Pace
from edge.mqtt.identity import client_id
from edge.mqtt.message import Incoming, Once
from edge.mqtt.pace import delay_s
from tests.asker import Asker
from tests.broker import HOST, Mosquitto, Subscriber, free_port, wait_until

if TYPE_CHECKING:
    from pathlib import Path

MakeClient = Callable[..., MqttClient]
MakeEvent = Callable[[int], FaceEvent]

AVAILABILITY = "emotion-edge/test/availability"
EVENT = "emotion-edge/test/event"
STATE = "emotion-edge/test/state"


def sequences(subscriber: Subscriber) -> list[int]:
    return [json.loads(payload)["sequence"] for payload in subscriber.payloads(EVENT)]


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_events_arrive_in_order_and_leave_the_outbox(
    mosquitto: Mosquitto, subscriber: Subscriber, publish_to: MakeClient, event: MakeEvent
) -> None:
    outbox = Outbox(OutboxConfig())
    client = publish_to(mosquitto.url, outbox=outbox)
    client.start()
    for sequence in range(200):
        client.publish_event(event(sequence), time.monotonic())
    wait_until(lambda: outbox.depth == 0)
    wait_until(lambda: len(subscriber.payloads(EVENT)) == 200)
    assert subscriber.payloads(EVENT) == [event(sequence).to_json() for sequence in range(200)]
    assert len(client.latencies) == 200
    assert all(0 < latency < 8000 for latency in client.latencies)
    assert (client.connected, client.reconnects, client.refused) == (True, 0, None)
    assert "(p5," in mosquitto.log  # MQTT 5 where the broker speaks it


@pytest.mark.parametrize("end", ["stop", "pause"])
def test_nothing_is_lost_across_a_broken_connection(
    tmp_path: Path, publish_to: MakeClient, event: MakeEvent, caplog: pytest.LogCaptureFixture, end: str
) -> None:
    caplog.set_level(logging.INFO, "edge.mqtt")
    outbox = Outbox(OutboxConfig())
    # The broker keeps the subscriber's session, so that what is missing could only be the publisher's fault.
    with (
        Mosquitto(tmp_path, persistence=True) as broker,
        contextlib.closing(Subscriber(broker.port, "listener")) as subscriber,
    ):
        client = publish_to(broker.url, outbox=outbox)
        client.start()
        count, stop = itertools.count(), threading.Event()

        def produce() -> None:
            while not stop.wait(0.002):
                client.publish_event(event(next(count)), time.monotonic())

        producer = threading.Thread(target=produce)
        producer.start()
        wait_until(lambda: len(subscriber.payloads(EVENT)) > 100)
        if end == "pause":
            broker.pause()  # what is sent now is never answered
            time.sleep(0.2)
            broker.resume()
        broker.stop()
        wait_until(lambda: not client.connected)
        time.sleep(0.3)
        broker.start()
        wait_until(lambda: client.connected)
        time.sleep(0.2)
        stop.set()
        producer.join()
        made = next(count)
        wait_until(lambda: outbox.depth == 0)
        assert len(warnings_of(caplog)) == 1
        wait_until(lambda: made - 1 in sequences(subscriber))
        assert list(dict.fromkeys(sequences(subscriber))) == list(range(made))
    assert outbox.dropped == 0
    assert client.reconnects == 1
    assert sum("back at" in record.getMessage() for record in caplog.records) == 1


def test_retained_topics_come_back_after_a_restart_that_forgot_them(
    mosquitto: Mosquitto, publish_to: MakeClient
) -> None:
    client = publish_to(mosquitto.url)
    client.publish_retained(STATE, "old")
    client.start()
    wait_until(lambda: client.connected)
    client.publish_retained(STATE, "new")
    client.publish_retained(client.topics.health, "well", qos=0)
    mosquitto.stop()
    wait_until(lambda: not client.connected)
    client.publish_retained(client.topics.camera, "made while away")
    mosquitto.start()
    wait_until(lambda: client.connected)
    with contextlib.closing(Subscriber(mosquitto.port)) as late:
        wait_until(lambda: len({message.topic for message in late.messages}) == 4)
        assert {message.topic: message.payload.decode() for message in late.messages} == {
            AVAILABILITY: "online",
            STATE: "new",
            client.topics.camera: "made while away",
            client.topics.health: "well",
        }
    with contextlib.closing(Subscriber(mosquitto.port)) as later:
        wait_until(lambda: len(later.messages) == 4)
        assert all(message.retain for message in later.messages)


def test_a_slow_broker_gets_the_newest_state_and_not_every_one(
    mosquitto: Mosquitto, subscriber: Subscriber, publish_to: MakeClient
) -> None:
    client = publish_to(mosquitto.url)
    client.start()
    wait_until(lambda: subscriber.payloads(AVAILABILITY) == ["online"])
    mosquitto.pause()
    for number in range(100):
        client.publish_retained(STATE, str(number))
        time.sleep(0.002)
    mosquitto.resume()
    wait_until(lambda: "99" in subscriber.payloads(STATE))
    assert subscriber.payloads(STATE) in (["0", "99"], ["99"], ["1", "99"])


DIES = """
import sys, time
from edge.config import MqttConfig, OutboxConfig
from edge.mqtt import MqttClient, Outbox
client = MqttClient(MqttConfig(url=sys.argv[1], device="test"), Outbox(OutboxConfig()))
client.start()
time.sleep(60)
"""


def test_the_last_will_speaks_for_a_killed_process(mosquitto: Mosquitto, subscriber: Subscriber) -> None:
    with subprocess.Popen([sys.executable, "-c", DIES, mosquitto.url]) as process:
        wait_until(lambda: subscriber.payloads(AVAILABILITY) == ["online"])
        process.send_signal(signal.SIGKILL)
        wait_until(lambda: subscriber.payloads(AVAILABILITY) == ["online", "offline"])
    with contextlib.closing(Subscriber(mosquitto.port)) as late:
        wait_until(lambda: late.payloads(AVAILABILITY) == ["offline"])


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
        wait_until(lambda: client.connected and outbox.depth == 0)
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


def test_events_that_may_not_be_published_wait_until_they_may(
    tmp_path: Path, publish_to: MakeClient, event: MakeEvent, caplog: pytest.LogCaptureFixture
) -> None:
    rules = tmp_path / "acl"
    rules.write_text(f"topic readwrite {AVAILABILITY}\n")
    outbox = Outbox(OutboxConfig())
    with Mosquitto(tmp_path, options=[f"acl_file {rules}"]) as broker:
        client = publish_to(broker.url, outbox=outbox)
        client.start()
        client.publish_event(event(0), time.monotonic())
        wait_until(lambda: client.reconnects >= 2)
        assert outbox.depth == 1
        assert client.refused == "not authorized"
        rules.write_text("topic readwrite #\n")
        broker.restart()
        wait_until(lambda: outbox.depth == 0)
        assert client.refused is None
    assert [EVENT in text for text in warnings_of(caplog) if "refuses" in text] == [True]


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
        wait_until(lambda: outbox.depth == 0)
    assert client.reconnects == 0


def test_close_sends_what_waits_and_says_offline(
    mosquitto: Mosquitto, subscriber: Subscriber, publish_to: MakeClient, event: MakeEvent
) -> None:
    client = publish_to(mosquitto.url)
    client.start()
    for sequence in range(100):
        client.publish_event(event(sequence), time.monotonic())
    client.close()
    wait_until(lambda: subscriber.payloads(AVAILABILITY) == ["online", "offline"])
    assert sequences(subscriber) == list(range(100))
    assert [message.topic for message in subscriber.messages][-1] == AVAILABILITY
    wait_until(lambda: "Received DISCONNECT from edge" in mosquitto.log)  # so the last will was not what said it
    client.close()
    client.publish_event(event(100), time.monotonic())  # too late, and no error


@pytest.mark.parametrize("broker_is", ["absent", "present", "paused", "paused before the answer"])
def test_close_keeps_its_time(tmp_path: Path, publish_to: MakeClient, event: MakeEvent, broker_is: str) -> None:
    with Mosquitto(tmp_path) as broker:
        if broker_is == "absent":
            broker.stop()
        elif broker_is == "paused before the answer":
            broker.pause()
        client = publish_to(broker.url)
        client.start()
        if broker_is in ("present", "paused"):
            wait_until(lambda: client.connected)
        if broker_is == "paused":
            broker.pause()
        for sequence in range(50):
            client.publish_event(event(sequence), time.monotonic())
        began = time.monotonic()
        client.close(timeout_s=0.8)
        took = time.monotonic() - began
        threads = {thread.name for thread in threading.enumerate()}
    assert took < (0.4 if broker_is in ("absent", "present") else 0.85)
    assert "mqtt" not in threads


def test_a_paused_broker_reads_offline_when_it_wakes(
    mosquitto: Mosquitto, subscriber: Subscriber, publish_to: MakeClient
) -> None:
    client = publish_to(mosquitto.url)
    client.start()
    wait_until(lambda: subscriber.payloads(AVAILABILITY) == ["online"])
    mosquitto.pause()
    client.close(timeout_s=0.3)
    mosquitto.resume()
    wait_until(lambda: "offline" in subscriber.payloads(AVAILABILITY))


def test_close_before_start_is_quiet(publish_to: MakeClient) -> None:
    publish_to(f"mqtt://127.0.0.1:{free_port()}").close()


def test_mqtt_3_1_1_on_request(
    mosquitto: Mosquitto, subscriber: Subscriber, publish_to: MakeClient, event: MakeEvent
) -> None:
    client = publish_to(mosquitto.url, mqtt5=False)
    client.start()
    client.publish_event(event(0), time.monotonic())
    wait_until(lambda: sequences(subscriber) == [0])
    assert "(p5," not in mosquitto.log


@pytest.mark.parametrize("mqtt5", [True, False])
def test_what_others_publish_is_heard_on_every_connection_whatever_it_is(
    mosquitto: Mosquitto, subscriber: Subscriber, publish_to: MakeClient, *, mqtt5: bool
) -> None:
    heard: list[Incoming] = []
    client = publish_to(mosquitto.url, mqtt5=mqtt5)
    client.listen("a/+", heard.append)
    client.listen("b/c", heard.append)
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
    client.listen("a/+", heard.append)
    client.start()
    wait_until(lambda: client.connected)
    wait_until(lambda: "a/+ (QoS 1)" in mosquitto.log)
    subscriber.publish("a/b", b"x" * 3_000_000)
    subscriber.publish("a/b", b"small")
    wait_until(lambda: heard)
    assert [message.payload for message in heard] == [b"small"]
    assert client.reconnects == 0


def test_a_retained_message_says_that_it_is_also_when_it_is_new(mosquitto: Mosquitto, publish_to: MakeClient) -> None:
    heard: list[Incoming] = []
    with contextlib.closing(Asker(mosquitto.port)) as asker:
        asker.publish("a/old", b"1", retain=True)
        client = publish_to(mosquitto.url)
        client.listen("a/+", heard.append)
        client.start()
        wait_until(lambda: len(heard) == 1)
        asker.publish("a/new", b"2", retain=True)
        asker.publish("a/once", b"3", retain=False)
        wait_until(lambda: len(heard) == 3)
    assert [message.retained for message in heard] == [True, True, False]


def test_an_answer_goes_where_it_was_asked_for_with_what_belongs_to_it(
    mosquitto: Mosquitto, publish_to: MakeClient
) -> None:
    client = publish_to(mosquitto.url)

    def answer(request: Incoming) -> None:
        client.publish_once(Once(request.response_topic or "", "fine", correlation=request.correlation))

    client.listen("question", answer)
    client.start()
    wait_until(lambda: client.connected)
    with contextlib.closing(Asker(mosquitto.port)) as asker:
        assert asker.ask("question", b"\x00\xff 42") == (b"fine", b"\x00\xff 42")
    with contextlib.closing(Subscriber(mosquitto.port)) as late:
        wait_until(lambda: late.payloads(AVAILABILITY))
        assert {message.topic for message in late.messages} == {AVAILABILITY}  # nothing was kept


def test_what_is_sent_once_is_not_sent_again(
    mosquitto: Mosquitto, subscriber: Subscriber, publish_to: MakeClient
) -> None:
    client = publish_to(mosquitto.url)
    for number in range(40):
        client.publish_once(Once("once", str(number)))
    client.start()
    wait_until(lambda: subscriber.payloads("once")[-1:] == ["39"])
    assert subscriber.payloads("once") == [str(number) for number in range(8, 40)]
    mosquitto.restart()
    wait_until(lambda: client.reconnects == 1)
    with contextlib.closing(Subscriber(mosquitto.port)) as late:
        client.publish_again()
        wait_until(lambda: late.payloads(AVAILABILITY))
        assert late.payloads("once") == []


class Secretive(socketserver.StreamRequestHandler):
    """Lets nobody subscribe, and hangs up after an event; mosquitto's access lists refuse in silence."""

    def handle(self) -> None:
        while header := self.rfile.read(1):
            length = shift = 0
            while (byte := self.rfile.read(1)[0]) & 0x80:
                length += (byte & 0x7F) << shift
                shift += 7
            packet = self.rfile.read(length + (byte << shift))
            if header == b"\x10":  # CONNECT
                self.wfile.write(b"\x20\x03\0\0\0")
            elif header == b"\x82":  # SUBSCRIBE: not authorized
                self.wfile.write(b"\x90\x04" + packet[:2] + b"\0\x87")
            elif header[0] & 0xF6 == 0x32:  # PUBLISH with QoS 1
                topic = int.from_bytes(packet[:2], "big")
                self.wfile.write(b"\x40\x02" + packet[2 + topic : 4 + topic])
                if packet[2 : 2 + topic] == EVENT.encode():
                    return


def test_a_subscription_that_is_refused_is_told_once_and_events_go_on(
    publish_to: MakeClient, event: MakeEvent, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Outbox(OutboxConfig())
    with socketserver.ThreadingTCPServer((HOST, 0), Secretive) as broker:
        threading.Thread(target=broker.serve_forever, args=(0.05,)).start()
        client = publish_to(f"mqtt://{HOST}:{broker.server_address[1]}", outbox=outbox)
        client.listen("secret/+", lambda _: None)
        client.start()
        for sequence in range(3):
            client.publish_event(event(sequence), time.monotonic())
            wait_until(lambda: outbox.depth == 0)
            wait_until(lambda count=sequence + 1: client.reconnects == count)  # type: ignore[misc]
        client.close()
        broker.shutdown()
    told = [text for text in warnings_of(caplog) if "secret" in text]
    assert told == [f"mqtt://{HOST}:{broker.server_address[1]} does not open secret/+ to this device: not authorized"]


UNACCEPTABLE_VERSION = b"\x20\x02\x00\x01"  # a CONNACK


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


@pytest.mark.parametrize(("answer", "warnings"), [(UNACCEPTABLE_VERSION, 0), (b"", 1)])
def test_a_broker_that_does_not_know_mqtt_5_gets_3_1_1(
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    publish_to: MakeClient,
    event: MakeEvent,
    caplog: pytest.LogCaptureFixture,
    *,
    answer: bytes,
    warnings: int,
) -> None:
    Older.behind, Older.answer = mosquitto.port, answer
    with socketserver.ThreadingTCPServer((HOST, 0), Older) as older:
        threading.Thread(target=older.serve_forever, args=(0.05,)).start()
        client = publish_to(f"mqtt://{HOST}:{older.server_address[1]}")
        client.start()
        client.publish_event(event(0), time.monotonic())
        wait_until(lambda: sequences(subscriber) == [0])
        client.close()
        older.shutdown()
    assert len(warnings_of(caplog)) == warnings  # where it hangs up it might be anything


def test_a_broker_that_does_not_answer_is_given_up_and_tried_again(
    tmp_path: Path, publish_to: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    with Mosquitto(tmp_path) as broker:
        broker.pause()
        client = publish_to(broker.url)
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


def test_the_client_id_is_the_machines_and_the_devices_own(tmp_path: Path) -> None:
    machine, other = tmp_path / "machine-id", tmp_path / "other-id"
    machine.write_text("0123456789abcdef0123456789abcdef\n")
    other.write_text("fedcba98765432100123456789abcdef\n")
    kitchen = client_id("emotion-edge/kitchen", machine)
    assert kitchen == client_id("emotion-edge/kitchen", machine)
    names = {kitchen, client_id("emotion-edge/hall", machine), client_id("emotion-edge/kitchen", other)}
    names.add(client_id("emotion-edge/kitchen", tmp_path / "absent"))
    assert len(names) == 4
    assert all(len(name) <= 23 and name.isalnum() for name in names)
    assert "0123456789" not in kitchen


def test_retries_start_quick_and_end_at_a_minute() -> None:
    pace = Pace()
    assert [delay_s(n, pace, 1.0) for n in (1, 2, 3, 6, 7, 1000)] == [1, 2, 4, 32, 60, 60]
    assert delay_s(1, pace, 0.0) == 0.5
