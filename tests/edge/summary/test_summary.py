"""Hours and days in numbers: what is counted, and when they begin anew."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from edge.frame import Frame
from tests.edge.summary.room import GRAY, NOON, Room

if TYPE_CHECKING:
    from collections.abc import Iterator


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


def test_a_clip_counts_in_the_hour_in_which_it_is_read() -> None:
    room = Room()
    room.face(1, "happy")
    for second in range(2 * 3600):
        frame = Frame(GRAY, NOON + timedelta(seconds=second), room.time_s + second, 0)
        room.summary.add(frame, synthetic=False)
        assert not room.summary.turn(NOON + timedelta(seconds=second / 1000))
    assert room.message.utc.hour.begin == NOON
    assert room.message.utc.hour.minutes["happy"] == pytest.approx(120, abs=0.02)
    assert room.message.utc.last_hour is None


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
