from __future__ import annotations

import numpy as np
import pytest

from edge.inference.bundle import ModelBundle
from edge.inference.labels import FACE
from edge.inference.outputs import Logits, OutputLabels, choose_emotion, sigmoid

ROWS = np.array([[2.0, -1.0, 0.5], [0.0, 3.0, -4.0]], np.float32)


def test_columns_and_parts_are_the_same_numbers() -> None:
    labels = OutputLabels(("happy", "sad"), has_face=True)
    logits = labels.split(ROWS)
    assert logits.emotions.tolist() == ROWS[:, :2].tolist()
    assert logits.face is not None
    assert logits.face.tolist() == ROWS[:, 2].tolist()
    assert np.array_equal(logits.columns, ROWS)
    assert len(logits) == 2


def test_without_a_face_output_every_column_is_an_emotion() -> None:
    logits = OutputLabels(("happy", "neutral", "sad")).split(ROWS)
    assert logits.face is None
    assert np.array_equal(logits.emotions, ROWS)
    assert logits.columns is logits.emotions
    assert logits.predict().face_scores is None


def test_the_face_column_is_named_and_last_wherever_it_was() -> None:
    assert OutputLabels.of([FACE, "sad"]) == OutputLabels.of(["sad", FACE]) == OutputLabels(("sad",), has_face=True)
    assert OutputLabels.of(["sad", FACE]).columns == ("sad", FACE)
    assert OutputLabels.of(["sad"]).columns == ("sad",)


@pytest.mark.parametrize("labels", [("happy", "sad"), ("a", "b", "c", "d")])
def test_another_number_of_columns_is_refused(labels: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"\(2, 3\) are not"):
        OutputLabels(labels).split(ROWS)


def test_temperature_is_for_the_emotions_alone() -> None:
    logits = Logits(ROWS[:, :2], ROWS[:, 2])
    cold, warm = logits.predict(1.0), logits.predict(2.0)
    assert cold.probabilities[0, 0] > warm.probabilities[0, 0] > 0.5
    assert cold.face_scores is not None
    assert warm.face_scores is not None
    assert cold.face_scores.tolist() == warm.face_scores.tolist() == sigmoid(ROWS[:, 2]).tolist()


def test_the_shipped_model_names_each_of_its_columns() -> None:
    bundle = ModelBundle.load()
    logits = bundle.network.logits(np.zeros((1, 48, 48), np.uint8))
    assert logits.columns.shape == (1, len(bundle.outputs.columns))
    assert bundle.outputs.columns == (*bundle.labels, FACE)


@pytest.mark.parametrize(
    ("probabilities", "min_confidence", "emotion"),
    [
        ([0.2, 0.5, 0.3], 0.5, "neutral"),
        ([0.2, 0.5, 0.3], 0.51, "uncertain"),
        ([0.4, 0.4, 0.2], 0.3, "uncertain"),
        ([0.2, 0.4, 0.4], 0.0, "uncertain"),
        ([0.3, 0.3, 0.4], 0.0, "sad"),
    ],
)
def test_the_most_probable_label_is_chosen_if_there_is_one(
    probabilities: list[float], min_confidence: float, emotion: str
) -> None:
    labels = ("angry", "neutral", "sad")
    assert choose_emotion(np.array(probabilities, np.float32), labels, min_confidence) == emotion


def test_integer_logits_that_tie_are_uncertain() -> None:
    scale = np.float32(0.07652249)
    logits = Logits(np.array([[100, -3, 100, 7]], np.float32) * scale)
    (probabilities,) = logits.predict(0.7916).probabilities
    assert choose_emotion(probabilities, ("angry", "fear", "neutral", "sad"), 0.1) == "uncertain"
