"""The outbox with its thread, in real time."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from edge.config import OutboxConfig, parse_broker
from edge.errors import ConfigError
from edge.mqtt.outbox import Outbox, destination
from edge.mqtt.outbox.database import Database

if TYPE_CHECKING:
    from pathlib import Path

HERE = "mqtt://here:1883/emotion-edge/test"


def stored(path: Path) -> int:
    """Return how many events are in the file, read as nobody may: beside the daemon."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as db:
        return int(db.execute("SELECT count(*) FROM events").fetchone()[0])


def test_the_thread_saves_within_a_second_and_wakes_who_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "outbox.sqlite"
    real, saved = Database.write, threading.Event()

    def noted(self: Database, events: Any, *arguments: Any, **named: Any) -> None:
        real(self, events, *arguments, **named)
        if events and events[-1][0] == 999:
            saved.set()

    monkeypatch.setattr(Database, "write", noted)
    outbox = Outbox(OutboxConfig(), path, HERE)
    began_s = time.monotonic()
    for number in range(1000):
        outbox.add(str(number), 0)
    assert saved.wait(30)
    assert time.monotonic() - began_s > 0.08  # together, not each at once
    outbox.close()

    ready = threading.Event()
    outbox = Outbox(OutboxConfig(), path, HERE)
    outbox.call_when_ready(ready.set)
    got: list[str] = []
    while len(got) < 1000:
        for _ in range(100):
            for entry in outbox.take():
                got.append(entry.payload)
                outbox.acknowledge(entry.sequence)
        if len(got) < 1000:
            assert ready.wait(30)
            ready.clear()
    assert got == [str(number) for number in range(1000)]
    outbox.close()
    assert all(thread.name != "outbox" for thread in threading.enumerate())


def test_nobody_waits_for_a_slow_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writing, go_on = threading.Event(), threading.Event()
    real = Database.write

    def slow(self: Database, *arguments: Any, **named: Any) -> None:
        writing.set()
        go_on.wait(60)
        real(self, *arguments, **named)

    monkeypatch.setattr(Database, "write", slow)
    outbox = Outbox(OutboxConfig(), tmp_path / "outbox.sqlite", HERE)
    outbox.add("a", 0)
    assert writing.wait(30)
    began_s = time.monotonic()
    outbox.add("b", 0)
    entries = outbox.take()
    assert [entry.payload for entry in entries] == ["a", "b"]
    for entry in entries:
        outbox.acknowledge(entry.sequence)
    outbox.rewind()
    assert outbox.status.depth == 0
    assert time.monotonic() - began_s < 20  # and not until the disk is done
    go_on.set()
    outbox.close()
    assert stored(tmp_path / "outbox.sqlite") == 0  # it was acknowledged while it was written


def test_producer_publisher_and_disk_at_once_lose_nothing(tmp_path: Path) -> None:
    outbox = Outbox(OutboxConfig(), tmp_path / "outbox.sqlite", HERE)
    stop = threading.Event()

    def produce() -> None:
        for number in range(3000):
            outbox.add(str(number), 0)
            if number % 100 == 0:
                stop.wait(0.05)

    producer = threading.Thread(target=produce)
    producer.start()
    got: list[str] = []
    while len(got) < 3000:
        stop.wait(0.02 if len(got) < 500 else 0)
        for entry in outbox.take():
            got.append(entry.payload)
            outbox.acknowledge(entry.sequence)
    producer.join()
    outbox.close()
    assert got == [str(number) for number in range(3000)]


def test_without_a_file_events_wait_in_memory() -> None:
    outbox = Outbox(OutboxConfig())
    outbox.add("a", 0)
    outbox.close()
    outbox.close()
    assert [entry.payload for entry in outbox.take()] == ["a"]


def test_a_file_that_a_newer_version_made_is_refused_with_a_sentence_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    outbox = Outbox(OutboxConfig(), path, HERE)
    outbox.add("a", 0)
    outbox.close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 7")
    before = path.read_bytes()
    with pytest.raises(
        ConfigError, match=r"outbox\.sqlite: a newer version .* kept as it is: install the newer"
    ) as told:
        Outbox(OutboxConfig(), path, HERE)
    assert told.value.exit_code == 2
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.mkdir()


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [_fifo, _folder, _device])
def test_what_is_no_file_is_refused_with_a_sentence(tmp_path: Path, make: Any) -> None:
    path = tmp_path / "outbox.sqlite"
    make(path)
    with pytest.raises(ConfigError, match=r"outbox .*outbox\.sqlite: this is (not a regular file|a folder)"):
        Outbox(OutboxConfig(), path, HERE)


def test_a_destination_names_broker_topic_and_user_and_holds_no_secret() -> None:
    def of(url: str, root: str = "emotion-edge/kitchen") -> str:
        return destination(parse_broker(url), root)

    assert of("mqtt://broker") == of("mqtt://BROKER:1883") == "mqtt://broker:1883/emotion-edge/kitchen"
    others = [
        of("mqtt://broker", "emotion-edge/bath"),
        of("mqtt://other"),
        of("mqtt://broker:1884"),
        of("mqtts://broker:1883"),
        of("mqtt://me@broker"),
        of("mqtt://A1_TOKEN@broker"),
    ]
    assert len({of("mqtt://broker"), *others}) == 7
    assert not any("TOKEN" in name or "me@" in name for name in others)
