"""Real people before real cameras keep their ids, and nothing but them is a face."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.camera.clip import Clip
from edge.config import EmotionConfig, FacesConfig
from edge.inference.bundle import ModelBundle
from edge.pipeline import Appeared, Gone, Pipeline
from edge.vision.detector import HaarDetector
from tests.footage import clip

if TYPE_CHECKING:
    from pathlib import Path

    from edge.pipeline import Transition

SIGNING = ("bird.mkv", "eat.mkv", "help.mkv", "thanks.mkv")


@pytest.fixture(scope="module")
def bundle() -> ModelBundle:
    return ModelBundle.load()


def watch(path: Path, bundle: ModelBundle, min_height: int = 72) -> tuple[list[Transition], list[int]]:
    """Give what is published of a clip, and how many faces there are after each frame."""
    faces = FacesConfig(min_height=min_height)
    pipeline = Pipeline(HaarDetector(min_height), bundle, faces, EmotionConfig())
    transitions: list[Transition] = []
    counts = []
    footage = Clip(path)
    while (frame := footage.read()) is not None:
        transitions += pipeline.step(frame)
        snapshot = pipeline.snapshot()
        counts.append(len(snapshot.faces) if snapshot else 0)
    footage.close()
    return transitions, counts


@pytest.mark.parametrize("name", SIGNING)
def test_a_man_who_signs_is_one_face_from_first_to_last(name: str, bundle: ModelBundle) -> None:
    events, counts = watch(clip(name), bundle)
    assert {transition.face_id for transition in events} == {1}
    assert sum(isinstance(transition, Appeared) for transition in events) == 1
    assert not any(isinstance(transition, Gone) for transition in events)
    assert set(counts[5:]) == {1}  # no hand, no bird and no skull on a shirt is a face
    assert all(one.rect.y + one.rect.height < 0.75 * one.frame_size[1] for one in events)


def test_two_people_who_lean_their_heads_are_at_most_two_faces(bundle: ModelBundle) -> None:
    events, counts = watch(clip("head-pose-face-detection-female-and-male.gif"), bundle)
    assert 1 <= max(counts) <= 2
    assert sum(count > 0 for count in counts) > 0.9 * len(counts)
    assert len({transition.face_id for transition in events}) <= 2


def test_small_faces_are_found_by_who_asks_for_them(bundle: ModelBundle) -> None:
    _, usual = watch(clip("classroom.gif"), bundle)
    _, counts = watch(clip("classroom.gif"), bundle, min_height=20)
    assert max(usual) == 0
    assert 3 <= max(counts) <= 4  # four people, of 20 pixels each
