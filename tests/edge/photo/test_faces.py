"""Every face of a photo is found once, whatever its size and lean, and read in four views."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.geometry import Rect
from edge.inference.bundle import ModelBundle
from edge.inference.outputs import Predictions
from edge.photo.faces import PhotoFace, read_faces
from edge.testcard import Crowd, Scene

if TYPE_CHECKING:
    from edge.inference.card import Card

Gray = NDArray[np.uint8]


@pytest.fixture(scope="module")
def bundle() -> ModelBundle:
    return ModelBundle.load()


@pytest.fixture(scope="module")
def head() -> tuple[Gray, Rect]:
    """A part of the test card around its face, and where that is."""
    scene = Scene()
    face = scene.truth(1.0).face
    assert face is not None
    part = face.expanded(0.8).clipped(640, 480).whole()
    cut = scene.render(1.0)[int(part.y) : int(part.y + part.height), int(part.x) : int(part.x + part.width)]
    return cut, face.moved(-part.x, -part.y)


def turned(gray: Gray, about: Rect, degrees: float) -> Gray:
    turn = cv2.getRotationMatrix2D(about.centre, -degrees, 1.0)
    return np.asarray(cv2.warpAffine(gray, turn, gray.shape[::-1], borderMode=cv2.BORDER_REPLICATE), np.uint8)


def test_each_of_several_faces_is_found_once_the_largest_first(bundle: ModelBundle) -> None:
    crowd = Crowd(3, 480, 320)
    faces = read_faces(crowd.render(2.0), bundle)
    assert len(faces) == 3
    assert [face.box.area for face in faces] == sorted((face.box.area for face in faces), reverse=True)
    assert all(any(face.box.iou(truth) > 0.5 for face in faces) for truth in crowd.faces(2.0))


@pytest.mark.parametrize("scale", [0.25, 4.0])
def test_a_face_is_found_in_any_size(bundle: ModelBundle, head: tuple[Gray, Rect], scale: float) -> None:
    gray, face = head
    size = round(gray.shape[1] * scale), round(gray.shape[0] * scale)
    (found,) = read_faces(np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8), bundle)
    there = Rect(face.x * scale, face.y * scale, face.width * scale, face.height * scale)
    assert found.box.iou(there) > 0.5


@pytest.mark.parametrize("degrees", [-45.0, 30.0])
def test_a_head_that_leans_is_found_and_read_upright(
    bundle: ModelBundle, head: tuple[Gray, Rect], degrees: float
) -> None:
    gray, face = head
    (found,) = read_faces(turned(gray, face, degrees), bundle)
    assert abs(found.tilt - degrees) <= 20
    assert found.box.iou(face) > 0.5
    (upright,) = read_faces(gray, bundle)
    assert found.emotion == upright.emotion


def test_nobody_is_found_where_nobody_is(bundle: ModelBundle) -> None:
    assert read_faces(Crowd(0, 320, 240).render(1.0), bundle) == []
    assert read_faces(np.zeros((3, 5), np.uint8), bundle) == []
    assert read_faces(np.full((1, 1), 255, np.uint8), bundle) == []


class Recorder:
    """A classifier without a face output that remembers its input."""

    def __init__(self, card: Card) -> None:
        self.card = card
        self.seen: list[Gray] = []

    def read(self, faces: Gray) -> Predictions:
        self.seen.append(faces)
        answers = np.tile(np.array([0.1, 0.2, 0.3, 0.4, 0, 0, 0, 0], np.float32), (len(faces), 1))
        answers[0] = np.eye(8, dtype=np.float32)[0]
        return Predictions(answers)


def test_what_is_read_is_the_mean_of_four_views(bundle: ModelBundle, head: tuple[Gray, Rect]) -> None:
    calibration = bundle.card.calibration.model_copy(update={"min_face_score": None})
    classifier = Recorder(bundle.card.model_copy(update={"calibration": calibration}))
    (found,) = read_faces(head[0], classifier)
    (views,) = classifier.seen  # without a face output nothing else is asked
    assert len(views) == 4
    assert found.face_score is None
    assert list(found.probabilities.values())[:4] == pytest.approx([0.325, 0.15, 0.225, 0.3])
    assert found.emotion == "uncertain"
    assert found.confidence == pytest.approx(0.325)
    (sure,) = read_faces(head[0], classifier, min_confidence=0.3)
    assert sure.emotion == bundle.labels[0]


def test_the_confidence_is_that_of_the_emotion() -> None:
    face = PhotoFace(Rect(0, 0, 9, 9), 0.0, 0.9, "sad", {"sad": 0.4, "happy": 0.4, "fear": 0.2})
    assert face.confidence == 0.4
