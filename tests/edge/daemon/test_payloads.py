from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from edge.daemon import payloads
from edge.geometry import Rect
from edge.pipeline import Appeared, Changed, Gone, PresentFace, Snapshot, Transition

START = datetime(2026, 1, 1, tzinfo=UTC)
ORIGIN = payloads.Origin("kitchen", "01JD", synthetic=True)
WHERE = START, (640, 480), 7, Rect(10.4, 20.6, 99.6, 0.1)
FACE = {"id": 7, "box": {"x": 10, "y": 21, "width": 100, "height": 1}, "frame": {"width": 640, "height": 480}}
SHARED = {"device": "kitchen", "session": "01JD", "synthetic": True, "sequence": 3, "face": FACE, "emotion": "happy"}


@pytest.mark.parametrize(
    ("transition", "own"),
    [
        (Appeared(*WHERE, "happy", 0.9, {"happy": 0.9}), {"type": "appeared", "probabilities": {"happy": 0.9}}),
        (
            Changed(*WHERE, "happy", 0.9, {"happy": 0.9}, previous="sad", lasted_s=2.5),
            {"type": "changed", "probabilities": {"happy": 0.9}, "previous": "sad", "lasted_s": 2.5},
        ),
        (Gone(*WHERE, "happy", 0.9, lasted_s=12.0), {"type": "gone", "lasted_s": 12.0}),
    ],
)
def test_an_event_has_the_origin_the_sequence_and_what_its_kind_has(
    transition: Transition, own: dict[str, object]
) -> None:
    event = payloads.event(transition, ORIGIN, 3).model_dump(mode="json")
    expected = {**SHARED, **own, "schema": 1, "confidence": 0.9, "captured_at": "2026-01-01T00:00:00.000Z"}
    assert event == expected


def test_a_transition_of_an_unknown_kind_is_a_defect() -> None:
    with pytest.raises(TypeError, match="unknown transition"):
        payloads.event(Transition(*WHERE, "happy", 0.9), ORIGIN, 0)


def test_the_state_names_the_largest_face_first() -> None:
    faces = tuple(PresentFace(n, Rect(0, 0, 50, 50), emotion, 0.5, START) for n, emotion in ((2, "sad"), (1, "happy")))
    state = payloads.state(Snapshot(START, (640, 480), faces), ORIGIN, START + timedelta(seconds=9))
    assert (state.emotion, state.confidence, state.captured_at) == ("sad", 0.5, START)
    assert [face.id for face in state.faces] == [2, 1]
    assert state.synthetic


def test_before_the_first_frame_nobody_is_there() -> None:
    state = payloads.state(None, ORIGIN, START)
    assert (state.captured_at, state.frame, state.emotion, state.faces) == (START, None, None, ())


def test_a_box_is_never_empty() -> None:
    assert payloads.box(Rect(1.4, 1.6, 0.1, 0.1)).model_dump() == {"x": 1, "y": 2, "width": 1, "height": 1}
