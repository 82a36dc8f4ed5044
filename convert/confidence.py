"""How confident the model's answers are: its temperature, and below which confidence it answers `uncertain`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.isotonic import IsotonicRegression

from edge.inference.outputs import softmax
from train.evaluate.metrics import calibration_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.inference.outputs import Logits, OutputLabels
    from train.datasets import Faces

_COLDEST, _HOTTEST = 0.05, 20.0
"""Temperatures beyond these mean a broken model, not a badly calibrated one."""

_WORTH_SAYING = 0.5
"""Accuracy from which on an answer is given."""

_LOST_FACES = 0.001
"""Part of the validation faces that may score as no faces."""

_FACE_ENOUGH = 0.9
"""Face score that is never asked to be exceeded: a Pi's pictures are poorer than validation faces."""


@dataclass(frozen=True)
class Confidence:
    """What was chosen from the model's answers to validation faces."""

    temperature: float
    min_confidence: float
    min_face_score: float | None
    """None if the model has no such output."""

    error_before: float
    """Expected calibration error at temperature 1."""

    error_after: float


def calibrate(logits: Logits, outputs: OutputLabels, faces: Faces, are_faces: NDArray[np.bool_]) -> Confidence:
    """Choose the temperature and the least confidence from validation faces.

    Args:
        logits: ``N`` answers of the int8 model, as it will run.
        outputs: The model's labels.
        faces: The ``N`` faces; those whose label the model does not have say nothing here.
        are_faces: ``(N,)``; which of them are faces at all, as FER2013 has some pictures that are none.
    """
    known = np.array([label in outputs.emotions for label in faces.labels])[faces.truth]
    truth = np.array([outputs.emotions.index(faces.labels[i]) for i in faces.truth[known]], np.intp)
    face_scores = logits.predict().face_scores
    emotions = logits.emotions[known]
    temperature = round(best_temperature(emotions, truth), 4)
    probabilities = softmax(emotions, temperature)
    return Confidence(
        temperature=temperature,
        min_confidence=round(least_confidence(probabilities, truth), 4),
        min_face_score=None if face_scores is None else round(least_face_score(face_scores[are_faces]), 4),
        error_before=calibration_error(softmax(emotions), truth),
        error_after=calibration_error(probabilities, truth),
    )


def least_face_score(scores: NDArray[np.float32]) -> float:
    """Return the score below which a picture is no face: so high that hardly a face falls below.

    Args:
        scores: ``(N,)`` of faces.
    """
    return min(_FACE_ENOUGH, float(np.quantile(scores, _LOST_FACES)))


def best_temperature(logits: NDArray[np.float32], truth: NDArray[np.intp]) -> float:
    """Return the temperature with the least negative log-likelihood of the truth.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    precise = logits.astype(np.float64)

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(precise / np.exp(log_temperature), axis=1)
        return -float(scaled[np.arange(len(truth)), truth].mean())

    found = minimize_scalar(loss, bounds=(np.log(_COLDEST), np.log(_HOTTEST)), method="bounded")
    return float(np.exp(found.x))


def least_confidence(probabilities: NDArray[np.float32], truth: NDArray[np.intp]) -> float:
    """Return the confidence below which an answer is more often wrong than right.

    Accuracy as a function of confidence is fitted without bins or a formula, only as
    never falling (isotonic regression); the first confidence at which it reaches one
    half is returned. If even the least confident answers reach it, that is 0; if none does, 1.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = (probabilities.argmax(axis=1) == truth).astype(np.float64)
    accuracy = IsotonicRegression(out_of_bounds="clip").fit_transform(confidence, right)
    worth = confidence[accuracy >= _WORTH_SAYING]
    if len(worth) == len(confidence):
        return 0.0
    return float(worth.min()) if len(worth) else 1.0
