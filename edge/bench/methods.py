"""The methods that are compared: the pipeline, and baselines that search every whole frame."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import cv2

from edge.bench.reading import EmotionReader, TimedReader
from edge.errors import ConfigError
from edge.geometry import Rect
from edge.pipeline import Pipeline
from edge.vision.cascades import CASCADE_PIXELS, cascade_file
from edge.vision.crops import resized
from edge.vision.detector import HaarDetector

if TYPE_CHECKING:
    from collections.abc import Callable

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
    """The same search as a careful person sets it: from the smallest face of `OURS` on, in a picture that is shrunk as
    far as that allows."""

    BLAZEFACE = "blazeface"
    """`edge.bench.blazeface.BlazeFace` on every whole frame; only where its file is named."""


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

    @property
    def reading_s(self) -> float:
        """Processor time of all frames so far that went into reading emotions; all else is detection and tracking."""


class PipelineMethod:
    """The pipeline. A face counts for as long as its track does."""

    def __init__(self, pipeline: Pipeline, reader: TimedReader) -> None:
        self._pipeline, self._reader = pipeline, reader

    def process(self, frame: Frame) -> None:
        """Search where faces were, and now and then everywhere."""
        self._pipeline.step(frame)

    def faces(self) -> list[FoundFace]:
        """Return the faces that `state` would list."""
        snapshot = self._pipeline.snapshot()
        return [FoundFace(face.rect, face.emotion, face.face_id) for face in snapshot.faces] if snapshot else []

    @property
    def reading_s(self) -> float:
        """Processor time of reading."""
        return self._reader.spent_s


class Baseline:
    """A search of every whole frame whose every hit is classified: no memory of other frames."""

    def __init__(self, search: Search, classifier: Classifier, min_confidence: float | None = None) -> None:
        self._search, self._timed = search, TimedReader(classifier)
        self._reader = EmotionReader(classifier, min_confidence, self._timed)
        self._faces: list[FoundFace] = []

    def process(self, frame: Frame) -> None:
        """Search the whole frame and classify what is found."""
        rects = self._search(frame.gray)
        emotions = self._reader.read(frame.gray, rects)
        self._faces = [FoundFace(rect, emotion) for rect, emotion in zip(rects, emotions, strict=True)]

    def faces(self) -> list[FoundFace]:
        """Return what was found."""
        return self._faces

    @property
    def reading_s(self) -> float:
        """Processor time of reading."""
        return self._timed.spent_s


def method_names(blazeface: Search | None, *, cascades: bool = True) -> list[MethodName]:
    """Return the methods to compare: ours, the other searches by the cascade if wanted, BlazeFace if it is there."""
    return [
        MethodName.OURS,
        *[MethodName.NAIVE, MethodName.TUNED] * cascades,
        *[MethodName.BLAZEFACE] * (blazeface is not None),
    ]


def make_method(
    name: MethodName,
    classifier: Classifier,
    faces: FacesConfig,
    emotion: EmotionConfig,
    blazeface: Search | None = None,
) -> Method:
    """Return a method that has had no frame yet.

    Args:
        name: Which.
        classifier: Reads the faces.
        faces: The smallest face; ``naive`` and ``blazeface`` search for all sizes.
        emotion: The least confidence.
        blazeface: What ``blazeface`` searches with.

    Raises:
        ConfigError: ``blazeface`` is wanted and not there.
        EdgeError: OpenCV's cascade is not on this machine.
    """
    if name is MethodName.OURS:
        reader, detector = TimedReader(classifier), HaarDetector(faces.min_height)
        return PipelineMethod(Pipeline(detector, classifier, faces, emotion, reader=reader), reader)
    if name is MethodName.BLAZEFACE:
        if not blazeface:
            message = "the method blazeface needs --blazeface FILE; 'make blazeface' gets the file"
            raise ConfigError(message)
        search = blazeface
    elif name is MethodName.TUNED:
        search = cascade_search(max(faces.min_height / CASCADE_PIXELS, 0.5), min_neighbors=1)
    else:
        search = cascade_search(1.0, min_neighbors=5)  # as in the usual example program
    return Baseline(search, classifier, emotion.min_confidence)


def cascade_search(shrink: float, min_neighbors: int) -> Search:
    """Return OpenCV's search of every whole frame, in its usual steps between sizes.

    Args:
        shrink: How many pixels become one along each side, before the search.
        min_neighbors: Hits beside one another that make a face, less 1.

    Raises:
        EdgeError: OpenCV's cascade is not on this machine.
    """
    cascade = cv2.CascadeClassifier(str(cascade_file()))

    def search(gray: NDArray[np.uint8]) -> list[Rect]:
        height, width = gray.shape
        small = resized(gray, max(1, round(width / shrink)), max(1, round(height / shrink)))
        found = cascade.detectMultiScale(small, scaleFactor=1.1, minNeighbors=min_neighbors)
        return [Rect(*(float(side) * shrink for side in box)) for box in found]

    return search
