"""FER+: ten people's votes for each FER2013 face.

Barsoum et al., "Training Deep Networks for Facial Expression Recognition with
Crowd-Sourced Label Distribution", ICMI 2016.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

from train.datasets.faces import DataError, Faces

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LABELS = ("angry", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""The eight emotions, in the order of every eight-class model of this project."""

_COLUMNS = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF",
)  # fmt: skip
"""The file's vote columns; the first of equal counts wins in this order."""

_NAMES = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt")
_ORDER = [_NAMES.index(label) for label in LABELS]
_EMOTIONS = len(LABELS)


def read_votes(path: Path) -> NDArray[np.int64]:
    """Read ``fer2013new.csv``.

    Returns:
        ``(N, 10)`` votes: the eight emotions in the file's order, unknown, no face.

    Raises:
        DataError: The file is missing or a column is.
    """
    try:
        with path.open(newline="") as file:
            return np.array([[int(row[name]) for name in _COLUMNS] for row in csv.DictReader(file)])
    except FileNotFoundError:
        message = f"{path}: the FER+ votes are not there; the README's Training section says where to get them"
        raise DataError(message) from None
    except (KeyError, TypeError, ValueError, OSError) as error:
        message = f"{path}: not FER+'s fer2013new.csv ({error!r})"
        raise DataError(message) from error


def distribution(pixels: NDArray[np.uint8], votes: NDArray[np.int64]) -> Faces:
    """Give the votes as distributions, for training.

    Single votes count as noise and are removed; rows that ``unknown`` or ``NF``
    won, and rows with no vote left, are left out.
    """
    kept = _without_single_votes(votes)
    rows = (kept.argmax(axis=1) < _EMOTIONS) & (kept.sum(axis=1) > 0)
    emotions = kept[rows][:, _ORDER].astype(np.float32)
    return Faces(pixels[rows], emotions / emotions.sum(axis=1, keepdims=True), LABELS)


def majority(pixels: NDArray[np.uint8], votes: NDArray[np.int64]) -> Faces:
    """Give the rows whose winner has more than half of what is left without single votes."""
    kept = _without_single_votes(votes)
    rows = (kept.argmax(axis=1) < _EMOTIONS) & (2 * kept.max(axis=1) > kept.sum(axis=1))
    return _one_hot(pixels[rows], kept[rows])


def top_vote(pixels: NDArray[np.uint8], votes: NDArray[np.int64]) -> Faces:
    """Give the rows whose first largest vote is one of the eight emotions."""
    rows = votes.argmax(axis=1) < _EMOTIONS
    return _one_hot(pixels[rows], votes[rows])


def _without_single_votes(votes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(votes > 1, votes, 0)


def _one_hot(pixels: NDArray[np.uint8], votes: NDArray[np.int64]) -> Faces:
    winner = np.array([_ORDER.index(column) for column in votes.argmax(axis=1)], dtype=np.intp)
    return Faces(pixels, np.eye(_EMOTIONS, dtype=np.float32)[winner], LABELS)
