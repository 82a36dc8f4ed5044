"""Somebody deletes, truncates or overwrites the files while the daemon has them open."""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING

import pytest

from edge.mqtt.outbox import rescue
from edge.mqtt.outbox.database import Database
from edge.mqtt.outbox.errors import StoreError
from tests.edge.mqtt.world import World
from tests.logged import warnings_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MADE = [f"{number} {'x' * 500}" for number in range(1500)]
"""More than memory keeps of them."""

IN_MEMORY = 200


def log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def delete(path: Path) -> None:
    path.unlink()


def delete_both(path: Path) -> None:
    path.unlink()
    log_of(path).unlink()


def delete_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def delete_log(path: Path) -> None:
    log_of(path).unlink()


def move_away(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))


def replace_by_garbage(path: Path) -> None:
    new = path.with_name("new")
    new.write_bytes(os.urandom(100_000))
    new.replace(path)


def replace_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def empty(path: Path) -> None:
    os.truncate(path, 0)


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(os.urandom(path.stat().st_size))


def empty_log(path: Path) -> None:
    os.truncate(log_of(path), 0)


def overwrite_log(path: Path) -> None:
    overwrite(log_of(path))


HARMLESS = [delete, delete_both, delete_folder, delete_log, move_away, replace_by_garbage, replace_by_a_folder]
HARMFUL = [empty, halve, overwrite, empty_log, overwrite_log]


def full(world: World) -> None:
    """Have events wait in the database and in its log."""
    for number, payload in enumerate(MADE):
        world.add(payload)
        if number % 100 == 99:
            world.wait(1)
    assert world.saved
    assert log_of(world.path).stat().st_size > 100_000


@pytest.mark.parametrize("harm", HARMLESS)
def test_what_is_in_a_removed_file_is_written_again(
    world: World, harm: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    full(world)
    harm(world.path)
    world.wait(5)  # the thread looks after the file that often
    (said,) = warnings_of(caplog)
    assert "while it was in use; what waits is written again" in said
    assert ("it was removed or replaced" in said) == (harm is not delete_log)
    world.crash()
    world.add("new")
    assert (world.drain(), world.dropped) == ([*MADE, "new"], 0)


@pytest.mark.parametrize("harm", HARMFUL)
def test_what_is_gone_is_counted_and_what_memory_has_is_written_again(
    world: World, harm: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    full(world)
    harm(world.path)
    world.wait(5)
    world.wait(1)
    assert world.saved
    lost = world.dropped
    assert lost <= len(MADE) - IN_MEMORY
    assert world.depth == len(MADE) - lost
    said = warnings_of(caplog)
    assert "another program changed it or its log while it was in use" in said[0]
    assert not lost or any(f"{lost} events" in text for text in said[1:])
    world.add("new")
    world.wait(1)
    world.crash()
    got = world.drain()
    assert (len(got), world.dropped) == (len(MADE) + 1 - lost, 0)
    assert got == [payload for payload in [*MADE, "new"] if payload in set(got)]
    assert got[:IN_MEMORY] == MADE[:IN_MEMORY]


def test_a_log_that_is_overwritten_costs_only_what_was_in_the_log(world: World) -> None:
    full(world)
    in_database = MADE[:1000]
    world.restart()  # which moves the log into the database
    for payload in MADE:
        world.add(payload)
    world.wait(1)
    overwrite_log(world.path)
    world.wait(5)
    world.wait(1)
    assert world.drain()[: len(in_database)] == in_database


def test_a_look_at_the_file_harms_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    full(world)
    copy = world.path.with_name("backup")
    shutil.copyfile(world.path, copy)
    world.path.chmod(0o640)
    world.wait(5)
    assert warnings_of(caplog) == []
    assert world.drain() == MADE


def test_a_file_that_is_removed_while_nothing_waits_is_made_again(world: World) -> None:
    world.add("a")
    world.wait(1)
    assert world.drain() == ["a"]
    world.wait(2)
    delete_both(world.path)
    world.wait(5)
    world.add("b")
    world.wait(1)
    world.crash()
    assert world.drain() == ["b"]


def test_a_removed_file_is_kept_open_until_there_is_room_for_another(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    full(world)
    delete(world.path)
    with monkeypatch.context() as patch:
        patch.setattr(Database, "open", _refuse)
        world.wait(5)
        world.add("new")
        world.wait(5)
    for _ in range(3):
        world.wait(5)
    world.crash()
    assert (world.drain(), world.dropped) == ([*MADE, "new"], 0)


def _refuse(*_: object) -> None:
    message = "no space left on device"
    raise StoreError(message)


def test_a_copy_that_cannot_be_put_in_place_is_written_once_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        message = "Input/output error"
        raise StoreError(message)

    full(world)
    world.path.unlink()
    with monkeypatch.context() as failing:
        failing.setattr(rescue, "put_in_place", broken)
        world.wait(5)
    world.wait(60)
    assert world.drain() == MADE
    assert world.dropped == 0


def test_files_and_folder_are_for_their_user_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        world = World(tmp_path / "a" / "b" / "outbox.sqlite")
        world.add("a")
        world.wait(1)
    finally:
        os.umask(before)

    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    assert [mode(path) for path in (world.path, log_of(world.path))] == [0o600, 0o600]
    assert [mode(path) for path in (tmp_path / "a", tmp_path / "a" / "b")] == [0o700, 0o700]
    world.path.chmod(0o644)  # as an older version left it
    log_of(world.path).chmod(0o644)
    world.crash()
    assert [mode(path) for path in (world.path, log_of(world.path))] == [0o600, 0o600]
    world.writer.finish()
