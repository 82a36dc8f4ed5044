from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.config import EmotionConfig, FacesConfig
from edge.frame import Frame
from edge.geometry import Rect
from edge.inference.card import Calibration, Card, InputCard
from edge.inference.outputs import Predictions
from edge.pipeline import Appeared, Changed, Gone, Pipeline
from edge.vision.crops import crop

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.pipeline import Transition
    from edge.vision.parts import SearchPart

LABELS = ("dark", "bright")
START = datetime(2026, 1, 1, tzinfo=UTC)
FPS = 15


class BrightnessClassifier:
    """Reads a face's brightness, so that a test decides what is seen by painting it."""

    card = Card(
        name="brightness",
        version="1",
        sha256="0" * 64,
        labels=LABELS,
        input=InputCard(width=48, height=48),
        calibration=Calibration(temperature=1.0, min_confidence=0.6),
        macs=1,
        parameters=1,
        bytes=1,
        operators={},
    )

    def read(self, faces: NDArray[np.uint8]) -> Predictions:
        bright = faces.mean(axis=(1, 2)) / 255
        return Predictions(np.asarray(np.stack([1 - bright, bright], axis=1), dtype=np.float32))


class BlobDetector:
    """Finds what is not black, on the left and on the right half."""

    def search(self, gray: NDArray[np.uint8], part: SearchPart | None = None) -> list[Rect]:
        if part and part.tilt:
            return []
        found = []
        for left in (0, gray.shape[1] // 2):
            half = gray[:, left : left + gray.shape[1] // 2]
            ys, xs = np.nonzero(half)
            if len(xs):
                found.append(
                    Rect(float(left + xs.min()), float(ys.min()), float(np.ptp(xs)) + 1, float(np.ptp(ys)) + 1),
                )
        return [face for face in found if part is None or part.region.contains(face.centre)]

    def search_near(self, gray: NDArray[np.uint8], face: Rect, tilt: float = 0.0) -> Rect | None:
        return next((found for found in self.search(gray) if found.iou(face) > 0.2 and not tilt), None)

    search_around = search_near


class Doubtful(BrightnessClassifier):
    """Takes what is dark for no face."""

    card = BrightnessClassifier.card.model_copy(
        update={"calibration": Calibration(temperature=1.0, min_confidence=0.6, min_face_score=0.8)}
    )

    def read(self, faces: NDArray[np.uint8]) -> Predictions:
        answers = super().read(faces)
        return replace(answers, face_scores=answers.probabilities[:, 1])


def pipeline() -> Pipeline:
    return Pipeline(BlobDetector(), BrightnessClassifier(), FacesConfig(), EmotionConfig())


def frame(index: int, *faces: tuple[Rect, int]) -> Frame:
    gray = np.zeros((240, 320), np.uint8)
    for rect, level in faces:
        gray[int(rect.y) : int(rect.y + rect.height), int(rect.x) : int(rect.x + rect.width)] = level
    return Frame(gray, START + timedelta(seconds=index / FPS), 1000 + index / FPS, index)


ANN, BOB = Rect(20, 40, 80, 80), Rect(200, 40, 90, 90)
DARK, GREY, BRIGHT = 25, 128, 230


def play(subject: Pipeline, seconds: float, *faces: tuple[Rect, int], start_s: float = 0.0) -> list[Transition]:
    first = round(start_s * FPS)
    return [one for i in range(first, first + round(seconds * FPS)) for one in subject.step(frame(i, *faces))]


def test_a_face_appears_changes_and_is_gone() -> None:
    subject = pipeline()
    transitions = play(subject, 2, (ANN, BRIGHT))
    transitions += play(subject, 2, (ANN, DARK), start_s=2)
    transitions += play(subject, 3, start_s=4)
    appeared, changed, gone = transitions

    assert isinstance(appeared, Appeared)
    assert (appeared.emotion, appeared.face_id, appeared.frame_size) == ("bright", 1, (320, 240))
    assert appeared.confidence == pytest.approx(BRIGHT / 255, abs=0.001)
    assert appeared.probabilities == pytest.approx({"dark": 1 - BRIGHT / 255, "bright": BRIGHT / 255}, abs=0.001)

    assert isinstance(changed, Changed)
    assert (changed.previous, changed.emotion, changed.face_id) == ("bright", "dark", 1)
    assert 2.4 < (changed.captured_at - START).total_seconds() < 3.5
    assert changed.lasted_s == pytest.approx((changed.captured_at - appeared.captured_at).total_seconds(), abs=0.001)

    assert isinstance(gone, Gone)
    assert gone.emotion == "dark"
    assert gone.lasted_s == pytest.approx(4, abs=0.2)


def test_the_same_frames_give_the_same_transitions() -> None:
    def transitions() -> list[Transition]:
        subject = pipeline()
        found = play(subject, 2, (ANN, BRIGHT), (BOB, DARK)) + play(subject, 2, (BOB, GREY), start_s=2)
        return found + subject.finish()

    assert transitions() == transitions()


def test_what_is_neither_is_uncertain() -> None:
    (appeared,) = play(pipeline(), 1, (ANN, GREY))
    assert appeared.emotion == "uncertain"


def test_what_is_no_face_is_not_told() -> None:
    def told(min_score: float | None) -> list[str]:
        config = FacesConfig(min_score=min_score)
        subject = Pipeline(BlobDetector(), Doubtful(), config, EmotionConfig())
        events = play(subject, 2, (ANN, BRIGHT), (BOB, DARK))
        return [f"{type(one).__name__} {one.emotion}" for one in events + play(subject, 8, (ANN, DARK), start_s=2)]

    assert told(None) == ["Appeared bright", "Gone bright"]  # Ann is gone before the new emotion has lasted
    assert told(0) == ["Appeared dark", "Appeared bright", "Changed dark", "Gone dark"]  # Bob left


@pytest.mark.parametrize(("middle", "events"), [(190, 0), (215, 1)])
def test_a_newcomer_must_look_like_a_face_from_nearer_too(middle: int, events: int) -> None:
    """The whole is bright enough either way; the middle alone is not always."""
    subject = Pipeline(BlobDetector(), Doubtful(), FacesConfig(), EmotionConfig())
    assert len(play(subject, 1, (ANN, 255), (ANN.expanded(-0.1), middle))) == events


def test_each_face_has_its_own_emotion() -> None:
    subject = pipeline()
    transitions = play(subject, 1, (ANN, BRIGHT), (BOB, DARK))
    assert {(one.rect.x > 150, one.emotion) for one in transitions} == {(False, "bright"), (True, "dark")}
    snapshot = subject.snapshot()
    assert snapshot
    assert [face.emotion for face in snapshot.faces] == ["dark", "bright"]  # the larger face first
    assert snapshot.faces[0].since == transitions[0].captured_at


def test_before_the_first_frame_there_is_no_snapshot() -> None:
    assert pipeline().snapshot() is None


def test_finish_ends_every_face_once() -> None:
    subject = pipeline()
    play(subject, 1, (ANN, BRIGHT), (BOB, DARK))
    assert [type(one) for one in subject.finish()] == [Gone, Gone]
    snapshot = subject.snapshot()
    assert snapshot
    assert snapshot.faces == ()
    assert subject.finish() == []


def test_finish_without_a_frame_reports_nothing() -> None:
    assert pipeline().finish() == []


class TestCrop:
    card = BrightnessClassifier.card

    def test_has_the_size_that_the_card_says(self) -> None:
        assert crop(frame(0, (ANN, BRIGHT)).gray, ANN, self.card).shape == (48, 48)

    def test_holds_the_face_and_nothing_else(self) -> None:
        assert (crop(frame(0, (ANN, BRIGHT)).gray, ANN, self.card) == BRIGHT).all()

    def test_with_a_margin_holds_what_is_around(self) -> None:
        wide = self.card.model_copy(update={"input": InputCard(width=48, height=48, crop_margin=0.5)})
        assert crop(frame(0, (ANN, BRIGHT)).gray, ANN, wide).mean() == pytest.approx(BRIGHT / 4, rel=0.05)

    @pytest.mark.parametrize("rect", [Rect(-30, -30, 60, 60), Rect(300, 220, 60, 60), Rect(-1, 0, 400, 300)])
    def test_repeats_the_edge_beyond_the_frame(self, rect: Rect) -> None:
        gray = np.full((240, 320), BRIGHT, np.uint8)
        assert (crop(gray, rect, self.card) == BRIGHT).all()

    def test_does_not_mirror_or_transpose(self) -> None:
        gray = np.zeros((240, 320), np.uint8)
        gray[:120, :160] = 200  # upper left
        cut = crop(gray, Rect(120, 80, 80, 80), self.card)
        assert cut[:20, :20].min() == 200
        assert cut[30:].max() == cut[:, 30:].max() == 0
