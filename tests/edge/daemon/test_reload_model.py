"""The daemon takes another model while it runs, and no event is lost, doubled or out of order."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edge.config import (
    EmotionConfig,
)
from edge.inference.bundle import SHIPPED, read_files
from edge.inference.store import ModelStore
from edge.mqtt.client_id import object_id
from tests.broker import wait_until
from tests.edge.daemon.reloads import all_events, check, count, events, reloadable
from tests.edge.daemon.world import ROOT, last
from tests.requester import Requester

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.broker import Mosquitto, Subscriber
    from tests.conftest import Outcome

CONFIG = f"homeassistant/device/{object_id(ROOT)}/config"
TINY = SHIPPED.with_name("emotion-tiny.tflite")
COMMAND = str(Path(sys.executable).parent / "emotion-edge")


@pytest.fixture
def store() -> ModelStore:
    return ModelStore(Path(os.environ["STATE_DIRECTORY"]))


def test_twenty_reloads_under_load_lose_and_double_nothing(
    mosquitto: Mosquitto, subscriber: Subscriber, store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = {name: read_files(SHIPPED.with_name(f"{name}.tflite")).card.sha256 for name in ("emotion", "emotion-tiny")}
    ended = threading.Event()

    def load() -> None:
        with contextlib.closing(Requester(mosquitto.port)) as requester:
            while not ended.wait(0.005):
                requester.ask(f"{ROOT}/request/health", b"x")

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
    told = all_events(subscriber)
    check(told)
    assert told[-1].face.id >= 6
    assert len(subscriber.payloads(f"{ROOT}/info")) == 21


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
    check(all_events(subscriber))


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
    check(all_events(subscriber))
    assert said("use", "emotion").splitlines()[-1].startswith("emotion: chosen; no daemon runs")
