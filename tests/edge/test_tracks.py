from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.config import FacesConfig
from edge.geometry import Rect
from edge.tracks import CONFIRM_HITS, DOUBT_S, LOST_S, Tracker

if TYPE_CHECKING:
    from numpy.typing import NDArray

GRAY = np.zeros((480, 640), np.uint8)
FRAME_S = 1 / 15


class Stage:
    """A detector that finds what the test puts there, and counts how often it is asked."""

    def __init__(self, *faces: Rect) -> None:
        self.faces = list(faces)
        self.searches = 0

    def search(self, gray: NDArray[np.uint8]) -> list[Rect]:
        assert gray is GRAY
        self.searches += 1
        return list(self.faces)

    def search_near(self, gray: NDArray[np.uint8], face: Rect) -> Rect | None:
        assert gray is GRAY
        return next((f for f in self.faces if f.overlap(face) > 0.2), None)


class Play:
    """Runs a tracker frame by frame."""

    def __init__(self, stage: Stage, config: FacesConfig | None = None) -> None:
        self.tracker = Tracker(stage, config or FacesConfig())
        self.now_s = 0.0

    def frames(self, count: int) -> tuple[list[int], list[int]]:
        """Give the ids that are there after the last frame, and those gone on the way."""
        ids, gone_ids = [], []
        for _ in range(count):
            tracks, gone = self.tracker.update(GRAY, self.now_s)
            self.now_s += FRAME_S
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


def test_the_whole_frame_is_searched_only_now_and_then() -> None:
    stage = Stage(LEFT)
    Play(stage, FacesConfig(search_every_s=0.5)).frames(60)
    assert stage.searches == pytest.approx(60 * FRAME_S / 0.5, abs=1)


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
    tracks, _ = play.tracker.update(GRAY, play.now_s)
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
