"""How accuracy is counted: one code for every model, from the float network to the one on the Pi."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
from pydantic import Field
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, f1_score

from edge.frozen import FrozenModel
from train.datasets import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from train.datasets import Faces

    Logits = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
    """``(N, 48, 48)`` gray levels to ``(N, C)`` logits."""

Key = TypeVar("Key")

BINS = 15
"""Bins of equal width of the calibration error."""

AGREEMENT = {"under 6": (0, 5), "6 or 7": (6, 7), "8 or more": (8, 10)}
"""Groups of faces by how many of ten annotators chose the winning label: least and most."""


class Recall(FrozenModel):
    """How many of one label's faces were recognised."""

    n: int
    recall: float | None
    """None without a face of this label."""


class GroupAccuracy(FrozenModel):
    """Accuracy on some of the faces."""

    n: int
    accuracy: float
    interval: tuple[float, float]
    """95 % interval, by `wilson_interval`."""


class Metrics(FrozenModel):
    """The figures that are reported with an accuracy."""

    n: int
    accuracy: float
    interval: tuple[float, float]
    """95 % interval of the accuracy, by `wilson_interval`."""

    macro_f1: float
    """Mean of the labels' F1, over the labels that occur as truth or prediction."""

    macro_recall: float | None = None
    """Mean of the labels' recall, over the labels that have faces; None in reports of older versions."""

    calibration_error: float
    """Expected calibration error: mean distance between confidence and accuracy, over
    `BINS` bins of confidence. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017."""

    by_agreement: dict[str, GroupAccuracy] = Field(default_factory=dict)
    """Accuracy by how many of ten annotators agree, as in `AGREEMENT`; empty if there was one annotator."""

    labels: tuple[str, ...]
    recall: dict[str, Recall]
    confusion: tuple[tuple[int, ...], ...]
    """Counts; a row per true label, a column per prediction, in the order of `labels`."""


class Pair(FrozenModel):
    """Two models on the same faces."""

    n: int
    only_first: int
    """Faces that only the first model got right."""

    only_second: int
    p: float
    """Probability of a difference at least this large between equally good models.
    McNemar's test, exact form, Psychometrika 1947."""


def evaluate(probabilities: NDArray[np.float32], labels: Sequence[str], faces: Faces) -> Metrics:
    """Return the metrics of a model by a protocol's labels, whatever labels the model has.

    Labels are matched by name. A label that the protocol lacks is dropped, and the rest is
    scaled to sum to 1; a label that the model lacks counts as missed. Every row counts.

    Args:
        probabilities: ``(N, C)``.
        labels: The model's ``C`` labels.
        faces: The protocol's ``N`` faces.

    Raises:
        DataError: The model has none of the protocol's labels.
    """
    if not set(labels) & set(faces.labels):
        message = f"the model has none of these faces' labels, {', '.join(faces.labels)}: it cannot be evaluated"
        raise DataError(message)
    return measure(match_labels(probabilities, labels, faces.labels), faces.truth, faces.labels, faces.agreement)


def wilson_interval(hits: int, trials: int) -> tuple[float, float]:
    """Return the 95 % interval of a probability that was estimated as `hits` of `trials`.

    Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 1927.

    Raises:
        ValueError: There is no trial.
    """
    interval = binomtest(hits, trials).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def match_labels(
    probabilities: NDArray[np.float32], labels: Sequence[str], wanted: Sequence[str]
) -> NDArray[np.float32]:
    """Return ``(N, C)`` probabilities in the order of other labels, matched by name.

    Rows sum to 1, but for those without any probability for these labels, which are 0.
    """
    matched = np.zeros((len(probabilities), len(wanted)), np.float32)
    for column, label in enumerate(wanted):
        if label in labels:
            matched[:, column] = probabilities[:, list(labels).index(label)]
    # If all probability was on dropped labels, dividing by the smallest float avoids NaN.
    total = np.maximum(matched.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return np.asarray(matched / total, np.float32)


def measure(
    probabilities: NDArray[np.float32],
    truth: NDArray[np.intp],
    labels: Sequence[str],
    agreement: NDArray[np.int64] | None = None,
) -> Metrics:
    """Return the metrics of predictions.

    Args:
        probabilities: ``(N, C)``.
        truth: ``(N,)`` index of the true label.
        labels: ``C`` names.
        agreement: ``(N,)`` how many of ten annotators chose the true label, if there were ten.

    Raises:
        ValueError: There is no face.
    """
    if not len(truth):
        message = "there is no face to evaluate on"
        raise ValueError(message)
    answers = probabilities.argmax(axis=1)
    right = int((answers == truth).sum())
    confusion = confusion_matrix(truth, answers, labels=range(len(labels)))
    counts = confusion.sum(axis=1)
    recalls = [float(confusion[i, i] / counts[i]) if counts[i] else None for i in range(len(labels))]
    known = [recall for recall in recalls if recall is not None]
    return Metrics(
        n=len(truth),
        accuracy=right / len(truth),
        interval=wilson_interval(right, len(truth)),
        macro_f1=float(f1_score(truth, answers, average="macro", zero_division=0.0)),
        macro_recall=sum(known) / len(known),
        calibration_error=calibration_error(probabilities, truth),
        by_agreement={} if agreement is None else _by_agreement(answers == truth, agreement),
        labels=tuple(labels),
        recall={
            label: Recall(n=int(n), recall=recall) for label, n, recall in zip(labels, counts, recalls, strict=True)
        },
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
    )


def _by_agreement(right: NDArray[np.bool_], agreement: NDArray[np.int64]) -> dict[str, GroupAccuracy]:
    groups = {}
    for name, (low, high) in AGREEMENT.items():
        chosen = right[(low <= agreement) & (agreement <= high)]
        if len(chosen):
            hits = int(chosen.sum())
            interval = wilson_interval(hits, len(chosen))
            groups[name] = GroupAccuracy(n=len(chosen), accuracy=hits / len(chosen), interval=interval)
    return groups


class Bin(FrozenModel):
    """Faces whose confidence lies within one bin."""

    n: int
    confidence: float
    """Mean; 0 without a face."""

    accuracy: float


def reliability(probabilities: NDArray[np.float32], truth: NDArray[np.intp]) -> tuple[Bin, ...]:
    """Return the accuracy of ``(N, C)`` probabilities in each of `BINS` bins of confidence."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = (probabilities.argmax(axis=1) == truth).astype(np.float64)
    # Confidence 0 belongs to the first bin, and each edge to the bin below it.
    bins = np.clip(np.ceil(confidence * BINS).astype(np.intp) - 1, 0, BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    sure, hits = (np.bincount(bins, values, BINS) / np.maximum(counts, 1) for values in (confidence, right))
    return tuple(
        Bin(n=int(n), confidence=float(c), accuracy=float(a)) for n, c, a in zip(counts, sure, hits, strict=True)
    )


def calibration_error(probabilities: NDArray[np.float32], truth: NDArray[np.intp]) -> float:
    """Return the expected calibration error of ``(N, C)`` probabilities."""
    bins = reliability(probabilities, truth)
    return sum(b.n * abs(b.accuracy - b.confidence) for b in bins) / len(truth)


def compare(first: NDArray[np.float32], second: NDArray[np.float32], truth: NDArray[np.intp]) -> Pair:
    """Test whether two models differ, from their ``(N, C)`` probabilities for the same faces."""
    first_right, second_right = first.argmax(axis=1) == truth, second.argmax(axis=1) == truth
    only_first = int((first_right & ~second_right).sum())
    only_second = int((second_right & ~first_right).sum())
    differing = only_first + only_second
    p = float(binomtest(only_first, differing).pvalue) if differing else 1.0
    return Pair(n=len(truth), only_first=only_first, only_second=only_second, p=p)


def run_once(logits: Logits, sets: Mapping[Key, Faces]) -> dict[Key, NDArray[np.float32]]:
    """Return a network's logits for several sets that share faces; each picture is run once."""
    pictures = np.concatenate([faces.pixels for faces in sets.values()])
    unique, where = np.unique(pictures.reshape(len(pictures), -1), axis=0, return_inverse=True)
    rows = logits(unique.reshape(-1, *pictures.shape[1:]))[where.reshape(-1)]
    ends = np.cumsum([len(faces) for faces in sets.values()])[:-1]
    return dict(zip(sets, np.split(rows, ends), strict=True))
