"""Boxes made by hand, in frames of 640x480 at ten a second."""

from __future__ import annotations

import pytest

from edge.bench.accuracy import Accuracy
from edge.bench.methods import FoundFace
from edge.geometry import Rect

FACE = Rect(200, 100, 100, 100)
ELSEWHERE = Rect(500, 300, 100, 100)
LEAVING = Rect(600, 100, 100, 100)


def accuracy(*frames: tuple[Rect | None, list[Rect]]) -> Accuracy:
    result = Accuracy(640, 480)
    for number, (face, found) in enumerate(frames):
        result.add(number / 10, face, [FoundFace(rect, "happy") for rect in found])
    return result


def test_recall_is_of_the_frames_with_the_whole_face() -> None:
    report = accuracy(
        (FACE, [FACE]), (FACE, []), (FACE, [ELSEWHERE]), (FACE, [FACE]), (LEAVING, []), (None, [])
    ).report()
    assert (report.found_faces, report.whole_faces) == (2, 4)
    assert accuracy((LEAVING, [LEAVING]), (None, [])).report().whole_faces == 0


def test_a_face_partly_outside_may_be_found_but_need_not_be() -> None:
    boxes = accuracy((LEAVING, [LEAVING]), (LEAVING, [])).report().boxes
    assert (boxes.false, boxes.lingering, boxes.wrong_size, boxes.duplicate) == (0, 0, 0, 0)


def test_boxes_are_counted_with_the_number_of_frames() -> None:
    boxes = (
        accuracy(
            (FACE, [FACE, ELSEWHERE]),
            (FACE, [FACE, Rect(205, 105, 100, 100)]),
            (FACE, [FACE, FACE.expanded(0.5), ELSEWHERE]),
            (None, [FACE]),
        )
        .report()
        .boxes
    )
    assert (boxes.frames, boxes.false, boxes.duplicate, boxes.wrong_size, boxes.lingering) == (4, 2, 1, 1, 1)
    assert boxes.per_1000(boxes.false) == 500


def test_noticing_is_timed_from_the_whole_face_that_came_back_to_its_box() -> None:
    came_back = [(None, []), (LEAVING, []), (FACE, []), (FACE, []), (FACE, [FACE])]
    assert accuracy((FACE, [FACE]), *came_back).report().noticed_s == pytest.approx(0.2)
    assert accuracy(*came_back, (FACE, []), *came_back[:2], (FACE, [FACE])).report().noticed_s == pytest.approx(0.1)


def test_who_is_there_from_the_start_did_not_come_back() -> None:
    assert accuracy((FACE, []), (FACE, [FACE])).report().noticed_s is None
    assert accuracy((FACE, [FACE]), (LEAVING, []), (FACE, [FACE])).report().noticed_s is None


def test_who_leaves_unnoticed_waited_until_then() -> None:
    report = accuracy((None, []), (FACE, []), (FACE, []), (FACE, []), (LEAVING, []), (None, [])).report()
    assert report.noticed_s == pytest.approx(0.3)


def test_noticing_is_the_median_of_all_returns() -> None:
    frames: list[tuple[Rect | None, list[Rect]]] = []
    for wait in (0, 1, 9):
        frames += [(None, []), *[(FACE, [])] * wait, (FACE, [FACE])]
    report = accuracy(*frames).report()
    assert report.returns == 3
    assert report.noticed_s == pytest.approx(0.1)


def test_an_id_changes_while_the_person_is_there_alone() -> None:
    result = Accuracy(640, 480)
    ids = [1, 1, None, 2, 1, None, 3]  # None: not found
    there = [FACE] * 5 + [None, FACE]
    for number, (name, face) in enumerate(zip(ids, there, strict=True)):
        result.add(number / 10, face, [FoundFace(FACE, "happy", name)] if name else [])
    assert result.report().id_changes == 2
    assert accuracy((FACE, [FACE])).report().id_changes is None
