"""Files that are damaged: what is whole in them is kept, what is lost is counted, and what is said."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest

from edge.mqtt.outbox import rescue, rows
from edge.mqtt.outbox.database import Database
from edge.mqtt.outbox.entry import OutboxStatus
from edge.mqtt.outbox.errors import DamagedError
from tests.edge.mqtt.world import destroy_page, destroy_page_of
from tests.logged import warnings_of

if TYPE_CHECKING:
    from tests.edge.mqtt.world import World


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000])
def test_a_damaged_file_is_set_aside_at_the_start(
    world: World, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    world.path.parent.mkdir()
    world.path.write_bytes(content)
    world.live()
    world.add("a")
    world.wait(1)
    world.crash()
    assert world.drain() == ["a"]
    aside = world.path.with_name("outbox.sqlite.damaged-1")
    assert aside.exists() == bool(content)
    said = warnings_of(caplog)
    assert len(said) == bool(content)
    assert all("file is not a database); set aside as outbox.sqlite.damaged-1" in text for text in said)


class Killed(BaseException):
    """The process ends here."""


def test_a_kill_between_two_renames_loses_nothing_that_was_copied(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise Killed

    made = [str(number) for number in range(500)]
    world.add(*made)
    world.wait(1)
    world.writer.finish()
    with monkeypatch.context() as killing:
        killing.setattr(rescue, "put_in_place", killed)
        with pytest.raises(Killed):
            rescue.salvage(world.path, world.file.destination)
    assert not world.path.exists()
    world.live()
    assert world.drain() == made
    assert world.dropped == 0


def test_a_copy_that_was_not_whole_is_not_taken(world: World) -> None:
    world.path.parent.mkdir()
    for end in ("", "-wal"):
        world.path.with_name(f"outbox.sqlite.new{end}").write_bytes(b"half")
    assert not rescue.is_unfinished(world.path)


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
    assert world.dropped == 2000
    assert world.drain() == ["new"]
    assert any("set aside" in text and "2000 events with it" in text for text in warnings_of(caplog))


def test_a_disk_that_damages_every_file_is_not_tried_all_the_time(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def damage(*_: object, **__: object) -> None:
        message = "malformed"
        raise DamagedError(message)

    monkeypatch.setattr(Database, "write", damage)
    world.add("a")
    for _ in range(100):
        world.wait(0.1)
    assert len(warnings_of(caplog)) <= 4
    assert world.drain() == ["a"]


def test_rows_that_were_taken_away_count_as_lost(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.add(*map(str, range(500)))
    world.wait(1)
    assert world.file._database  # noqa: SLF001
    world.file._database.write((), range(250, 300), boot="", wall_s=0)  # noqa: SLF001
    got = world.drain()
    assert got == [str(n) for n in range(500) if not 250 <= n < 300]
    assert world.dropped == 50
    assert any("lost" in text for text in warnings_of(caplog))


@pytest.mark.parametrize("damage", [b"\x80", "other text", 7])
def test_a_damaged_row_costs_that_event_alone(world: World, damage: bytes | str | int) -> None:
    world.add(*map(str, range(500)))
    world.wait(1)
    world.crash()  # the next one has none of them in memory
    world.file.close()
    with contextlib.closing(sqlite3.connect(world.path)) as db:
        db.execute("UPDATE events SET payload = CAST(? AS TEXT) WHERE id = 3", (damage,))
        db.commit()
    world.live()
    assert world.drain() == [str(number) for number in range(500) if number != 3]
    assert world.dropped == 1


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE events SET destination = 0 WHERE id = 3",
        "UPDATE events SET destination = NULL WHERE id = 3",
        "UPDATE events SET boot = 7 WHERE id = 3",
        "UPDATE events SET added_s = 9e999 WHERE id = 3",
        "UPDATE events SET added_s = 'x' WHERE id = 3",
    ],
)
def test_a_row_that_makes_no_sense_costs_that_event_alone(
    world: World, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    world.add(*map(str, range(500)))
    world.wait(1)
    world.restart()
    world.file.close()
    with contextlib.closing(sqlite3.connect(world.path)) as db:
        db.execute("PRAGMA writable_schema = ON")  # without NOT NULL, which a damaged row does not keep to either
        db.execute("UPDATE sqlite_schema SET sql = replace(sql, 'NOT NULL', '')")
        db.commit()
    with contextlib.closing(sqlite3.connect(world.path)) as db:
        db.execute(damage)
        db.commit()
    world.live()
    assert (world.depth, world.dropped) == (499, 1)
    assert world.drain() == [str(number) for number in range(500) if number != 3]
    assert all("set aside" in text and "499 are kept" in text for text in warnings_of(caplog))


@pytest.mark.parametrize("number", [0, 1000, 1999])
@pytest.mark.parametrize("seen", ["at the start", "in the middle"])
def test_a_destroyed_page_costs_the_events_on_it_alone(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, number: int, seen: str
) -> None:
    monkeypatch.setattr(rows, "_HOLE", 3000)
    made = [f"{number:04} {'x' * 300}" for number in range(2000)]
    for _ in range(2):  # ids that begin at 0 are the easy case
        world.drain()
        world.add(*made)
        world.wait(1)
    world.restart()
    if seen == "at the start":
        world.file.close()
        destroy_page(world.path, made[number].encode())
        world.live()
    else:
        world.crash()
        destroy_page(world.path, made[number].encode())
        world.wait(5)
    world.wait(0)
    lost = len(made) - world.depth
    assert 0 < lost < 15
    assert lost <= world.dropped <= 20  # at the ends of the file, nobody knows exactly what there was
    assert f"{world.dropped} events with it; {world.depth} are kept" in caplog.text
    got = world.drain()
    assert len(got) == len(made) - lost
    assert got == [payload for payload in made if payload in set(got)]


@pytest.mark.parametrize(
    "name", ["boots", "sqlite_autoindex_boots_1", "destinations", "sqlite_autoindex_destinations_1"]
)
def test_a_destroyed_page_of_boots_or_destinations_costs_no_event(world: World, name: str) -> None:
    world.add("of the boot before")
    world.wait(1)
    world.restart("mqtt://elsewhere:1883/emotion-edge/test")
    world.reboot(off_s=60)
    world.add("for another broker")
    world.wait(1)
    world.restart("mqtt://here:1883/emotion-edge/test")
    world.add("of this boot")
    world.wait(1)
    world.restart()
    world.file.close()
    destroy_page_of(world.path, name)
    world.live()
    assert world.queue.status == OutboxStatus(depth=2, dropped=0, for_other_brokers=1)
    assert world.drain() == ["of the boot before", "of this boot"]
    world.restart("mqtt://elsewhere:1883/emotion-edge/test")
    assert world.drain() == ["for another broker"]


def test_to_begin_with_a_damaged_file_takes_no_longer_than_with_a_whole_one(world: World) -> None:
    world.add("a")
    world.wait(1)
    world.file.close()
    world.path.write_bytes(b"garbage" * 1000)
    world.live(read=False)
    aside = world.path.with_name("outbox.sqlite.damaged-1")
    assert not aside.exists()
    world.writer.step()  # in the thread that waits for the disk
    assert aside.exists()


@pytest.mark.parametrize("waits", [True, False])
def test_a_file_that_was_set_aside_goes_once_its_events_are_too_old(world: World, *, waits: bool) -> None:
    if waits:
        world.add("a")
        world.wait(1)
    asides = [world.path.with_name(f"outbox.sqlite.damaged-{number}{end}") for number in (1, 2) for end in ("", "-wal")]
    world.path.parent.mkdir(exist_ok=True)
    for aside in asides:
        aside.touch()
    long_ago = time.time() - 169 * 3600
    for aside in asides[:2]:
        os.utime(aside, (long_ago, long_ago))
    assert world.writer.step() <= 60
    world.wait(30)
    assert [aside.exists() for aside in asides] == [False, False, True, True]
    assert world.depth == waits
