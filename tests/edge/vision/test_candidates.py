from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.config import FacesConfig
from edge.geometry import Rect
from edge.vision.lifecycle import CANDIDATE_LOST_S, CHEST_HITS, CONFIRM_HITS, LOST_S, REJECT_HITS, SURE_HITS
from edge.vision.views import VIEWS
from tests.edge.vision.stage import FRAME_S, LEFT, RIGHT, Play, ScriptedReader, Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from edge.vision.views import View


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


def test_what_the_model_takes_for_no_face_never_counts_and_is_removed() -> None:
    play = Play(Stage(LEFT, RIGHT), scores={LEFT: 0.1, RIGHT: 0.9})
    assert play.frames(CONFIRM_HITS) == ([1], [])
    (track,), _ = play.frame()
    assert track.rect.iou(RIGHT) > 0.5
    play.stage.still = True
    play.frames(REJECT_HITS)
    play.reader.candidates.clear()
    assert play.frames(20) == ([1], [])
    assert len(play.reader.candidates) <= CONFIRM_HITS  # it stands still, so it is no candidate any more


def test_what_looks_much_like_a_face_counts_sooner() -> None:
    play = Play(Stage(LEFT, RIGHT), scores={LEFT: 0.8, RIGHT: 0.97})
    play.frames(SURE_HITS - 1)
    (track,), _ = play.frame()
    assert track.rect.iou(RIGHT) > 0.5
    assert sorted(play.frames(CONFIRM_HITS - SURE_HITS)[0]) == [1, 2]


def test_a_face_that_stands_still_and_is_certain_counts_at_once() -> None:
    assert Play(Stage(LEFT, RIGHT), scores={LEFT: 0.97, RIGHT: 0.9}).frames(1) == ([1], [])


def test_one_that_moves_does_not() -> None:
    stage = Stage()
    play = Play(stage, scores={LEFT: 0.97})
    play.frames(1)
    stage.faces = [LEFT]
    assert any(play.frames(1)[0] for _ in range(9))
    assert len(play.reader.candidates) == SURE_HITS


def test_one_that_is_not_certain_in_every_view_does_not_either() -> None:
    class Doubtful(ScriptedReader):
        def score(self, gray: NDArray[np.uint8], face: Rect, tilt: float, views: Sequence[View]) -> float:
            score = super().score(gray, face, tilt, views)
            return min(score, 0.9) if len(views) == len(VIEWS) else score

    play = Play(Stage(LEFT), reader=Doubtful({LEFT: 0.97}))
    assert play.frames(1) == ([], [])
    assert play.frames(1) == ([1], [])


def test_what_is_on_a_chest_counts_later() -> None:
    def hits_until_two(candidate: Rect) -> int:
        stage = Stage(LEFT)
        play = Play(stage, scores={LEFT: 0.97, candidate: 0.97})
        assert play.frames(1)[0] == [1]
        play.reader.candidates.clear()
        stage.faces = [LEFT, candidate]
        assert any(len(play.frames(1)[0]) == 2 for _ in range(60))
        return len(play.reader.candidates)

    below, beside = Rect(80, 250, 120, 120), Rect(300, 250, 120, 120)
    assert hits_until_two(below) == CHEST_HITS
    assert hits_until_two(beside) == SURE_HITS


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
    assert play.frames(60)[0] == [2, 1]  # on a body it is found when the whole frame is searched


@pytest.mark.parametrize(("score", "ids"), [(0.99, [1]), (0.9, [])])
def test_what_is_surely_a_face_counts_though_a_fine_search_does_not_find_it(score: float, ids: list[int]) -> None:
    stage = Stage(LEFT)
    play = Play(stage, scores={LEFT: score})
    stage.search_near = stage.search_around = lambda *_: None  # type: ignore[method-assign]
    assert play.frames(CONFIRM_HITS + 2)[0] == ids


def test_one_low_score_does_not_reject_a_face() -> None:
    play = Play(Stage(LEFT), scores={LEFT: 0.3})
    play.frames(1)
    play.reader.scores = {LEFT: 0.9}
    assert play.frames(CONFIRM_HITS - 1) == ([1], [])


def test_a_face_whose_score_stays_low_is_gone() -> None:
    play = Play(Stage(LEFT), scores={LEFT: 0.95}, min_score=0.9)
    play.frames(10)
    (track,), _ = play.frame()
    for score in [0.9] * 10 + [0.3] * 5:
        track.update_face_score(score)  # a hand before the mouth, for half a second
    assert play.frames(1) == ([1], [])
    for index in range(40):
        track.update_face_score(0.85 + 0.1 * (index % 2))  # it trembles about the limit
        assert play.frames(1) == ([1], [])
    for _ in range(10):
        track.update_face_score(0.1)
    assert play.frames(1) == ([], [1])


def test_what_is_no_face_takes_no_place_from_one() -> None:
    large, small = Rect(60, 60, 200, 200), Rect(400, 100, 100, 100)
    play = Play(Stage(large, small), FacesConfig(max_faces=1), scores={large: 0.1, small: 0.9})
    seen = [tracks for _ in range(40) if (tracks := play.frame()[0])]
    assert seen
    assert all(len(tracks) == 1 and tracks[0].rect.iou(small) > 0.5 for tracks in seen)


def test_what_a_fine_search_does_not_find_is_no_face() -> None:
    class Mistaken(Stage):
        def search_near(self, *_: object) -> Rect | None:
            return None

    assert Play(Mistaken(LEFT)).frames(30) == ([], [])


@pytest.mark.parametrize(("missing_s", "goes_on"), [(CANDIDATE_LOST_S - 0.2, True), (CANDIDATE_LOST_S + 0.2, False)])
def test_a_candidate_that_is_not_found_is_lost_sooner_than_a_face(missing_s: float, *, goes_on: bool) -> None:
    assert missing_s < LOST_S
    stage = Stage(LEFT)
    play = Play(stage)
    play.frames(CONFIRM_HITS - 1)
    stage.faces = []
    play.frames(round(missing_s / FRAME_S))
    stage.faces = [LEFT]
    ids, _ = play.frames(CONFIRM_HITS - 1)
    assert ids == ([1] if goes_on else [])


def test_a_candidate_is_scored_once_a_frame_and_read_in_all_views_when_it_is_confirmed() -> None:
    play = Play(Stage(LEFT), scores={LEFT: 0.9})
    play.frames(CONFIRM_HITS - 1)
    assert play.reader.crops == []
    assert play.frames(1) == ([1], [])
    assert len(play.reader.candidates) == CONFIRM_HITS
    assert [crop.view for crop in play.reader.crops] == [*VIEWS]
    (track,), _ = play.frame()
    assert track.probabilities.tolist() == [LEFT.x, LEFT.y]


def test_what_the_model_alone_finds_is_scored_once_a_frame_too() -> None:
    stage = Stage()
    play = Play(stage, scores={LEFT: 0.99})
    stage.search_near = stage.search_around = lambda *_: None  # type: ignore[method-assign]
    play.frames(1)
    stage.faces = [LEFT]
    assert any(play.frames(1)[0] for _ in range(9))
    assert len(play.reader.candidates) == SURE_HITS


def test_without_a_face_score_a_face_is_first_read_when_it_is_confirmed() -> None:
    play = Play(Stage(LEFT))
    play.frames(CONFIRM_HITS - 1)
    assert play.reader.crops == []
    assert play.frames(1) == ([1], [])
    assert len(play.reader.crops) == len(VIEWS)
    assert play.reader.candidates == []
