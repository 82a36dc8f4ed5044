"""The published emotions are right, and the tests that say so notice when they are not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

import edge.vision.reader
from edge.camera.clip import Clip
from edge.config import EmotionConfig, FacesConfig
from edge.frame import Frame
from edge.inference.bundle import ModelBundle
from edge.pipeline import Appeared, Changed, Gone, Pipeline
from edge.testcard import Scene
from edge.vision import views
from edge.vision.detector import HaarDetector
from tests.footage import clip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from edge.geometry import Rect
    from edge.inference.card import Card
    from edge.inference.classifier import Classifier
    from edge.inference.outputs import Predictions
    from edge.pipeline import Transition
    from edge.vision.views import View

FPS = 15
DWELL_S = 3.0
SOON_S = 1.5
START = datetime(2026, 1, 1, tzinfo=UTC)
MALE = "head-pose-face-detection-male.gif"
CLIPS = (
    MALE,
    "head-pose-face-detection-female-and-male.gif",
    "classroom.gif",
    "bird.mkv",
    "eat.mkv",
    "help.mkv",
    "thanks.mkv",
)


@pytest.fixture(scope="module")
def bundle() -> ModelBundle:
    return ModelBundle.load()


def pipeline(classifier: Classifier) -> Pipeline:
    faces = FacesConfig()
    return Pipeline(HaarDetector(faces.min_height), classifier, faces, EmotionConfig())


def scene_frames(scene: Scene, seconds: float) -> Iterator[Frame]:
    for index in range(round(seconds * FPS)):
        now_s = index / FPS
        yield Frame(scene.render(now_s), START + timedelta(seconds=now_s), now_s, index)


def recognised(classifier: Classifier) -> set[str]:
    """Show each emotion on the test card for three seconds; give those that were published in time."""
    scene = Scene(dwell_s=DWELL_S)
    subject = pipeline(classifier)
    published: str | None = None
    found = set()
    for frame in scene_frames(scene, len(scene.labels) * DWELL_S):
        for transition in subject.step(frame):
            published = transition.emotion
        truth = scene.truth(frame.time_s)
        if published == truth.emotion and truth.shown_s <= SOON_S:
            found.add(truth.emotion)
    return found


def judge_test_card(classifier: Classifier) -> None:
    found = recognised(classifier)
    assert {"neutral", "happy", "surprise"} <= found, found
    assert len(found) >= 4, found


def play(path: Path, classifier: Classifier) -> list[Transition]:
    subject, camera = pipeline(classifier), Clip(path)
    transitions: list[Transition] = []
    while (frame := camera.read()) is not None:
        transitions += subject.step(frame)
    camera.close()
    return transitions + subject.finish()


def judge_smiling_man(classifier: Classifier) -> None:
    transitions = play(clip(MALE), classifier)
    assert {transition.face_id for transition in transitions} == {1}
    assert isinstance(transitions[-1], Gone)
    assert transitions[-1].lasted_s > 4.5  # of 5.2 s
    assert "happy" in {transition.emotion for transition in transitions}


class Sabotaged:
    """The real model with something wrong behind it."""

    def __init__(self, bundle: ModelBundle, spoil: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> None:
        self._bundle, self._spoil = bundle, spoil

    @property
    def card(self) -> Card:
        return self._bundle.card

    def read(self, faces: NDArray[np.uint8]) -> Predictions:
        answers = self._bundle.read(faces)
        return replace(answers, probabilities=self._spoil(answers.probabilities))


def test_the_test_card_is_read_right(bundle: ModelBundle) -> None:
    judge_test_card(bundle)


def test_the_person_leaving_is_told(bundle: ModelBundle) -> None:
    scene = Scene(dwell_s=DWELL_S)
    subject = pipeline(bundle)
    told = [type(transition) for frame in scene_frames(scene, 32) for transition in subject.step(frame)]
    assert [kind for kind in told if kind is not Changed] == [Appeared, Gone, Appeared]


@pytest.mark.footage
def test_the_smiling_man_is_one_face_and_happy(bundle: ModelBundle) -> None:
    judge_smiling_man(bundle)


@pytest.mark.footage
@pytest.mark.parametrize("name", CLIPS)
def test_a_clip_gives_the_same_events_each_time(bundle: ModelBundle, name: str) -> None:
    def transitions() -> list[Transition]:
        return [replace(transition, captured_at=START) for transition in play(clip(name), bundle)]

    assert transitions() == transitions()


@pytest.mark.footage
@pytest.mark.parametrize("judge", [judge_test_card, judge_smiling_man])
class TestTheJudgesNotice:
    def test_shuffled_labels(self, bundle: ModelBundle, judge: Callable[[Classifier], None]) -> None:
        order = np.random.default_rng(0).permutation(len(bundle.labels))
        with pytest.raises(AssertionError):
            judge(Sabotaged(bundle, lambda probabilities: probabilities[:, order]))

    def test_constant_logits(self, bundle: ModelBundle, judge: Callable[[Classifier], None]) -> None:
        with pytest.raises(AssertionError):
            judge(Sabotaged(bundle, lambda probabilities: np.full_like(probabilities, 1 / probabilities.shape[1])))

    def test_a_crop_shifted_by_half_a_face(
        self, bundle: ModelBundle, judge: Callable[[Classifier], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        right_crop = views.view_crop

        def shifted(gray: NDArray[np.uint8], face: Rect, card: Card, view: View, tilt: float) -> NDArray[np.uint8]:
            return right_crop(gray, face.moved(face.width / 2, face.height / 2), card, view, tilt)

        monkeypatch.setattr(edge.vision.reader, "view_crop", shifted)
        with pytest.raises(AssertionError):
            judge(bundle)
