"""The type behind each JSON topic."""

from __future__ import annotations

from edge.wire.frame_message import FrameMessage
from edge.wire.messages import CameraStatus, FaceEvent, Health, Info, Payload, State
from edge.wire.summary_message import SummaryMessage

PAYLOADS: dict[str, type[Payload]] = {
    "event": FaceEvent,
    "state": State,
    "camera": CameraStatus,
    "health": Health,
    "info": Info,
    "frame": FrameMessage,
    "summary": SummaryMessage,
}
"""By the topic's last part."""
