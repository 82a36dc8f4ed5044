"""The thread that moves events between memory and the disk, in real time."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from edge.config import OutboxConfig
from edge.mqtt import Outbox
from edge.mqtt.outbox.database import Store
from edge.mqtt.outbox.spill import Spill
from tests.broker import wait_until

if TYPE_CHECKING:
    from pathlib import Path

HOUR_S = 3600.0


def test_the_thread_saves_within_a_second_and_wakes_who_waits_for_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    outbox = Outbox(OutboxConfig())
    spill = Spill(outbox, path)
    spill.start()
    began_s = time.monotonic()
    for number in range(1000):
        outbox.add(str(number), 0)
    wait_until(lambda: outbox.oldest_unsaved_s is None)
    assert 0.4 < time.monotonic() - began_s < 1.0
    spill.close()

    ready = threading.Event()
    outbox = Outbox(OutboxConfig())
    outbox.on_ready = ready.set
    spill = Spill(outbox, path)
    spill.start()
    got: list[str] = []
    while len(got) < 1000:
        assert ready.wait(5)
        ready.clear()
        for _ in range(100):
            for entry in outbox.take():
                got.append(entry.payload)
                outbox.acknowledge(entry.sequence)
    assert got == [str(number) for number in range(1000)]
    spill.close()
    assert not spill._thread.is_alive()  # noqa: SLF001


def test_nobody_waits_for_a_slow_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writing, go_on = threading.Event(), threading.Event()
    real = Store.write

    def slow(self: Store, *arguments: Any, **named: Any) -> None:
        writing.set()
        go_on.wait(10)
        real(self, *arguments, **named)

    monkeypatch.setattr(Store, "write", slow)
    outbox = Outbox(OutboxConfig())
    spill = Spill(outbox, tmp_path / "outbox.sqlite")
    spill.start()
    outbox.add("a", 0)
    assert writing.wait(5)
    began_s = time.monotonic()
    outbox.add("b", 0)
    entries = outbox.take()
    assert [entry.payload for entry in entries] == ["a", "b"]
    for entry in entries:
        outbox.acknowledge(entry.sequence)
    outbox.rewind()
    assert outbox.depth == 0
    assert time.monotonic() - began_s < 0.5
    go_on.set()
    spill.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "write", real)
        store = Store.open(tmp_path / "outbox.sqlite")
        assert store.rows()[0] == []  # it was acknowledged while it was written
        store.close()


def test_producer_publisher_and_disk_at_once_lose_nothing(tmp_path: Path) -> None:
    outbox = Outbox(OutboxConfig())
    spill = Spill(outbox, tmp_path / "outbox.sqlite")
    spill.start()
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
    spill.close()
    assert got == [str(number) for number in range(3000)]
