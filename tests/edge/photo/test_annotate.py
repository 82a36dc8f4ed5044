"""The annotated copy shows each face's box and panel, and hides no face."""

from __future__ import annotations

import numpy as np
import pytest

from edge.geometry import Rect
from edge.photo.annotate import annotate
from edge.photo.faces import PhotoFace

PROBABILITIES = {"happy": 0.8, "neutral": 0.15, "größe": 0.05}


def face(x: float, y: float, size: float, tilt: float = 0.0) -> PhotoFace:
    return PhotoFace(Rect(x, y, size, size), tilt, 0.97, "happy", PROBABILITIES)


@pytest.mark.parametrize("tilt", [0.0, 40.0])
def test_the_box_is_drawn_and_the_photo_is_not_changed(tilt: float) -> None:
    photo = np.full((1000, 1200, 3), 90, np.uint8)
    copy = annotate(photo, [face(400, 300, 200, tilt)])
    assert copy.shape == photo.shape
    assert (photo == 90).all()
    inside = copy[340:460, 440:560]
    assert (inside == 90).all()  # no panel hides it
    assert (copy != 90).any(axis=2).sum() > 5000


def test_a_small_photo_is_enlarged_so_that_its_text_can_be_read() -> None:
    assert annotate(np.zeros((300, 500, 3), np.uint8), []).shape == (900, 1500, 3)
    assert annotate(np.zeros((48, 48, 3), np.uint8), [face(4, 4, 40)]).shape == (144, 144, 3)


def test_a_strip_is_enlarged_to_what_a_jpeg_takes() -> None:
    assert annotate(np.zeros((60, 24_000, 3), np.uint8), []).shape == (164, 65_500, 3)
    assert annotate(np.zeros((2, 70_000, 3), np.uint8), []).shape == (2, 70_000, 3)


def test_panels_hide_no_face_where_there_is_room() -> None:
    photo = np.full((1000, 1600, 3), 90, np.uint8)
    faces = [face(300, 300, 150), face(500, 320, 150), face(1400, 20, 150)]
    copy = annotate(photo, faces)
    for one in faces:
        x, y, side = int(one.box.x), int(one.box.y), int(one.box.width)
        assert (copy[y + 20 : y + side - 20, x + 20 : x + side - 20] == 90).all()


@pytest.mark.parametrize("place", [(-40, -40), (1150, 950), (1150, -40), (0, 950)])
def test_a_face_at_the_edge_has_its_panel_within_the_photo(place: tuple[float, float]) -> None:
    copy = annotate(np.full((1000, 1200, 3), 90, np.uint8), [face(*place, 100)])
    assert (copy < 60).all(axis=2).sum() > 10000  # the whole dark panel
