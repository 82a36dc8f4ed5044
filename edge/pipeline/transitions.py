"""What the pipeline reports: transitions of single faces, and a snapshot of everybody who is there.

Nothing here knows device, session or wire format; `edge.daemon.publisher` adds them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from edge.geometry import Rect


@dataclass(frozen=True)
class Transition:
    """One face changed in one frame. Only its subclasses occur."""

    captured_at: datetime
    """Wall-clock time of the frame's capture, UTC."""

    frame_size: tuple[int, int]
    """Width and height of the frame in pixels."""

    face_id: int
    """Counts faces from 1."""

    rect: Rect
    """Where the face is in the frame."""

    emotion: str
    """A label of the model, or ``uncertain``."""

    confidence: float
    """Smoothed probability of that emotion; of the most probable one while it is ``uncertain``."""


@dataclass(frozen=True)
class Appeared(Transition):
    """A face is there that was not."""

    probabilities: Mapping[str, float]
    """Smoothed probability of each label."""


@dataclass(frozen=True)
class Changed(Transition):
    """A face has another emotion."""

    probabilities: Mapping[str, float]
    previous: str
    """The emotion before."""

    lasted_s: float
    """Seconds that it lasted."""


@dataclass(frozen=True)
class Gone(Transition):
    """A face is no longer there; emotion and confidence are its last ones."""

    lasted_s: float
    """Seconds from the first to the last frame it was seen in."""


@dataclass(frozen=True)
class PresentFace:
    """One face that is there now."""

    face_id: int
    rect: Rect
    emotion: str
    confidence: float
    since: datetime
    """Wall-clock time since which it has this emotion."""

    probabilities: Mapping[str, float] = field(default_factory=dict)
    """Smoothed probability of each label."""

    visible: bool = True
    """Whether it is in this frame; one that was lost is there for a moment more."""


@dataclass(frozen=True)
class Snapshot:
    """Everybody who is there, as of one frame."""

    captured_at: datetime
    frame_size: tuple[int, int]
    faces: tuple[PresentFace, ...]
    """Largest first."""
