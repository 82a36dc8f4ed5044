"""Evaluate a network's logits, and compare two networks' for the same faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from train.evaluate.metrics import Metrics, Pair, compare, evaluate, match_labels
from train.evaluate.views import mean_of_views

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from edge.inference.outputs import Logits, OutputLabels
    from train.datasets import Faces


def count(logits: Logits, outputs: OutputLabels, faces: Faces) -> Metrics:
    """Return what is reported with the accuracy on ``N`` faces."""
    return evaluate(logits.predict().probabilities, outputs.emotions, faces)


def matched(logits: Logits, outputs: OutputLabels, faces: Faces) -> NDArray[np.float32]:
    """Return ``(N, C)`` probabilities of the labels that the faces have."""
    return match_labels(logits.predict().probabilities, outputs.emotions, faces.labels)


def matched_mean(
    views: Sequence[Logits],
    outputs: OutputLabels,
    faces: Faces,
    temperature: float,
    adjustment: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return the same, of the mean over the views."""
    mean = mean_of_views(views, temperature, adjustment)
    return match_labels(mean.probabilities, outputs.emotions, faces.labels)


def pair(first: Logits, second: Logits, outputs: OutputLabels, faces: Faces) -> Pair:
    """Return whether two networks differ, face by face."""
    return compare(matched(first, outputs, faces), matched(second, outputs, faces), faces.truth)


def agreement(first: Logits, second: Logits) -> float:
    """Return the part of faces for which two networks predict the same emotion."""
    return float((first.emotions.argmax(axis=1) == second.emotions.argmax(axis=1)).mean())
