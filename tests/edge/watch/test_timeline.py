from __future__ import annotations

from datetime import timedelta

import pytest

from edge.watch.bar import LOST, bar_cells, render
from edge.watch.losses import LossCounter
from edge.watch.timeline import MOST_FACES, Gap, Timeline
from tests.payloads import NOW, ago, event, state

MINUTE = timedelta(minutes=1)


def line(timeline: Timeline, count: int = 12) -> str:
    """The last minute as a terminal without colours shows it, a cell for five seconds."""
    return render(bar_cells(timeline, NOW - timedelta(seconds=1), MINUTE, count), colours=False).plain


def test_each_emotion_lasts_until_the_next_and_nobody_is_before_and_after() -> None:
    timeline = Timeline()
    timeline.event(event(0, "neutral", type="appeared", at=ago(45)))
    timeline.event(event(1, "happy", at=ago(30)))
    timeline.event(event(2, "happy", type="gone", at=ago(10)))
    assert line(timeline) == "   NNNHHHH··"


def test_a_cell_shows_what_filled_most_of_it() -> None:
    timeline = Timeline()
    timeline.event(event(0, "neutral", type="appeared", at=ago(60)))
    timeline.event(event(1, "happy", at=ago(29)))
    timeline.event(event(2, "sad", at=ago(28)))
    assert line(timeline) == "NNNNNNSSSSSS"


def test_the_largest_face_speaks_for_the_device() -> None:
    timeline = Timeline()
    timeline.event(event(0, "neutral", type="appeared", at=ago(60), face=1, size=80))
    timeline.event(event(1, "happy", type="appeared", at=ago(40), face=2, size=120))
    timeline.event(event(2, "happy", type="gone", at=ago(20), face=2, size=120))
    assert line(timeline) == "NNNNHHHHNNNN"


def test_who_comes_late_learns_from_the_state_since_when_it_is_so() -> None:
    timeline = Timeline()
    timeline.state(state((3, "happy", ago(30)), at=ago(5)))
    assert line(timeline) == "      HHHHHH"


def test_a_state_ends_a_face_whose_going_was_lost_and_doubles_no_change() -> None:
    timeline = Timeline()
    timeline.event(event(0, "neutral", type="appeared", at=ago(60)))
    timeline.event(event(1, "happy", at=ago(40)))
    timeline.state(state((3, "happy", ago(40.02)), at=ago(40)))
    timeline.state(state(at=ago(20)))
    assert len(timeline.tracks["a", 3].steps) == 2
    assert line(timeline) == "NNNNHHHH····"


def test_events_that_come_after_an_outage_take_their_places() -> None:
    timeline = Timeline()
    timeline.state(state((3, "happy", ago(60)), at=ago(60)))
    timeline.begin_gap(Gap.OFFLINE, ago(50))
    assert line(timeline) == "HHxxxxxxxxxx"
    timeline.end_gap(Gap.OFFLINE, ago(10))
    timeline.state(state(at=ago(10)))
    timeline.event(event(5, "sad", at=ago(40)))
    timeline.event(event(6, "sad", type="gone", at=ago(20)))
    assert line(timeline) == "HHHHSSSSxx··"


def test_a_camera_that_is_off_is_not_nobody() -> None:
    timeline = Timeline()
    timeline.event(event(0, "neutral", type="appeared", at=ago(60)))
    timeline.begin_gap(Gap.NO_CAMERA, ago(40))
    timeline.end_gap(Gap.NO_CAMERA, ago(20))
    assert line(timeline) == "NNNN----····"
    assert timeline.idle_since == ago(20)


def test_a_camera_that_was_there_before_we_came_tells_of_nobody() -> None:
    timeline = Timeline()
    timeline.end_gap(Gap.NO_CAMERA, ago(50))
    timeline.state(state(at=ago(20)))
    assert line(timeline) == "        ····"


def test_a_daemon_that_was_killed_leaves_nobody_behind() -> None:
    timeline = Timeline()
    timeline.event(event(0, "neutral", type="appeared", at=ago(60)))
    timeline.event(event(1, "happy", at=ago(40)))
    timeline.event(event(0, "sad", type="appeared", at=ago(20), session="b"))
    assert line(timeline) == "NNNN····SSSS"


def test_lost_events_are_marked_where_the_gap_showed() -> None:
    timeline = Timeline()
    timeline.event(event(0, "neutral", type="appeared", at=ago(60)))
    timeline.event(event(3, "happy", at=ago(30)), lost=2)
    cells = bar_cells(timeline, NOW - timedelta(seconds=1), MINUTE, 12)
    assert cells.index(LOST) == 6
    assert line(timeline) == "NNNNNN!HHHHH"


def test_a_face_of_which_nothing_is_known_any_more_has_empty_cells() -> None:
    timeline = Timeline()
    timeline.state(state((3, "happy", ago(50)), at=ago(50)))
    assert timeline.is_present("a", 3)
    timeline.begin_gap(Gap.OFFLINE, ago(40))
    timeline.prune(ago(30))
    assert not timeline.is_present("a", 3)
    assert set(bar_cells(timeline, NOW, MINUTE, 12, ("a", 3))) == {Gap.UNKNOWN}


def test_cells_move_as_one() -> None:
    timeline = Timeline()
    timeline.event(event(0, "neutral", type="appeared", at=ago(60)))
    timeline.event(event(1, "happy", at=ago(30)))
    shown = [bar_cells(timeline, NOW + timedelta(seconds=second), MINUTE, 12) for second in range(6)]
    assert shown[:5] == shown[:1] * 5
    assert shown[5] == [*shown[0][1:], "happy"]


def test_what_is_long_past_is_forgotten_and_what_lasts_is_not() -> None:
    timeline = Timeline()
    timeline.event(event(0, "sad", type="appeared", at=ago(600), face=1))
    timeline.event(event(2, "sad", type="gone", at=ago(500), face=1), lost=1)
    timeline.event(event(3, "sad", type="appeared", at=ago(400), face=2))
    timeline.event(event(4, "happy", at=ago(300), face=2))
    timeline.prune(ago(60))
    assert list(timeline.tracks) == [("a", 2)]
    assert len(timeline.tracks["a", 2].steps) == 1
    assert timeline.losses == []
    assert line(timeline) == "HHHHHHHHHHHH"


@pytest.mark.parametrize(
    ("heard", "events", "lost"),
    [
        (["a5", "a6", "a6", "a9", "a8"], 3, 2),  # a gap, repetitions
        (["a5", "b0", "b1"], 3, 0),  # a new session
        (["a5", "b2"], 2, 2),  # one whose beginning was lost
        (["a5", "b0", "a5", "b1"], 3, 0),  # repeated after a restart
        (["b5", "a3", "a5"], 3, 1),  # an older one, joined midway
    ],
)
def test_what_is_counted_as_lost(heard: list[str], events: int, lost: int) -> None:
    losses = LossCounter()
    for each in heard:
        losses.count(each[0], int(each[1:]))
    assert (losses.received, losses.lost) == (events, lost)


def test_a_tail_is_lost_once_the_next_session_speaks() -> None:
    losses = LossCounter()
    losses.count("a", 4)
    losses.session_ended("a", 7)
    assert losses.count("a", 5) == 0
    assert losses.lost == 0
    assert losses.count("b", 0) == 2
    assert losses.count("b", 1) == 0
    assert losses.lost == 2


def test_a_tail_that_comes_after_all_is_not_lost() -> None:
    losses = LossCounter()
    losses.count("a", 4)
    losses.session_ended("a", 7)
    losses.count("b", 0)
    assert losses.count("a", 6) == 0  # a long backlog and the new session take turns
    assert losses.count("b", 1) == 0
    assert losses.count("a", 7) == 0
    assert losses.count("a", 7) is None
    assert (losses.received, losses.lost) == (5, 1)


def test_faces_that_never_go_are_forgotten_from_the_oldest_on() -> None:
    """Anybody may publish, with another id each time."""
    timeline = Timeline()
    for number in range(3 * MOST_FACES):
        timeline.event(event(number, type="appeared", face=1 + number, at=ago(3600 - number)))
    timeline.prune(ago(60))
    assert len(timeline.tracks) == MOST_FACES
    assert min(key[1] for key in timeline.tracks) == 2 * MOST_FACES + 1
