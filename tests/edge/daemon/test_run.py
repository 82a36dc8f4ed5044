"""A camera that goes, comes back, stays away, or gives too much for a machine that is throttled."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from edge.camera.capture import THREAD
from edge.daemon import run
from edge.daemon.publisher import Publisher
from edge.errors import CameraError
from edge.system.machine import Machine, Throttling
from edge.wire.messages import Health
from tests.broker import wait_until
from tests.edge.daemon.world import ROOT, Unpluggable, last, settings
from tests.in_process import daemon

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.pipeline import Transition
    from tests.broker import Mosquitto, Subscriber

FPS = 15.0


def test_nobody_is_seen_while_the_camera_is_away_and_another_face_comes_with_it_back(
    mosquitto: Mosquitto, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    unplugged = threading.Event()

    def opener(*_: object) -> Unpluggable:
        if unplugged.is_set():
            message = "webcam: no such camera"
            raise CameraError(message)
        return Unpluggable(unplugged)

    monkeypatch.setattr(run, "open_camera", opener)

    def told(kind: str) -> int:
        return sum(json.loads(payload)["type"] == kind for payload in subscriber.payloads(f"{ROOT}/event"))

    def status() -> str:
        return str(last(subscriber, "camera")["status"])

    def people() -> int:
        return len(last(subscriber, "state")["faces"])

    with daemon(settings(mosquitto.url)):
        wait_until(lambda: told("appeared") == 1)
        wait_until(lambda: people() == 1)
        unplugged.set()
        wait_until(lambda: status() == "offline")
        wait_until(lambda: told("gone") == 1)
        wait_until(lambda: people() == 0)
        unplugged.clear()
        wait_until(lambda: status() == "online")
        wait_until(lambda: told("appeared") == 2)
    ids = [json.loads(payload)["face"]["id"] for payload in subscriber.payloads(f"{ROOT}/event")]
    assert ids[0] == 1
    assert ids[-1] == 2


def test_the_camera_is_online_before_what_it_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[str] = []
    stop = threading.Event()

    def transitions(_self: Publisher, seen: Sequence[Transition], _captured_s: float) -> None:
        published.extend(type(transition).__name__ for transition in seen)
        if published[-1:] == ["Appeared"]:
            stop.set()

    monkeypatch.setattr(run, "open_camera", lambda *_: Unpluggable(threading.Event()))
    monkeypatch.setattr(Publisher, "publish_camera", lambda _self, status, _reason: published.append(status))
    monkeypatch.setattr(Publisher, "publish_transitions", transitions)
    run.run(settings("none"), stop)
    assert published == ["online", "Appeared", "Gone", "offline"]


def test_a_throttled_machine_looks_at_fewer_frames_and_says_so(
    monkeypatch: pytest.MonkeyPatch, mosquitto: Mosquitto, subscriber: Subscriber
) -> None:
    monkeypatch.setattr(run, "open_camera", lambda *_: Unpluggable(threading.Event()))
    monkeypatch.setattr(Machine, "throttling", lambda _: Throttling(("under-voltage",), ()))
    with daemon(settings(mosquitto.url)):
        wait_until(lambda: len(subscriber.payloads(f"{ROOT}/health")) > 3)
    frames = Health.model_validate(last(subscriber, "health")).frames
    assert frames.limit_per_second == FPS / 2
    assert frames.per_second < FPS * 0.7
    assert frames.dropped > frames.captured / 4
    assert frames.age_p95_ms is not None
    assert 0 <= frames.age_p95_ms < 1000  # the newest wins, however few are looked at: nothing queues up


def test_a_camera_that_is_gone_for_too_long_ends_the_daemon_and_the_broker_hears_why(
    mosquitto: Mosquitto, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    unplugged = threading.Event()
    monkeypatch.setattr(run, "open_camera", lambda *_: Unpluggable(unplugged))
    threading.Timer(1.0, unplugged.set).start()
    with pytest.raises(CameraError, match="longer than"):
        run.run(settings(mosquitto.url, give_up_s=3), threading.Event())
    wait_until(lambda: subscriber.payloads(f"{ROOT}/availability")[-1:] == ["offline"])
    camera = last(subscriber, "camera")
    assert camera["status"] == "offline"
    assert "longer than camera.give_up_s" in camera["reason"]


def test_a_stop_is_heard_while_the_camera_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go, stop = threading.Event(), threading.Event()

    def opener(*_: object) -> Unpluggable:
        stop.set()
        let_go.wait(30)
        return Unpluggable(threading.Event())

    monkeypatch.setattr(run, "open_camera", opener)
    run.run(settings("none"), stop)
    assert any(thread.name == THREAD for thread in threading.enumerate())  # left behind
    let_go.set()


def test_no_camera_is_told_to_the_broker(
    mosquitto: Mosquitto, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opener(*_: object) -> Unpluggable:
        message = "no camera found"
        raise CameraError(message)

    monkeypatch.setattr(run, "open_camera", opener)
    with pytest.raises(CameraError):
        run.run(settings(mosquitto.url), threading.Event())
    wait_until(lambda: subscriber.payloads(f"{ROOT}/camera"))
    assert json.loads(subscriber.payloads(f"{ROOT}/camera")[0])["reason"] == "no camera found"


def test_a_daemon_that_waits_for_its_camera_is_there_and_says_why_it_sees_nothing(
    mosquitto: Mosquitto, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, problem = list[str](), ["no camera found"]

    def opener(*_: object) -> Unpluggable:
        if problem:
            raise CameraError(problem[0])
        return Unpluggable(threading.Event())

    monkeypatch.setattr(run, "open_camera", opener)
    monkeypatch.setattr("edge.system.notify._send", told.append)
    with daemon(settings(mosquitto.url), wait=True):
        wait_until(lambda: subscriber.payloads(f"{ROOT}/health"))
        assert last(subscriber, "camera")["reason"] == "no camera found"
        assert "READY=1\nSTATUS=without a camera: no camera found" in told
        problem[0] = "webcam: permission denied"
        wait_until(lambda: last(subscriber, "camera")["reason"] == "webcam: permission denied")
        wait_until(lambda: "STATUS=without a camera: webcam: permission denied" in told)
        problem.clear()
        wait_until(lambda: last(subscriber, "camera")["status"] == "online")
        wait_until(lambda: told[-1] == "STATUS=watching webcam")
    found = [json.loads(payload) for payload in subscriber.payloads(f"{ROOT}/camera")]
    assert [status["status"] for status in found] == ["offline", "offline", "online", "offline"]  # each once
    assert found[0]["since"] == found[1]["since"] < found[2]["since"]
