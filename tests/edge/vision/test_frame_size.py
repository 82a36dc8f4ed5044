from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.config import FacesConfig
from edge.geometry import Rect
from edge.testcard import Scene
from edge.vision.detector import HaarDetector
from edge.vision.track import Track
from edge.vision.tracker import Tracker

LEAST = 48


@pytest.mark.parametrize("size", [(320, 240), (960, 720)])
def test_a_face_is_the_same_where_the_size_of_the_frame_changes(size: tuple[int, int]) -> None:
    scene = Scene(640, 480)
    tracker = Tracker(HaarDetector(LEAST), FacesConfig(min_height=LEAST))
    seen: list[list[int]] = []
    for index in range(45):
        picture = scene.render(index / 15)
        if index >= 20:
            picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        tracks, gone = tracker.update(picture, index / 15)
        assert not gone
        seen.append([track.id for track in tracks])
    assert seen[19] == [1]
    assert all(ids == [1] for ids in seen[20:])
    truth = scene.truth(44 / 15).face
    assert truth is not None
    assert tracks[0].rect.centre[0] == pytest.approx(truth.centre[0] * size[0] / 640, abs=0.1 * size[0])


def test_a_track_is_scaled_about_its_middle() -> None:
    track = Track(Rect(100, 50, 40, 40), 0, 0, 0)
    track.velocity = 10.0, 4.0
    track.rescale(2, 0.5)
    assert track.rect == Rect(230, 25, 20, 20)
    assert track.velocity == (20, 2)
