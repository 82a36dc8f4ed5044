from __future__ import annotations

import math

import numpy as np
import pytest

from edge.geometry import Rect
from edge.vision.crops import resized, turned


@pytest.mark.parametrize("size", [(200, 200), (97, 200), (200, 97), (48, 200), (400, 60), (111, 95)])
@pytest.mark.parametrize("wanted", [(48, 48), (112, 48)])
def test_no_row_and_no_column_is_skipped(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    height, width = size
    for axis, length in enumerate(size):
        for line in range(length):
            gray = np.zeros((height, width), np.uint8)
            gray[(line, slice(None)) if axis == 0 else (slice(None), line)] = 255
            assert resized(gray, *wanted).any(), (axis, line)


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (48, 48), (96, 96), (500, 30)])
def test_the_mean_stays(size: tuple[int, int]) -> None:
    gray = np.full(size, 93, np.uint8)
    assert resized(gray, 48, 48).shape == (48, 48)
    assert np.unique(resized(gray, 48, 48)).tolist() == [93]


def test_noise_is_averaged() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (192, 192)).astype(np.uint8)
    assert resized(noise, 48, 48).std() < 74 / 3.5  # of 16 pixels each, the mean deviates a fourth as much


def test_its_own_size_is_left_alone() -> None:
    gray = np.zeros((48, 48), np.uint8)
    assert resized(gray, 48, 48) is gray


@pytest.mark.parametrize("tilt", [0.0, 30.0, -50.0])
@pytest.mark.parametrize("width", [120.0, 400.0])
def test_a_turned_part_shows_what_the_frame_has_there(tilt: float, width: float) -> None:
    rows, columns = np.mgrid[0:480, 0:640]
    gray = (40 + columns / 5 + rows / 10).astype(np.uint8)  # a plane: its mean over any part is its middle's
    found = turned(gray, Rect(330 - width / 2, 250 - width / 2, width, width), tilt, 64, 64).astype(float)
    assert found.shape == (64, 64)
    assert found.mean() == pytest.approx(40 + 330 / 5 + 250 / 10, abs=1)
    right, down = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    across, along = (
        np.polyfit(np.arange(64), found.mean(axis=0), 1)[0],
        np.polyfit(np.arange(64), found.mean(axis=1), 1)[0],
    )
    step = width / 64
    assert across == pytest.approx(step * (right / 5 + down / 10), abs=0.03 * step)
    assert along == pytest.approx(step * (-down / 5 + right / 10), abs=0.03 * step)
