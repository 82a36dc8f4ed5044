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


@pytest.fixture
def kept(tmp_path: Path) -> SummaryFiles:
    """Somebody was there from 11:30 to 11:31 and from 13:00 to 13:01."""
    files = folders(tmp_path)
    room = Room(files, NOON - timedelta(minutes=30))
    room.face(1, "happy")
    room.watch(60)
    room.at = NOON + timedelta(hours=1)
    room.watch(60)
    keep(room, to_disk=True)
    return files


def test_a_boot_whose_clock_is_behind_loses_nothing(kept: SummaryFiles, caplog: pytest.LogCaptureFixture) -> None:
    before = kept.load()
    room = Room(kept, NOON - timedelta(days=80))
    room.watch(60)
    assert room.summary.waits_for_clock
    assert "the clock is behind the summary that was kept at 2026-11-22T13:01:00+00:00" in caplog.text
    room.at = NOON + timedelta(hours=1, minutes=3)  # NTP has answered
    assert room.summary.turn(room.at)
    assert not room.summary.waits_for_clock
    assert before is not None
    assert (room.message.utc, room.message.local) == (before.utc, before.local)
    room.face(2, "happy")
    room.watch(60)
    assert room.day.minutes["happy"] == pytest.approx(3, abs=0.03)


def test_what_ended_while_the_clock_was_behind_is_over(kept: SummaryFiles) -> None:
    room = Room(kept, NOON - timedelta(days=80))
    room.watch(7)
    room.at = NOON + timedelta(days=1)
    assert room.summary.turn(room.at)
    assert room.day.faces == 0
    assert room.message.utc.last_day is not None
    assert (room.message.utc.last_day.begin, room.message.utc.last_day.faces) == (NOON.replace(hour=0), 1)


def test_a_clock_that_stays_behind_is_right_after_an_hour(kept: SummaryFiles) -> None:
    room = Room(kept, NOON - timedelta(days=80))
    room.face(1, "sad")
    room.watch(60)
    assert room.summary.waits_for_clock
    assert room.summary.turn(NOON - timedelta(days=80, minutes=-60))
    assert not room.summary.waits_for_clock
    assert room.day.minutes == {"sad": 1}


def test_the_test_card_does_not_go_on_with_what_a_camera_saw_before_the_clock_was_set(kept: SummaryFiles) -> None:
    room = Room(kept, NOON - timedelta(days=80), synthetic=True)
    assert not room.summary.waits_for_clock
    room.summary.turn(NOON + timedelta(hours=1, minutes=3))
    assert (room.day.faces, room.message.synthetic) == (0, True)


def test_the_disk_keeps_no_hour_of_a_clock_that_was_ahead(tmp_path: Path) -> None:
    room = Room(folders(tmp_path), NOON + timedelta(days=900))
    room.face(1, "happy")
    room.watch(60)
    keep(room, to_disk=True)
    room.face(1, None)
    keep(room, to_disk=True)
    room.at = NOON
    assert room.summary.turn(NOON)
    keep(room, to_disk=True)
    assert not Room(folders(tmp_path), NOON).summary.waits_for_clock


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


@pytest.mark.parametrize(
    ("sent_at", "waits"), [("0001-01-01T00:00:00+14:00", False), ("9999-12-31T23:59:59-14:00", True)]
)
def test_a_summary_of_another_age_stops_nothing(tmp_path: Path, sent_at: str, *, waits: bool) -> None:
    keep(Room(folders(tmp_path)), to_disk=False)
    file = tmp_path / "runtime" / "summary.json"
    file.write_text(re.sub(r'"sent_at":"[^"]*"', f'"sent_at":"{sent_at}"', file.read_text()))
    again = Room(folders(tmp_path))
    assert again.summary.waits_for_clock == waits
    assert not again.summary.turn(NOON + timedelta(minutes=1))


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


def test_what_the_disk_refused_is_written_next_time(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.write_text("a file where the folder belongs")
    room = Room(folders(tmp_path))
    room.face(1, "happy")
    room.watch(1)
    room.face(1, None)
    keep(room, to_disk=True)
    state.unlink()
    keep(room, to_disk=False)
    assert not state.exists()
    keep(room, to_disk=True)
    file = state / "summary.json"
    written = file.stat().st_ino
    keep(room, to_disk=True)
    assert file.stat().st_ino == written  # not again


def test_a_summary_reads_back_as_it_was_written(tmp_path: Path) -> None:
    room = Room(folders(tmp_path))
    room.face(1, "happy")
    room.watch(45)
    loaded: Any = None
    keep(room, to_disk=True)
    loaded = folders(tmp_path).load()
    assert loaded == room.message
