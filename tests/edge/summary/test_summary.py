"""Hours and days in numbers: what is counted, when they begin anew, and that a restart loses nothing of them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edge.frame import Frame
from edge.geometry import Rect
from edge.pipeline import Appeared, Changed, Gone
from edge.summary import NullSummaryStore, Summary, SummaryFiles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge.pipeline import Transition
    from edge.summary import SummaryStore
    from edge.wire.summary_message import Period, SummaryMessage

GRAY = np.zeros((48, 64), np.uint8)
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
STAMP = {"device": "kitchen", "session": "01JD"}


@pytest.fixture(autouse=True)
def in_india(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Half an hour between hours of UTC and local ones."""
    yield from zone(monkeypatch, "Asia/Kolkata")


def zone(monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[None]:
    monkeypatch.setenv("TZ", name)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class Room:
    """A camera's frames, two a second, and what happens in them."""

    def __init__(self, store: SummaryStore | None = None, at: datetime = NOON, *, synthetic: bool = False) -> None:
        self.at, self.time_s, self.synthetic = at, 1000.0, synthetic
        self.summary = Summary(store or NullSummaryStore(), at)
        self.summary.add(Frame(GRAY, at, self.time_s, 0), synthetic=synthetic)

    def watch(self, seconds: float) -> None:
        """Watch for some time."""
        for _ in range(int(seconds * 2)):
            self.time_s += 0.5
            self.at += timedelta(seconds=0.5)
            self.summary.add(Frame(GRAY, self.at, self.time_s, 0), synthetic=self.synthetic)

    def face(self, number: int, emotion: str | None, *, was: bool = False) -> None:
        """Have a face appear, change, or go."""
        where = (self.at, (64, 48), number, Rect(0, 0, 9, 9))
        change: Transition
        if emotion is None:
            change = Gone(*where, "sad", 0.9, 1.0)
        elif was:
            change = Changed(*where, emotion, 0.9, {}, "sad", 1.0)
        else:
            change = Appeared(*where, emotion, 0.9, {})
        self.summary.note([change])

    @property
    def message(self) -> SummaryMessage:
        return self.summary.message(STAMP, self.at)

    @property
    def day(self) -> Period:
        return self.message.utc.day


def test_each_face_s_emotion_is_counted_and_somebody_once() -> None:
    room = Room()
    room.watch(60)
    room.face(1, "happy")
    room.watch(60)
    room.face(2, "sad")
    room.watch(60)
    room.face(1, "sad", was=True)
    room.watch(30)
    room.face(1, None)
    room.face(2, None)
    room.watch(60)
    assert room.day.minutes == {"happy": 2, "sad": 2}
    assert (room.day.observed_minutes, room.day.present_minutes) == (4.5, 2.5)
    assert (room.day.visits, room.day.faces) == (1, 2)
    assert room.day.longest_stay_s == 150


def test_who_turns_away_and_comes_back_stays() -> None:
    room = Room()
    for face, away_s in enumerate((20, 29, 31, 0), 1):
        room.face(face, "happy")
        room.watch(10)
        room.face(face, None)
        room.watch(away_s)
    assert (room.day.visits, room.day.faces) == (2, 4)
    assert room.day.longest_stay_s == 10 + 20 + 10 + 29 + 10


def test_hours_and_days_begin_anew_in_utc_and_here() -> None:
    room = Room(at=datetime(2026, 11, 22, 17, 50, tzinfo=UTC))  # 23:20 in India
    room.face(1, "happy")
    room.watch(600 + 1800 + 60)
    message = room.message
    assert [period.begin.isoformat() for period in (message.utc.hour, message.utc.day)] == [
        "2026-11-22T18:00:00+00:00",
        "2026-11-22T00:00:00+00:00",
    ]
    assert [period.begin.isoformat() for period in (message.local.hour, message.local.day)] == [
        "2026-11-23T00:00:00+05:30",
        "2026-11-23T00:00:00+05:30",
    ]
    assert message.utc.hour.minutes["happy"] == pytest.approx(31, abs=0.02)
    assert message.utc.day.minutes["happy"] == pytest.approx(41, abs=0.02)
    assert message.local.day.minutes["happy"] == pytest.approx(1, abs=0.02)
    assert message.utc.last_hour
    assert message.utc.last_hour.minutes["happy"] == pytest.approx(10, abs=0.02)
    assert message.utc.last_day is None
    assert message.local.last_day
    assert message.local.last_day.minutes["happy"] == pytest.approx(40, abs=0.02)
    # One visit, which began yesterday and goes on: its whole length counts today too.
    assert (message.local.last_day.visits, message.local.day.visits) == (1, 0)
    assert message.local.day.longest_stay_s == pytest.approx(2460, abs=1)
    assert '"begin":"2026-11-23T00:00:00+05:30"' in message.to_json()
    assert '"begin":"2026-11-22T18:00:00Z"' in message.to_json()


def test_an_hour_ends_without_frames_too() -> None:
    room = Room()
    room.face(1, "happy")
    room.watch(10)
    assert not room.summary.turn(NOON + timedelta(minutes=29))
    assert room.summary.turn(NOON + timedelta(minutes=61))
    assert not room.summary.turn(NOON + timedelta(minutes=62))
    assert room.message.utc.hour.observed_minutes == 0
    assert room.message.utc.last_hour is not None
    assert room.message.utc.last_hour.visits == 1


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-22", 24)])
def test_a_day_on_which_the_clock_is_changed(monkeypatch: pytest.MonkeyPatch, day: str, hours: int) -> None:
    for _ in zone(monkeypatch, "Europe/Berlin"):
        midnight = datetime.fromisoformat(f"{day}T00:00:00").astimezone()
        room = Room(at=midnight)
        for number in range(hours):
            room.summary.turn(midnight + timedelta(hours=number, minutes=1))
            assert room.message.local.day.begin == midnight
        room.summary.turn(midnight + timedelta(hours=hours, seconds=1))
        assert room.message.local.day.begin == midnight + timedelta(hours=hours)


def test_no_time_is_invented_where_no_frames_came() -> None:
    room = Room()
    room.face(1, "happy")
    room.watch(10)
    room.time_s += 3600  # the camera was away, or the machine slept
    room.watch(10)
    assert room.day.minutes["happy"] == pytest.approx(20 / 60, abs=0.02)
    assert (room.day.visits, room.day.longest_stay_s) == (2, 10)


def test_a_wall_clock_that_jumps_counts_no_minute_more() -> None:
    room = Room(at=datetime(2020, 1, 1, tzinfo=UTC))  # a Pi without a clock, before NTP
    room.face(1, "happy")
    room.watch(60)
    room.at = NOON
    room.watch(60)
    assert room.day.begin == NOON.replace(hour=0)
    assert room.day.minutes["happy"] == 1
    room.at = NOON - timedelta(seconds=2)  # NTP corrects it: still the hour that has begun
    room.watch(1)
    assert room.message.utc.hour.begin == NOON
    room.at = datetime(2025, 1, 1, 6, tzinfo=UTC)  # it was wrong all the time
    room.watch(1)
    assert room.day.begin == datetime(2025, 1, 1, tzinfo=UTC)
    assert room.message.utc.last_day is None


def test_it_is_news_while_somebody_is_there() -> None:
    room = Room()
    room.watch(10)
    assert not room.summary.is_news
    room.face(1, "happy")
    for _ in range(2):
        room.watch(1)
        assert room.summary.is_news
        assert room.message.utc.day.visits == 1
        assert not room.summary.is_news
    room.face(1, None)
    room.watch(60)
    assert not room.summary.is_news


def test_what_the_test_card_shows_is_never_added_to_what_a_camera_saw() -> None:
    room = Room(synthetic=True)
    room.face(1, "happy")
    room.watch(60)
    assert room.message.synthetic
    assert room.day.faces == 1
    room.synthetic = False
    room.watch(60)
    assert not room.message.synthetic
    assert (room.day.faces, room.day.present_minutes) == (0, 0)


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
