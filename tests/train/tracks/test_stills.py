from __future__ import annotations

import numpy as np
import pytest

from train.datasets import Faces
from train.datasets.ferplus import LABELS
from train.datasets.sequences import NEUTRAL
from train.recipes.tracks import TracksConfig
from train.tracks.stills import Stills

STILL = TracksConfig(build_up=0, drift=0, turn_degrees=0, neighbour=0, motion_blur=0, noise=0)
HAPPY, NEUTRAL_INDEX = LABELS.index("happy"), LABELS.index(NEUTRAL)


@pytest.fixture
def faces() -> Faces:
    """Two happy and two neutral faces, each of one texture."""
    pixels = np.random.default_rng(1).integers(40, 215, (4, 48, 48)).astype(np.uint8)
    targets = np.eye(len(LABELS), dtype=np.float32)[[HAPPY, HAPPY, NEUTRAL_INDEX, NEUTRAL_INDEX]]
    return Faces(pixels, targets, LABELS)


def alike(
    one: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], other: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def test_a_track_is_the_same_for_the_same_seed_and_number(faces: Faces) -> None:
    config = TracksConfig()
    one, again, other = (Stills(faces, "Training").track(0, config, number) for number in (3, 3, 4))
    assert np.array_equal(one.frames, again.frames)
    assert not np.array_equal(one.frames, other.frames)
    assert not np.array_equal(one.frames, Stills(faces, "Training").track(0, TracksConfig(seed=2), 3).frames)
    for split in ("PublicTest", "PrivateTest"):
        assert not np.array_equal(one.frames, Stills(faces, split).track(0, config, 3).frames)
    assert one.frames.shape == (24, 48, 48)
    assert one.frames.dtype == np.uint8


def test_without_any_change_every_frame_is_the_still(faces: Faces) -> None:
    shown = Stills(faces, "Training")
    fine = next(
        track for n in range(20) if alike((track := shown.track(1, STILL, n)).frames[0], faces.pixels[1]) > 0.99
    )
    assert (fine.frames == fine.frames[0]).all()
    assert (fine.truth == HAPPY).all()


def test_an_expression_builds_up_from_a_neutral_face(faces: Faces) -> None:
    for number in range(8):
        track = Stills(faces, "Training").track(0, STILL.model_copy(update={"build_up": 1.0}), number)
        assert track.kind == "build-up"
        changes = np.flatnonzero(np.diff(track.truth))
        assert len(changes) == 1
        assert (track.truth[0], track.truth[-1]) == (NEUTRAL_INDEX, HAPPY)
        first, last = (
            max((alike(frame, face), row) for row, face in enumerate(faces.pixels))[1]
            for frame in track.frames[[0, -1]]
        )
        assert first in {2, 3}
        assert last == 0


def test_a_neutral_face_stays_as_it_is(faces: Faces) -> None:
    for number in range(8):
        track = Stills(faces, "Training").track(2, TracksConfig(build_up=1.0), number)
        assert track.kind == "one expression"
        assert (track.truth == NEUTRAL_INDEX).all()


def test_a_neighbour_comes_for_a_few_frames_and_goes(faces: Faces) -> None:
    seen = set()
    for number in range(12):
        track = Stills(faces, "Training").track(0, STILL.model_copy(update={"neighbour": 1.0}), number)
        usual = np.median(track.frames, axis=0)
        seen.add(int((np.abs(track.frames - usual).mean(axis=(1, 2)) > 5).sum()))
        assert (track.truth == HAPPY).all()
    assert seen - {0} <= {2, 3, 4, 5}  # 0: the neighbour is the face itself
    assert len(seen) > 2
