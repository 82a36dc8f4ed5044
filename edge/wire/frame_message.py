"""What the topic `frame` carries: each processed frame's faces, for those who want more than transitions."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field

from edge.frozen import FrozenModel
from edge.wire.fields import Probability, as_iso
from edge.wire.messages import Box, FrameSize, Payload

MicrosecondTimestamp = Annotated[AwareDatetime, *as_iso("microseconds")]
"""A wall-clock time for measurements: UTC, ISO 8601, microseconds."""


class FrameFace(FrozenModel):
    """One face that is in the frame."""

    id: int = Field(ge=1, description="As in events")
    box: Box
    emotion: str = Field(description="Its stable emotion, as in `state`")
    confidence: Probability
    probabilities: dict[str, Probability] = Field(description="Smoothed probability per label, as of this frame")


class FrameMessage(Payload):
    """The faces of one processed frame; never stored, left out if it would wait."""

    sequence: int = Field(ge=0, description="Counts this session's frame messages from 0; a gap was lost on the way")
    skipped: int = Field(
        ge=0,
        description="Captured frames since the message before that have none: dropped before they were processed, "
        "above frames.rate_hz, or while no broker was connected",
    )
    captured_at: MicrosecondTimestamp = Field(description="When the frame was captured")
    frame: FrameSize
    faces: tuple[FrameFace, ...] = Field(description="Largest first")
