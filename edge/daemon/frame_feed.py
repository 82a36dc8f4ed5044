"""Which frames have a message of their own, and how many before each have none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.config import FramesConfig
    from edge.frame import Frame
    from edge.pipeline import Snapshot


_EARLY = 0.3
"""Part of the time between two messages by which a frame may come too early: cameras tremble."""


class FrameFeed:
    """Publishes the faces of processed frames, at most so many a second."""

    def __init__(self, config: FramesConfig, publish: Callable[[Snapshot, int], bool]) -> None:
        """Begin with the next frame.

        Args:
            config: Whether, and how often.
            publish: Publishes a frame's faces with the number of captured frames that were skipped before; returns
                False if no broker is there.
        """
        self._config, self._publish = config, publish
        self._due_s = float("-inf")
        self._newest: int | None = None
        """The number of the newest frame that is accounted for."""
        self._skipped = 0

    def configure(self, config: FramesConfig) -> None:
        """Go on with other settings."""
        if config != self._config:
            self._config = config
            self._newest, self._skipped = None, 0
            self._due_s = float("-inf")

    def add(self, frame: Frame, snapshot: Callable[[], Snapshot | None]) -> None:
        """Publish a processed frame if it is due, or count it.

        Args:
            frame: What was processed.
            snapshot: Returns everybody who is there as of that frame.
        """
        if not self._config.enabled:
            return
        # A camera that was opened again counts from 0.
        if self._newest is not None and frame.sequence > self._newest:
            self._skipped += frame.sequence - self._newest - 1
        self._newest = frame.sequence
        every_s = 1 / self._config.rate_hz
        faces = snapshot() if frame.time_s >= self._due_s - _EARLY * every_s else None
        if faces is None or not self._publish(faces, self._skipped):
            self._skipped += 1
            return
        self._skipped = 0
        on_time = frame.time_s - self._due_s < every_s
        self._due_s = (self._due_s if on_time else frame.time_s) + every_s
