from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.config import FacesConfig
from edge.geometry import Rect
from edge.vision.lifecycle import CONFIRM_HITS, LOST_S
from edge.vision.reader import Reading
from edge.vision.track import Track
from edge.vision.views import VIEWS
from tests.edge.vision.stage import FRAME_S, LEFT, RIGHT, Play, ScriptedReader, Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.vision.reader import FaceCrop


def test_a_face_in_which_nothing_changes_is_not_searched_again() -> None:
    stage = Stage(LEFT)
    play = Play(stage)
    play.frames(15)
    stage.still = True
    play.frames(1)
    stage.nearby.clear()
    ids, gone = play.frames(45)
    assert (ids, gone) == ([1], [])
    assert 3 <= len(stage.nearby) <= 9  # a few times a second, to be sure
    stage.still = False
    before = len(stage.nearby)
    play.frames(5)
    assert len(stage.nearby) == before + 5


def test_a_face_that_is_still_and_found_no_more_is_gone() -> None:
    stage = Stage(LEFT)
    play = Play(stage)
    play.frames(15)
    stage.still = True
    play.frames(1)
    stage.tilts[LEFT] = 180.0  # the picture stays, but nobody takes it for a face
    assert play.frames(45) == ([], [1])


def test_a_face_is_expected_where_it_goes() -> None:
    stage = Stage(LEFT)
    play = Play(stage)
    for _ in range(30):
        stage.faces = [stage.faces[0].moved(6, 3)]
        play.frames(1)
    (track,), _ = play.frame()
    moving = track.predicted(play.now_s + FRAME_S)
    assert moving.x - track.rect.x == pytest.approx(6, abs=2.5)
    assert moving.y - track.rect.y == pytest.approx(3, abs=1.5)


@pytest.mark.parametrize("tilt", [25.0, -25.0, 45.0])
def test_a_head_that_leans_is_followed_and_its_tilt_known(tilt: float) -> None:
    stage = Stage(LEFT)
    play = Play(stage)
    play.frames(10)
    for part in (0.5, 1.0):
        stage.tilts[LEFT] = tilt * part
        assert play.frames(8) == ([1], [])
    (track,), _ = play.frame()
    assert track.tilt == pytest.approx(tilt, abs=16)
    stage.tilts.clear()
    play.frames(8)
    (track,), _ = play.frame()
    assert track.id == 1
    assert track.tilt == pytest.approx(0, abs=16)


def test_a_face_that_jumps_its_own_width_is_the_same_one() -> None:
    stage = Stage(LEFT)
    play = Play(stage)
    play.frames(10)
    stage.faces = [LEFT.moved(85, 0)]
    ids, gone = play.frames(10)
    assert (ids, gone) == ([1], [])


def test_two_faces_that_cross_keep_their_ids() -> None:
    stage = Stage(Rect(60, 100, 100, 100), Rect(460, 150, 110, 110))
    play = Play(stage)
    play.frames(6)
    before, _ = play.frame()
    left = {track.id: track.rect.x < 300 for track in before}
    for _ in range(52):
        one, other = stage.faces
        stage.faces = [one.moved(8, 0), other.moved(-8, 0)]
        after, gone = play.frame()
        assert gone == []
    assert {track.id: track.rect.x > 300 for track in after} == left


def test_a_face_that_moves_keeps_its_id() -> None:
    stage = Stage(LEFT)
    play = Play(stage)
    for _ in range(40):
        stage.faces = [Rect(stage.faces[0].x + 8, 100, 100, 100)]
        ids, gone = play.frames(1)
        assert gone == []
    assert ids == [1]


def test_a_face_is_gone_after_a_while_and_comes_back_as_another() -> None:
    stage = Stage(LEFT)
    play = Play(stage)
    play.frames(10)
    stage.faces = []
    assert play.frames(int(LOST_S / FRAME_S) - 1) == ([1], [])
    assert play.frames(3) == ([], [1])
    stage.faces = [LEFT]
    ids, _ = play.frames(10)
    assert ids == [2]


def test_a_hand_before_the_mouth_does_not_end_a_track() -> None:
    stage = Stage(LEFT)
    play = Play(stage)
    play.frames(10)
    stage.faces = []
    play.frames(int(LOST_S / FRAME_S / 2))
    stage.faces = [LEFT]
    assert play.frames(10) == ([1], [])


def test_two_faces_the_largest_first() -> None:
    play = Play(Stage(LEFT, RIGHT))
    play.frames(10)
    tracks, _ = play.frame()
    assert [track.rect.width > 110 for track in tracks] == [True, False]


def test_no_more_than_max_faces() -> None:
    ids, _ = Play(Stage(LEFT, RIGHT), FacesConfig(max_faces=1)).frames(10)
    assert len(ids) == 1


def test_two_tracks_never_share_a_face() -> None:
    stage = Stage(LEFT, RIGHT)
    play = Play(stage)
    play.frames(10)
    stage.faces = [RIGHT]
    ids, gone = play.frames(40)
    assert (ids, gone) == ([1], [2])  # the larger one was found first


def test_a_frame_with_the_time_of_the_one_before_is_another_frame() -> None:
    """A camera's time stamps are clamped so that they never go back: two frames may have the same one."""
    stage = Stage(LEFT, RIGHT)
    play = Play(stage)
    play.frames(10)
    tracks, _ = play.frame()
    assert [track.visible for track in tracks] == [True, True]
    stage.faces, play.step_s = [], 0.0
    play.frame()
    assert [track.visible for track in tracks] == [False, False]


def test_clear_gives_the_confirmed_ones() -> None:
    play = Play(Stage(LEFT, RIGHT))
    play.frames(10)
    assert [track.id for track in play.tracker.clear()] == [1, 2]
    assert play.tracker.clear() == []


def test_after_clear_a_face_that_sits_still_is_found_at_once() -> None:
    stage = Stage(LEFT)
    play = Play(stage)
    play.frames(15)
    stage.still = True
    play.frames(300)
    play.tracker.clear()
    assert play.frames(CONFIRM_HITS) == ([2], [])


class Undecided(ScriptedReader):
    """A reader to which every other view shows another emotion."""

    def read(self, gray: NDArray[np.uint8], crops: Sequence[FaceCrop]) -> list[Reading]:
        super().read(gray, crops)
        return [Reading(np.roll(np.array([1, 0], np.float32), VIEWS.index(crop.view) % 2), 0.97) for crop in crops]


@pytest.mark.parametrize(("reader", "readings"), [(ScriptedReader, 10), (Undecided, 15)])
def test_a_face_is_read_less_often_while_all_views_show_the_same(reader: type[ScriptedReader], readings: int) -> None:
    """Thirty frames at 15 a second: every third one, or every second one."""
    play = Play(Stage(LEFT), reader=reader({LEFT: 0.97}))
    play.frames(5)
    play.reader.crops.clear()
    play.frames(30)
    assert len(play.reader.crops) == pytest.approx(readings, abs=1)
    assert {crop.view for crop in play.reader.crops} == set(VIEWS)


def test_the_emotions_of_a_face_are_the_mean_of_its_last_views() -> None:
    track = Track(LEFT, since_s=0.0, seen_s=0.0, found_s=0.0)
    for index, view in enumerate(VIEWS):
        assert view in track.next_views
        track.update_reading(view, Reading(np.array([index, 0], np.float32)), 0.1 * index)
    assert track.probabilities.tolist() == [1.5, 0]
    assert not track.next_views  # nothing changed since
    track.changed_s = 0.35
    assert list(track.next_views) == [VIEWS[0]]
    track.update_reading(VIEWS[0], Reading(np.array([4, 0], np.float32)), 0.4)
    assert track.probabilities.tolist() == [2.5, 0]
    assert list(track.next_views) == [VIEWS[1]]
