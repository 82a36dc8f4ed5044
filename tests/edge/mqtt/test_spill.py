"""The outbox on a real disk, with an injected clock: each step is one pass of the thread."""

from __future__ import annotations

import logging
import os
import subprocess
import threading
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from edge.config import OutboxConfig
from edge.mqtt import Outbox
from edge.mqtt.faults import DamagedError, FullError
from edge.mqtt.spill import Spill
from edge.mqtt.store import Store
from tests.broker import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR_S = 3600.0


class World:
    """A machine's clocks, and one life after the other of an outbox on its disk."""

    def __init__(self, path: Path, **bounds: Any) -> None:
        self.path = path
        self.now, self.wall = 1000.0, 1_800_000_000.0
        self.boot = "first boot"
        self._bounds = OutboxConfig(**bounds)
        self.outbox, self.spill = self._live()

    def _live(self) -> tuple[Outbox, Spill]:
        outbox = Outbox(self._bounds, lambda: self.now)
        spill = Spill(outbox, self.path, wall=lambda: self.wall, boot=self.boot)
        return outbox, spill

    def add(self, *payloads: str) -> None:
        for payload in payloads:
            self.outbox.add(payload, self.now)

    def wait(self, seconds: float) -> None:
        """Let time pass, in which the thread does what is due."""
        self.now += seconds
        self.wall += seconds
        self.spill.step()

    def crash(self) -> None:
        """End this life without a word, and begin the next."""
        if self.spill._store:  # noqa: SLF001  # as the kernel closes what a killed process had open
            self.spill._store.abandon()  # noqa: SLF001
        self.outbox, self.spill = self._live()
        self.spill.begin()

    def restart(self) -> None:
        self.spill.finish()
        self.crash()

    def reboot(self, off_s: float, wall_error_s: float = 0.0) -> None:
        """Cut the power; afterwards the monotonic clock begins anew, and the wall clock may be wrong."""
        self.now, self.wall, self.boot = 5.0, self.wall + off_s + wall_error_s, self.boot + "+"
        self.crash()

    def drain(self) -> list[str]:
        """Give everything that waits, as a broker that is back gets it."""
        got: list[str] = []
        self.outbox.rewind()
        while self.outbox.depth:
            self.spill.step()
            entries = self.outbox.take()
            assert entries, "nothing comes although events wait"
            for entry in entries:
                got.append(entry.payload)
                assert self.outbox.acknowledge(entry.sequence) == entry
        return got


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    it = World(tmp_path / "state" / "outbox.sqlite")
    yield it
    it.spill.finish()


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_healthy_day_writes_nothing(world: World) -> None:
    world.spill.begin()
    for _ in range(1000):
        world.add("event")
        world.wait(0.45)
        (entry,) = world.outbox.take()
        world.outbox.acknowledge(entry.sequence)
        world.wait(80)
    world.spill.finish()
    assert not world.path.parent.exists()


def test_a_healthy_day_after_a_bad_one_writes_nothing_either(world: World) -> None:
    world.add("a", "b")
    world.wait(1)
    world.crash()
    assert world.drain() == ["a", "b"]
    world.wait(2)
    before = {file: (file.stat().st_mtime_ns, file.stat().st_size) for file in world.path.parent.iterdir()}
    for _ in range(100):
        world.add("event")
        (entry,) = world.outbox.take()
        world.outbox.acknowledge(entry.sequence)
        world.wait(1)
    assert {file: (file.stat().st_mtime_ns, file.stat().st_size) for file in world.path.parent.iterdir()} == before


def test_what_waited_for_a_second_survives_a_crash_and_goes_first(world: World) -> None:
    world.add("a", "b")
    world.wait(1)
    world.add("lost")
    world.wait(0.1)
    world.crash()
    world.add("c")
    world.wait(1)
    world.crash()
    world.add("d")
    assert world.drain() == ["a", "b", "c", "d"]


def test_a_clean_stop_keeps_everything(world: World) -> None:
    world.add("a")
    world.restart()
    world.add("b")
    assert world.drain() == ["a", "b"]


def test_what_was_acknowledged_does_not_come_again(world: World) -> None:
    world.add("a", "b", "c")
    world.wait(1)
    first, _, _ = world.outbox.take()
    world.outbox.acknowledge(first.sequence)
    world.wait(1.1)
    world.crash()
    assert world.drain() == ["b", "c"]


def test_nothing_is_sent_before_what_an_earlier_life_left_is_known(world: World) -> None:
    world.add("old")
    world.restart()
    outbox = Outbox(OutboxConfig(), lambda: world.now)
    outbox.hold()
    outbox.add("new", 0)
    assert outbox.take() == []
    outbox.adopt({})
    assert [entry.payload for entry in outbox.take()] == ["new"]


def test_an_hour_without_a_broker_takes_no_memory_and_loses_nothing(world: World) -> None:
    payload = '{{"sequence": {:d}, "text": "' + "x" * 700 + '"}}'
    made = [payload.format(number) for number in range(3600)]
    world.add("first")
    world.wait(1)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(3600):
        world.add(payload.format(number))
        world.wait(1)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 2_000_000, "the issue allows 5 MB"
    assert world.outbox.depth == 3601
    assert world.drain() == ["first", *made]


def test_a_batch_that_does_not_fit_one_write_is_written_whole(world: World) -> None:
    made = [str(number) for number in range(5000)]
    world.add(*made)
    world.wait(1)
    while world.spill.step() == 0:
        pass
    world.crash()
    assert world.drain() == made


def test_the_disk_is_bounded_by_count_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World(tmp_path / "outbox.sqlite", max_events=10)
    for number in range(50):
        world.add(str(number))
        world.wait(1.1)
    assert (world.outbox.depth, world.outbox.dropped) == (10, 40)
    world.wait(1.1)
    world.crash()
    assert world.drain() == [str(number) for number in range(40, 50)]
    world.spill.finish()
    assert len([text for text in warnings_of(caplog) if "max_events = 10" in text]) == 1


def test_the_disk_is_bounded_by_age_too(tmp_path: Path) -> None:
    world = World(tmp_path / "outbox.sqlite", max_age_h=2)
    world.add("old")
    world.wait(1)
    world.restart()
    world.wait(HOUR_S)
    world.add("new")
    world.wait(HOUR_S)
    assert (world.outbox.depth, world.outbox.dropped) == (1, 1)
    world.wait(60)
    world.crash()
    assert world.drain() == ["new"]
    world.spill.finish()


@pytest.mark.parametrize("jump_s", [-HOUR_S, HOUR_S, -1e9, 1e9])
def test_a_jump_of_the_wall_clock_drops_nothing_while_the_machine_runs(tmp_path: Path, jump_s: float) -> None:
    world = World(tmp_path / "outbox.sqlite", max_age_h=2)
    world.add("a")
    world.wait(1)
    world.wall += jump_s
    world.add("b")
    world.wait(1)
    world.crash()  # the next life shares the monotonic clock
    world.wall -= 2 * jump_s
    world.wait(1.5 * HOUR_S)
    assert world.drain() == ["a", "b"]
    world.spill.finish()


@pytest.mark.parametrize("error_s", [-HOUR_S, HOUR_S, -1e9])
def test_a_wrong_wall_clock_after_a_power_cut_drops_nothing_fresh(tmp_path: Path, error_s: float) -> None:
    world = World(tmp_path / "outbox.sqlite", max_age_h=0.5)
    world.add("fresh")
    world.wait(1)
    world.reboot(off_s=20, wall_error_s=error_s)
    assert world.drain() == ["fresh"]
    world.spill.finish()


def test_a_clock_that_was_behind_until_the_network_came_ages_nothing(tmp_path: Path) -> None:
    world = World(tmp_path / "outbox.sqlite", max_age_h=5)
    world.wall -= 30 * 24 * HOUR_S  # no battery: the time of the last shutdown
    world.add("before")
    world.wait(1)
    world.wall += 30 * 24 * HOUR_S
    world.add("after")
    world.wait(1)
    world.reboot(off_s=60)
    assert world.drain() == ["before", "after"]
    world.spill.finish()


def test_what_became_old_while_the_machine_was_off_is_dropped(tmp_path: Path) -> None:
    world = World(tmp_path / "outbox.sqlite", max_age_h=5)
    world.add("old")
    world.wait(1)
    world.reboot(off_s=7 * HOUR_S)
    assert (world.outbox.depth, world.outbox.dropped) == (0, 1)
    world.spill.finish()


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000])
def test_a_damaged_file_is_set_aside_at_the_start(
    world: World, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    world.path.parent.mkdir()
    world.path.write_bytes(content)
    world.spill.begin()
    world.add("a")
    world.wait(1)
    world.crash()
    assert world.drain() == ["a"]
    aside = world.path.with_name("outbox.sqlite.damaged-1")
    assert aside.exists() == bool(content)
    said = warnings_of(caplog)
    assert len(said) == bool(content)
    assert all("file is not a database); set aside as outbox.sqlite.damaged-1" in text for text in said)


def test_a_file_damaged_while_it_is_open_loses_only_what_was_there_alone(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(2000):
        world.add(f"{number} {'x' * 500}")
    world.wait(1)
    world.crash()  # the next one knows where the rows are, and has read none
    size = world.path.stat().st_size
    with world.path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    world.path.with_name("outbox.sqlite-wal").write_bytes(b"")
    world.add("new")
    world.wait(1)
    world.wait(1)
    assert world.outbox.dropped == 2000
    assert world.drain() == ["new"]
    assert any("set aside" in text and "2000 events with it" in text for text in warnings_of(caplog))


def test_a_disk_that_damages_every_file_is_not_tried_all_the_time(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def damage(*_: object, **__: object) -> None:
        message = "malformed"
        raise DamagedError(message)

    monkeypatch.setattr(Store, "write", damage)
    world.add("a")
    for _ in range(100):
        world.wait(0.1)
    assert len(warnings_of(caplog)) <= 4
    assert world.drain() == ["a"]


def test_rows_that_were_taken_away_count_as_lost(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.add(*map(str, range(500)))
    world.wait(1)
    assert world.spill._store  # noqa: SLF001
    world.spill._store.write((), range(250, 300), boot="", wall_s=0)  # noqa: SLF001
    got = world.drain()
    assert got == [str(n) for n in range(500) if not 250 <= n < 300]
    assert world.outbox.dropped == 50
    assert any("lost" in text for text in warnings_of(caplog))


def test_a_file_that_another_daemon_has_is_said_once_and_taken_later(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    other = Store.open(world.path)
    other.write([(0, world.now, "the other's")], (), boot=world.boot, wall_s=0.0)
    world.spill.begin()
    world.add("a")
    for _ in range(10):
        world.wait(3)
    (said,) = warnings_of(caplog)
    assert "another process has it" in said
    assert "kept in memory" in said
    other.close()
    world.wait(6)
    world.crash()
    assert world.drain() == ["the other's", "a"]


def test_a_place_that_cannot_be_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    world = World(tmp_path / "file" / "outbox.sqlite")
    world.add("a")
    for _ in range(10):
        world.wait(3)
    assert len(warnings_of(caplog)) == 1
    assert world.drain() == ["a"]
    world.spill.finish()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 400 KB."""
    if os.getuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let us mount a tmpfs")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_keeps_events_in_memory_until_there_is_room(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    world = World(small_disk / "outbox.sqlite")
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(200_000))
    made = [f"{number} {'x' * 500}" for number in range(300)]
    for payload in made:
        world.add(payload)
        world.wait(1)
    assert any("full" in text for text in warnings_of(caplog))
    assert len(warnings_of(caplog)) == 1, warnings_of(caplog)
    assert world.outbox.oldest_unsaved_s is not None
    ballast.unlink()
    world.wait(6)
    assert world.outbox.oldest_unsaved_s is None
    assert sum("works again" in record.getMessage() for record in caplog.records) == 1
    world.crash()
    assert world.drain() == made
    world.spill.finish()


def test_what_is_on_a_full_disk_still_goes_out(small_disk: Path) -> None:
    world = World(small_disk / "outbox.sqlite")
    made = [f"{number} {'x' * 500}" for number in range(600)]
    for payload in made:
        world.add(payload)
        world.wait(1)
    assert world.outbox.oldest_unsaved_s is not None  # the last of them found no room
    assert world.drain() == made
    world.spill.finish()


def test_a_disk_that_turned_read_only_is_said_once(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World(small_disk / "outbox.sqlite")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    made = [str(number) for number in range(20)]
    for payload in made:
        world.add(payload)
        world.wait(1)
    assert len(warnings_of(caplog)) == 1
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    world.wait(6)
    world.crash()
    assert world.drain() == made
    world.spill.finish()


def test_a_write_error_leaves_what_is_there_readable(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [str(number) for number in range(1000)]
    world.add(*made)
    world.wait(1)

    def refuse(*_: object, **__: object) -> None:
        message = "disk is full"
        raise FullError(message)

    monkeypatch.setattr(Store, "write", refuse)
    assert world.drain() == made


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
