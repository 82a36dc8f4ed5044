"""Frames in, transitions out. No thread, no clock, no input or output of its own.

The same frames give the same transitions: time comes with the frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import numpy as np

from edge.pipeline.smoothing import EmotionSmoother
from edge.pipeline.transitions import Appeared, Changed, Gone, PresentFace, Snapshot
from edge.vision.crops import crop
from edge.vision.tracker import Tracker

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.config import EmotionConfig, FacesConfig
    from edge.frame import Frame
    from edge.geometry import Rect
    from edge.inference.bundle import Card
    from edge.inference.outputs import Predictions
    from edge.pipeline.transitions import Transition
    from edge.vision.detector import Detector
    from edge.vision.motion import Motion
    from edge.vision.track import Track


_LOOKS = (0.0, -0.1)
"""Margins of the two views of a candidate; the lower face score counts. Faces look like faces from a little nearer too,
clutter often does not."""

_READ_EVERY_S = 0.1
"""Minimum seconds between two readings of a face: an expression takes a third of a second to form."""


class Classifier(Protocol):
    """Reads emotions from face crops; `edge.inference.bundle.ModelBundle` is one."""

    @property
    def card(self) -> Card:
        """The model's card: labels, input size, calibration."""

    def read(self, faces: NDArray[np.uint8]) -> Predictions:
        """Return the model's outputs for ``(N, H, W)`` crops."""


@dataclass(frozen=True, eq=False)
class _Reading:
    """The newest reading of a face."""

    time_s: float
    probabilities: NDArray[np.float32]
    """``(C,)``"""


class Pipeline:
    """Follows faces through frames and reports what changes."""

    def __init__(
        self,
        detector: Detector,
        classifier: Classifier,
        faces: FacesConfig,
        emotion: EmotionConfig,
        *,
        motion: Motion | None = None,
    ) -> None:
        """Start without any face.

        Args:
            detector: Finds faces.
            classifier: Reads their emotions.
            faces: Which faces are looked for.
            emotion: How readings become an emotion.
            motion: Detects what changed in the picture, if not in the usual way.
        """
        self._classifier = classifier
        self._card = classifier.card
        calibration = self._card.calibration
        told = calibration.min_face_score
        min_score = (told or 0.0) if faces.min_score is None else faces.min_score
        face_score = None if told is None else self._face_score
        self._tracker = Tracker(detector, faces, motion=motion, face_score=face_score, min_score=min_score)
        self._hold_s = emotion.hold_s
        self._min_confidence = calibration.min_confidence if emotion.min_confidence is None else emotion.min_confidence
        self._smoothers: dict[int, EmotionSmoother] = {}
        self._readings: dict[int, _Reading] = {}
        """The newest reading of each track."""

        self._tracks: list[Track] = []
        self._newest: Frame | None = None

    def step(self, frame: Frame) -> list[Transition]:
        """Process one frame.

        Args:
            frame: The next one; its `time_s` is not before the last one's.

        Returns:
            What changed with it, in the order in which it should be published.
        """
        self._newest = frame
        self._tracks, gone = self._tracker.update(frame.gray, frame.time_s)
        transitions: list[Transition] = [self._gone(frame, track) for track in gone]
        due = [track for track in self._tracks if self._is_due(track, frame.time_s)]
        if due:
            self._read_faces(frame, due)
        for track in self._tracks:
            if track.seen_s == frame.time_s:
                transitions += self._smooth(frame, track, self._readings[track.id].probabilities)
        return transitions

    def finish(self) -> list[Transition]:
        """End every track, because no frame will follow for now, and return these transitions."""
        gone, self._tracks = self._tracker.clear(), []
        return [self._gone(self._newest, track) for track in gone] if self._newest else []

    def snapshot(self) -> Snapshot | None:
        """Return everybody who is there, or None before the first frame."""
        frame = self._newest
        if frame is None:
            return None
        return Snapshot(frame.captured_at, _size(frame), tuple(self._present(frame, track) for track in self._tracks))

    def _read_faces(self, frame: Frame, tracks: list[Track]) -> None:
        crops = np.stack([crop(frame.gray, track.rect, self._card, track.tilt) for track in tracks])
        answers = self._classifier.read(crops)
        for number, track in enumerate(tracks):
            self._readings[track.id] = _Reading(frame.time_s, answers.probabilities[number])
            if answers.face_scores is not None:
                track.believe(float(answers.face_scores[number]))

    def _face_score(self, gray: NDArray[np.uint8], face: Rect, tilt: float) -> float:
        views = np.stack([crop(gray, face.grown(margin), self._card, tilt) for margin in _LOOKS])
        scores = self._classifier.read(views).face_scores
        return 1.0 if scores is None else float(scores.min())

    def _is_due(self, track: Track, time_s: float) -> bool:
        """Return whether to read a face: it was detected again since the last reading, and that is not just now."""
        last = self._readings.get(track.id)
        return last is None or (track.looked_s > last.time_s and time_s - last.time_s >= _READ_EVERY_S)

    def _smooth(self, frame: Frame, track: Track, probabilities: NDArray[np.float32]) -> list[Transition]:
        smoother = self._smoothers.get(track.id)
        if smoother is None:
            smoother = self._smoothers[track.id] = EmotionSmoother(
                self._card.labels,
                probabilities,
                frame.time_s,
                min_confidence=self._min_confidence,
                hold_s=self._hold_s,
            )
            return [
                Appeared(
                    frame.captured_at,
                    _size(frame),
                    track.id,
                    track.rect,
                    smoother.emotion,
                    smoother.confidence,
                    smoother.probabilities,
                )
            ]
        change = smoother.update(probabilities, frame.time_s)
        if change is None:
            return []
        return [
            Changed(
                frame.captured_at,
                _size(frame),
                track.id,
                track.rect,
                smoother.emotion,
                smoother.confidence,
                smoother.probabilities,
                previous=change.previous,
                lasted_s=change.lasted_s,
            )
        ]

    def _gone(self, frame: Frame, track: Track) -> Gone:
        smoother = self._smoothers.pop(track.id)
        del self._readings[track.id]
        return Gone(
            frame.captured_at,
            _size(frame),
            track.id,
            track.rect,
            smoother.emotion,
            smoother.confidence,
            lasted_s=track.seen_s - track.since_s,
        )

    def _present(self, frame: Frame, track: Track) -> PresentFace:
        smoother = self._smoothers[track.id]
        since = frame.captured_at - timedelta(seconds=frame.time_s - smoother.since_s)
        return PresentFace(track.id, track.rect, smoother.emotion, smoother.confidence, since)


def _size(frame: Frame) -> tuple[int, int]:
    height, width = frame.gray.shape
    return width, height
