from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.measure.latency import measure

if TYPE_CHECKING:
    from pathlib import Path


def test_what_the_measuring_program_says_adds_up(tmp_path: Path) -> None:
    whole, looking, ours, *parts = measure(tmp_path, seconds=1, fps=15).values()
    assert len(whole) > 5
    np.testing.assert_allclose(whole, looking + ours)
    np.testing.assert_allclose(ours, sum(parts))
    assert all((part > 0).all() for part in (looking, *parts))
