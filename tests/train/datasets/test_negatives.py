from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.camera.clip import Clip
from edge.config import FacesConfig
from edge.vision.crops import cut_out, resized
from edge.vision.detector import HaarDetector
from edge.vision.tracker import Tracker
from tests.footage import clip
from train.datasets import DataError, negatives
from train.datasets.footage import TRAINING, beside_people
from train.datasets.negatives import clutter, detections_in, fingerprint
from train.datasets.textures import TEXTURES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.fixture(scope="module")
def pictures() -> NDArray[np.uint8]:
    return clutter(60, None)


def test_the_pictures_are_as_faces_are_and_differ(pictures: NDArray[np.uint8]) -> None:
    assert pictures.shape == (60, 48, 48)
    assert pictures.dtype == np.uint8
    assert len(np.unique(pictures.reshape(60, -1), axis=0)) == 60
    assert (pictures.std(axis=(1, 2)) > 1).all()  # the cascade finds nothing in plain walls


def test_the_same_seed_gives_the_same_pictures() -> None:
    assert np.array_equal(clutter(8, None), clutter(8, None))
    assert not np.array_equal(clutter(8, None, seed=2), clutter(8, None))


def test_every_kind_of_texture_takes_the_cascade_in() -> None:
    random = np.random.default_rng(3)
    for draw in TEXTURES:
        pictures = (draw(random).clip(0, 255).astype(np.uint8) for _ in range(20))
        assert next(detections_in(pictures, random)).shape == (48, 48), draw


def test_many_are_dim(pictures: NDArray[np.uint8]) -> None:
    assert 1 / 4 < (pictures.mean(axis=(1, 2)) < 75).mean() < 3 / 4


def test_a_folder_without_the_clips_is_made_up_for(tmp_path: Path) -> None:
    assert len(clutter(8, tmp_path)) == 8


def test_a_run_that_goes_on_detects_nothing_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    detected: list[int] = []

    def clutter(count: int, _: Path | None, *, advance: object) -> NDArray[np.uint8]:
        del advance
        detected.append(count)
        return np.full((count, 48, 48), len(detected), np.uint8)

    monkeypatch.setattr(negatives, "clutter", clutter)
    file = tmp_path / "negatives.npz"

    def found(count: int = 3, clips: Path | None = None, *, anew: bool = False) -> int:
        pictures = negatives.clutter_once(file, anew=anew)(count, clips, advance=lambda _: None)
        assert pictures.shape == (count, 48, 48)
        return int(pictures[0, 0, 0])

    assert [found(), found(), found()] == [1, 1, 1]
    assert [found(4), found(4)] == [2, 2]  # another recipe's
    (tmp_path / TRAINING[0].name).touch()
    assert [found(4, tmp_path), found(4, tmp_path)] == [3, 3]  # clips that were not there
    assert [found(4, tmp_path, anew=True), found(4, tmp_path)] == [4, 4]
    for damaged in (b"", b"nonsense", file.read_bytes()[:3000]):
        file.write_bytes(damaged)
        assert found() == found() == len(detected)
    assert len(detected) == 7


def test_the_fingerprint_tells_pictures_apart(pictures: NDArray[np.uint8]) -> None:
    changed = pictures.copy()
    changed[0, 0, 0] ^= 1
    assert fingerprint(pictures) == fingerprint(pictures.copy()) != fingerprint(changed)
    assert len(fingerprint(pictures)) == 64


def test_neither_tracker_nor_clip_reader_has_a_part_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = clip("eat.mkv").parent

    def unused(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(Tracker, "update", unused)
    monkeypatch.setattr(Clip, "read", unused)
    assert len(list(beside_people(TRAINING[0], folder, np.random.default_rng(1)))) > 20


def test_another_clip_of_that_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / TRAINING[0].name).write_bytes(b"another")
    with pytest.raises(DataError, match="another clip of that name"):
        clutter(8, tmp_path)


def test_nobody_is_in_what_is_cut_from_footage() -> None:
    path = clip("eat.mkv")
    faces = list(tracked(path))
    assert len(faces) > 5
    assert likeness(faces[:1], faces[1:]).max() > 0.9  # one person, who moves little
    assert likeness(faces, list(clutter(240, path.parent))).max() < 0.8


def tracked(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Return the face in each third frame of a clip."""
    tracker, source = Tracker(HaarDetector(60), FacesConfig(min_height=60)), Clip(path)
    for number, frame in enumerate(iter(source.read, None)):
        tracks, _ = tracker.update(frame.gray, frame.time_s)
        if tracks and number % 3 == 0:
            yield resized(cut_out(frame.gray, tracks[0].rect), 48, 48)
    source.close()


def likeness(some: Sequence[NDArray[np.uint8]], others: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """Return the correlation of each picture with each other one."""
    rows = []
    for pictures in (some, others):
        flat = np.reshape(np.asarray(pictures, np.float64), (len(pictures), -1))
        flat -= flat.mean(axis=1, keepdims=True)
        rows.append(flat / (np.linalg.norm(flat, axis=1, keepdims=True) + 1e-9))
    return np.asarray(rows[0] @ rows[1].T, np.float64)
