"""Hooks as the daemon uses them: which events they get, in which order, and what a slow one costs."""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from edge.config import CameraConfig, HealthConfig, HookConfig, MqttConfig, Settings
from edge.hooks import Hooks
from edge.hooks.runner import MOST_WAITING
from edge.wire.messages import HookCounts
from tests.broker import Subscriber, wait_until
from tests.in_process import daemon
from tests.payloads import event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.broker import Mosquitto

APPEND = 'cat >>"$1"; echo >>"$1"'


def hook(file: Path, on: str = "changed", emotion: str | None = None, script: str = APPEND) -> HookConfig:
    return HookConfig.model_validate(
        {"on": on, "emotion": emotion, "command": ("sh", "-c", script, "sh", str(file)), "timeout_s": 60}
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "events"


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    made = Hooks()
    yield made
    made.close(0)


def sequences(file: Path) -> list[int]:
    return [json.loads(line)["sequence"] for line in file.read_text().splitlines()] if file.exists() else []


def no_thread(_thread: threading.Thread) -> None:
    """Fail as Python does at the unit's TasksMax."""
    message = "can't start new thread"
    raise RuntimeError(message)


def waits(folder: Path) -> str:
    """Return the script of a hook that begins a file, and waits until another one is there."""
    return f"touch {folder}/began; until [ -e {folder}/go ]; do sleep 0.01; done; {APPEND}"


def keep_busy(hooks: Hooks, file: Path, folder: Path) -> None:
    """Configure one hook, have it run for an event, and return once its script waits."""
    hooks.configure((hook(file, script=waits(folder)),))
    hooks.add(event(0))
    wait_until((folder / "began").exists)


def test_a_hook_runs_for_its_events_alone_and_in_order(hooks: Hooks, file: Path) -> None:
    other = file.with_name("other")
    hooks.configure((hook(file, "changed", "happy"), hook(other, "gone")))
    for number, (kind, emotion) in enumerate(
        [("appeared", "happy"), ("changed", "sad"), ("changed", "happy"), ("gone", "sad"), ("changed", "happy")]
    ):
        hooks.add(event(number, emotion, type=kind, lasted_s=1.0))
    wait_until(lambda: len(sequences(file)) == 2 and len(sequences(other)) == 1)
    assert sequences(file) == [2, 4]
    assert sequences(other) == [3]
    wait_until(lambda: hooks.counts == HookCounts(run=3, failed=0, dropped=0))


def test_one_at_a_time_and_the_oldest_that_wait_are_dropped_and_told_once(
    hooks: Hooks, file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keep_busy(hooks, file, tmp_path)
    for number in range(1, MOST_WAITING + 4):
        hooks.add(event(number))
    assert hooks.counts == HookCounts(run=0, failed=0, dropped=3)
    assert sequences(file) == []
    (tmp_path / "go").touch()
    wait_until(lambda: len(sequences(file)) == MOST_WAITING + 1)
    assert sequences(file) == [0, *range(4, MOST_WAITING + 4)]
    assert caplog.text.count("is slower than its events") == 1


def test_a_failure_is_told_once_and_counted_and_its_end_too(
    hooks: Hooks, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    file = tmp_path / "there"
    hooks.configure((hook(file, script='cat <"$1"'),))
    for number in range(3):
        hooks.add(event(number))
    wait_until(lambda: hooks.counts.failed == 3)
    file.touch()
    hooks.add(event(3))
    wait_until(lambda: "works again" in caplog.text)
    assert hooks.counts == HookCounts(run=4, failed=3, dropped=0)
    told = [record.getMessage() for record in caplog.records if record.name == "edge.hooks.counter"]
    assert len(told) == 2
    assert told[0].startswith("hook 1 (sh): ended with 2: sh: 1: cannot open ")
    assert told[1].endswith("works again")


def test_without_a_thread_a_hook_fails_and_the_next_event_tries_again(
    hooks: Hooks, file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as shortage:
        shortage.setattr(threading.Thread, "start", no_thread)
        hooks.configure((hook(file),))
        for number in range(2):
            hooks.add(event(number))
    assert hooks.counts == HookCounts(run=2, failed=2, dropped=0)
    assert caplog.text.count("hook 1 (sh): cannot be run: no thread is left") == 1
    hooks.add(event(2))
    wait_until(lambda: hooks.counts.run == 3)
    assert sequences(file) == [2]


def test_no_secret_of_an_address_is_logged(hooks: Hooks, caplog: pytest.LogCaptureFixture) -> None:
    hooks.configure((HookConfig(on="gone", url="http://127.0.0.1:1/hunter2?token=hunter2"),))
    hooks.add(event(type="gone", lasted_s=1.0))
    told = "hook 1 (http://127.0.0.1:1/…): cannot be reached: Connection refused"
    wait_until(lambda: told in caplog.text)
    assert "hunter2" not in caplog.text


def test_a_slow_hook_delays_nobody(hooks: Hooks, file: Path, tmp_path: Path) -> None:
    hooks.configure((hook(tmp_path / "slow", script=waits(tmp_path)), hook(file)))
    began_s = time.thread_time()
    for number in range(1000):
        hooks.add(event(number))
    assert time.thread_time() - began_s < 0.5
    wait_until(lambda: sequences(file)[-1:] == [999])
    assert not (tmp_path / "slow").exists()


def test_other_hooks_take_over_and_the_same_stay(hooks: Hooks, file: Path, tmp_path: Path) -> None:
    stays = hook(tmp_path / "stays")
    hooks.configure((stays, hook(file, script=waits(tmp_path))))
    hooks.add(event(0))
    wait_until((tmp_path / "began").exists)
    threads = {thread for thread in threading.enumerate() if thread.name == "hook-1"}
    hooks.configure((stays,))
    hooks.add(event(1))
    (tmp_path / "go").touch()
    wait_until(lambda: sequences(file) == [0])  # it was asked for before
    wait_until(lambda: sequences(tmp_path / "stays") == [0, 1])
    assert {thread for thread in threading.enumerate() if thread.name == "hook-1"} == threads
    wait_until(lambda: not any(thread.name == "hook-2" for thread in threading.enumerate()))


def test_the_stop_kills_what_runs_and_drops_what_waits(
    hooks: Hooks, file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hooks.configure((hook(file, script=waits(tmp_path)),))
    for number in range(3):
        hooks.add(event(number))
    wait_until((tmp_path / "began").exists)
    hooks.close(0.1)
    assert hooks.counts == HookCounts(run=1, failed=1, dropped=2)
    assert "was killed, because the daemon stops" in caplog.text
    assert "slower than its events" not in caplog.text
    hooks.add(event(4))
    assert not any(thread.name == "hook-1" for thread in threading.enumerate())
    assert sequences(file) == []


def test_the_stop_kills_what_a_hook_runs_that_is_no_longer_configured(
    hooks: Hooks, file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keep_busy(hooks, file, tmp_path)
    hooks.configure(())
    hooks.configure((hook(file, "gone"),))
    hooks.close(0.1)
    assert "was killed, because the daemon stops" in caplog.text
    assert not any(thread.name == "hook-1" for thread in threading.enumerate())


def test_the_end_of_a_clip_waits_for_a_hook_that_is_no_longer_configured(
    hooks: Hooks, file: Path, tmp_path: Path
) -> None:
    keep_busy(hooks, file, tmp_path)
    hooks.configure(())
    threading.Timer(0.1, (tmp_path / "go").touch).start()
    hooks.drain(30, threading.Event())
    assert sequences(file) == [0]


def test_the_stop_takes_as_long_for_many_hooks_that_hang_as_for_one(
    hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, name_server = threading.Semaphore(0), threading.Event()

    def look_up(*_: object, **__: object) -> None:
        asked.release()
        name_server.wait(30)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    hooks.configure([HookConfig(on="changed", url="http://home.test/")] * 20)
    hooks.add(event(0))
    for _ in range(20):
        assert asked.acquire(timeout=30)
    began_s = time.monotonic()
    hooks.close(0)
    took_s = time.monotonic() - began_s
    name_server.set()
    assert took_s < 5  # 0.5 for all, where each had 0.5


def test_a_daemon_runs_its_hooks_and_counts_them(mosquitto: Mosquitto, subscriber: Subscriber, file: Path) -> None:
    settings = Settings(
        camera=CameraConfig(source="testcard"),
        mqtt=MqttConfig(url=mosquitto.url, device="test"),
        health=HealthConfig(every_s=1),
        hooks=(hook(file, "appeared"), hook(file.with_name("gone"), "gone")),
    )

    def counts() -> dict[str, int]:
        reports = subscriber.payloads("emotion-edge/test/health")
        found: dict[str, int] = json.loads(reports[-1])["hooks"] if reports else {}
        return found

    with daemon(settings):
        wait_until(lambda: counts().get("run", 0) >= 1)
    assert counts()["failed"] == 0
    published = subscriber.payloads("emotion-edge/test/event")
    assert file.read_text().splitlines()[0] == published[0]
