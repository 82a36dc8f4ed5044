from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from edge.geometry import Rect
from edge.pipeline import Appeared, Changed, Gone
from edge.preview.history import WINDOW_S, EmotionHistory, EmotionSpan


def of(kind: type[Any], face: int, emotion: str) -> Any:
    more: dict[type[Any], tuple[Any, ...]] = {Appeared: ({},), Changed: ({}, "?", 1.0), Gone: (1.0,)}
    return kind(datetime.now(UTC), (640, 480), face, Rect(0, 0, 9, 9), emotion, 0.9, *more[kind])


def test_each_emotion_is_a_stretch_until_the_next_or_the_face_is_gone() -> None:
    history = EmotionHistory()
    history.note([of(Appeared, 1, "sad")], 10)
    history.note([of(Changed, 1, "happy"), of(Appeared, 2, "fear")], 12)
    history.note([of(Gone, 1, "happy")], 15)
    assert history.spans(16) == [
        EmotionSpan(1, "sad", 10, 12),
        EmotionSpan(1, "happy", 12, 15),
        EmotionSpan(2, "fear", 12),
    ]


def test_what_ended_before_the_window_is_dropped_and_who_stays_is_kept() -> None:
    history = EmotionHistory()
    history.note([of(Appeared, 1, "sad"), of(Appeared, 2, "fear")], 0)
    history.note([of(Gone, 1, "sad")], 5)
    assert len(history.spans(WINDOW_S + 5)) == 2
    assert history.spans(WINDOW_S + 6) == [EmotionSpan(2, "fear", 0)]


def test_a_face_that_is_gone_unknown_changes_nothing() -> None:
    history = EmotionHistory()
    history.note([of(Gone, 1, "sad")], 5)
    assert history.spans(6) == []


def test_a_flicker_takes_no_more_than_so_much_memory() -> None:
    history = EmotionHistory()
    history.note([of(Appeared, 1, "sad")], 0)
    for number in range(2000):
        history.note([of(Changed, 1, "happy" if number % 2 else "sad")], 0.01 * (number + 1))
    assert len(history.spans(21)) == 501
