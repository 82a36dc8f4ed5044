"""Cameras: adapters for CSI, USB and network cameras, clips, folders and the test card, and what keeps them open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from edge.frame import Frame


class Camera(Protocol):
    """A source of frames. Constructing one opens it."""

    name: str
    """What it is, for a person: ``/dev/video0``, ``clip.mkv``."""

    live: bool
    """True: frames come at their own pace and old ones may be dropped. False: every frame counts."""

    synthetic: bool
    """True: what it shows did not happen."""

    def read(self) -> Frame | None:
        """Wait for the next frame; return None at the end.

        Raises:
            CameraError: There will be no more frames, for the reason in its message.
        """

    def close(self) -> None:
        """Release the device. Safe to call twice."""
