"""Three ways to look at a frame: ours, and two that search the whole picture every time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from edge.geometry import Rect
from edge.pipeline import Pipeline
from edge.vision.crops import crop
from edge.vision.detector import HaarDetector, cascade_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from edge.config import Settings
    from edge.frame import Frame
    from edge.inference.classifier import Classifier
    from edge.vision.detector import Detector
    from edge.vision.motion import Motion

    Search = Callable[[NDArray[np.uint8]], list[Rect]]
    """From ``(H, W)`` gray levels to faces."""


class Looker(Protocol):
    """Finds faces and their emotions, frame by frame."""

    def look(self, frame: Frame) -> None:
        """Look at the next frame: what is measured."""

    def faces(self) -> list[Rect]:
        """Tell which faces it says are in the frame that it looked at last."""


class Ours:
    """The pipeline, as the daemon runs it. A face counts for as long as its track does."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def look(self, frame: Frame) -> None:
        """Look where faces were, and now and then everywhere."""
        self._pipeline.step(frame)

    def faces(self) -> list[Rect]:
        """Tell which faces `state` would name."""
        snapshot = self._pipeline.snapshot()
        return [face.rect for face in snapshot.faces] if snapshot else []


class EveryFrame:
    """A search of every frame, whose every finding goes through the model: no memory."""

    def __init__(self, search: Search, classifier: Classifier) -> None:
        self._search, self._classifier = search, classifier
        self._found: list[Rect] = []

    def look(self, frame: Frame) -> None:
        """Search the whole frame and classify what is found."""
        self._found = self._search(frame.gray)
        if self._found:
            card = self._classifier.card
            self._classifier.read(np.stack([crop(frame.gray, face, card) for face in self._found]))

    def faces(self) -> list[Rect]:
        """Tell what was found."""
        return self._found


def pipeline(settings: Settings, detector: Detector, classifier: Classifier, motion: Motion | None = None) -> Pipeline:
    """Give the pipeline that the settings ask for."""
    return Pipeline(detector, classifier, settings.faces, settings.emotion, motion=motion)


def lookers(settings: Settings, classifier: Classifier) -> dict[str, Looker]:
    """Give all three, by name, none of which has looked at anything yet.

    `naive` is the usual example program, `tuned` the same with our smallest face and
    the best step between sizes: what is left between it and `ours` is the tracking's doing.
    """

    def detector() -> HaarDetector:
        return HaarDetector(settings.faces.min_height)

    return {
        "ours": Ours(pipeline(settings, detector(), classifier)),
        "naive": EveryFrame(usual_search(), classifier),
        "tuned": EveryFrame(detector().search, classifier),
    }


def usual_search() -> Search:
    """Give the search of the usual example program: OpenCV's defaults on the whole picture.

    Raises:
        EdgeError: OpenCV's cascade is not on this machine.
    """
    cascade = cv2.CascadeClassifier(str(cascade_file()))

    def search(gray: NDArray[np.uint8]) -> list[Rect]:
        return [Rect(*map(float, box)) for box in cascade.detectMultiScale(gray, scaleFactor=1.1, minNeighbors=5)]

    return search
