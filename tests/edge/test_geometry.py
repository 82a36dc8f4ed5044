from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.geometry import Rect

sides = st.floats(1, 500)
places = st.floats(-500, 500)
rects = st.builds(Rect, places, places, sides, sides)


def test_overlap_of_half() -> None:
    assert Rect(0, 0, 10, 10).iou(Rect(5, 0, 10, 10)) == pytest.approx(1 / 3)


@given(rects, rects)
def test_overlap_is_symmetric_and_within_0_and_1(a: Rect, b: Rect) -> None:
    assert a.iou(b) == pytest.approx(b.iou(a))
    assert 0 <= a.iou(b) <= 1 + 1e-9
    assert a.iou(a) == pytest.approx(1)


@given(rects)
def test_clipped_lies_within_the_frame(rect: Rect) -> None:
    inside = rect.clipped(64, 48)
    assert inside.x >= 0
    assert inside.y >= 0
    assert inside.x + inside.width <= 64
    assert inside.y + inside.height <= 48


def test_grown_keeps_the_centre() -> None:
    assert Rect(10, 20, 100, 50).expanded(0.1) == Rect(0, 15, 120, 60)
