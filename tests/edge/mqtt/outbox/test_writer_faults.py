"""Disks that are taken, full, read-only or slow to answer: what is kept, and what is said."""

from __future__ import annotations

import itertools
import logging
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from edge.mqtt.outbox.database import Database
from edge.mqtt.outbox.errors import FullError, StoreError
from tests.edge.mqtt.world import World, destroy_page
from tests.logged import warnings_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def test_a_damaged_file_is_kept_until_there_is_room_for_what_is_left_of_it(small_disk: Path) -> None:
    world = World(small_disk / "outbox.sqlite")
    made = [f"{number:03} {'x' * 500}" for number in range(100)]
    world.add(*made)
    world.wait(1)
    world.writer.finish()
    destroy_page(world.path, made[50].encode())
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(250_000))
    world.live()
    world.add("new")
    world.wait(20)
    assert world.depth == 1
    ballast.unlink()
    world.wait(20)
    got = world.drain()
    assert len(got) > 90
    assert len(got) + world.dropped == 101
    world.writer.finish()


def test_a_file_that_another_daemon_has_is_said_once_and_taken_later(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    other = Database.open(world.path, world.destination)
    other.write([(0, world.now, "the other's")], (), boot=world.boot, wall_s=0.0)
    world.live()
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
    world.writer.finish()


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
    assert not world.saved
    ballast.unlink()
    world.wait(6)
    assert world.saved
    assert sum("works again" in record.getMessage() for record in caplog.records) == 1
    world.crash()
    assert world.drain() == made
    world.writer.finish()


def test_what_is_on_a_full_disk_still_goes_out(small_disk: Path) -> None:
    world = World(small_disk / "outbox.sqlite")
    made = [f"{number} {'x' * 500}" for number in range(600)]
    for payload in made:
        world.add(payload)
        world.wait(1)
    assert not world.saved  # the last of them found no room
    assert world.drain() == made
    world.writer.finish()


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
    world.writer.finish()


def test_a_write_error_leaves_what_is_there_readable(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [str(number) for number in range(1000)]
    world.add(*made)
    world.wait(1)

    def refuse(*_: object, **__: object) -> None:
        message = "disk is full"
        raise FullError(message)

    monkeypatch.setattr(Database, "write", refuse)
    assert world.drain() == made


def test_a_disk_that_fails_for_a_moment_keeps_the_promise_of_a_second(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("a")
    with monkeypatch.context() as patch:
        patch.setattr(Database, "write", _refuse)
        world.wait(0.5)
    world.wait(0.25)
    world.crash()
    assert world.drain() == ["a"]


def test_a_disk_that_keeps_failing_is_tried_ever_less(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[float] = []

    def refuse(*_: object, **__: object) -> None:
        tries.append(world.now)
        _refuse()

    monkeypatch.setattr(Database, "write", refuse)
    world.add("a")
    for _ in range(600):
        world.wait(0.1)
    gaps = [round(later - earlier, 1) for earlier, later in itertools.pairwise(tries)]
    assert gaps == sorted(gaps)
    assert gaps[-1] == pytest.approx(5, abs=0.2)


def _refuse(*_: object, **__: object) -> None:
    message = "disk I/O error"
    raise StoreError(message)
