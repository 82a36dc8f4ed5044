"""The cascade finds the test card's face: anywhere, nearby, and leaning."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.geometry import Rect
from edge.testcard import Scene
from edge.vision.cascades import CASCADES
from edge.vision.detector import HaarDetector
from edge.vision.parts import SearchPart

Gray = NDArray[np.uint8]


@pytest.fixture(scope="module")
def detector() -> HaarDetector:
    return HaarDetector(72)


@pytest.fixture(scope="module")
def picture() -> tuple[Gray, Rect]:
    """A frame of the test card, and where its face is."""
    scene = Scene()
    face = scene.truth(1.0).face
    assert face is not None
    return scene.render(1.0), face


def same(found: Rect | None, face: Rect) -> bool:
    return found is not None and found.iou(face) > 0.5


def turned(gray: Gray, about: Rect, degrees: float) -> Gray:
    """Turn a picture clockwise."""
    turn = cv2.getRotationMatrix2D(about.centre, -degrees, 1.0)
    return np.asarray(
        cv2.warpAffine(gray, turn, (gray.shape[1], gray.shape[0]), borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def test_it_is_found_in_the_whole_frame_and_in_a_part_of_it(detector: HaarDetector, picture: tuple[Gray, Rect]) -> None:
    gray, face = picture
    assert any(same(found, face) for found in detector.search(gray))
    assert any(same(found, face) for found in detector.search(gray, SearchPart(face.expanded(0.3), 72, 480)))
    elsewhere = SearchPart(Rect(0, 0, face.x - 10, 480), 72, 480)
    assert not any(same(found, face) for found in detector.search(gray, elsewhere))


@pytest.mark.parametrize("cascade", range(len(CASCADES)))
def test_every_cascade_finds_it_in_its_size_alone(
    detector: HaarDetector, picture: tuple[Gray, Rect], cascade: int
) -> None:
    gray, face = picture
    whole = Rect(0, 0, 640, 480)
    assert any(same(found, face) for found in detector.search(gray, SearchPart(whole, 72, 480, cascade=cascade)))
    smaller = detector.search(gray, SearchPart(whole, 72, face.width / 1.6, cascade=cascade))
    assert not any(same(found, face) for found in smaller)


@pytest.mark.parametrize("tilt", [-35.0, 35.0])
def test_a_head_that_leans_is_found_in_a_frame_that_is_searched_for_those(
    detector: HaarDetector, picture: tuple[Gray, Rect], tilt: float
) -> None:
    gray, face = picture
    leaning, whole = turned(gray, face, tilt), Rect(0, 0, 640, 480)
    assert any(same(found, face) for found in detector.search(leaning, SearchPart(whole, 72, 640, tilt)))
    assert not any(same(found, face) for found in detector.search(leaning, SearchPart(whole, 72, 640, -tilt)))
    assert any(same(found, face) for found in detector.search(gray, SearchPart(whole, 72, 640)))


def test_a_part_is_of_some_sizes(detector: HaarDetector, picture: tuple[Gray, Rect]) -> None:
    gray, face = picture
    whole = Rect(0, 0, 640, 480)
    assert any(same(found, face) for found in detector.search(gray, SearchPart(whole, face.width / 1.3, 480)))
    assert not any(same(found, face) for found in detector.search(gray, SearchPart(whole, 72, face.width / 1.6)))


def test_it_is_found_nearby_at_its_own_size(detector: HaarDetector, picture: tuple[Gray, Rect]) -> None:
    gray, face = picture
    near = detector.search_near(gray, face)
    assert near is not None
    assert same(detector.search_near(gray, near.moved(near.width * 0.12, -near.height * 0.12)), near)
    assert detector.search_near(gray, Rect(near.x, near.y, near.width / 2, near.height / 2)) is None
    assert detector.search_near(gray, Rect(20, 300, 100, 100)) is None


@pytest.mark.parametrize("tilt", [-50.0, -25.0, 25.0, 50.0])
def test_a_head_that_leans_is_found_by_who_leans_too(
    detector: HaarDetector, picture: tuple[Gray, Rect], tilt: float
) -> None:
    gray, face = picture
    near = detector.search_near(gray, face)
    assert near is not None
    leaning = turned(gray, near, tilt)
    found = detector.search_near(leaning, near.moved(6, -6), tilt)
    assert found is not None
    assert found.centre == pytest.approx(near.centre, abs=near.width * 0.06)
    assert found.width == pytest.approx(near.width, rel=0.12)
    if abs(tilt) == 50:
        assert detector.search_around(leaning, near) is None
        assert detector.search_around(leaning, near, -tilt) is None


def test_a_lost_face_is_found_farther_away(detector: HaarDetector, picture: tuple[Gray, Rect]) -> None:
    gray, face = picture
    near = detector.search_near(gray, face)
    assert near is not None
    elsewhere = near.moved(near.width * 0.4, 0)
    assert detector.search_near(gray, elsewhere) is None
    assert same(detector.search_around(gray, elsewhere), near)


@pytest.mark.parametrize("shape", [(1, 1), (1, 640), (480, 1), (23, 23), (24, 24), (71, 640), (72, 72)])
def test_a_frame_in_which_no_face_fits_has_none(detector: HaarDetector, shape: tuple[int, int]) -> None:
    gray = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    assert detector.search(gray) == []
    for tilt in (0.0, 25.0):
        assert detector.search_near(gray, Rect(0, 0, 100, 100), tilt) is None
        assert detector.search_around(gray, Rect(-300, 900, 40, 40), tilt) is None


def test_a_view_of_a_larger_picture_is_a_frame_too(detector: HaarDetector, picture: tuple[Gray, Rect]) -> None:
    gray, face = picture
    padded = np.zeros((480, 704), np.uint8)
    padded[:, :640] = gray
    assert any(same(found, face) for found in detector.search(padded[:, :640]))
