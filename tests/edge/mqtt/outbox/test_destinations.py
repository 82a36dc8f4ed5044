"""What waits for one broker goes to no other."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tests.edge.mqtt.world import HOUR_S, World
from tests.logged import warnings_of

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

HERE, WRONG = "mqtt://here:1883/emotion-edge/test#0123456789abcdef", "mqtt://wrong:1883/emotion-edge/test"


def test_events_for_a_wrong_broker_wait_until_it_is_configured_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    world = World(tmp_path / "outbox.sqlite", HERE)
    world.add("here 1")
    world.restart(WRONG)
    world.add("wrong 1", "wrong 2")
    world.restart(HERE)
    world.add("here 2")
    assert world.queue.status.for_other_brokers == 2
    assert world.depth == 2
    assert world.drain() == ["here 1", "here 2"]
    assert world.dropped == 0
    world.wait(2)  # in which what was acknowledged is erased
    world.crash()
    assert world.drain() == []
    world.restart(WRONG)
    assert world.queue.status.for_other_brokers == 0
    assert world.drain() == ["wrong 1", "wrong 2"]
    said = [text for text in warnings_of(caplog) if "2 events wait for another broker (mqtt://wrong:1883/…)" in text]
    assert len(said) == 2  # at each start
    assert not any("0123456789" in text for text in caplog.messages)
    world.writer.finish()


def test_a_file_that_was_removed_keeps_what_is_for_others(tmp_path: Path) -> None:
    world = World(tmp_path / "outbox.sqlite", WRONG)
    world.add("wrong")
    world.restart(HERE)
    world.add("here")
    world.wait(1)
    world.path.unlink()
    world.wait(5)
    assert world.drain() == ["here"]
    world.restart(WRONG)
    assert world.drain() == ["wrong"]
    world.writer.finish()


def test_what_waits_for_others_is_bounded_by_age_and_count_and_counted(tmp_path: Path) -> None:
    world = World(tmp_path / "outbox.sqlite", WRONG, max_events=5, max_age_h=2)
    world.add("w1", "w2", "w3")
    world.restart(HERE)
    world.add("h1", "h2", "h3")
    assert (world.queue.status.for_other_brokers, world.depth, world.dropped) == (2, 3, 1)  # the oldest went
    world.wait(HOUR_S)
    world.add("h4")
    world.wait(1.1 * HOUR_S)
    world.wait(2)
    assert (world.queue.status.for_other_brokers, world.depth, world.dropped) == (0, 1, 6)
    world.crash()
    assert (world.queue.status.for_other_brokers, world.drain()) == (0, ["h4"])
    world.writer.finish()
