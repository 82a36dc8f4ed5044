"""How many events the outbox keeps and for how long, whatever the wall clock says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.edge.mqtt.world import HOUR_S, World
from tests.logged import warnings_of

if TYPE_CHECKING:
    from pathlib import Path


def test_the_disk_is_bounded_by_count_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World(tmp_path / "outbox.sqlite", max_events=10)
    for number in range(50):
        world.add(str(number))
        world.wait(1.1)
    assert (world.depth, world.dropped) == (10, 40)
    world.wait(1.1)
    world.crash()
    assert world.drain() == [str(number) for number in range(40, 50)]
    world.writer.finish()
    assert len([text for text in warnings_of(caplog) if "max_events = 10" in text]) == 1


def test_the_disk_is_bounded_by_age_too(tmp_path: Path) -> None:
    world = World(tmp_path / "outbox.sqlite", max_age_h=2)
    world.add("old")
    world.wait(1)
    world.restart()
    world.wait(HOUR_S)
    world.add("new")
    world.wait(HOUR_S)
    assert (world.depth, world.dropped) == (1, 1)
    world.wait(60)
    world.crash()
    assert world.drain() == ["new"]
    world.writer.finish()


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
    world.writer.finish()


@pytest.mark.parametrize("error_s", [-HOUR_S, HOUR_S, -1e9])
def test_a_wrong_wall_clock_after_a_power_cut_drops_nothing_fresh(tmp_path: Path, error_s: float) -> None:
    world = World(tmp_path / "outbox.sqlite", max_age_h=0.5)
    world.add("fresh")
    world.wait(1)
    world.reboot(off_s=20, wall_error_s=error_s)
    assert world.drain() == ["fresh"]
    world.writer.finish()


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
    world.writer.finish()


@pytest.mark.parametrize("after", [True, False])
def test_a_clock_that_was_behind_until_the_next_boot_ages_nothing(tmp_path: Path, after: bool) -> None:  # noqa: FBT001
    world = World(tmp_path / "outbox.sqlite", max_age_h=5)
    world.synchronised = False  # no network: the time of the last shutdown
    world.add("waits")
    world.wait(1)
    world.synchronised = after
    world.reboot(off_s=60, wall_error_s=9 * 24 * HOUR_S)
    assert world.depth == 1
    world.wait(6 * HOUR_S)  # it counts from when it was read
    assert (world.depth, world.dropped) == (0, 1)
    world.writer.finish()


def test_a_clock_that_was_right_once_counts_for_that_boot(tmp_path: Path) -> None:
    world = World(tmp_path / "outbox.sqlite", max_age_h=5)
    world.synchronised = False
    world.add("a")
    world.wait(1)
    world.synchronised = True
    world.add("b")
    world.wait(1)
    world.synchronised = False  # the network is away again
    world.add("c")
    world.wait(1)
    world.reboot(off_s=7 * HOUR_S)
    assert (world.depth, world.dropped) == (0, 3)
    world.writer.finish()


def test_a_boot_that_does_not_know_the_time_drops_nothing_fresh(tmp_path: Path) -> None:
    world = World(tmp_path / "outbox.sqlite", max_age_h=5)
    world.add("fresh")
    world.wait(1)
    world.synchronised = False
    world.reboot(off_s=60, wall_error_s=-HOUR_S)
    assert world.drain() == ["fresh"]
    world.writer.finish()


@pytest.mark.parametrize("synchronised", [True, None])
def test_what_became_old_while_the_machine_was_off_is_dropped(
    tmp_path: Path,
    synchronised: bool | None,  # noqa: FBT001
) -> None:
    world = World(tmp_path / "outbox.sqlite", max_age_h=5)
    world.synchronised = synchronised
    world.add("old")
    world.wait(1)
    world.reboot(off_s=7 * HOUR_S)
    assert (world.depth, world.dropped) == (0, 1)
    world.writer.finish()
