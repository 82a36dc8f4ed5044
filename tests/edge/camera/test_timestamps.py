from __future__ import annotations

from datetime import timedelta

import numpy as np

from edge.camera.timestamps import ClipStamps, LiveStamps
from tests.edge.camera.conftest import START

GRAY = np.zeros((2, 3), np.uint8)


def test_a_live_frame_was_taken_now() -> None:
    stamps = LiveStamps(now=lambda: START, monotonic=lambda: 100.0)
    frame = stamps.frame(GRAY)
    assert (frame.captured_at, frame.time_s, frame.sequence) == (START, 100.0, 0)
    assert stamps.frame(GRAY).sequence == 1


def test_a_live_frame_that_is_known_to_be_older_is_older_on_both_clocks() -> None:
    frame = LiveStamps(now=lambda: START, monotonic=lambda: 100.0).frame(GRAY, 99.75)
    assert (frame.captured_at, frame.time_s) == (START - timedelta(seconds=0.25), 99.75)


def test_a_clips_times_do_not_depend_on_the_clock() -> None:
    readings = iter([START, START + timedelta(hours=1)])
    stamps = ClipStamps(4, now=lambda: next(readings))
    frames = [stamps.frame(GRAY) for _ in range(9)]
    assert [frame.time_s for frame in frames] == [index / 4 for index in range(9)]
    assert frames[-1].captured_at == START + timedelta(seconds=2)
