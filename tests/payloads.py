"""Payloads as devices send them, for tests of those who receive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from edge.wire.messages import Box, CameraStatus, Face, FaceEvent, FrameSize, Info, InfoModel, State, StateFace

NOW = datetime(2026, 11, 22, 3, 14, 15, tzinfo=UTC)
FRAME = FrameSize(width=640, height=480)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def box(size: int = 100) -> Box:
    return Box(x=0, y=0, width=size, height=size)


def event(
    sequence: int = 0,
    emotion: str = "happy",
    *,
    at: datetime = NOW,
    type: str = "changed",  # noqa: A002  # as in the payload
    device: str = "kitchen",
    session: str = "a",
    face: int = 3,
    size: int = 100,
    previous: str | None = "sad",
    lasted_s: float | None = None,
    probabilities: dict[str, float] | None = None,
) -> FaceEvent:
    return FaceEvent.model_validate({
        "device": device, "session": session, "type": type, "sequence": sequence, "captured_at": at,
        "face": Face(id=face, box=box(size), frame=FRAME), "emotion": emotion, "confidence": 0.9,
        "previous": previous if type == "changed" else None, "lasted_s": lasted_s, "probabilities": probabilities,
    })  # fmt: skip


def state(
    *faces: tuple[int, str, datetime],
    at: datetime = NOW,
    device: str = "kitchen",
    session: str = "a",
    synthetic: bool = False,
) -> State:
    there = tuple(
        StateFace(id=i, box=box(), emotion=emotion, confidence=0.91, since=since) for i, emotion, since in faces
    )
    first = there[0].emotion if there else None
    return State(
        device=device, session=session, synthetic=synthetic, captured_at=at, frame=FRAME, emotion=first,
        confidence=0.91 if there else None, faces=there,
    )  # fmt: skip


def camera(status: str, since: datetime = NOW) -> CameraStatus:
    return CameraStatus.model_validate(
        {"device": "kitchen", "session": "a", "status": status, "reason": None, "since": since}
    )


def info(session: str, previous: str, last: int) -> Info:
    return Info(
        device="kitchen", session=session, software="0", model=InfoModel(name="m", version="1", sha256="0", labels=()),
        runtime="r", camera="c", started_at=NOW, previous_session=previous, previous_last_sequence=last,
    )  # fmt: skip
