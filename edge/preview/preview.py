"""The preview as the daemon sees it, and none at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from edge.pipeline.stages import StageClock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from edge.frame import Frame
    from edge.pipeline import Snapshot, Transition
    from edge.preview.status import CameraView, ModelView


@dataclass(frozen=True)
class OpenPreview:
    """What may be said of a preview that is open."""

    address: str
    """Address and port that it listens on."""

    needs_token: bool
    closes_at: datetime


class Preview(Protocol):
    """What the daemon tells, and asks."""

    clock: StageClock
    """Times the pipeline's stages while somebody looks."""

    @property
    def opened(self) -> OpenPreview | None:
        """What is open; None if nothing is, or not any more."""

    def show(self, frame: Frame, snapshot: Callable[[], Snapshot | None], waited_ms: float | None) -> None:
        """Show a processed frame to those who look.

        Args:
            frame: The frame.
            snapshot: Returns who is in it.
            waited_ms: From its capture to the beginning of processing; None for a clip's.
        """

    def note(self, transitions: Sequence[Transition]) -> None:
        """Add to the last ten minutes what changed."""

    def set_camera(self, camera: CameraView) -> None:
        """Say how the camera is; if it is not online, its last picture is forgotten at once."""

    def set_model(self, model: ModelView) -> None:
        """Say what reads the faces from now on."""

    def close(self) -> None:
        """Close it, if it is open."""


class NullPreview:
    """No preview: nothing is kept, and nothing listens."""

    opened: OpenPreview | None = None

    def __init__(self) -> None:
        self.clock = StageClock(running=False)

    def show(self, frame: Frame, snapshot: Callable[[], Snapshot | None], waited_ms: float | None) -> None:
        """Do nothing."""

    def note(self, transitions: Sequence[Transition]) -> None:
        """Do nothing."""

    def set_camera(self, camera: CameraView) -> None:
        """Do nothing."""

    def set_model(self, model: ModelView) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
