"""What the daemon is told over MQTT: to turn detection off and on, to say how it is, and nonsense."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.camera.testcard import TestCard
from edge.daemon import run
from edge.testcard import Scene
from edge.wire.messages import Health
from tests.broker import wait_until
from tests.edge.daemon.world import ROOT, Unpluggable, last, settings
from tests.in_process import daemon
from tests.requester import Requester

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.broker import Mosquitto, Subscriber


class Device(TestCard):
    """A camera that holds its device's file open, as real ones do."""

    synthetic = False

    def __init__(self, file: Path) -> None:
        super().__init__(Scene(), 15)
        self._file = file.open("rb")

    def close(self) -> None:
        self._file.close()


@pytest.fixture
def running(
    mosquitto: Mosquitto, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Path]:
    """Run the daemon with a camera that is a file; gives that file's path."""
    device = tmp_path / "video0"
    device.touch()
    monkeypatch.setattr(run, "open_camera", lambda *_: Device(device))
    with daemon(settings(mosquitto.url)):
        # On a busy machine an event may overtake what is retained.
        wait_until(lambda: all(subscriber.payloads(f"{ROOT}/{topic}") for topic in ("event", "camera", "info")))
        yield device


def is_open(file: Path) -> bool:
    """Whether this process holds a descriptor of it."""
    return any(os.path.realpath(link) == str(file) for link in Path("/proc/self/fd").iterdir())


def test_turned_off_the_camera_is_really_closed_and_turned_on_it_opens_at_once(
    running: Path, subscriber: Subscriber
) -> None:
    assert is_open(running)
    subscriber.publish(f"{ROOT}/detection/set", "OFF")
    wait_until(lambda: last(subscriber, "camera")["status"] == "off")
    assert not is_open(running)
    assert last(subscriber, "camera")["reason"] == "detection was turned off"
    assert subscriber.payloads(f"{ROOT}/detection/state") == ["ON", "OFF"]
    assert last(subscriber, "event")["type"] == "gone"
    wait_until(lambda: last(subscriber, "state")["faces"] == [])
    assert last(subscriber, "state")["emotion"] is None
    reports, events = len(subscriber.payloads(f"{ROOT}/health")), len(subscriber.payloads(f"{ROOT}/event"))
    wait_until(lambda: len(subscriber.payloads(f"{ROOT}/health")) > reports + 1)  # it lives
    assert not is_open(running)
    assert len(subscriber.payloads(f"{ROOT}/event")) == events
    subscriber.publish(f"{ROOT}/detection/set", "ON")
    wait_until(lambda: last(subscriber, "camera")["status"] == "online")
    assert is_open(running)
    wait_until(lambda: last(subscriber, "event")["type"] == "appeared")
    assert subscriber.payloads(f"{ROOT}/detection/state") == ["ON", "OFF", "ON"]


def test_turned_off_while_the_camera_still_opens_it_is_closed_as_soon_as_it_is_open(
    mosquitto: Mosquitto, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    device, slow = tmp_path / "video0", threading.Event()
    device.touch()

    def opener(*_: object) -> Device:
        slow.wait(10)
        return Device(device)

    monkeypatch.setattr(run, "open_camera", opener)
    with daemon(settings(mosquitto.url)):
        wait_until(lambda: subscriber.payloads(f"{ROOT}/detection/state") == ["ON"])
        subscriber.publish(f"{ROOT}/detection/set", "OFF")
        subscriber.publish(f"{ROOT}/request/health", "")
        wait_until(lambda: subscriber.payloads(f"{ROOT}/response/health"))
        assert subscriber.payloads(f"{ROOT}/detection/state") == ["ON"]
        slow.set()
        wait_until(lambda: subscriber.payloads(f"{ROOT}/detection/state") == ["ON", "OFF"])
        assert not is_open(device)
        wait_until(lambda: subscriber.payloads(f"{ROOT}/camera"))
        assert last(subscriber, "camera")["status"] == "off"
    assert subscriber.payloads(f"{ROOT}/event") == []


def test_the_watchdog_is_fed_while_the_camera_is_off(
    mosquitto: Mosquitto, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(address))
        systemd.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(address))
        monkeypatch.setenv("WATCHDOG_USEC", "2000000")
        monkeypatch.setattr(run, "open_camera", lambda *_: Unpluggable(threading.Event()))
        with daemon(settings(mosquitto.url)):
            wait_until(lambda: subscriber.payloads(f"{ROOT}/event"))
            subscriber.publish(f"{ROOT}/detection/set", "OFF")
            heard = b""
            while b"STATUS=detection was turned off" not in heard:
                heard = systemd.recv(4096)
            fed = 0
            while fed < 3:  # within five seconds each
                fed += systemd.recv(4096) == b"WATCHDOG=1"


def test_a_request_for_health_is_answered(running: Path, mosquitto: Mosquitto, subscriber: Subscriber) -> None:
    assert running.exists()
    with contextlib.closing(Requester(mosquitto.port)) as requester:
        payload, correlation = requester.ask(f"{ROOT}/request/health", b"\x00\xff")
    assert correlation == b"\x00\xff"
    answer = Health.model_validate_json(payload)
    assert answer.frames.processed > 0
    subscriber.publish(f"{ROOT}/request/health", "")
    wait_until(lambda: subscriber.payloads(f"{ROOT}/response/health"))
    assert Health.model_validate(last(subscriber, "response/health")).session == answer.session


def test_nonsense_on_the_command_topics_changes_nothing_and_is_counted(running: Path, subscriber: Subscriber) -> None:
    dice = random.Random(3)  # noqa: S311  # no secret
    large = dice.randbytes(1_000_000)
    topics = [f"{ROOT}/{rest}" for rest in ("detection/set", "request/health", "request/x", "request/health/x")]
    before = {topic: len(subscriber.payloads(f"{ROOT}/{topic}")) for topic in ("detection/state", "camera", "info")}
    counted = 0
    for number in range(500):  # tests/test_end_to_end.py sends more
        size = 1_000_000 if number % 100 == 0 else 300 if number % 7 == 0 else dice.randrange(3, 40)
        topic = dice.choice(topics)
        payload = large[:size] if size == 1_000_000 else b"\xff" + dice.randbytes(size - 1)
        subscriber.publish(topic, payload)
        counted += 1
    wait_until(lambda: last(subscriber, "health")["commands_ignored"] >= counted)
    assert last(subscriber, "health")["commands_ignored"] == counted
    assert {topic: len(subscriber.payloads(f"{ROOT}/{topic}")) for topic in before} == before
    assert subscriber.payloads(f"{ROOT}/response/health") == []
    assert is_open(running)
