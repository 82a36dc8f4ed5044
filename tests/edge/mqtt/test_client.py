"""The client against a real broker: publishing, coming back and leaving."""

from __future__ import annotations

import contextlib
import itertools
import logging
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from edge.config import OutboxConfig
from edge.mqtt import Backoff, Outbox
from edge.mqtt.backoff import delay_s
from edge.mqtt.client_id import client_id
from tests.broker import Mosquitto, Subscriber, free_port, wait_until
from tests.edge.mqtt.device import AVAILABILITY, EVENT, STATE, MakeClient, MakeEvent, sequences
from tests.logged import warnings_of

if TYPE_CHECKING:
    from pathlib import Path


def test_events_arrive_in_order_and_leave_the_outbox(
    mosquitto: Mosquitto, subscriber: Subscriber, publish_to: MakeClient, event: MakeEvent
) -> None:
    outbox = Outbox(OutboxConfig())
    client = publish_to(mosquitto.url, outbox=outbox)
    client.start()
    for sequence in range(200):
        client.publish_event(event(sequence), time.monotonic())
    wait_until(lambda: outbox.status.depth == 0)
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
        wait_until(lambda: outbox.status.depth == 0)
        assert len(warnings_of(caplog)) == 1
        wait_until(lambda: made - 1 in sequences(subscriber))
        assert list(dict.fromkeys(sequences(subscriber))) == list(range(made))
    assert outbox.status.dropped == 0
    assert client.reconnects == 1
    assert sum("back at" in record.getMessage() for record in caplog.records) == 1


def test_retained_topics_come_back_after_a_restart_that_forgot_them(
    mosquitto: Mosquitto, publish_to: MakeClient
) -> None:
    client = publish_to(mosquitto.url)
    client.publish_retained(client.topics.state, "old")
    client.start()
    wait_until(lambda: client.connected)
    client.publish_retained(client.topics.state, "new")
    client.publish_retained(client.topics.health, "well")
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
        client.publish_retained(client.topics.state, str(number))
        time.sleep(0.002)
    mosquitto.resume()
    wait_until(lambda: "99" in subscriber.payloads(STATE))
    *before, newest = subscriber.payloads(STATE)
    assert newest == "99"
    assert len(before) <= 2  # what was on its way


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


def test_close_sends_what_waits_and_says_offline(
    mosquitto: Mosquitto, subscriber: Subscriber, publish_to: MakeClient, event: MakeEvent
) -> None:
    client = publish_to(mosquitto.url)
    client.start()
    for sequence in range(100):
        client.publish_event(event(sequence), time.monotonic())
    client.close(timeout_s=60)
    wait_until(lambda: subscriber.payloads(AVAILABILITY) == ["online", "offline"])
    assert sequences(subscriber) == list(range(100))
    assert [message.topic for message in subscriber.messages][-1] == AVAILABILITY
    wait_until(lambda: "Received DISCONNECT from edge" in mosquitto.log)  # so the last will was not what said it
    client.close()
    client.publish_event(event(100), time.monotonic())  # too late, and no error


@pytest.mark.parametrize(
    ("broker_is", "timeout_s"), [("absent", 60), ("present", 60), ("paused", 2), ("paused before the answer", 2)]
)
def test_close_keeps_its_time(
    tmp_path: Path, publish_to: MakeClient, event: MakeEvent, broker_is: str, timeout_s: float
) -> None:
    others = set(threading.enumerate())
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
        client.close(timeout_s)
        assert time.monotonic() - began < 20  # a busy machine is late, never for ever
        wait_until(lambda: set(threading.enumerate()) <= others)


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
    backoff = Backoff()
    assert [delay_s(n, backoff, 1.0) for n in (1, 2, 3, 6, 7, 1000)] == [1, 2, 4, 32, 60, 60]
    assert delay_s(1, backoff, 0.0) == 0.5


def test_what_is_worthless_when_late_is_left_out_while_the_broker_does_not_answer(
    mosquitto: Mosquitto, subscriber: Subscriber, publish_to: MakeClient
) -> None:
    client = publish_to(mosquitto.url)
    frame = client.topics.frame
    client.start()
    wait_until(lambda: client.publish_live(frame, lambda: "before"))
    wait_until(lambda: "before" in subscriber.payloads(frame))
    mosquitto.pause()
    client.publish_retained(client.topics.state, "{}")
    wait_until(lambda: not client.publish_live(frame, lambda: "not noticed yet"))
    for number in range(1000):
        assert not client.publish_live(frame, lambda: pytest.fail("it is made all the same")), number
    mosquitto.resume()
    wait_until(lambda: client.publish_live(frame, lambda: "after"))
    wait_until(lambda: "after" in subscriber.payloads(frame))
    assert client.reconnects == 0
