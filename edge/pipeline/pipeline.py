"""Frames in, transitions out. No thread, no clock, no input or output of its own.

The same frames give the same transitions: time comes with the frame.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from edge.pipeline.smoothing import EmotionSmoother
from edge.pipeline.transitions import Appeared, Changed, Gone, PresentFace, Snapshot
from edge.vision.reader import ModelReader
from edge.vision.tracker import Tracker

if TYPE_CHECKING:
    from datetime import datetime

    from edge.config import EmotionConfig, FacesConfig
    from edge.frame import Frame
    from edge.geometry import Rect
    from edge.inference.classifier import Classifier
    from edge.pipeline.transitions import Transition
    from edge.vision.detector import Detector
    from edge.vision.flow import Flow
    from edge.vision.motion import Motion
    from edge.vision.reader import FaceReader
    from edge.vision.track import Track


class Pipeline:
    """Follows faces through frames and reports what changes."""

    def __init__(  # noqa: PLR0913  # its parts, three of which tests and benchmarks replace
        self,
        detector: Detector,
        classifier: Classifier,
        faces: FacesConfig,
        emotion: EmotionConfig,
        *,
        motion: Motion | None = None,
        reader: FaceReader | None = None,
        flow: Flow | None = None,
        ids_before: int = 0,
    ) -> None:
        """Start without any face.

        Args:
            detector: Finds faces.
            classifier: Reads their emotions.
            faces: Which faces are looked for.
            emotion: How readings become an emotion.
            motion: Detects what changed in the picture, if not in the usual way.
            reader: Reads faces with the classifier, if not in the usual way.
            flow: Follows faces between detections, if not in the usual way.
            ids_before: How many faces have an id already: the next face has the id after it.
        """
        self._ids_before = ids_before
        self.last_id = ids_before
        """The id of the newest face."""

        self._labels = classifier.card.labels
        calibration = classifier.card.calibration
        min_score = (calibration.min_face_score or 0.0) if faces.min_score is None else faces.min_score
        reader = reader or ModelReader(classifier)
        self._tracker = Tracker(detector, faces, reader=reader, motion=motion, flow=flow, min_score=min_score)
        self._hold_s = emotion.hold_s
        self._min_confidence = calibration.min_confidence if emotion.min_confidence is None else emotion.min_confidence
        self._smoothers: dict[int, EmotionSmoother] = {}
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
        for track in self._tracks:
            if track.visible:
                transitions += self._smooth(frame, track)
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

    def _smooth(self, frame: Frame, track: Track) -> list[Transition]:
        smoother = self._smoothers.get(track.id)
        if smoother is None:
            smoother = self._smoothers[track.id] = EmotionSmoother(
                self._labels,
                track.probabilities,
                frame.time_s,
                min_confidence=self._min_confidence,
                hold_s=self._hold_s,
            )
            self.last_id = max(self.last_id, self._ids_before + track.id)
            return [Appeared(*self._where(frame, track), smoother.emotion, smoother.confidence, smoother.probabilities)]
        change = smoother.update(track.probabilities, frame.time_s)
        if change is None:
            return []
        emotion, confidence, probabilities = smoother.emotion, smoother.confidence, smoother.probabilities
        return [
            Changed(*self._where(frame, track), emotion, confidence, probabilities, change.previous, change.lasted_s)
        ]

    def _gone(self, frame: Frame, track: Track) -> Gone:
        smoother = self._smoothers.pop(track.id)
        return Gone(*self._where(frame, track), smoother.emotion, smoother.confidence, track.seen_s - track.since_s)

    def _present(self, frame: Frame, track: Track) -> PresentFace:
        smoother = self._smoothers[track.id]
        since = frame.captured_at - timedelta(seconds=frame.time_s - smoother.since_s)
        emotion, confidence, probabilities = smoother.emotion, smoother.confidence, smoother.probabilities
        face_id = self._ids_before + track.id
        return PresentFace(face_id, track.rect, emotion, confidence, since, probabilities, track.visible)

    def _where(self, frame: Frame, track: Track) -> tuple[datetime, tuple[int, int], int, Rect]:
        """Return what every transition begins with."""
        return frame.captured_at, _size(frame), self._ids_before + track.id, track.rect


def _size(frame: Frame) -> tuple[int, int]:
    height, width = frame.gray.shape
    return width, height
