from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.pipeline.smoothing import EmotionChange, EmotionSmoother

if TYPE_CHECKING:
    from numpy.typing import NDArray

LABELS = ("happy", "neutral", "sad")
HAPPY = np.array([0.9, 0.08, 0.02], np.float32)
NEUTRAL = np.array([0.05, 0.9, 0.05], np.float32)
TORN = np.array([0.34, 0.33, 0.33], np.float32)
FRAME_S = 1 / 15


def smoother(first: NDArray[np.float32], hold_s: float = 0.4) -> EmotionSmoother:
    return EmotionSmoother(LABELS, first, 0.0, min_confidence=0.45, hold_s=hold_s)


def feed(
    subject: EmotionSmoother, reading: NDArray[np.float32], start_s: float, end_s: float
) -> list[tuple[float, EmotionChange]]:
    """Show the same face from start to end; give the changes and when they came."""
    changes = []
    for index in range(round((end_s - start_s) / FRAME_S)):
        now_s = start_s + (index + 1) * FRAME_S
        change = subject.update(reading, now_s)
        if change:
            changes.append((now_s, change))
    return changes


def test_starts_with_what_the_first_frame_shows() -> None:
    assert smoother(HAPPY).emotion == "happy"
    assert smoother(TORN).emotion == "uncertain"


def test_a_lasting_change_is_told_once_and_says_how_long_the_old_one_lasted() -> None:
    subject = smoother(HAPPY)
    assert feed(subject, HAPPY, 0, 2) == []
    ((when_s, change),) = feed(subject, NEUTRAL, 2, 4)
    assert 2.4 <= when_s <= 3.0
    assert change.previous == "happy"
    assert change.lasted_s == pytest.approx(when_s)
    assert subject.emotion == "neutral"


def test_a_blink_is_not_a_mood() -> None:
    subject = smoother(HAPPY)
    assert feed(subject, HAPPY, 0, 1) == []
    assert feed(subject, NEUTRAL, 1, 1.3) == []
    assert feed(subject, HAPPY, 1.3, 3) == []
    assert subject.emotion == "happy"


def test_what_no_label_explains_is_uncertain() -> None:
    subject = smoother(HAPPY)
    ((_, change),) = feed(subject, TORN, 0, 3)
    assert subject.emotion == "uncertain"
    assert change.previous == "happy"
    assert subject.confidence == pytest.approx(0.34, abs=0.01)


def test_probabilities_are_named_and_sum_to_one() -> None:
    subject = smoother(HAPPY)
    feed(subject, NEUTRAL, 0, 1)
    assert tuple(subject.probabilities) == LABELS
    assert sum(subject.probabilities.values()) == pytest.approx(1, abs=1e-5)


def test_smoothing_follows_time_not_frames() -> None:
    slow, fast = smoother(HAPPY), smoother(HAPPY)
    slow.update(NEUTRAL, 0.2)
    for index in range(4):
        fast.update(NEUTRAL, (index + 1) * 0.05)
    assert slow.probabilities["neutral"] == pytest.approx(fast.probabilities["neutral"], abs=1e-6)
