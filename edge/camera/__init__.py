"""Where frames come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Frame:
    """One gray picture and when it was taken."""

    gray: NDArray[np.uint8]
    """``(H, W)`` gray levels."""

    captured_at: datetime
    """Wall-clock time of capture, UTC; for people."""

    time_s: float
    """Time of capture on a clock that never jumps; for intervals. Only differences mean anything."""

    sequence: int
    """Counts the camera's frames from 0."""


class Camera(Protocol):
    """A source of frames. Constructing one opens it."""

    name: str
    """What it is, for a person: ``/dev/video0``, ``clip.mkv``."""

    live: bool
    """True: frames come at their own pace and old ones may be dropped. False: every frame counts."""

    synthetic: bool
    """True: what it shows did not happen."""

    def read(self) -> Frame | None:
        """Wait for the next frame; None at the end.

        Raises:
            CameraError: There will be no more frames, for the reason in its message.
        """

    def close(self) -> None:
        """Release the device. Safe to call twice."""
