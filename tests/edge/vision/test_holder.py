"""Known faces are held: while they lean, behind hands and past each other; and let go when they are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.config import FacesConfig
from edge.geometry import Rect
from edge.testcard import Scene
from edge.vision.detector import HaarDetector
from edge.vision.lifecycle import LOST_S
from edge.vision.reader import Reading
from edge.vision.tracker import Tracker
from tests.edge.vision.test_flow import moved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.vision.reader import FaceCrop
    from edge.vision.track import Track
    from edge.vision.views import View

Gray = NDArray[np.uint8]

FPS = 15


class Truthful:
    """A reader that knows where the faces are."""

    scores_faces = True

    def __init__(self) -> None:
        self.faces: list[Rect] = []

    def read(self, gray: Gray, crops: Sequence[FaceCrop]) -> list[Reading]:
        return [Reading(np.ones(1, np.float32), self.score(gray, crop.face, crop.tilt, ())) for crop in crops]

    def score(self, _gray: Gray, face: Rect, _tilt: float, _views: Sequence[View]) -> float:
        return 0.98 if any(face.iou(one) > 0.4 for one in self.faces) else 0.02


class Room:
    """A wall with structure, on which the test card's face is shown anywhere."""

    def __init__(self) -> None:
        scene = Scene()
        face = scene.truth(1.0).face
        assert face is not None
        around = face.expanded(0.15).whole()
        head = scene.render(1.0)[
            int(around.y) : int(around.y + around.height), int(around.x) : int(around.x + around.width)
        ]
        self.is_face = True
        self.head = np.asarray(cv2.resize(head, (130, 130), interpolation=cv2.INTER_AREA), np.uint8)
        random = np.random.default_rng(5)
        wall = cv2.resize(random.integers(70, 130, (30, 40)).astype(np.uint8), (640, 480))
        self.wall = np.asarray(wall, np.uint8)
        self.reader = Truthful()
        self.tracker = Tracker(HaarDetector(72), FacesConfig(), reader=self.reader, min_score=0.5)
        self._frames = 0

    def show(self, *places: tuple[float, float], lean: float = 0.0, hand: float | None = None) -> list[Track]:
        """Return the tracks after a frame with faces about these middles, the later ones in front."""
        gray = self.wall.copy()
        self.reader.faces = []
        for x, y in places:
            left, top = round(x - 65), round(y - 65)
            gray[top : top + 130, left : left + 130] = self.head
            face = Rect(left + 15, top + 15, 100, 100)
            if lean:
                gray, _ = moved(gray, face, lean=lean)
            if self.is_face:
                self.reader.faces.append(face)
        if hand is not None:
            x, y = places[0]
            left = round(x - 65 + hand)
            cv2.rectangle(gray, (left, round(y)), (left + 60, round(y) + 70), 150, -1)
        tracks, _ = self.tracker.update(gray, self._frames / FPS)
        self._frames += 1
        return tracks


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.mark.parametrize("side", [1, -1])
def test_a_head_is_held_while_it_leans_farther_than_the_cascade_sees(room: Room, side: int) -> None:
    for _ in range(10):
        tracks = room.show((300, 220))
    for lean in range(0, 48, 2):
        tracks = room.show((300, 220), lean=side * (lean or 0.01))
        assert [(track.id, track.visible) for track in tracks] == [(1, True)]
    (track,) = tracks
    assert track.tilt == pytest.approx(side * 46, abs=15)
    assert track.rect.centre == pytest.approx((300, 220), abs=8)


def test_a_hand_that_passes_before_the_mouth_ends_nothing(room: Room) -> None:
    for _ in range(10):
        room.show((300, 220))
    for hand in range(-60, 140, 8):
        (track,) = room.show((300, 220), hand=hand)
        assert (track.id, track.visible) == (1, True)
        assert track.rect.centre == pytest.approx((300, 220), abs=10)


def test_two_who_cross_keep_their_ids(room: Room) -> None:
    for step in range(90):
        tracks = room.show((120 + 4 * step, 200), (520 - 4 * step, 260))
        if step == 20:
            before = {track.id: track.rect.centre[1] for track in tracks}
    assert len(before) == 2
    assert {track.id for track in tracks} == set(before)
    assert {track.id: track.rect.centre[1] for track in tracks} == pytest.approx(before, abs=15)


def test_who_walks_off_is_let_go_and_no_wall_is_held(room: Room) -> None:
    for step in range(60):
        room.show((100 + 5 * step, 220))
    frames = 0
    while room.show():
        frames += 1
        assert frames <= LOST_S * FPS + 1
    assert all(not room.show() for _ in range(15))


def test_what_the_model_takes_for_no_face_any_more_is_no_longer_visible(room: Room) -> None:
    for _ in range(15):
        tracks = room.show((300, 220))
    assert len(tracks) == 1
    room.is_face = False
    room.head = np.asarray(cv2.GaussianBlur(room.head, (0, 0), 6), np.uint8)  # flow follows it, and no search finds it
    for step in range(int(LOST_S * FPS) + 10):
        tracks = room.show((300 + step % 3, 220))
    assert tracks == []
