"""From logits to published probabilities: temperature, balance, and below which confidence it is `uncertain`.

What is published of a track is the mean of its probabilities in several views, so all are chosen by that mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import f1_score

from edge.inference.adjustment import logit_adjustment
from edge.inference.outputs import Logits
from train.evaluate.metrics import calibration_error
from train.evaluate.views import mean_of_views

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from edge.inference.outputs import OutputLabels
    from train.datasets import Faces

_COLDEST, _HOTTEST = 0.05, 20.0
"""Temperatures beyond these mean a broken model, not a badly calibrated one."""

_WORTH_SAYING = 0.5
"""Accuracy from which on a prediction is published."""

_LOST_FACES = 0.001
"""Part of the validation faces that may score as no faces."""

_FACE_ENOUGH = 0.9
"""Face score that is never asked to be exceeded: a Pi's pictures are poorer than validation faces."""


_BALANCES = tuple(step / 20 for step in range(21))
"""The balances that are tried."""

_COST = 0.01
"""Accuracy that balancing may cost."""

_TIE = 0.005
"""Macro-F1 that is no difference: of 3,199 validation faces 24 show disgust and 13 contempt."""


@dataclass(frozen=True)
class Balanced:
    """The validation faces at one balance (τ of logit adjustment)."""

    balance: float
    accuracy: float
    macro_recall: float
    macro_f1: float


@dataclass(frozen=True)
class Confidence:
    """What was chosen from the model's logits for validation faces."""

    temperature: float
    min_confidence: float
    min_face_score: float | None
    """None if the model has no such output."""

    priors: tuple[float, ...] | None
    """Share of each label in the training data, in the labels' order; None if one of them was not trained."""

    balances: tuple[Balanced, ...]
    """What each balance costs and gains; empty without priors."""

    balance: float
    """The one that is chosen."""

    error_before: float
    """Expected calibration error of the mean of the views, at temperature 1 and without a balance."""

    error_after: float
    """The same at the chosen temperature and balance: a balance may raise it."""


def are_known(outputs: OutputLabels, faces: Faces) -> NDArray[np.bool_]:
    """Return for each of the ``N`` faces whether the model has its label; calibration is of these alone."""
    return np.array([label in outputs.emotions for label in faces.labels])[faces.truth]


def calibrate(
    views: Sequence[Logits],
    outputs: OutputLabels,
    faces: Faces,
    are_faces: NDArray[np.bool_],
    priors: Mapping[str, float],
) -> Confidence:
    """Choose temperature, balance and least confidence from validation faces, in this order.

    Args:
        views: ``N`` logits of the int8 model, as it will run, in each view.
        outputs: The model's labels.
        faces: The ``N`` faces; those whose label the model does not have say nothing here.
        are_faces: ``(N,)``; which of them are faces at all, as FER2013 has some pictures that are none.
        priors: Share of each label in the training data, of which the model may lack some.
    """
    known = are_known(outputs, faces)
    truth = np.array([outputs.emotions.index(faces.labels[i]) for i in faces.truth[known]], np.intp)
    face_scores = mean_of_views(views).face_scores
    emotions = [Logits(view.emotions[known]) for view in views]
    temperature = round(best_temperature([view.emotions for view in emotions], truth), 4)
    of_model = [priors.get(label, 0.0) for label in outputs.emotions]
    shares = [round(share / (sum(of_model) or 1.0), 5) for share in of_model]  # as the card has them
    balances = tuple(balanced(emotions, temperature, shares, truth)) if all(shares) else ()
    balance = best_balance(balances) if balances else 0.0
    adjustment = logit_adjustment(shares, balance) if balance else None
    probabilities = mean_of_views(emotions, temperature, adjustment).probabilities
    return Confidence(
        temperature=temperature,
        priors=tuple(shares) if balances else None,
        balances=balances,
        balance=balance,
        min_confidence=round(least_confidence(probabilities, truth), 4),
        min_face_score=None if face_scores is None else round(least_face_score(face_scores[are_faces]), 4),
        error_before=calibration_error(mean_of_views(emotions).probabilities, truth),
        error_after=calibration_error(probabilities, truth),
    )


def balanced(
    views: Sequence[Logits], temperature: float, priors: Sequence[float], truth: NDArray[np.intp]
) -> Iterator[Balanced]:
    """Yield what logit adjustment by each balance costs and gains.

    Menon et al., "Long-tail learning via logit adjustment", ICLR 2021.

    Args:
        views: The ``N`` faces' logits of ``C`` emotions in each view.
        temperature: By which they are divided.
        priors: ``C`` shares in the training data, none of them 0.
        truth: ``(N,)`` columns that are right.
    """
    for balance in _BALANCES:
        adjustment = logit_adjustment(priors, balance)
        predictions = mean_of_views(views, temperature, adjustment).probabilities.argmax(axis=1)
        recalls = [float((predictions[truth == label] == label).mean()) for label in np.unique(truth)]
        macro_f1 = float(f1_score(truth, predictions, average="macro", zero_division=0.0))
        yield Balanced(balance, float((predictions == truth).mean()), sum(recalls) / len(recalls), macro_f1)


def best_balance(balances: Sequence[Balanced]) -> float:
    """Return the balance for the rarest emotions that costs next to nothing.

    It is the largest of those that cost at most one point of accuracy, and whose macro-F1 is about the best of these.
    """
    affordable = [each for each in balances if each.accuracy >= balances[0].accuracy - _COST]
    good = max(each.macro_f1 for each in affordable) - _TIE
    return max(each.balance for each in affordable if each.macro_f1 >= good)


def least_face_score(scores: NDArray[np.float32]) -> float:
    """Return the score below which a picture is no face: so high that hardly a face falls below.

    Args:
        scores: ``(N,)`` of faces.
    """
    return min(_FACE_ENOUGH, float(np.quantile(scores, _LOST_FACES)))


def best_temperature(views: Sequence[NDArray[np.float32]], truth: NDArray[np.intp]) -> float:
    """Return the temperature at which the mean of the views' probabilities has the least negative log-likelihood.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

    Args:
        views: ``(N, C)`` logits in each view.
        truth: ``(N,)`` columns that are right.
    """
    precise = np.stack(views).astype(np.float64)

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(precise / np.exp(log_temperature), axis=2)
        return -float(logsumexp(scaled[:, np.arange(len(truth)), truth], axis=0, b=1 / len(precise)).mean())

    found = minimize_scalar(loss, bounds=(np.log(_COLDEST), np.log(_HOTTEST)), method="bounded")
    return float(np.exp(found.x))


def least_confidence(probabilities: NDArray[np.float32], truth: NDArray[np.intp]) -> float:
    """Return the confidence below which a prediction is more often wrong than right.

    Accuracy as a function of confidence is fitted without bins or a formula, only as
    never falling (isotonic regression); the first confidence at which it reaches one
    half is returned. If even the least confident predictions reach it, that is 0; if none does, 1.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = (probabilities.argmax(axis=1) == truth).astype(np.float64)
    accuracy = IsotonicRegression(out_of_bounds="clip").fit_transform(confidence, right)
    worth = confidence[accuracy >= _WORTH_SAYING]
    if len(worth) == len(confidence):
        return 0.0
    return float(worth.min()) if len(worth) else 1.0
