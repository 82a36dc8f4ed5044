"""Turn what the pipeline reports into messages, each with the device, the session and whether it is synthetic."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge.pipeline import Appeared, Changed, Gone
from edge.wire.fields import as_text
from edge.wire.messages import Box, Face, FaceEvent, FrameSize, InfoPreview, State, StateFace

if TYPE_CHECKING:
    from datetime import datetime

    from edge.geometry import Rect
    from edge.pipeline import PresentFace, Snapshot, Transition
    from edge.preview.preview import OpenPreview

_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True)
class Origin:
    """Where messages come from."""

    device: str
    """The device's name, as in its topics."""

    session: str
    """ULID of this run of the daemon."""

    synthetic: bool = False
    """Whether the test card is the camera."""

    def stamp(self) -> dict[str, Any]:
        """Return the fields that every payload has."""
        return {"device": self.device, "session": self.session, "synthetic": self.synthetic}


def event(transition: Transition, origin: Origin, sequence: int) -> FaceEvent:
    """Return the event of a transition.

    Args:
        transition: What happened to a face.
        origin: The device and session.
        sequence: The event's number within the session.
    """
    shared: dict[str, Any] = {
        **origin.stamp(),
        "sequence": sequence,
        "captured_at": transition.captured_at,
        "face": Face(id=transition.face_id, box=box(transition.rect), frame=_size(transition.frame_size)),
        "emotion": transition.emotion,
        "confidence": transition.confidence,
    }
    match transition:
        case Appeared(probabilities=probabilities):
            return FaceEvent(type="appeared", probabilities=dict(probabilities), **shared)
        case Changed(probabilities=probabilities, previous=previous, lasted_s=lasted_s):
            return FaceEvent(
                type="changed", probabilities=dict(probabilities), previous=previous, lasted_s=lasted_s, **shared
            )
        case Gone(lasted_s=lasted_s):
            return FaceEvent(type="gone", lasted_s=lasted_s, **shared)
    message = f"unknown transition {transition!r}"
    raise TypeError(message)


def state(snapshot: Snapshot | None, origin: Origin, now: datetime) -> State:
    """Return the state of a snapshot.

    Args:
        snapshot: Everybody who is there; None before the first frame.
        origin: The device and session.
        now: The wall-clock time, for a state before the first frame.
    """
    if snapshot is None:
        return State(**origin.stamp(), captured_at=now, frame=None, emotion=None, confidence=None, faces=())
    faces = tuple(
        StateFace(
            id=face.face_id, box=box(face.rect), emotion=face.emotion, confidence=face.confidence, since=face.since
        )
        for face in snapshot.faces
    )
    return State(
        **origin.stamp(),
        captured_at=snapshot.captured_at,
        frame=_size(snapshot.frame_size),
        emotion=faces[0].emotion if faces else None,
        confidence=faces[0].confidence if faces else None,
        faces=faces,
    )


def frame(snapshot: Snapshot, origin: Origin, sequence: int, skipped: int) -> str:
    """Return the JSON of a `FrameMessage`: the faces that are in one frame.

    It is made for each frame, so of plain values and not of that type, which takes a third less time; a test holds both
    against each other.

    Args:
        snapshot: Everybody who is there as of that frame.
        origin: The device and session.
        sequence: The message's number within the session.
        skipped: Captured frames since the message before that have none.
    """
    message: dict[str, Any] = {"schema": 1, "device": origin.device, "session": origin.session}
    if origin.synthetic:
        message["synthetic"] = True
    width, height = snapshot.frame_size
    message |= {
        "sequence": sequence,
        "skipped": skipped,
        "captured_at": as_text(snapshot.captured_at, "microseconds"),
        "frame": {"width": width, "height": height},
        "faces": [_frame_face(face) for face in snapshot.faces if face.visible],
    }
    return _COMPACT.encode(message)


def preview(opened: OpenPreview) -> InfoPreview:
    """Return what `info` says of a preview that is open."""
    return InfoPreview(address=opened.address, token=opened.needs_token, closes_at=opened.closes_at)


def box(rect: Rect) -> Box:
    """Return a rectangle in whole pixels; it is never empty."""
    return Box(**_box(rect))


def _box(rect: Rect) -> dict[str, int]:
    width, height = max(1, round(rect.width)), max(1, round(rect.height))
    return {"x": round(rect.x), "y": round(rect.y), "width": width, "height": height}


def _frame_face(face: PresentFace) -> dict[str, Any]:
    return {
        "id": face.face_id,
        "box": _box(face.rect),
        "emotion": face.emotion,
        "confidence": round(face.confidence, 4),
        "probabilities": {label: round(probability, 4) for label, probability in face.probabilities.items()},
    }


def _size(frame_size: tuple[int, int]) -> FrameSize:
    width, height = frame_size
    return FrameSize(width=width, height=height)
