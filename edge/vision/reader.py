"""What the model says of a face in a frame. Every crop is cut and read here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from edge.vision.crops import crop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.geometry import Rect
    from edge.inference.classifier import Classifier

_CANDIDATE_MARGINS = (0.0, -0.1)
"""Margins of the views in which a candidate is read; the lower face score counts. Faces look like faces from a little
nearer too, clutter often does not. The first view is the one in which confirmed faces are read."""


@dataclass(frozen=True, eq=False)
class Reading:
    """What the model says of one face."""

    probabilities: NDArray[np.float32]
    """``(C,)`` of the emotions."""

    face_score: float | None = None
    """Probability that it is a face at all; None if the model has no such output."""


class FaceReader(Protocol):
    """Reads faces in ``(H, W)`` uint8 frames."""

    @property
    def scores_faces(self) -> bool:
        """Whether readings have a face score."""

    def read(self, gray: NDArray[np.uint8], faces: Sequence[tuple[Rect, float]]) -> list[Reading]:
        """Return a reading of each face, given by its rectangle and its tilt in degrees."""

    def read_candidate(self, gray: NDArray[np.uint8], face: Rect) -> Reading:
        """Return a reading of an upright face that is not confirmed, with a stricter face score."""


class ModelReader:
    """Reads faces with a model."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._card = classifier.card

    @property
    def scores_faces(self) -> bool:
        """Whether the model has a face output."""
        return self._card.calibration.min_face_score is not None

    def read(self, gray: NDArray[np.uint8], faces: Sequence[tuple[Rect, float]]) -> list[Reading]:
        """Return a reading of each face, given by its rectangle and its tilt in degrees; at least one face."""
        crops = np.stack([crop(gray, rect, self._card, tilt) for rect, tilt in faces])
        found = self._classifier.read(crops)
        scores = [None] * len(crops) if found.face_scores is None else found.face_scores.tolist()
        return [Reading(*pair) for pair in zip(found.probabilities, scores, strict=True)]

    def read_candidate(self, gray: NDArray[np.uint8], face: Rect) -> Reading:
        """Return a reading of an upright face that is not confirmed; its face score is the lowest of several views."""
        views = self.read(gray, [(face.grown(margin), 0.0) for margin in _CANDIDATE_MARGINS])
        scores = [view.face_score for view in views if view.face_score is not None]
        return Reading(views[0].probabilities, min(scores, default=None))


class NullReader:
    """Reads nothing: for following faces without a model."""

    scores_faces = False

    def read(self, _gray: NDArray[np.uint8], faces: Sequence[tuple[Rect, float]]) -> list[Reading]:
        """Return a reading without probabilities for each face."""
        return [Reading(np.empty(0, np.float32)) for _ in faces]

    def read_candidate(self, _gray: NDArray[np.uint8], _face: Rect) -> Reading:
        """Return a reading without probabilities."""
        return Reading(np.empty(0, np.float32))
