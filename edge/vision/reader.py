"""What the model says of a face in a frame. Every crop is cut and read here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from edge.vision.views import VIEWS, View, view_crop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.geometry import Rect
    from edge.inference.classifier import Classifier

CANDIDATE_VIEWS = (View(margin=0.0, mirrored=False), View(margin=-0.1, mirrored=False))
"""Views in which a candidate is read; the lower face score counts. Faces look like faces from a little nearer too,
clutter often does not."""


@dataclass(frozen=True, eq=False)
class Reading:
    """What the model says of one face."""

    probabilities: NDArray[np.float32]
    """``(C,)`` of the emotions."""

    face_score: float | None = None
    """Probability that it is a face at all; None if the model has no such output."""


@dataclass(frozen=True)
class FaceCrop:
    """What is read of a frame."""

    face: Rect
    tilt: float = 0.0
    """Degrees by which the head leans, clockwise as one sees it."""

    view: View = VIEWS[0]


class FaceReader(Protocol):
    """Reads faces in ``(H, W)`` uint8 frames."""

    @property
    def scores_faces(self) -> bool:
        """Whether readings have a face score."""

    def read(self, gray: NDArray[np.uint8], crops: Sequence[FaceCrop]) -> list[Reading]:
        """Return a reading of each crop."""

    def score(self, gray: NDArray[np.uint8], face: Rect, tilt: float, views: Sequence[View]) -> float:
        """Return the lowest face score of a face in some views; 1 if the model has none."""


class ModelReader:
    """Reads faces with a model."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._card = classifier.card

    @property
    def scores_faces(self) -> bool:
        """Whether the model has a face output."""
        return self._card.calibration.min_face_score is not None

    def read(self, gray: NDArray[np.uint8], crops: Sequence[FaceCrop]) -> list[Reading]:
        """Return a reading of each crop; at least one."""
        found = self._classifier.read(
            np.stack([view_crop(gray, one.face, self._card, one.view, one.tilt) for one in crops])
        )
        scores = [None] * len(crops) if found.face_scores is None else found.face_scores.tolist()
        return [Reading(*pair) for pair in zip(found.probabilities, scores, strict=True)]

    def score(self, gray: NDArray[np.uint8], face: Rect, tilt: float, views: Sequence[View]) -> float:
        """Return the lowest face score of a face in some views; 1 if the model has none."""
        readings = self.read(gray, [FaceCrop(face, tilt, view) for view in views])
        return min((one.face_score for one in readings if one.face_score is not None), default=1.0)


class NullReader:
    """Reads nothing: for following faces without a model."""

    scores_faces = False

    def read(self, _gray: NDArray[np.uint8], crops: Sequence[FaceCrop]) -> list[Reading]:
        """Return a reading without probabilities for each crop."""
        return [Reading(np.empty(0, np.float32)) for _ in crops]

    def score(self, _gray: NDArray[np.uint8], _face: Rect, _tilt: float, _views: Sequence[View]) -> float:
        """Return 1."""
        return 1.0
