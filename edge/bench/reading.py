"""Reading emotions, timed apart from all else, so that finding faces can be compared alone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge.inference.outputs import choose_emotion
from edge.vision.reader import FaceCrop, ModelReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from edge.geometry import Rect
    from edge.inference.classifier import Classifier
    from edge.vision.reader import Reading
    from edge.vision.views import View


class TimedReader(ModelReader):
    """Reads faces with a model.

    Attributes:
        spent_s: Processor time of all readings so far, crops included. The face scores of candidates are not: they
            decide what is a face, and so are part of finding it.
    """

    def __init__(self, classifier: Classifier) -> None:
        super().__init__(classifier)
        self.spent_s = 0.0

    def read(self, gray: NDArray[np.uint8], crops: Sequence[FaceCrop]) -> list[Reading]:
        """Return a reading of each crop."""
        start_s = time.process_time()
        readings = super().read(gray, crops)
        self.spent_s += time.process_time() - start_s
        return readings

    def score(self, gray: NDArray[np.uint8], face: Rect, tilt: float, views: Sequence[View]) -> float:
        """Return the lowest face score in some views."""
        spent_s = self.spent_s
        score = super().score(gray, face, tilt, views)
        self.spent_s = spent_s
        return score


class EmotionReader:
    """Reads emotions from single crops, with no memory of other frames."""

    def __init__(
        self, classifier: Classifier, min_confidence: float | None = None, reader: ModelReader | None = None
    ) -> None:
        """Use a classifier.

        Args:
            classifier: Returns the probabilities.
            min_confidence: Probability below which the emotion is ``uncertain``; None: what the card says.
            reader: Reads with it; None: the usual one.
        """
        self._reader, self._labels = reader or ModelReader(classifier), classifier.card.labels
        calibrated = classifier.card.calibration.min_confidence
        self._min_confidence = calibrated if min_confidence is None else min_confidence

    def read(self, gray: NDArray[np.uint8], rects: Sequence[Rect]) -> list[str]:
        """Return a label or ``uncertain`` for the upright face in each rectangle of ``(H, W)`` gray levels."""
        if not rects:
            return []
        readings = self._reader.read(gray, [FaceCrop(rect) for rect in rects])
        return [choose_emotion(each.probabilities, self._labels, self._min_confidence) for each in readings]
