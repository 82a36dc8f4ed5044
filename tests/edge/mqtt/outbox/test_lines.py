"""Old events and new ones share the line to the broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.config import OutboxConfig
from edge.mqtt.outbox.lines import HEAD_START_S, Earlier
from edge.mqtt.outbox.queue import EventQueue
from tests.edge.mqtt.world import World

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

OLD = [f"old {number}" for number in range(12_000)]

BROKER_PER_S = 5000


def backlog(tmp_path: Path) -> World:
    """Return a life that finds many events of an earlier one."""
    world = World(tmp_path / "outbox.sqlite")
    world.add(*OLD)
    world.restart()
    return world


def serve(world: World, events: int) -> list[str]:
    """Return what a broker gets that takes so many events, 5,000 a second."""
    got: list[str] = []
    while len(got) < events and world.depth:
        world.writer.step()
        for entry in world.queue.take():
            got.append(entry.payload)
            world.queue.acknowledge(entry.sequence)
            world.now += 1 / BROKER_PER_S
    return got


def test_a_short_backlog_goes_before_anything_new(tmp_path: Path) -> None:
    world = World(tmp_path / "outbox.sqlite")
    world.add(*OLD[:3000])
    world.restart()
    world.queue.rewind()
    world.add("new")
    assert serve(world, 4000) == [*OLD[:3000], "new"]
    world.writer.finish()


def test_a_long_backlog_delays_a_live_event_by_a_second_at_most_and_later_ones_hardly(tmp_path: Path) -> None:
    world = backlog(tmp_path)
    world.queue.rewind()  # as a new connection does
    world.add("live 0")
    first = serve(world, 5500)
    assert first.index("live 0") <= HEAD_START_S * BROKER_PER_S + 40
    for number in range(1, 50):
        world.add(f"live {number}")
        got = serve(world, 40)
        assert got.index(f"live {number}") < 40, "it waits for no more than what is on its way"
        first += got
    everything = first + serve(world, len(OLD))
    assert [payload for payload in everything if payload.startswith("old")] == OLD
    assert [payload for payload in everything if payload.startswith("live")] == [f"live {n}" for n in range(50)]
    world.writer.finish()


def test_many_live_events_and_many_old_ones_take_turns_each_in_order(tmp_path: Path) -> None:
    world = backlog(tmp_path)
    live = [f"live {number}" for number in range(3000)]
    world.add(*live)
    world.wait(1)
    world.queue.rewind()
    got = serve(world, len(OLD) + len(live))
    shared = got[5100:10_000]
    assert 0.4 < sum(payload.startswith("live") for payload in shared) / len(shared) < 0.7
    assert [payload for payload in got if payload.startswith("old")] == OLD
    assert [payload for payload in got if payload.startswith("live")] == live
    world.writer.finish()


def test_a_slow_disk_holds_up_no_live_event_for_longer_than_the_head_start() -> None:
    now = [100.0]
    queue = EventQueue(OutboxConfig(), lambda: now[0], Earlier.UNREAD)
    queue.add("live", 0)
    assert queue.take() == []  # what earlier sessions left is not known yet
    now[0] += HEAD_START_S
    assert [entry.payload for entry in queue.take()] == ["live"]


def test_what_a_file_holds_is_read_in_pieces_and_new_events_are_saved_in_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.mqtt.outbox.writer._CHUNK", 1000)
    world = World(tmp_path / "outbox.sqlite")
    world.add(*OLD)
    world.writer.finish()
    world.live(read=False)
    world.add("live")
    world.now += 1
    world.writer.step()
    assert world.file.unread
    assert world.saved
    world.crash()
    assert world.drain() == [*OLD, "live"]
    world.writer.finish()
