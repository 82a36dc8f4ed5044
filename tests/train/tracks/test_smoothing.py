from __future__ import annotations

import numpy as np
import pytest

from edge.config import EmotionConfig
from edge.vision.views import VIEWS
from train.tracks.smoothing import reading_plan, smooth

FPS = 10.0
LABELS = ("happy", "sad")


def test_the_first_frame_is_read_in_all_views_and_each_later_one_in_the_oldest() -> None:
    plan = reading_plan(9, FPS)
    assert plan[0] == VIEWS
    assert list(plan[1:]) == [(view,) for view in (*VIEWS, *VIEWS)]


def test_one_wrong_frame_is_smoothed_away() -> None:
    plan = reading_plan(20, FPS)
    readings = np.tile(np.array([0.9, 0.1], np.float32), (23, 1))
    readings[13] = [0.1, 0.9]
    smoothed, published = smooth(readings, plan, LABELS, FPS)
    assert (smoothed.argmax(axis=1) == 0).all()
    assert published == ["happy"] * 20
    assert smoothed[0] == pytest.approx([0.9, 0.1])
    assert smoothed[10, 1] > smoothed[9, 1]  # the reading of frame 10 is the 13th, after the first frame's four


def test_a_change_is_published_once_it_has_lasted() -> None:
    plan = reading_plan(30, FPS)
    readings = np.tile(np.array([0.9, 0.1], np.float32), (33, 1))
    readings[13:] = [0.1, 0.9]
    smoothed, published = smooth(readings, plan, LABELS, FPS)
    found = int(np.argmax(smoothed.argmax(axis=1)))
    told = published.index("sad")
    assert found >= 10
    assert told - found == pytest.approx(EmotionConfig().hold_s * FPS, abs=1)
    assert set(published[told:]) == {"sad"}
