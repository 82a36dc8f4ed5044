"""What is published or streamed besides events and state."""

from __future__ import annotations

from pydantic import Field

from edge.config.section import Section


class FramesConfig(Section):
    """The faces of each frame, for research and art; events and state need none of it."""

    enabled: bool = False
    """Publish the topic `frame`. About 430 bytes a frame with one face."""

    rate_hz: float = Field(default=15.0, gt=0, le=120)
    """Most frames a second that are published; those between are counted as skipped."""


class LslConfig(Section):
    """The Lab Streaming Layer: each frame's probabilities as a stream, for research."""

    enabled: bool = False
    """Open the stream, which everybody on the network can read. Needs pylsl: see docs/lsl.md."""

    slots: int = Field(default=2, ge=1, le=16)
    """Faces at once; each has a channel for its id and one for each emotion."""


class SummaryConfig(Section):
    """Hours and days in numbers: minutes of each emotion, visits, the longest stay."""

    enabled: bool = True
    """Count, and publish the topic `summary`; false removes it from the broker."""
