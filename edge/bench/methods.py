"""The methods that are compared: the pipeline, and two baselines that search every whole frame."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import cv2

from edge.geometry import Rect
from edge.inference.outputs import choose_emotion
from edge.pipeline import Pipeline
from edge.vision.detector import HaarDetector, cascade_file
from edge.vision.reader import ModelReader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from edge.config import EmotionConfig, FacesConfig
    from edge.frame import Frame
    from edge.inference.classifier import Classifier

    Search = Callable[[NDArray[np.uint8]], list[Rect]]
    """From ``(H, W)`` gray levels to faces."""


class MethodName(StrEnum):
    """A method of finding faces and reading their emotions."""

    OURS = "ours"
    """The pipeline, as the daemon runs it."""

    NAIVE = "naive"
    """OpenCV's default search of every whole frame, as in the usual example program."""

    TUNED = "tuned"
    """Our search of every whole frame: the same detector, smallest face and step between sizes as `OURS`, without
    its tracking."""


@dataclass(frozen=True)
class FoundFace:
    """A face that a method found in a frame."""

    rect: Rect
    emotion: str
    """A label or ``uncertain``."""

    id: int | None = None
    """The same number for the same face over time; None for methods that do not track."""


class Method(Protocol):
    """Finds faces and their emotions, frame by frame."""

    def process(self, frame: Frame) -> None:
        """Process the next frame. This is what is timed."""

    def faces(self) -> list[FoundFace]:
        """Return the faces of the newest frame."""


class PipelineMethod:
    """The pipeline. A face counts for as long as its track does."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def process(self, frame: Frame) -> None:
        """Search where faces were, and now and then everywhere."""
        self._pipeline.step(frame)

    def faces(self) -> list[FoundFace]:
        """Return the faces that `state` would list."""
        snapshot = self._pipeline.snapshot()
        return [FoundFace(face.rect, face.emotion, face.face_id) for face in snapshot.faces] if snapshot else []


class Baseline:
    """A search of every whole frame whose every hit is classified: no memory of other frames."""

    def __init__(self, search: Search, reader: EmotionReader) -> None:
        self._search, self._reader = search, reader
        self._faces: list[FoundFace] = []

    def process(self, frame: Frame) -> None:
        """Search the whole frame and classify what is found."""
        rects = self._search(frame.gray)
        emotions = self._reader.read(frame.gray, rects)
        self._faces = [FoundFace(rect, emotion) for rect, emotion in zip(rects, emotions, strict=True)]

    def faces(self) -> list[FoundFace]:
        """Return what was found."""
        return self._faces


class EmotionReader:
    """Reads emotions from single crops, with no memory of other frames."""

    def __init__(self, classifier: Classifier, min_confidence: float | None = None) -> None:
        """Use a classifier.

        Args:
            classifier: Returns the probabilities.
            min_confidence: Probability below which the emotion is ``uncertain``; None: what the card says.
        """
        self._reader, self._labels = ModelReader(classifier), classifier.card.labels
        calibrated = classifier.card.calibration.min_confidence
        self._min_confidence = calibrated if min_confidence is None else min_confidence

    def read(self, gray: NDArray[np.uint8], rects: Sequence[Rect]) -> list[str]:
        """Return a label or ``uncertain`` for the upright face in each rectangle of ``(H, W)`` gray levels."""
        if not rects:
            return []
        readings = self._reader.read(gray, [(rect, 0.0) for rect in rects])
        return [choose_emotion(each.probabilities, self._labels, self._min_confidence) for each in readings]


def make_method(name: MethodName, classifier: Classifier, faces: FacesConfig, emotion: EmotionConfig) -> Method:
    """Return a method that has had no frame yet.

    Args:
        name: Which.
        classifier: Reads the faces.
        faces: The smallest face; ``naive`` searches for all sizes.
        emotion: The least confidence.

    Raises:
        EdgeError: OpenCV's cascade is not on this machine.
    """
    detector = HaarDetector(faces.min_height)
    if name is MethodName.OURS:
        return PipelineMethod(Pipeline(detector, classifier, faces, emotion))
    search = detector.search if name is MethodName.TUNED else opencv_default_search()
    return Baseline(search, EmotionReader(classifier, emotion.min_confidence))


def opencv_default_search() -> Search:
    """Return the search of the usual example program: OpenCV's defaults on the whole frame.

    Raises:
        EdgeError: OpenCV's cascade is not on this machine.
    """
    cascade = cv2.CascadeClassifier(str(cascade_file()))

    def search(gray: NDArray[np.uint8]) -> list[Rect]:
        return [Rect(*map(float, box)) for box in cascade.detectMultiScale(gray, scaleFactor=1.1, minNeighbors=5)]

    return search
