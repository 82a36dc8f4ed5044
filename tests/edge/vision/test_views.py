"""A face is read as it is, mirrored, a tenth nearer, and both."""

from __future__ import annotations

import numpy as np
import pytest

from edge.geometry import Rect
from edge.inference.card import Calibration, Card, InputCard
from edge.vision.crops import all_resized, crop
from edge.vision.views import VIEWS, View, view_crop, view_stills

FACE = Rect(100, 120, 200, 200)
GRAY = np.random.default_rng(1).integers(0, 256, (480, 640)).astype(np.uint8)


def card(crop_margin: float = 0.0) -> Card:
    return Card(
        name="any",
        version="1",
        sha256="0" * 64,
        labels=("sad", "happy"),
        input=InputCard(width=48, height=48, crop_margin=crop_margin),
        calibration=Calibration(temperature=1.0, min_confidence=0.5),
        macs=1,
        parameters=1,
        bytes=1,
        operators={},
    )


def test_four_views_of_which_the_first_is_the_face_as_it_is() -> None:
    assert len(set(VIEWS)) == len(VIEWS) == 4
    assert {(view.margin, view.mirrored) for view in VIEWS} == {
        (margin, mirrored) for margin in (0.0, -0.05) for mirrored in (False, True)
    }
    assert VIEWS[0] == View(margin=0.0, mirrored=False)


@pytest.mark.parametrize("tilt", [0.0, 20.0])
@pytest.mark.parametrize("crop_margin", [0.0, 0.1])
def test_the_first_view_is_the_crop(crop_margin: float, tilt: float) -> None:
    expected = crop(GRAY, FACE, card(crop_margin), tilt)
    assert (view_crop(GRAY, FACE, card(crop_margin), VIEWS[0], tilt) == expected).all()


@pytest.mark.parametrize("tilt", [0.0, 20.0])
@pytest.mark.parametrize("margin", [0.0, -0.05])
def test_a_mirrored_view_is_the_mirror_image(margin: float, tilt: float) -> None:
    plain, mirrored = (
        view_crop(GRAY, FACE, card(), View(margin=margin, mirrored=each), tilt) for each in (False, True)
    )
    assert (mirrored == plain[:, ::-1]).all()


def test_a_nearer_view_shows_nine_tenths_of_the_width() -> None:
    nearer = view_crop(GRAY, FACE, card(), View(margin=-0.05, mirrored=False))
    assert (nearer == crop(GRAY, Rect(110, 130, 180, 180), card())).all()


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("size", [(48, 48), (200, 160)])
def test_a_still_is_seen_as_a_frame_that_is_all_face(view: View, size: tuple[int, int]) -> None:
    height, width = size
    stills = GRAY[: 2 * height, :width].reshape(2, height, width)
    seen = view_stills(stills, view, 48, 48)
    assert seen.shape == (2, 48, 48)
    for still, one in zip(stills, seen, strict=True):
        assert (one == view_crop(still, Rect(0, 0, width, height), card(), view)).all()


def test_stills_in_the_first_view_are_what_a_single_pass_reads() -> None:
    stills = GRAY[:96, :160].reshape(2, 48, 160)
    assert (view_stills(stills, VIEWS[0], 48, 48) == all_resized(stills, 48, 48)).all()
