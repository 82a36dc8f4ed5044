"""A restart, a power cut and a full disk lose nothing of a summary that was kept."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from edge.summary import SummaryFiles
from tests.edge.summary.room import NOON, Room

if TYPE_CHECKING:
    from pathlib import Path


def folders(tmp_path: Path) -> SummaryFiles:
    return SummaryFiles(tmp_path / "state", tmp_path / "runtime")


def keep(room: Room, *, to_disk: bool) -> None:
    room.summary.save(room.message, to_disk=to_disk)


@pytest.mark.parametrize("to_disk", [True, False])
def test_a_restart_goes_on_where_the_last_run_ended(tmp_path: Path, *, to_disk: bool) -> None:
    room = Room(folders(tmp_path))
    room.face(1, "happy")
    room.watch(90)
    keep(room, to_disk=to_disk)
    again = Room(folders(tmp_path), room.at)
    assert again.message == room.message
    again.face(2, "happy")
    again.watch(30)
    assert again.day.minutes["happy"] == pytest.approx(2, abs=0.02)
    assert (again.day.visits, again.day.faces, again.day.longest_stay_s) == (2, 2, 90)


def test_after_a_power_cut_the_disk_knows_the_last_hour(tmp_path: Path) -> None:
    room = Room(folders(tmp_path))
    room.face(1, "happy")
    room.watch(60)
    keep(room, to_disk=True)
    room.watch(60)
    keep(room, to_disk=False)
    (tmp_path / "runtime" / "summary.json").unlink()
    assert Room(folders(tmp_path), room.at).day.minutes["happy"] == 1


def test_what_ended_while_the_daemon_was_off_is_over(tmp_path: Path) -> None:
    room = Room(folders(tmp_path))
    room.face(1, "happy")
    room.watch(60)
    keep(room, to_disk=True)
    next_day = Room(folders(tmp_path), NOON + timedelta(days=1))
    assert next_day.day.present_minutes == 0
    assert next_day.message.utc.last_day is not None
    assert next_day.message.utc.last_day.present_minutes == 1


def test_nothing_is_written_to_the_disk_while_nobody_is_there(tmp_path: Path) -> None:
    room = Room(folders(tmp_path))
    room.watch(60)
    keep(room, to_disk=True)
    assert not (tmp_path / "state").exists()
    room.face(1, "happy")
    room.watch(1)
    keep(room, to_disk=True)
    assert (tmp_path / "state" / "summary.json").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "state" / "summary.json").stat().st_size < 4096


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"\xff", b"[" * 60_000, b'{"schema": 1}', b"x" * 70_000],
    ids=lambda content: str(len(content)),
)
def test_a_file_that_is_none_is_told_and_passed_over(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "summary.json").write_bytes(content)
    assert Room(folders(tmp_path)).day.faces == 0
    assert "summary.json: " in caplog.text
    assert "anew" in caplog.text


@pytest.mark.parametrize(
    ("pattern", "nonsense"),
    [
        (r'"begin":"[^"]*"', '"begin":"2026-11-22T12:00:00"'),
        (r'"sent_at":"[^"]*"', '"sent_at":"2026-11-22T12:00:00"'),
        (r'"observed_minutes":[^,]*', '"observed_minutes":1e307'),
        (r'"happy":[^}]*', '"happy":1e999'),
        (r'"longest_stay_s":[^}]*', '"longest_stay_s":1e999'),
        (r'"happy"', r'"\\ud800"'),
    ],
)
def test_numbers_that_make_no_sense_are_told_and_passed_over(
    tmp_path: Path, pattern: str, nonsense: str, caplog: pytest.LogCaptureFixture
) -> None:
    room = Room(folders(tmp_path))
    room.face(1, "happy")
    room.watch(60)
    keep(room, to_disk=True)
    file = tmp_path / "state" / "summary.json"
    file.write_text(re.sub(pattern, nonsense, file.read_text()))
    again = Room(folders(tmp_path), room.at)
    assert again.message.utc.day.faces == 1  # what is in memory
    assert "anew" in caplog.text


@pytest.mark.parametrize("begin", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "12345"])
def test_hours_of_other_ages_are_over(tmp_path: Path, begin: str) -> None:
    room = Room(folders(tmp_path))
    room.face(1, "happy")
    room.watch(60)
    keep(room, to_disk=False)
    file = tmp_path / "runtime" / "summary.json"
    file.write_text(re.sub(r'"begin":"[^"]*"', f'"begin":"{begin}"', file.read_text()))
    again = Room(folders(tmp_path), room.at)
    assert again.day.faces == 0
    assert again.message.to_json()


def test_a_disk_that_refuses_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "state").write_text("a file where the folder belongs")
    room = Room(folders(tmp_path))
    for number in range(3):
        room.face(number, "happy")
        room.watch(1)
        keep(room, to_disk=True)
    assert caplog.text.count("the summary may not survive") == 1


def test_a_summary_reads_back_as_it_was_written(tmp_path: Path) -> None:
    room = Room(folders(tmp_path))
    room.face(1, "happy")
    room.watch(45)
    loaded: Any = None
    keep(room, to_disk=True)
    loaded = folders(tmp_path).load()
    assert loaded == room.message
