"""A whole search is divided into parts that miss no place and no size."""

from __future__ import annotations

import numpy as np
import pytest

from edge.geometry import Rect
from edge.vision.parts import SearchPart, cost, divided


@pytest.mark.parametrize("size", [(640, 480), (1280, 720), (1920, 1080), (96, 2000)])
def test_parts_cover_all_places_and_sizes_and_cost_little(size: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    whole = SearchPart(Rect(0, 0, *size), 72, max(size))
    parts = list(divided(whole, 7500))
    assert max(cost(part) for part in parts) <= max(7500, 0.1 * cost(whole))
    for _ in range(300):
        side = float(random.uniform(72, min(size)))
        face = Rect(random.uniform(0, size[0] - side), random.uniform(0, size[1] - side), side, side)
        assert any(
            part.least <= side < part.most
            and part.region.x <= face.x
            and part.region.y <= face.y
            and face.x + side <= part.region.x + part.region.width + 1e-6
            and face.y + side <= part.region.y + part.region.height + 1e-6
            for part in parts
        )
