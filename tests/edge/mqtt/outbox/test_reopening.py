"""A file that failed is opened again, also where no new event has to wait."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.mqtt.outbox.database import Database
from edge.mqtt.outbox.errors import StoreError
from tests.logged import warnings_of

if TYPE_CHECKING:
    from tests.edge.mqtt.world import World


def test_what_a_file_held_that_fails_at_the_start_is_sent_without_a_new_event(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    other = Database.open(world.path, world.destination)  # the daemon before, which ends late
    other.write([(0, world.now, "waits")], (), boot=world.boot, wall_s=0.0)
    world.live()
    assert world.writer.step() == pytest.approx(0.2)  # until it is tried again
    other.close()
    world.wait(0.2)
    assert world.depth == 1
    assert "works again" in caplog.text
    assert world.drain() == ["waits"]


def test_a_file_that_nobody_can_look_up_at_the_start_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world.add("waits")
    world.wait(1)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "lstat", _unreadable)
        patch.setattr(os, "open", _unreadable)
        world.crash()
    assert any("input/output error; events are kept in memory" in text for text in warnings_of(caplog))
    world.wait(0.2)
    assert world.drain() == ["waits"]


def test_a_file_that_another_program_changed_is_opened_again_until_that_works(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("a")
    world.wait(1)
    with monkeypatch.context() as patch:
        patch.setattr(Database, "open", _fail)
        os.truncate(world.path, 0)
        world.wait(5)
    assert world.writer.step() == pytest.approx(0.2)
    world.wait(0.2)  # what memory still has is due
    world.wait(0.2)
    world.crash()
    assert world.drain() == ["a"]


def _unreadable(*_: object, **__: object) -> int:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def _fail(*_: object, **__: object) -> None:
    message = "disk I/O error"
    raise StoreError(message)
