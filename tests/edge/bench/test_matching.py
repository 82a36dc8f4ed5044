"""Boxes made by hand, in frames of 640x480 at ten a second."""

from __future__ import annotations

import pytest

from edge.bench.matching import Score, matches
from edge.geometry import Rect

FACE = Rect(200, 100, 100, 100)
ELSEWHERE = Rect(500, 300, 100, 100)
LEAVING = Rect(600, 100, 100, 100)


@pytest.mark.parametrize(
    ("found", "same"),
    [
        (FACE, True),
        (Rect(229, 100, 100, 100), True),
        (Rect(231, 100, 100, 100), False),
        (Rect(222, 122, 100, 100), False),  # 31 pixels off, along the diagonal
        (Rect(171, 71, 158, 158), True),
        (Rect(169, 69, 162, 162), False),
        (Rect(218, 118, 64, 64), True),
        (Rect(219, 119, 62, 62), False),
    ],
)
def test_a_box_matches_that_is_about_there_and_about_as_large(found: Rect, same: bool) -> None:  # noqa: FBT001
    assert matches(FACE, found) is same


def score(*frames: tuple[Rect | None, list[Rect]]) -> Score:
    result = Score(640, 480)
    for number, (face, found) in enumerate(frames):
        result.add(number / 10, face, found)
    return result


def test_recall_is_of_the_frames_with_the_whole_face() -> None:
    report = score((FACE, [FACE]), (FACE, []), (FACE, [ELSEWHERE]), (FACE, [FACE]), (LEAVING, []), (None, [])).report()
    assert report.recall == 0.5
    assert score((LEAVING, [LEAVING]), (None, [])).report().recall is None


def test_a_face_partly_outside_may_be_found_but_need_not_be() -> None:
    report = score((LEAVING, [LEAVING]), (LEAVING, [])).report()
    assert (report.false_per_1000, report.late_per_1000) == (0, 0)


def test_boxes_without_a_face_and_second_boxes_are_false() -> None:
    report = score((FACE, [FACE, ELSEWHERE]), (FACE, [FACE, Rect(205, 105, 100, 100)]), (FACE, [FACE]), (FACE, []))
    assert report.report().false_per_1000 == 500


def test_a_box_where_the_face_just_was_is_late_for_two_seconds() -> None:
    report = score((FACE, [FACE]), *[(None, [FACE])] * 24).report()
    assert report.late_per_1000 == 1000 * 20 / 25
    assert report.false_per_1000 == 1000 * 4 / 25


def test_noticing_is_timed_from_the_whole_face_that_came_back_to_its_box() -> None:
    came_back = [(None, []), (LEAVING, []), (FACE, []), (FACE, []), (FACE, [FACE])]
    assert score((FACE, [FACE]), *came_back).report().noticed_s == pytest.approx(0.2)
    assert score(*came_back, (FACE, []), *came_back[:2], (FACE, [FACE])).report().noticed_s == pytest.approx(0.1)


def test_who_is_there_from_the_start_did_not_come_back() -> None:
    assert score((FACE, []), (FACE, [FACE])).report().noticed_s is None
    assert score((FACE, [FACE]), (LEAVING, []), (FACE, [FACE])).report().noticed_s is None


def test_who_leaves_unnoticed_waited_until_then() -> None:
    report = score((None, []), (FACE, []), (FACE, []), (FACE, []), (LEAVING, []), (None, [])).report()
    assert report.noticed_s == pytest.approx(0.3)
