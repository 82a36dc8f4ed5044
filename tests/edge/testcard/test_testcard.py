from __future__ import annotations

import numpy as np
import pytest

from edge.camera.testcard import TestCard
from edge.config import FacesConfig
from edge.testcard import Crowd, Scene, device_seed
from edge.testcard.crowd import SMALLEST_FACE, most
from edge.testcard.scene import AWAY_S, WALK_S
from edge.vision.detector import HaarDetector
from edge.vision.tracker import Tracker

FPS = 15


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene()


def test_the_same_seed_and_moment_give_the_same_picture(scene: Scene) -> None:
    assert np.array_equal(scene.render(3.2), Scene().render(3.2))
    assert not np.array_equal(scene.render(3.2), scene.render(3.3))
    assert not np.array_equal(scene.render(3.2), Scene(seed=1).render(3.2))


def test_two_devices_show_different_people_at_different_times() -> None:
    kitchen, hall = (Scene(seed=device_seed(name)) for name in ("kitchen", "hall"))
    told = [[scene.truth(at / 2).emotion for at in range(120)] for scene in (kitchen, hall)]
    assert sum(one != other for one, other in zip(*told, strict=True)) > 60
    apart = np.abs(kitchen.render(1.0).astype(int) - hall.render(1.0)).mean()
    again = np.abs(kitchen.render(1.0).astype(int) - Scene(seed=device_seed("kitchen")).render(1.0)).mean()
    assert again == 0
    assert apart > 5


@pytest.mark.parametrize("seed", [0, 5, 8, 16, 32, 48, device_seed("kitchen")])
def test_whoever_is_shown_leaves_and_comes_back(seed: int) -> None:
    scene = Scene(seed=seed)
    there = [scene.truth(at / 10).face is not None for at in range(round(10 * (scene.leaves_s + 8)))]
    assert all(there[: round(10 * scene.leaves_s)])
    assert (there[round(10 * (scene.leaves_s + 2.5))], there[-1]) == (False, True)


@pytest.mark.parametrize("seed", [8, 16, 32, 48])
def test_the_cascade_finds_every_kind_of_person(seed: int) -> None:
    scene, detector = Scene(seed=seed), HaarDetector(72)
    for now_s in (0.5, 7.3, 14.1, 20.9, 27.7):
        face = scene.truth(now_s).face
        assert face is not None
        assert any(face.iou(found) > 0.4 for found in detector.search(scene.render(now_s)))


def test_a_round_shows_each_emotion_once_then_nobody(scene: Scene) -> None:
    shown = [scene.truth(4 * index + 2).emotion for index in range(8)]
    assert sorted(shown) == sorted(scene.labels)
    assert scene.leaves_s == 8 * 4
    away_s = scene.leaves_s + WALK_S + AWAY_S / 2
    assert scene.truth(away_s).face is None
    assert scene.truth(away_s + AWAY_S / 2 + 2 * WALK_S).face is not None


def test_it_fits_the_frame_that_was_asked_for() -> None:
    assert Scene(320, 240).render(1.0).shape == (240, 320)


def test_the_cascade_finds_every_face_where_it_is(scene: Scene) -> None:
    detector = HaarDetector(72)
    missed = []
    for tick in range(32 * 5):
        now_s = tick / 5
        truth = scene.truth(now_s)
        assert truth.face is not None
        if not any(truth.face.iou(found) > 0.4 for found in detector.search(scene.render(now_s))):
            missed.append((now_s, truth.emotion))
    assert len(missed) <= 3, missed


def test_leaving_ends_the_track_and_coming_back_starts_another(scene: Scene) -> None:
    tracker = Tracker(HaarDetector(72), FacesConfig())
    gone_at, ids = [], set()
    for tick in range(30 * FPS, 42 * FPS):
        tracks, gone = tracker.update(scene.render(tick / FPS), tick / FPS)
        ids |= {track.id for track in tracks}
        gone_at += [tick / FPS] * len(gone)
    assert ids == {1, 2}
    assert len(gone_at) == 1
    assert 32 < gone_at[0] < 32 + WALK_S + AWAY_S


@pytest.mark.parametrize("people", [1, 8])
def test_a_crowd_is_as_many_as_were_asked_for_and_each_is_found(people: int) -> None:
    crowd, detector = Crowd(people), HaarDetector(72)
    for now_s in (0.0, 3.3, 9.1, 50.0):
        faces, found = crowd.faces(now_s), detector.search(crowd.render(now_s))
        assert len(faces) == people
        assert all(any(face.contains(box.centre) for face in faces) for box in found)
        for face in faces:
            assert face.width >= SMALLEST_FACE - 1e-9 > 80
            assert face.clipped(640, 480).area == pytest.approx(face.area)
            assert sum(face.iou(other) > 0 for other in faces) == 1  # itself
            assert any(face.iou(box) > 0.4 for box in found)


def test_a_picture_has_room_for_so_many_people() -> None:
    assert (most(640, 480), most(159, 480)) == (8, 0)
    with pytest.raises(ValueError, match="room for 8 people, not 9"):
        Crowd(9)


class Time:
    """A clock that only moves when someone sleeps or the test says so."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def test_frames_come_at_the_pace_of_a_camera(scene: Scene) -> None:
    time = Time()
    card = TestCard(scene, 10, time.clock, time.sleep)
    frames = [card.read() for _ in range(5)]
    assert [frame.sequence for frame in frames] == [0, 1, 2, 3, 4]
    assert frames[-1].time_s - frames[0].time_s == pytest.approx(0.4)
    assert time.now_s == pytest.approx(100.4)


def test_a_slow_reader_misses_frames_as_with_a_real_camera(scene: Scene) -> None:
    time = Time()
    card = TestCard(scene, 10, time.clock, time.sleep)
    card.read()
    time.sleep(1.05)
    assert card.read().sequence == 10
