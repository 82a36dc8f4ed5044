"""FER+: ten people's votes for each FER2013 face.

Barsoum et al., "Training Deep Networks for Facial Expression Recognition with
Crowd-Sourced Label Distribution", ICMI 2016.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from train.datasets.faces import DataError, Faces

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from train.datasets.fer2013 import Rows

LABELS = ("angry", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""The eight emotions, in the order of every eight-class model of this project."""

_COLUMNS = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF",
)  # fmt: skip
"""The file's vote columns; the first of equal counts wins in this order."""

_NAMES = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt")
_ORDER = [_NAMES.index(label) for label in LABELS]
_EMOTIONS = len(LABELS)


@lru_cache(maxsize=1)
def read_votes(path: Path) -> NDArray[np.int64]:
    """Read ``fer2013new.csv``.

    Returns:
        ``(N, 10)`` votes: the eight emotions in the file's order, unknown, no face; kept, so nobody may change them.

    Raises:
        DataError: The file is missing or a column is.
    """
    try:
        with path.open(newline="") as file:
            votes = np.array([[int(row[name]) for name in _COLUMNS] for row in csv.DictReader(file)])
    except FileNotFoundError:
        message = f"{path}: the FER+ votes are not there; docs/training.md says where to get them"
        raise DataError(message) from None
    except (KeyError, TypeError, ValueError, OSError, csv.Error) as error:
        problem = error.strerror if isinstance(error, OSError) else repr(error)
        message = f"{path}: not FER+'s fer2013new.csv ({problem}); expected are the columns {', '.join(_COLUMNS)}"
        raise DataError(message) from error
    votes.flags.writeable = False
    return votes


def read_votes_for(rows: Rows, path: Path) -> NDArray[np.int64]:
    """Read the votes for FER2013's rows, which are in the same order.

    Raises:
        DataError: The file is missing or damaged, or one of the two is not complete.
    """
    votes = read_votes(path)
    if len(votes) != rows.total:
        message = (
            f"{path}: {len(votes)} rows of votes for {rows.total} faces of FER2013; "
            "both files must be complete and in their original order; for faces without votes write --ferplus none"
        )
        raise DataError(message)
    return votes[rows.numbers]


def distribution(pixels: NDArray[np.uint8], votes: NDArray[np.int64]) -> Faces:
    """Return the votes as distributions, for training; rows without one are left out."""
    targets = distributions(votes)
    rows = targets.any(axis=1)
    return Faces(pixels[rows], targets[rows], LABELS, votes[rows].max(axis=1))


def distributions(votes: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return ``(N, 8)`` distributions from ``(N, 10)`` votes.

    Single votes count as noise and are removed; rows that ``unknown`` or ``NF``
    won, and rows with no vote left, are all zero.
    """
    kept = _without_single_votes(votes)
    emotions = kept[:, _ORDER].astype(np.float32) * (kept.argmax(axis=1) < _EMOTIONS)[:, None]
    return np.asarray(emotions / np.maximum(emotions.sum(axis=1, keepdims=True), 1), np.float32)


def no_face(votes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return a mask of the ``(N, 10)`` rows that ``NF`` won: empty pictures, drawings, errors of the collection."""
    return np.asarray(votes.argmax(axis=1) == _COLUMNS.index("NF"))


def majority(pixels: NDArray[np.uint8], votes: NDArray[np.int64]) -> Faces:
    """Return the rows whose winner has more than half of the votes, single votes removed."""
    kept = _without_single_votes(votes)
    rows = (kept.argmax(axis=1) < _EMOTIONS) & (2 * kept.max(axis=1) > kept.sum(axis=1))
    return _one_hot(pixels[rows], votes[rows], kept[rows])


def top_vote(pixels: NDArray[np.uint8], votes: NDArray[np.int64]) -> Faces:
    """Return the rows whose first largest vote is one of the eight emotions."""
    rows = votes.argmax(axis=1) < _EMOTIONS
    return _one_hot(pixels[rows], votes[rows], votes[rows])


def _without_single_votes(votes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(votes > 1, votes, 0)


def _one_hot(pixels: NDArray[np.uint8], votes: NDArray[np.int64], counted: NDArray[np.int64]) -> Faces:
    winner = np.array([_ORDER.index(column) for column in counted.argmax(axis=1)], dtype=np.intp)
    return Faces(pixels, np.eye(_EMOTIONS, dtype=np.float32)[winner], LABELS, votes.max(axis=1))
