from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from edge.camera.timestamps import ClipStamps, LiveStamps
from tests.edge.camera.conftest import START

if TYPE_CHECKING:
    import pytest

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


def times(stamps_s: list[float | None], rate: float, tick_s: float = 0.0) -> list[float]:
    stamps = ClipStamps(rate, tick_s=tick_s)
    return [stamps.frame(GRAY, stamp_s).time_s for stamp_s in stamps_s]


def test_a_clips_own_time_stamps_count_from_its_first_frame() -> None:
    assert times([7.5, 7.75, 9.0], 4) == [0, 0.25, 1.5]


def test_stamps_that_are_a_constant_rates_but_for_their_rounding_are_the_constant_rates() -> None:
    rounded = [round(100 * index / 12) / 100 for index in range(50)]  # as a GIF has them
    assert times([*rounded], 12, tick_s=0.01) == [index / 12 for index in range(50)]
    assert times([0, 0.083, 0.17], 12, tick_s=0.001) == [0, 1 / 12, 0.17]


def test_a_frame_without_a_stamp_follows_the_one_before() -> None:
    assert times([None, 0.25, None, 5.0, None], 4) == [0, 0.25, 0.5, 5.0, 5.25]
    assert times([None] * 50, 30) == [index / 30 for index in range(50)]


def test_time_does_not_step_back() -> None:
    assert times([0, 3.0, 1.0, 4.0], 1) == [0, 3, 3, 4]


def test_stamps_that_begin_anew_go_on_behind_the_last(caplog: pytest.LogCaptureFixture) -> None:
    recording = [index / 4 for index in range(20)]
    assert times([*recording, *recording, *recording], 4) == [index / 4 for index in range(60)]
    assert caplog.text.count("begin anew") == 1


def test_a_damaged_stamp_does_not_stop_time() -> None:
    assert times([0, 0.25, 3600.5, 0.75, 1.0], 4) == [0, 0.25, 3600.5, 3600.75, 3601]
    assert times([0, 0.25, 9000 * 365 * 86400, 0.75, 1.0], 4) == [0, 0.25, 0.5, 0.75, 1.0]


def test_a_recorders_pause_of_a_night_stays() -> None:
    assert times([0, 0.25, 36000, 36000.25], 4) == [0, 0.25, 36000, 36000.25]
