"""Find and read every face of a photo.

Nothing moves in a photo, and nobody waits for the next frame. So it is searched whole, by both cascades, in many sizes
and leans, and the model's face score decides which hits are faces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.geometry import Rect, mean
from edge.inference.outputs import choose_emotion
from edge.vision.candidates import SAME_OVERLAP
from edge.vision.cascades import CASCADES
from edge.vision.crops import worth_turning
from edge.vision.detector import HaarDetector
from edge.vision.lifecycle import SURE_SCORE, chest
from edge.vision.parts import SearchPart
from edge.vision.reader import CANDIDATE_VIEWS, FaceCrop, ModelReader
from edge.vision.views import VIEWS
from edge.wire.messages import UNCERTAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.inference.classifier import Classifier

LARGEST_SIDE = 1600
"""Pixels of the longer side in which a photo is searched; a larger one is shrunk."""

SMALLEST_FACE = 18
"""Pixels of the smallest face that is searched for there."""

_TILTS = (0.0, 20.0, -20.0, 40.0, -40.0, 60.0, -60.0)
"""Degrees by which heads lean that are searched for; the cascades tolerate 15."""

_SIZES = (1.0, 1.09, 1.19)
"""What the smallest size is multiplied by, from search to search: each goes up in steps of 1.3."""

_HITS = 3
"""Hits that a face needs. Faces in video frames have 3 to 50, what else scores as a face 1 to 5, mostly on chests."""

_HITS_SURE = 2
"""The same of one whose face score is at least `SURE_SCORE`."""

_HITS_CHEST = 8
"""The same on the chest of a face with more hits."""

_HITS_UNSCORED = 8
"""The same everywhere, where the model has no face score."""


@dataclass(frozen=True)
class PhotoFace:
    """One face of a photo."""

    box: Rect
    """In pixels of the photo; of a head that leans, upright about the same middle."""

    tilt: float
    """Degrees by which the head leans, clockwise as one sees it."""

    face_score: float | None
    """Probability that it is a face at all; None if the model has no such output."""

    emotion: str
    """The most probable label, or ``uncertain``."""

    probabilities: dict[str, float]
    """Of each label: the mean of four views."""

    @property
    def confidence(self) -> float:
        """The probability of the emotion; of the most probable one where it is ``uncertain``."""
        return max(self.probabilities.values()) if self.emotion == UNCERTAIN else self.probabilities[self.emotion]


def read_faces(gray: NDArray[np.uint8], classifier: Classifier, min_confidence: float | None = None) -> list[PhotoFace]:
    """Return the faces of a photo, the largest first.

    Args:
        gray: ``(H, W)`` uint8.
        classifier: Reads them.
        min_confidence: Probability below which the emotion is ``uncertain``; None: what the card says.
    """
    calibration = classifier.card.calibration
    reader = ModelReader(classifier)
    least = calibration.min_confidence if min_confidence is None else min_confidence
    found = [
        _read(gray, rect, tilt, reader, classifier.card.labels, least)
        for rect, tilt in _find(gray, reader, calibration.min_face_score)
    ]
    return sorted(found, key=lambda face: face.box.area, reverse=True)


@dataclass(frozen=True)
class _Group:
    """Hits of one face in one tilt."""

    box: Rect
    tilt: float
    hits: int


def _find(gray: NDArray[np.uint8], reader: ModelReader, min_score: float | None) -> list[tuple[Rect, float]]:
    """Return where the faces are and how each leans."""
    height, width = gray.shape
    shrink = max(1.0, max(height, width) / LARGEST_SIDE)
    size = max(1, round(width / shrink)), max(1, round(height / shrink))
    small = np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8) if shrink > 1 else gray
    detector = HaarDetector(SMALLEST_FACE)
    candidates = [
        _Group(mean(group), tilt, len(group)) for tilt in _TILTS for group in _grouped(_hits(small, tilt, detector))
    ]
    kept: list[Rect] = []
    found = []
    # Where most hits are a face is placed best, and its parts and its neighbourhood have fewer.
    for one in sorted(candidates, key=lambda one: (-one.hits, abs(one.tilt))):
        if any(_is_same(one.box, box) for box in kept):
            continue
        on_chest = any(chest(box).contains(one.box.centre) for box in kept)
        if one.hits >= (_HITS_CHEST if on_chest else _HITS_SURE) and _is_face(small, one, reader, min_score):
            kept.append(one.box)
            found.append((one.box.scaled(shrink), one.tilt))
    return found


def _is_face(gray: NDArray[np.uint8], one: _Group, reader: ModelReader, min_score: float | None) -> bool:
    if min_score is None:
        return one.hits >= _HITS_UNSCORED
    score = reader.score(gray, one.box, worth_turning(one.tilt), CANDIDATE_VIEWS)
    return score >= (min_score if one.hits >= _HITS else max(min_score, SURE_SCORE))


def _is_same(one: Rect, other: Rect) -> bool:
    return one.iou(other) >= SAME_OVERLAP or one.contains(other.centre) or other.contains(one.centre)


def _hits(gray: NDArray[np.uint8], tilt: float, detector: HaarDetector) -> list[Rect]:
    height, width = gray.shape
    whole = Rect(0, 0, width, height)
    return [
        hit
        for cascade in range(len(CASCADES))
        for size in _SIZES
        for hit in detector.search(gray, SearchPart(whole, SMALLEST_FACE * size, max(width, height), tilt, cascade))
    ]


def _grouped(hits: Sequence[Rect]) -> list[list[Rect]]:
    """Return hits in groups, each of one face."""
    groups: list[list[Rect]] = []
    for hit in hits:
        group = next((group for group in groups if mean(group).iou(hit) >= SAME_OVERLAP), None)
        if group is None:
            groups.append([hit])
        else:
            group.append(hit)
    return groups


def _read(
    gray: NDArray[np.uint8], rect: Rect, tilt: float, reader: ModelReader, labels: Sequence[str], min_confidence: float
) -> PhotoFace:
    readings = reader.read(gray, [FaceCrop(rect, worth_turning(tilt), view) for view in VIEWS])
    probabilities = np.mean([reading.probabilities for reading in readings], axis=0, dtype=np.float32)
    scores = [reading.face_score for reading in readings if reading.face_score is not None]
    return PhotoFace(
        rect,
        tilt,
        float(np.mean(scores)) if scores else None,
        choose_emotion(probabilities, labels, min_confidence),
        dict(zip(labels, probabilities.tolist(), strict=True)),
    )
