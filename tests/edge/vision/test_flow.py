"""Flow follows a face as it moves, grows and leans, behind a hand too, and says when it cannot."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.geometry import Rect
from edge.testcard import Scene
from edge.vision.flow import Flow

Gray = NDArray[np.uint8]


@pytest.fixture(scope="module")
def picture() -> tuple[Gray, Rect]:
    """A frame of the test card, and where its face is; with the texture of skin, as drawn cheeks are all flat."""
    scene = Scene()
    face = scene.truth(1.0).face
    assert face is not None
    gray = scene.render(1.0)
    skin = cv2.GaussianBlur(np.random.default_rng(0).normal(0, 1, gray.shape), (0, 0), 4)
    return np.clip(gray + skin * (12 / skin.std()), 0, 255).astype(np.uint8), face


def moved(
    gray: Gray, face: Rect, right: float = 0, down: float = 0, size: float = 1, lean: float = 0
) -> tuple[Gray, Rect]:
    """Move the picture with its face; `lean` turns it clockwise."""
    turn = np.asarray(cv2.getRotationMatrix2D(face.centre, -lean, size), np.float64)
    turn += np.array([[0, 0, right], [0, 0, down]])
    there = cv2.warpAffine(gray, turn, gray.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    width, height = face.width * size, face.height * size
    x, y = face.centre[0] + right - width / 2, face.centre[1] + down - height / 2
    return np.asarray(there, np.uint8), Rect(x, y, width, height)


@pytest.mark.parametrize("tilt", [0.0, 25.0, -40.0])
@pytest.mark.parametrize(
    ("right", "down", "size", "lean"),
    [(0, 0, 1, 0), (12, -7, 1, 0), (0, 0, 1.12, 0), (0, 0, 0.9, 0), (0, 0, 1, 9), (-8, 6, 1.05, -7)],
)
def test_shift_size_and_roll_are_followed(
    picture: tuple[Gray, Rect], tilt: float, right: float, down: float, size: float, lean: float
) -> None:
    gray, face = picture
    gray, _ = moved(gray, face, lean=tilt)  # the head leans already
    template = Flow().template(gray, face, tilt, 0.0)
    later, there = moved(gray, face, right, down, size, lean)
    followed = Flow().follow(template, later, face, tilt)
    assert followed is not None
    assert followed.rect.centre == pytest.approx(there.centre, abs=0.02 * face.width)
    assert followed.rect.width == pytest.approx(there.width, rel=0.03)
    assert followed.tilt == pytest.approx(tilt + lean, abs=2.5)
    assert followed.agreement > 0.5


def test_a_small_lean_is_not_lost_between_templates(picture: tuple[Gray, Rect]) -> None:
    """Small leans are not turned upright in the template, and yet they add up."""
    gray, face = picture
    flow, rect, tilt = Flow(), face, 0.0
    before = flow.template(gray, rect, tilt, 0.0)
    for lean in range(3, 31, 3):
        now, _ = moved(gray, face, lean=lean)
        followed = flow.follow(before, now, rect, tilt)
        assert followed is not None
        rect, tilt = followed.rect, followed.tilt
        before = flow.template(now, rect, tilt, 0.0)
    assert tilt == pytest.approx(30, abs=6)
    assert rect.centre == pytest.approx(face.centre, abs=0.05 * face.width)


def test_a_template_that_stays_does_not_drift(picture: tuple[Gray, Rect]) -> None:
    gray, face = picture
    flow, rect, tilt = Flow(), face, 0.0
    before = flow.template(gray, face, 0.0, 0.0)
    random = np.random.default_rng(1)
    for index in range(60):
        shift = 10 * np.sin(index / 5), 6 * np.cos(index / 7)
        now, there = moved(gray, face, *shift)
        noisy = np.clip(now + random.normal(0, 4, now.shape), 0, 255).astype(np.uint8)
        followed = flow.follow(before, noisy, rect, tilt)
        assert followed is not None
        rect, tilt = followed.rect, followed.tilt
    assert rect.centre == pytest.approx(there.centre, abs=0.02 * face.width)
    assert rect.width == pytest.approx(face.width, rel=0.03)


def test_a_hand_that_passes_does_not_take_the_face_along(picture: tuple[Gray, Rect]) -> None:
    gray, face = picture
    flow, rect = Flow(), face
    before = flow.template(gray, face, 0.0, 0.0)
    random = np.random.default_rng(2)
    hand = random.integers(60, 200, (int(face.height * 0.4), int(face.width * 0.6)), np.uint8)
    hand = np.asarray(cv2.GaussianBlur(hand, (9, 9), 2), np.uint8)
    for step in range(12):
        now = gray.copy()
        x, y = int(face.x - face.width * 0.4 + step * face.width * 0.08), int(face.y + face.height * 0.6)
        now[y : y + hand.shape[0], max(x, 0) : x + hand.shape[1]] = hand[:, max(-x, 0) :]
        followed = flow.follow(before, now, rect, 0.0)
        assert followed is not None
        rect = followed.rect
    assert rect.centre == pytest.approx(face.centre, abs=0.03 * face.width)


def test_who_is_not_there_any_more_is_not_followed(picture: tuple[Gray, Rect]) -> None:
    gray, face = picture
    before = Flow().template(gray, face, 0.0, 0.0)
    random = np.random.default_rng(3)
    for other in (
        np.full_like(gray, 90),
        random.integers(0, 255, gray.shape).astype(np.uint8),
        np.asarray(cv2.resize(random.integers(0, 255, (12, 16)).astype(np.uint8), gray.shape[::-1]), np.uint8),
    ):
        assert Flow().follow(before, other, face, 0.0) is None


@pytest.mark.parametrize("place", [Rect(-60, -50, 120, 120), Rect(600, 440, 200, 200), Rect(5000, 0, 90, 90)])
def test_a_place_beyond_the_frame_is_no_error(picture: tuple[Gray, Rect], place: Rect) -> None:
    gray, _ = picture
    flow = Flow()
    followed = flow.follow(flow.template(gray, place, 10.0, 0.0), gray, place, 10.0)
    assert followed is None or followed.rect.iou(place) > 0.9
