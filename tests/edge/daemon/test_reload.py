"""The daemon reads its configuration and its model again, and no event is lost, doubled or out of order."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edge.config import (
    CameraConfig,
    EmotionConfig,
    FacesConfig,
    HealthConfig,
    HomeAssistantConfig,
    MqttConfig,
    Settings,
)
from edge.daemon import run
from edge.errors import ConfigError
from edge.inference.bundle import SHIPPED, read_files
from edge.inference.store import ModelStore
from edge.mqtt.client_id import object_id
from edge.wire.messages import FaceEvent
from tests.asker import Asker
from tests.broker import wait_until
from tests.edge.daemon.world import ROOT, Unpluggable, last, settings
from tests.in_process import daemon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.broker import Mosquitto, Subscriber
    from tests.conftest import Outcome

CONFIG = f"homeassistant/device/{object_id(ROOT)}/config"
TINY = SHIPPED.with_name("emotion-tiny.tflite")
COMMAND = str(Path(sys.executable).parent / "emotion-edge")


class Reloads:
    """A configuration that the test changes, and the wish to have it read again."""

    def __init__(self, now: Settings) -> None:
        self.now: Settings | ConfigError = now
        self._asked: deque[int] = deque()  # no flag: one that is read and then cleared loses what comes between

    def read(self) -> Settings:
        if isinstance(self.now, ConfigError):
            raise self.now
        return self.now

    def change(self, **sections: object) -> None:
        assert isinstance(self.now, Settings)
        self.now = self.now.model_copy(update=sections)
        self._asked.append(1)

    def refuse(self, message: str) -> None:
        self.now = ConfigError(message)
        self.ask()

    def ask(self) -> None:
        self._asked.append(1)

    def asked(self) -> bool:
        asked = bool(self._asked)
        if asked:
            self._asked.popleft()
        return asked


@contextlib.contextmanager
def reloadable(mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reloads]:
    monkeypatch.setattr(run, "open_camera", lambda *_: Unpluggable(threading.Event()))
    reloads = Reloads(settings(mosquitto.url))
    assert isinstance(reloads.now, Settings)
    with daemon(reloads.now, read=reloads.read, reload_asked=reloads.asked):
        yield reloads


@pytest.fixture
def store() -> ModelStore:
    return ModelStore(Path(os.environ["STATE_DIRECTORY"]))


def events(subscriber: Subscriber) -> list[FaceEvent]:
    return [FaceEvent.model_validate_json(payload) for payload in subscriber.payloads(f"{ROOT}/event")]


def count(subscriber: Subscriber, kind: str) -> int:
    return sum(event.type == kind for event in events(subscriber))


def check(told: list[FaceEvent]) -> None:
    """Check that nothing is lost, doubled or out of order, and that every face appears and goes once."""
    assert [event.sequence for event in told] == list(range(len(told)))
    assert len({event.session for event in told}) == 1
    lives: dict[int, list[str]] = {}
    for event in told:
        lives.setdefault(event.face.id, []).append(event.type)
    assert list(lives) == list(range(1, len(lives) + 1))
    for life in lives.values():
        assert (life[0], life[-1]) == ("appeared", "gone")
        assert set(life[1:-1]) <= {"changed"}


def test_twenty_reloads_under_load_lose_and_double_nothing(
    mosquitto: Mosquitto, subscriber: Subscriber, store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = {name: read_files(SHIPPED.with_name(f"{name}.tflite")).card.sha256 for name in ("emotion", "emotion-tiny")}
    ended = threading.Event()

    def load() -> None:
        with contextlib.closing(Asker(mosquitto.port)) as asker:
            while not ended.wait(0.005):
                asker.ask(f"{ROOT}/request/health", b"x")

    def uses(sha256: str) -> bool:
        return str(last(subscriber, "info")["model"]["sha256"]) == sha256

    def is_more(seen: int) -> bool:
        return count(subscriber, "appeared") > seen

    with reloadable(mosquitto, monkeypatch) as reloads:
        wait_until(lambda: count(subscriber, "appeared") == 1)
        asking = threading.Thread(target=load)
        asking.start()
        try:
            for number in range(20):
                name = ("emotion-tiny", "emotion")[number % 2]
                store.choose(name)
                seen = count(subscriber, "appeared")
                reloads.ask()
                wait_until(partial(uses, hashes[name]))
                if number % 4 == 3:  # else the next reload comes before anybody is seen
                    wait_until(partial(is_more, seen))
        finally:
            ended.set()
            asking.join(10)
    wait_until(lambda: count(subscriber, "gone") == count(subscriber, "appeared"))
    told = events(subscriber)
    check(told)
    assert told[-1].face.id >= 6
    assert len(subscriber.payloads(f"{ROOT}/info")) == 21


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


def test_other_labels_are_announced_and_the_face_appears_anew(
    mosquitto: Mosquitto, subscriber: Subscriber, store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def options() -> list[str]:
        found: list[str] = json.loads(subscriber.payloads(CONFIG)[-1])["components"]["emotion"]["options"]
        return found

    with reloadable(mosquitto, monkeypatch) as reloads:
        wait_until(lambda: count(subscriber, "appeared") == 1)
        assert "contempt" in options()
        store.choose("emotion-fer2013")
        reloads.ask()
        wait_until(lambda: count(subscriber, "appeared") == 2)
        assert "contempt" not in options()
        assert "contempt" not in last(subscriber, "info")["model"]["labels"]
        assert set(events(subscriber)[-1].probabilities or {}) == set(last(subscriber, "info")["model"]["labels"])
        wait_until(lambda: last(subscriber, "state")["faces"])
    check(events(subscriber))


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
                camera=CameraConfig(give_up_s=3, fps=10),
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


def spoil(store: ModelStore, name: str) -> None:
    """Add a bundle, choose it, and damage its file as a worn card would."""
    store.add(name, read_files(TINY))
    store.choose(name)
    file = store.find(name)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def test_a_chosen_model_that_fails_goes_back_to_the_one_before(
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    store: ModelStore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    store.choose("emotion-tiny")
    spoil(store, "broken")
    with reloadable(mosquitto, monkeypatch) as reloads:  # at the start
        wait_until(lambda: count(subscriber, "appeared") == 1)
        assert last(subscriber, "info")["model"]["name"] == "emotion-tiny"
        assert "broken.tflite: its sha256 is" in caplog.text
        assert "; the model emotion-tiny takes its place" in caplog.text
        assert store.choice is not None
        assert store.choice.model == "emotion-tiny"
        spoil(store, "broken-too")
        reloads.ask()  # and at a reload
        wait_until(lambda: "broken-too.tflite: its sha256 is" in caplog.text)
        wait_until(lambda: store.choice is not None and store.choice.model == "emotion-tiny")
        assert count(subscriber, "gone") == 0


def test_the_configuration_comes_before_the_choice(
    mosquitto: Mosquitto, subscriber: Subscriber, store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.choose("emotion-fer2013")
    with reloadable(mosquitto, monkeypatch) as reloads:
        wait_until(lambda: count(subscriber, "appeared") == 1)
        assert last(subscriber, "info")["model"]["name"] == "emotion-fer2013"
        reloads.change(emotion=EmotionConfig(model=TINY))
        wait_until(lambda: last(subscriber, "info")["model"]["name"] == "emotion-tiny")


def test_the_command_has_a_running_daemon_take_a_model(
    mosquitto: Mosquitto, subscriber: Subscriber, tmp_path: Path, emotion_edge: Callable[..., Outcome]
) -> None:
    def said(*arguments: str) -> str:
        outcome = emotion_edge("model", *arguments)
        assert (outcome.code, outcome.err) == (0, "")
        return outcome.out

    file = tmp_path / "config.toml"
    file.write_text(f"[mqtt]\nurl = '{mosquitto.url}'\ndevice = 'test'\n[health]\nevery_s = 1\n")
    command = [COMMAND, "run", "--camera", "testcard", "--config", str(file)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until(lambda: subscriber.payloads(f"{ROOT}/event"))
            assert said("use", "emotion-tiny").splitlines()[-1] == "emotion-tiny: in use"
            wait_until(lambda: last(subscriber, "info")["model"]["name"] == "emotion-tiny")
            used: list[dict[str, Any]] = json.loads(said("list", "--json"))
            assert [row["status"] for row in used if row["name"] == "emotion-tiny"] == ["in use"]
            file.write_text(file.read_text() + "[camera]\nfsp = 5\n")
            process.send_signal(signal.SIGHUP)
            sent = len(subscriber.payloads(f"{ROOT}/health"))
            wait_until(lambda: len(subscriber.payloads(f"{ROOT}/health")) > sent + 1)
        finally:
            process.terminate()
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert f"{file}: camera.fsp: there is no such key; did you mean fps?" in err
    assert "Traceback" not in err
    wait_until(lambda: count(subscriber, "gone") == count(subscriber, "appeared"))
    check(events(subscriber))
    assert said("use", "emotion").splitlines()[-1].startswith("emotion: chosen; no daemon runs")
