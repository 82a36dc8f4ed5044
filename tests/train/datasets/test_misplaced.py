"""Crops beside a face and parts of one, which are no faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from train.datasets.misplaced import misplaced

if TYPE_CHECKING:
    from numpy.typing import NDArray

FACES = np.zeros((3, 48, 48), np.uint8)
FACES[0, 12:36, 12:36] = 255
FACES[1] = np.arange(48, dtype=np.uint8)[:, None] * 5
FACES[2, ::2] = 200


@pytest.fixture(scope="module")
def crops() -> NDArray[np.uint8]:
    return misplaced(FACES, 90)


def test_the_crops_are_as_faces_are_and_differ(crops: NDArray[np.uint8]) -> None:
    assert crops.shape == (90, 48, 48)
    assert crops.dtype == np.uint8
    assert len(np.unique(crops.reshape(90, -1), axis=0)) > 80


def test_the_same_seed_gives_the_same_crops(crops: NDArray[np.uint8]) -> None:
    assert np.array_equal(misplaced(FACES, 90), crops)
    assert not np.array_equal(misplaced(FACES, 90, seed=2), crops)


def test_a_third_are_parts_and_the_others_show_less_than_a_face() -> None:
    """White faces before whatever texture: of a part all is white, beside one a part of it alone."""
    crops = misplaced(np.full((1, 48, 48), 255, np.uint8), 300)
    white = (crops > 250).mean(axis=(1, 2))
    assert (white[::3] == 1).all()
    beside = white[np.arange(300) % 3 > 0]
    assert 0.1 < beside.mean() < 0.6
    assert (beside < 0.8).mean() > 0.9  # white textures look like white faces


def test_none_are_none() -> None:
    assert misplaced(FACES, 0).shape == (0, 48, 48)
