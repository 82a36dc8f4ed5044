from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.config import FacesConfig
from edge.geometry import Rect
from edge.tracks import CHEST_HITS, CONFIRM_HITS, DOUBT_S, LOST_S, REFUSE_HITS, SURE_HITS, Tracker

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.track import Track

FRAME_S = 1 / 15


class Stage:
    """A detector that finds what the test puts there, where it is asked to look, and counts how often it is."""

    def __init__(self, *faces: Rect) -> None:
        self.faces = list(faces)
        self.tilts: dict[Rect, float] = {}
        """Of those that lean; they are seen only by who looks that way."""

        self.still = False
        """Whether the faces stop moving."""

        self.searched: list[Rect | None] = []
        self.nearby: list[Rect] = []
        self._frames = 0

    def frame(self) -> NDArray[np.uint8]:
        """Draw each face as a patch, in which something moves unless all is still."""
        self._frames += not self.still
        gray = np.full((480, 640), 90, np.uint8)
        for face in self.faces:
            patch = face.clipped(640, 480).whole()
            gray[int(patch.y) : int(patch.y + patch.height), int(patch.x) : int(patch.x + patch.width)] = 150 + 40 * (
                self._frames % 2
            )
        return gray

    def search(self, gray: NDArray[np.uint8], region: Rect | None = None) -> list[Rect]:
        assert gray.shape == (480, 640)
        self.searched.append(region)
        return [f for f in self.faces if not self.tilts.get(f) and (region is None or region.holds(f.middle))]

    def search_near(self, gray: NDArray[np.uint8], face: Rect, tilt: float = 0.0) -> Rect | None:
        assert gray.shape == (480, 640)
        self.nearby.append(face)
        there = [f for f in self.faces if f.overlap(face) > 0.2 and abs(self.tilts.get(f, 0.0) - tilt) < 16]
        return max(there, key=face.overlap, default=None)

    def search_around(self, gray: NDArray[np.uint8], face: Rect, tilt: float = 0.0) -> Rect | None:
        return self.search_near(gray, face.grown(0.5), tilt)


class Play:
    """Runs a tracker frame by frame."""

    def __init__(
        self,
        stage: Stage,
        config: FacesConfig | None = None,
        *,
        scores: dict[Rect, float] | None = None,
        min_score: float = 0.5,
    ) -> None:
        """Take what the model thinks of some of the faces; without, it has no opinion."""
        self.stage = stage
        self.asked = 0
        self.scores = scores or {}
        self.tracker = Tracker(
            stage, config or FacesConfig(), face_score=self._score if scores else None, min_score=min_score
        )
        self.now_s = 0.0

    def _score(self, gray: NDArray[np.uint8], face: Rect, tilt: float) -> float:
        assert gray.shape == (480, 640)
        assert tilt == 0.0
        self.asked += 1
        return max((score for known, score in self.scores.items() if known.overlap(face) > 0.2), default=1.0)

    def frame(self) -> tuple[list[Track], list[Track]]:
        """Give the tracks that are there and those that are gone."""
        self.now_s += FRAME_S
        return self.tracker.update(self.stage.frame(), self.now_s)

    def frames(self, count: int) -> tuple[list[int], list[int]]:
        """Give the ids that are there after the last frame, and those gone on the way."""
        ids, gone_ids = [], []
        for _ in range(count):
            tracks, gone = self.frame()
            ids = [track.id for track in tracks]
            gone_ids += [track.id for track in gone]
        return ids, gone_ids


LEFT, RIGHT = Rect(100, 100, 100, 100), Rect(400, 100, 120, 120)


def test_a_face_counts_after_several_hits() -> None:
    play = Play(Stage(LEFT))
    assert play.frames(CONFIRM_HITS - 1) == ([], [])
    assert play.frames(1) == ([1], [])


def test_a_flicker_never_counts() -> None:
    stage = Stage(LEFT)
    play = Play(stage)
    play.frames(1)
    stage.faces = []
    assert play.frames(60) == ([], [])
    assert play.tracker.clear() == []


def test_what_the_model_takes_for_no_face_never_counts_and_is_let_go() -> None:
    play = Play(Stage(LEFT, RIGHT), scores={LEFT: 0.1, RIGHT: 0.9})
    assert play.frames(CONFIRM_HITS) == ([1], [])
    (track,), _ = play.frame()
    assert track.rect.overlap(RIGHT) > 0.5
    play.stage.still = True
    play.frames(REFUSE_HITS)
    play.asked = 0
    assert play.frames(20) == ([1], [])
    assert play.asked <= CONFIRM_HITS  # it stands still, so nobody follows it


def test_what_looks_much_like_a_face_counts_sooner() -> None:
    play = Play(Stage(LEFT, RIGHT), scores={LEFT: 0.8, RIGHT: 0.97})
    play.frames(SURE_HITS - 1)
    (track,), _ = play.frame()
    assert track.rect.overlap(RIGHT) > 0.5
    assert sorted(play.frames(CONFIRM_HITS - SURE_HITS)[0]) == [1, 2]


def test_what_is_on_a_chest_counts_later() -> None:
    def frames_until_two(newcomer: Rect) -> int:
        stage = Stage(LEFT)
        play = Play(stage, scores={LEFT: 0.97, newcomer: 0.97})
        assert play.frames(SURE_HITS)[0] == [1]
        stage.faces = [LEFT, newcomer]
        return next(count for count in range(20) if len(play.frames(1)[0]) == 2)

    below, beside = Rect(80, 250, 120, 120), Rect(300, 250, 120, 120)
    assert frames_until_two(below) - frames_until_two(beside) == CHEST_HITS - SURE_HITS


def test_what_is_on_a_chest_and_looks_like_no_face_never_counts() -> None:
    print_on_shirt = Rect(80, 250, 120, 120)
    stage = Stage(LEFT)
    play = Play(stage, scores={LEFT: 0.97, print_on_shirt: 0.3})
    play.frames(SURE_HITS)
    stage.faces = [LEFT, print_on_shirt]
    assert play.frames(4 * CHEST_HITS) == ([1], [])


def test_it_counts_later_without_a_face_score_too() -> None:
    stage = Stage(LEFT)
    play = Play(stage)
    assert play.frames(CONFIRM_HITS)[0] == [1]
    stage.faces = [LEFT, Rect(80, 250, 120, 120)]
    assert play.frames(CHEST_HITS - 1)[0] == [1]
    assert play.frames(CHEST_HITS)[0] == [2, 1]


@pytest.mark.parametrize(("score", "ids"), [(0.99, [1]), (0.9, [])])
def test_what_is_plainly_a_face_counts_though_a_fine_search_does_not_find_it(score: float, ids: list[int]) -> None:
    stage = Stage(LEFT)
    play = Play(stage, scores={LEFT: score})
    stage.search_near = stage.search_around = lambda *_: None  # type: ignore[method-assign]
    assert play.frames(CONFIRM_HITS + 2)[0] == ids


def test_one_bad_look_is_no_reason_to_refuse_a_face() -> None:
    play = Play(Stage(LEFT), scores={LEFT: 0.3})
    play.frames(1)
    play.scores = {LEFT: 0.9}
    assert play.frames(CONFIRM_HITS - 1) == ([1], [])


def test_a_face_that_the_model_doubts_for_long_is_gone() -> None:
    play = Play(Stage(LEFT), scores={LEFT: 0.95}, min_score=0.9)
    play.frames(10)
    (track,), _ = play.frame()
    for score in [0.9] * 10 + [0.3] * 5:
        track.believe(score)  # a hand before the mouth, for half a second
    assert play.frames(1) == ([1], [])
    for index in range(40):
        track.believe(0.85 + 0.1 * (index % 2))  # it trembles about the limit
        assert play.frames(1) == ([1], [])
    for _ in range(10):
        track.believe(0.1)
    assert play.frames(1) == ([], [1])


def test_what_is_no_face_takes_no_place_from_one() -> None:
    large, small = Rect(60, 60, 200, 200), Rect(400, 100, 100, 100)
    play = Play(Stage(large, small), FacesConfig(max_faces=1), scores={large: 0.1, small: 0.9})
    seen = [tracks for _ in range(40) if (tracks := play.frame()[0])]
    assert seen
    assert all(len(tracks) == 1 and tracks[0].rect.overlap(small) > 0.5 for tracks in seen)


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


def test_what_a_fine_search_does_not_find_is_no_face() -> None:
    class Mistaken(Stage):
        def search_near(self, *_: object) -> Rect | None:
            return None

    assert Play(Mistaken(LEFT)).frames(30) == ([], [])


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


def test_doubt_is_shorter_than_loss() -> None:
    assert DOUBT_S < LOST_S


def test_clear_gives_the_confirmed_ones() -> None:
    play = Play(Stage(LEFT, RIGHT))
    play.frames(10)
    assert [track.id for track in play.tracker.clear()] == [1, 2]
    assert play.tracker.clear() == []
