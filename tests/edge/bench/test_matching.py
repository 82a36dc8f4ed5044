from __future__ import annotations

import pytest

from edge.bench.matching import LINGER_S, Match, Matcher, Verdict, matches
from edge.geometry import Rect

FACE = Rect(200, 100, 100, 100)
OTHER = Rect(400, 100, 120, 120)
ELSEWHERE = Rect(50, 350, 100, 100)
NEAR = Rect(205, 105, 100, 100)
LARGE = FACE.expanded(0.5)


@pytest.mark.parametrize(
    ("box", "same"),
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
def test_a_box_matches_that_is_about_there_and_about_as_large(box: Rect, same: bool) -> None:  # noqa: FBT001
    assert matches(FACE, box) is same


def verdicts(matcher: Matcher, time_s: float, faces: list[Rect], boxes: list[Rect]) -> list[Verdict]:
    return [match.verdict for match in matcher.match(time_s, faces, boxes)]


def test_each_box_is_the_face_that_it_is_nearest_to() -> None:
    found = Matcher().match(0.0, [OTHER, FACE], [NEAR, OTHER])
    assert found == [Match(Verdict.FOUND, 1), Match(Verdict.FOUND, 0)]


def test_the_better_of_two_boxes_of_a_face_is_the_face() -> None:
    assert verdicts(Matcher(), 0.0, [FACE], [NEAR, FACE]) == [Verdict.DUPLICATE, Verdict.FOUND]


def test_a_box_about_a_face_that_is_much_larger_has_the_wrong_size() -> None:
    assert verdicts(Matcher(), 0.0, [FACE], [LARGE, ELSEWHERE]) == [Verdict.WRONG_SIZE, Verdict.FALSE]


def test_a_box_where_a_face_just_was_lingers_and_then_is_false() -> None:
    matcher = Matcher()
    assert verdicts(matcher, 0.0, [FACE], [FACE]) == [Verdict.FOUND]
    assert verdicts(matcher, 0.1, [OTHER], [FACE, LARGE]) == [Verdict.LINGERING, Verdict.WRONG_SIZE]
    assert verdicts(matcher, LINGER_S, [], [FACE, OTHER]) == [Verdict.LINGERING, Verdict.LINGERING]
    assert verdicts(matcher, LINGER_S + 0.05, [], [FACE, OTHER]) == [Verdict.FALSE, Verdict.LINGERING]
    assert verdicts(matcher, LINGER_S + 0.2, [], [OTHER, LARGE]) == [Verdict.FALSE, Verdict.FALSE]


def test_the_frame_at_the_end_of_the_time_counts_whatever_its_last_digit() -> None:
    for fps in (7, 15, 30):
        for first in range(40):
            matcher = Matcher()
            matcher.match(first / fps, [FACE], [])
            assert verdicts(matcher, (first + LINGER_S * fps) / fps, [], [FACE]) == [Verdict.LINGERING]
            assert verdicts(matcher, (first + LINGER_S * fps + 1) / fps, [], [FACE]) == [Verdict.FALSE]
