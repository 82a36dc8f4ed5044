"""The daemon reads its configuration again while it runs, and no event is lost, doubled or out of order."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edge.config import (
    CameraConfig,
    FacesConfig,
    HealthConfig,
    HomeAssistantConfig,
    MqttConfig,
)
from edge.inference.bundle import SHIPPED
from edge.mqtt.client_id import object_id
from tests.broker import wait_until
from tests.edge.daemon.reloads import count, events, reloadable
from tests.edge.daemon.world import ROOT

if TYPE_CHECKING:
    import pytest

    from tests.broker import Mosquitto, Subscriber

CONFIG = f"homeassistant/device/{object_id(ROOT)}/config"
TINY = SHIPPED.with_name("emotion-tiny.tflite")
COMMAND = str(Path(sys.executable).parent / "emotion-edge")


def test_a_reload_that_changes_nothing_ends_no_face(
    mosquitto: Mosquitto, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reloadable(mosquitto, monkeypatch) as reloads:
        wait_until(lambda: count(subscriber, "appeared") == 1)
        reloads.ask()
        wait_until(lambda: len(subscriber.payloads(CONFIG)) == 2)  # announced again
        reports = len(subscriber.payloads(f"{ROOT}/health"))
        wait_until(lambda: len(subscriber.payloads(f"{ROOT}/health")) > reports)
        assert count(subscriber, "gone") == 0
        assert len(subscriber.payloads(f"{ROOT}/info")) == 1


def test_a_wrong_configuration_is_refused_and_the_old_one_stays(
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with reloadable(mosquitto, monkeypatch) as reloads:
        wait_until(lambda: count(subscriber, "appeared") == 1)
        reloads.refuse("config.toml: camera.fsp: there is no such key; did you mean fps?")
        wait_until(lambda: "did you mean fps?" in caplog.text)
        wait_until(lambda: "refused, and everything stays as it was" in caplog.text)
        reports = len(subscriber.payloads(f"{ROOT}/health"))
        wait_until(lambda: len(subscriber.payloads(f"{ROOT}/health")) > reports + 1)
        assert count(subscriber, "gone") == 0
        assert len(subscriber.payloads(f"{ROOT}/info")) == len(subscriber.payloads(CONFIG)) == 1


def test_settings_are_taken_over_or_their_restart_is_asked_for(
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(address))
        systemd.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(address))
        with reloadable(mosquitto, monkeypatch) as reloads:
            wait_until(lambda: count(subscriber, "appeared") == 1)
            reloads.change(
                camera=CameraConfig(give_up_s=60, fps=10),
                mqtt=MqttConfig(url=mosquitto.url, device="other"),
                faces=FacesConfig(min_height=400),  # nobody is so near
                health=HealthConfig(every_s=30),
            )
            heard: list[str] = []
            while not any(text.startswith("READY=1") for text in heard[1:]):
                heard.append(systemd.recv(4096).decode())
            wait_until(lambda: count(subscriber, "gone") == 1)
            wait_until(
                lambda: json.loads(subscriber.payloads(CONFIG)[-1])["components"]["outbox"]["expire_after"] == 90
            )
    assert heard[0] == "READY=1\nSTATUS=watching webcam"
    began = next(index for index, text in enumerate(heard) if text.startswith("RELOADING=1\nMONOTONIC_USEC="))
    assert heard[began + 1] == "READY=1\nSTATUS=watching webcam; restart it to apply camera.fps, mqtt.device"
    assert "camera.fps, mqtt.device: changed, which takes effect when the daemon is restarted" in caplog.text
    assert count(subscriber, "appeared") == 1
    assert {event.device for event in events(subscriber)} == {"test"}


def test_home_assistant_is_told_what_changes(
    mosquitto: Mosquitto, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.mqtt.homeassistant.MOST_WAIT_S", 0.1)
    other = CONFIG.replace("homeassistant/", "ha/")
    with reloadable(mosquitto, monkeypatch) as reloads:
        wait_until(lambda: len(subscriber.payloads(CONFIG)) == 1)
        reloads.change(homeassistant=HomeAssistantConfig(enabled=False))
        wait_until(lambda: subscriber.payloads(CONFIG)[1:] == [""])
        reloads.change(homeassistant=HomeAssistantConfig(prefix="ha"))
        wait_until(lambda: len(subscriber.payloads(other)) == 1)
        before = len(subscriber.payloads(f"{ROOT}/info"))
        wait_until(lambda: "ha/status" in mosquitto.log)  # subscribed to
        subscriber.publish("ha/status", "online")
        wait_until(lambda: len(subscriber.payloads(f"{ROOT}/info")) > before)
        reloads.change(homeassistant=HomeAssistantConfig())
        wait_until(lambda: subscriber.payloads(other)[-1] == "")
        wait_until(lambda: subscriber.payloads(CONFIG)[-1] != "")
    wait_until(lambda: subscriber.payloads(f"{ROOT}/availability")[-1] == "offline")
    assert subscriber.payloads(f"{ROOT}/availability") == ["online", "online", "offline"]  # once for Home Assistant
