"""Those who are judged: whoever looks at frames and says where faces are and what they feel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import numpy as np

from edge.bench.detectors import usual_search
from edge.config import EmotionConfig, FacesConfig
from edge.frame import Frame
from edge.pipeline import Pipeline
from edge.vision.crops import crop
from edge.vision.detector import HaarDetector
from edge.wire.messages import UNCERTAIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from edge.geometry import Rect
    from edge.inference.classifier import Classifier


class Name(StrEnum):
    """Who can look."""

    OURS = "ours"
    """The whole `Pipeline`, by what it publishes."""

    NAIVE = "naive"
    """OpenCV's default search of every whole frame, each box by itself; what most projects do."""

    TUNED = "tuned"
    """Our search of every whole frame, each box by itself; what tracking has to match."""


_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Seen:
    """A face that somebody found in a frame."""

    box: Rect
    emotion: str
    """A label or ``uncertain``."""

    id: int | None = None
    """The same for the same face over time; None from those who do not follow faces."""


class Looker(Protocol):
    """Finds faces in the frames of one sequence, in their order."""

    def look(self, gray: NDArray[np.uint8], time_s: float) -> list[Seen]:
        """Look at ``(H, W)`` gray levels."""


class Reader:
    """Reads one face's emotion, with no memory of another frame."""

    def __init__(self, classifier: Classifier, min_confidence: float | None = None) -> None:
        """Take a classifier.

        Args:
            classifier: Tells the probabilities.
            min_confidence: Probability below which the emotion is ``uncertain``; None: what the card says.
        """
        self._classifier = classifier
        calibrated = classifier.card.calibration.min_confidence
        self._min_confidence = calibrated if min_confidence is None else min_confidence

    def read(self, gray: NDArray[np.uint8], box: Rect) -> str:
        """Give a label or ``uncertain`` for the face there in ``(H, W)`` gray levels."""
        card = self._classifier.card
        (probabilities,) = self._classifier.read(crop(gray, box, card)[np.newaxis]).probabilities
        best = int(probabilities.argmax())
        return card.labels[best] if probabilities[best] >= self._min_confidence else UNCERTAIN


class Ours:
    """The pipeline, by the state that it publishes after each frame."""

    def __init__(self, classifier: Classifier, min_height: int, min_confidence: float | None = None) -> None:
        self._pipeline = Pipeline(
            HaarDetector(min_height),
            classifier,
            FacesConfig(min_height=min_height),
            EmotionConfig(min_confidence=min_confidence),
        )
        self._frames = 0

    def look(self, gray: NDArray[np.uint8], time_s: float) -> list[Seen]:
        """Give the faces that count after this frame."""
        frame = Frame(gray, _START + timedelta(seconds=time_s), time_s, self._frames)
        self._frames += 1
        self._pipeline.step(frame)
        snapshot = self._pipeline.snapshot()
        return [Seen(face.rect, face.emotion, face.face_id) for face in snapshot.faces] if snapshot else []


class Forgetful:
    """Searches every whole frame, as if there had been none before."""

    def __init__(self, search: Callable[[NDArray[np.uint8]], list[Rect]], reader: Reader) -> None:
        self._search = search
        self._reader = reader

    def look(self, gray: NDArray[np.uint8], time_s: float) -> list[Seen]:  # noqa: ARG002  # nothing here knows time
        """Give what is found, each read by itself."""
        return [Seen(box, self._reader.read(gray, box)) for box in self._search(gray)]


def looker(name: Name, classifier: Classifier, min_height: int, min_confidence: float | None = None) -> Looker:
    """Give a new one, who has seen nothing yet.

    Args:
        name: Which.
        classifier: Tells the emotions.
        min_height: Pixels of the smallest face that is looked for; ``naive`` looks for all.
        min_confidence: Probability below which an emotion is ``uncertain``; None: what the card says.

    Raises:
        EdgeError: OpenCV's cascade is not on this machine.
    """
    if name is Name.OURS:
        return Ours(classifier, min_height, min_confidence)
    search = HaarDetector(min_height).search if name is Name.TUNED else usual_search()
    return Forgetful(search, Reader(classifier, min_confidence))
