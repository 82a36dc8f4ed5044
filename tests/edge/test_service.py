from __future__ import annotations

import io
import json
import threading
from typing import TYPE_CHECKING

import pytest

from edge import service
from edge.camera.capture import THREAD
from edge.camera.testcard import TestCard
from edge.config import CameraConfig, HealthConfig, MqttConfig, Settings
from edge.errors import CameraError
from edge.testcard import Scene
from tests.broker import wait_until

if TYPE_CHECKING:
    from edge.camera import Frame
    from tests.broker import Mosquitto, Subscriber

ROOT = "emotion-edge/test"


class Unpluggable(TestCard):
    """A camera, as the daemon sees it, that shows the test card's person until it is unplugged."""

    name = "webcam"
    synthetic = False

    def __init__(self, unplugged: threading.Event) -> None:
        super().__init__(Scene(), 15)
        self._unplugged = unplugged

    def read(self) -> Frame:
        if self._unplugged.is_set():
            message = "webcam: it is unplugged"
            raise CameraError(message)
        return super().read()


def settings(url: str) -> Settings:
    return Settings(
        camera=CameraConfig(give_up_s=3),
        mqtt=MqttConfig(url=url, device="test"),
        health=HealthConfig(every_s=1),
    )


def test_nobody_is_seen_while_the_camera_is_away_and_another_face_comes_with_it_back(
    mosquitto: Mosquitto, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    unplugged, stop = threading.Event(), threading.Event()

    def opener(*_: object) -> Unpluggable:
        if unplugged.is_set():
            message = "webcam: no such camera"
            raise CameraError(message)
        return Unpluggable(unplugged)

    monkeypatch.setattr(service, "open_camera", opener)
    thread = threading.Thread(target=service.run, args=(settings(mosquitto.url), stop))
    thread.start()

    def told(kind: str) -> int:
        return sum(json.loads(payload)["type"] == kind for payload in subscriber.payloads(f"{ROOT}/event"))

    def status() -> str | None:
        said = subscriber.payloads(f"{ROOT}/camera")
        return str(json.loads(said[-1])["status"]) if said else None

    def people() -> int:
        return len(json.loads(subscriber.payloads(f"{ROOT}/state")[-1])["faces"])

    wait_until(lambda: told("appeared") == 1)
    wait_until(lambda: people() == 1)
    unplugged.set()
    wait_until(lambda: status() == "offline")
    wait_until(lambda: told("gone") == 1)
    wait_until(lambda: people() == 0)
    unplugged.clear()
    wait_until(lambda: status() == "online")
    wait_until(lambda: told("appeared") == 2)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    ids = [json.loads(payload)["face"]["id"] for payload in subscriber.payloads(f"{ROOT}/event")]
    assert ids[0] == 1
    assert ids[-1] == 2


def test_a_camera_that_is_gone_for_too_long_ends_the_daemon_and_the_broker_hears_why(
    mosquitto: Mosquitto, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    unplugged = threading.Event()
    monkeypatch.setattr(service, "open_camera", lambda *_: Unpluggable(unplugged))
    threading.Timer(1.0, unplugged.set).start()
    with pytest.raises(CameraError, match="longer than"):
        service.run(settings(mosquitto.url), threading.Event())
    wait_until(lambda: subscriber.payloads(f"{ROOT}/availability")[-1:] == ["offline"])
    last = json.loads(subscriber.payloads(f"{ROOT}/camera")[-1])
    assert last["status"] == "offline"
    assert "longer than camera.give_up_s" in last["reason"]


def test_a_stop_is_heard_while_the_camera_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go, stop = threading.Event(), threading.Event()

    def opener(*_: object) -> Unpluggable:
        stop.set()
        let_go.wait(30)
        return Unpluggable(threading.Event())

    monkeypatch.setattr(service, "open_camera", opener)
    service.run(settings("none"), stop, io.StringIO())
    assert any(thread.name == THREAD for thread in threading.enumerate())  # left behind
    let_go.set()


def test_no_camera_is_told_to_the_broker(
    mosquitto: Mosquitto, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opener(*_: object) -> Unpluggable:
        message = "no camera found"
        raise CameraError(message)

    monkeypatch.setattr(service, "open_camera", opener)
    with pytest.raises(CameraError):
        service.run(settings(mosquitto.url), threading.Event())
    wait_until(lambda: subscriber.payloads(f"{ROOT}/camera"))
    assert json.loads(subscriber.payloads(f"{ROOT}/camera")[0])["reason"] == "no camera found"
