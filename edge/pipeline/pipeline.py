"""Frames in, events out. No thread, no clock, no input or output of its own.

The same frames give the same events: time comes with the frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from edge.pipeline.smoothing import EmotionSmoother
from edge.vision.crops import crop
from edge.vision.tracker import Tracker
from edge.wire.messages import Face, FaceEvent, FrameSize, State, StateFace

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from edge.config import EmotionConfig, FacesConfig
    from edge.frame import Frame
    from edge.geometry import Rect
    from edge.inference.bundle import Card
    from edge.inference.outputs import Predictions
    from edge.pipeline.smoothing import EmotionChange
    from edge.vision.detector import Detector
    from edge.vision.motion import Motion
    from edge.vision.track import Track


_LOOKS = (0.0, -0.1)
"""Margins with which a newcomer is looked at to tell whether it is a face; the lower score counts. Faces look like
faces from a little nearer too, clutter often does not."""

_READ_EVERY_S = 0.1
"""Least seconds from one reading of a face to the next: an expression takes a third of a second to form."""


class Classifier(Protocol):
    """Tells emotions from face crops; `edge.inference.bundle.ModelBundle` is one."""

    @property
    def card(self) -> Card:
        """What the model is and wants to see."""

    def read(self, faces: NDArray[np.uint8]) -> Predictions:
        """Say what ``(N, H, W)`` crops show."""


@dataclass(frozen=True)
class Origin:
    """Who speaks; it goes into every event."""

    device: str
    session: str
    synthetic: bool = False

    def stamp(self) -> dict[str, Any]:
        """Give the fields that every payload has."""
        return {"device": self.device, "session": self.session, "synthetic": self.synthetic}


@dataclass(frozen=True, eq=False)
class _Reading:
    """What a face showed when it was last read."""

    time_s: float
    probabilities: NDArray[np.float32]
    """``(C,)``"""


class Pipeline:
    """Follows faces through frames and tells what changes."""

    def __init__(
        self,
        detector: Detector,
        classifier: Classifier,
        faces: FacesConfig,
        emotion: EmotionConfig,
        origin: Origin,
        *,
        motion: Motion | None = None,
    ) -> None:
        """See nothing yet.

        Args:
            detector: Finds faces.
            classifier: Reads them.
            faces: Which are looked for.
            emotion: How a face becomes an emotion.
            origin: Who speaks.
            motion: Notices what changes, where it is not to be the usual one.
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
        self.origin = origin
        self._smoothers: dict[int, EmotionSmoother] = {}
        self._read: dict[int, _Reading] = {}
        """The newest reading of each track."""

        self._tracks: list[Track] = []
        self._newest: Frame | None = None
        self._sequence = 0

    def step(self, frame: Frame) -> list[FaceEvent]:
        """Look at one frame.

        Args:
            frame: The next one; its `time_s` is not before the last one's.

        Returns:
            What changed with it, in the order in which it should be told.
        """
        self._newest = frame
        self._tracks, gone = self._tracker.update(frame.gray, frame.time_s)
        events = [self._gone(frame, track) for track in gone]
        due = [track for track in self._tracks if self._is_due(track, frame.time_s)]
        if due:
            self._read_faces(frame, due)
        for track in self._tracks:
            if track.seen_s == frame.time_s:
                events += self._feel(frame, track, self._read[track.id].probabilities)
        return events

    def finish(self) -> list[FaceEvent]:
        """End every track, because no frame will follow for now; give the events that says."""
        gone, self._tracks = self._tracker.clear(), []
        return [self._gone(self._newest, track) for track in gone] if self._newest else []

    def state(self, now: datetime) -> State:
        """Tell who is there.

        Args:
            now: The wall-clock time, for a state before the first frame.
        """
        frame = self._newest
        faces = tuple(self._state_face(frame, track) for track in self._tracks) if frame else ()
        return State(
            **self.origin.stamp(),
            captured_at=frame.captured_at if frame else now,
            frame=_size(frame) if frame else None,
            emotion=faces[0].emotion if faces else None,
            confidence=faces[0].confidence if faces else None,
            faces=faces,
        )

    def _read_faces(self, frame: Frame, tracks: list[Track]) -> None:
        crops = np.stack([crop(frame.gray, track.rect, self._card, track.tilt) for track in tracks])
        answers = self._classifier.read(crops)
        for number, track in enumerate(tracks):
            self._read[track.id] = _Reading(frame.time_s, answers.probabilities[number])
            if answers.face_scores is not None:
                track.believe(float(answers.face_scores[number]))

    def _face_score(self, gray: NDArray[np.uint8], face: Rect, tilt: float) -> float:
        views = np.stack([crop(gray, face.grown(margin), self._card, tilt) for margin in _LOOKS])
        scores = self._classifier.read(views).face_scores
        return 1.0 if scores is None else float(scores.min())

    def _is_due(self, track: Track, time_s: float) -> bool:
        """Whether a face is to be read: it was found again since, so something changed, and was not read just now."""
        before = self._read.get(track.id)
        return before is None or (track.looked_s > before.time_s and time_s - before.time_s >= _READ_EVERY_S)

    def _feel(self, frame: Frame, track: Track, probabilities: NDArray[np.float32]) -> list[FaceEvent]:
        smoother = self._smoothers.get(track.id)
        if smoother is None:
            smoother = EmotionSmoother(
                self._card.labels,
                probabilities,
                frame.time_s,
                min_confidence=self._min_confidence,
                hold_s=self._hold_s,
            )
            self._smoothers[track.id] = smoother
            return [self._event(frame, track, smoother)]
        change = smoother.update(probabilities, frame.time_s)
        return [self._event(frame, track, smoother, change)] if change else []

    def _event(
        self, frame: Frame, track: Track, smoother: EmotionSmoother, change: EmotionChange | None = None
    ) -> FaceEvent:
        return FaceEvent(
            **self.origin.stamp(),
            type="changed" if change else "appeared",
            sequence=self._next_sequence(),
            captured_at=frame.captured_at,
            face=_face(frame, track),
            emotion=smoother.emotion,
            confidence=smoother.confidence,
            previous=change.previous if change else None,
            lasted_s=change.lasted_s if change else None,
            probabilities=smoother.probabilities,
        )

    def _gone(self, frame: Frame, track: Track) -> FaceEvent:
        smoother = self._smoothers.pop(track.id)
        del self._read[track.id]
        return FaceEvent(
            **self.origin.stamp(),
            type="gone",
            sequence=self._next_sequence(),
            captured_at=frame.captured_at,
            face=_face(frame, track),
            emotion=smoother.emotion,
            confidence=smoother.confidence,
            lasted_s=track.seen_s - track.since_s,
        )

    def _state_face(self, frame: Frame, track: Track) -> StateFace:
        smoother = self._smoothers[track.id]
        return StateFace(
            id=track.id,
            box=track.rect.to_box(),
            emotion=smoother.emotion,
            confidence=smoother.confidence,
            since=frame.captured_at - timedelta(seconds=frame.time_s - smoother.since_s),
        )

    def _next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence - 1


def _size(frame: Frame) -> FrameSize:
    height, width = frame.gray.shape
    return FrameSize(width=width, height=height)


def _face(frame: Frame, track: Track) -> Face:
    return Face(id=track.id, box=track.rect.to_box(), frame=_size(frame))
