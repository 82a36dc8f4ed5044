"""Detection that is turned off: when it is confirmed, what is said of it, and that it stays so."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.config import CameraConfig, MqttConfig
from edge.daemon import run
from edge.errors import CameraHangError, ConfigError, OutputError
from edge.system.machine import Machine, Throttling
from tests.broker import wait_until
from tests.edge.daemon.world import ROOT, Unpluggable, last, settings
from tests.in_process import daemon

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.broker import Mosquitto, Subscriber


class Sticking(Unpluggable):
    """A camera that closes once it may."""

    def __init__(self, may_close: threading.Event) -> None:
        super().__init__(threading.Event())
        self._may_close = may_close

    def close(self) -> None:
        self._may_close.wait(60)


@pytest.fixture
def closing(mosquitto: Mosquitto, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Run a daemon that was turned off, and whose camera closes once this event is set."""
    may_close = threading.Event()
    monkeypatch.setattr("edge.camera.deadlines.RELEASE_S", 60.0)
    monkeypatch.setattr(run, "open_camera", lambda *_: Sticking(may_close))
    with daemon(settings(mosquitto.url)):
        wait_until(lambda: subscriber.payloads(f"{ROOT}/event"))
        subscriber.publish(f"{ROOT}/detection/set", "OFF")
        wait_until(lambda: last(subscriber, "event")["type"] == "gone")
        yield may_close


def test_off_is_confirmed_once_the_camera_is_closed_and_everything_else_goes_on_until_then(
    closing: threading.Event, subscriber: Subscriber
) -> None:
    subscriber.publish(f"{ROOT}/request/health", "")
    wait_until(lambda: subscriber.payloads(f"{ROOT}/response/health"))
    assert subscriber.payloads(f"{ROOT}/detection/state") == ["ON"]
    closing.set()
    wait_until(lambda: subscriber.payloads(f"{ROOT}/detection/state") == ["ON", "OFF"])


def test_on_is_confirmed_also_before_off_could_be(closing: threading.Event, subscriber: Subscriber) -> None:
    subscriber.publish(f"{ROOT}/detection/set", "ON")
    wait_until(lambda: subscriber.payloads(f"{ROOT}/detection/state") == ["ON", "ON"])
    closing.set()
    wait_until(lambda: last(subscriber, "camera")["status"] == "online")
    assert subscriber.payloads(f"{ROOT}/detection/state") == ["ON", "ON"]


def test_off_is_confirmed_with_the_end_of_the_process_that_closes_a_camera_that_hangs(
    mosquitto: Mosquitto, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    def turn_off() -> None:
        wait_until(lambda: subscriber.payloads(f"{ROOT}/event"))
        subscriber.publish(f"{ROOT}/detection/set", "OFF")

    never = threading.Event()
    monkeypatch.setattr("edge.camera.deadlines.RELEASE_S", 1.0)
    monkeypatch.setattr(run, "open_camera", lambda *_: Sticking(never))
    user = threading.Thread(target=turn_off)
    user.start()
    with pytest.raises(CameraHangError, match="does not close"):
        run.run(settings(mosquitto.url), threading.Event())
    user.join()
    never.set()
    wait_until(lambda: subscriber.payloads(f"{ROOT}/detection/state") == ["ON", "OFF"])


def test_off_closes_the_camera_also_where_few_frames_are_looked_at(
    mosquitto: Mosquitto, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "open_camera", lambda *_: Unpluggable(threading.Event()))
    monkeypatch.setattr(Machine, "throttling", lambda _: Throttling(("under-voltage",), ()))
    seldom = CameraConfig(fps=0.05, stall_s=60)  # 40 s from one frame to the next, while it is throttled
    with daemon(settings(mosquitto.url).model_copy(update={"camera": seldom})):
        wait_until(lambda: len(subscriber.payloads(f"{ROOT}/health")) > 1)  # it listens by now
        subscriber.publish(f"{ROOT}/detection/set", "OFF")
        wait_until(lambda: last(subscriber, "camera")["status"] == "off")


def test_a_source_that_is_none_is_refused_also_while_detection_is_off(mosquitto: Mosquitto) -> None:
    Path(os.environ["STATE_DIRECTORY"], "detection").write_text("OFF\n")
    stop = threading.Event()
    stop.set()
    camera = CameraConfig(source="ftp://h/x")
    with pytest.raises(ConfigError, match=r"camera\.source: 'ftp://h"):
        run.run(settings(mosquitto.url).model_copy(update={"camera": camera}), stop)


def test_turned_off_it_stays_off_when_the_device_gets_another_name(
    mosquitto: Mosquitto, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "open_camera", lambda *_: Unpluggable(threading.Event()))
    with daemon(settings(mosquitto.url)):
        wait_until(lambda: subscriber.payloads(f"{ROOT}/event"))
        subscriber.publish(f"{ROOT}/detection/set", "OFF")
        wait_until(lambda: last(subscriber, "camera")["status"] == "off")
    renamed = MqttConfig(url=mosquitto.url, device="renamed")
    with daemon(settings(mosquitto.url).model_copy(update={"mqtt": renamed})):
        wait_until(lambda: subscriber.payloads("emotion-edge/renamed/camera"))
    assert subscriber.payloads("emotion-edge/renamed/detection/state") == ["OFF"]
    assert subscriber.payloads("emotion-edge/renamed/event") == []


def test_where_each_boot_forgets_everything_it_starts_off_and_says_why(
    mosquitto: Mosquitto, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "is_forgotten_at_boot", lambda _: True)
    monkeypatch.setattr(run, "open_camera", lambda *_: Unpluggable(threading.Event()))
    with daemon(settings(mosquitto.url)):
        wait_until(lambda: last(subscriber, "camera")["status"] == "off")
        assert last(subscriber, "camera")["reason"].startswith("each boot forgets whether detection was turned off")
        subscriber.publish(f"{ROOT}/detection/set", "ON")
        wait_until(lambda: subscriber.payloads(f"{ROOT}/event"))
    assert subscriber.payloads(f"{ROOT}/detection/state") == ["OFF", "ON"]


def test_without_a_broker_nobody_could_turn_it_on_so_that_it_starts_on(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = threading.Event()

    def opener(*_: object) -> Unpluggable:
        opened.set()
        return Unpluggable(threading.Event())

    monkeypatch.setattr(run, "is_forgotten_at_boot", lambda _: True)
    monkeypatch.setattr(run, "open_camera", opener)
    with daemon(settings("none")):
        assert opened.wait(10)


def test_why_it_is_off_says_whether_that_is_remembered_by_now(
    mosquitto: Mosquitto, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, _content: bytes) -> None:
        message = f"{path}: cannot be written: No space left on device"
        raise OutputError(message)

    def reasons() -> list[str | None]:
        return [json.loads(payload)["reason"] for payload in subscriber.payloads(f"{ROOT}/camera")]

    monkeypatch.setattr(run, "open_camera", lambda *_: Unpluggable(threading.Event()))
    with monkeypatch.context() as disk, daemon(settings(mosquitto.url)):
        wait_until(lambda: subscriber.payloads(f"{ROOT}/event"))
        Path(os.environ["STATE_DIRECTORY"], "detection").unlink()
        disk.setattr("edge.daemon.detection.write_own", full)
        subscriber.publish(f"{ROOT}/detection/set", "OFF")
        wait_until(lambda: "a reboot may turn it on" in str(reasons()[-1]))
        disk.undo()
        for _ in range(3):
            subscriber.publish(f"{ROOT}/detection/set", "OFF")
        wait_until(lambda: reasons()[-1] == "detection was turned off")
        health = len(subscriber.payloads(f"{ROOT}/health"))
        wait_until(lambda: len(subscriber.payloads(f"{ROOT}/health")) > health + 1)
        assert len(reasons()) == 3  # each once
