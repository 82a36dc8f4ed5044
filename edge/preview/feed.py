"""Hands what the daemon sees to viewers: the newest frame only, and nothing at all while nobody looks."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edge.preview.encoded_frame import EncodedFrame
from edge.preview.history import EmotionHistory
from edge.preview.stage_times import StageTimes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.frame import Frame
    from edge.pipeline import Snapshot
    from edge.pipeline.stages import StageClock

MOST_VIEWERS = 4
"""Viewers at once; each costs the time to send 22 kB for each frame."""


class Feed:
    """Between the daemon's thread and those of the viewers.

    Attributes:
        history: The last ten minutes.
        stage_times: How long the stages of the newest frames took.
        over: Why nothing more comes; None while something may.
    """

    def __init__(self, clock: StageClock) -> None:
        """Begin without a frame and without viewers.

        Args:
            clock: Runs while somebody looks.
        """
        self.history = EmotionHistory()
        self.stage_times = StageTimes()
        self.over: str | None = None
        self._clock = clock
        self._changed = threading.Condition()
        self._viewers = self._number = 0
        self._encoded: EncodedFrame | None = None

    @property
    def viewers(self) -> int:
        """How many look."""
        return self._viewers

    def add(self, frame: Frame, snapshot: Callable[[], Snapshot | None], laps_ms: dict[str, float]) -> None:
        """Offer a processed frame; that costs nothing while nobody looks.

        Args:
            frame: The frame, which nobody writes to any more.
            snapshot: Returns everybody who is there as of that frame.
            laps_ms: Each stage's time.
        """
        if not self._viewers or not (present := snapshot()):
            return
        self.stage_times.add(laps_ms, time.monotonic())
        with self._changed:
            self._number += 1
            self._encoded = EncodedFrame(self._number, frame.gray, present)
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget the newest frame: the camera is off, or away."""
        with self._changed:
            self._encoded = None

    def close(self, why: str) -> None:
        """End every viewer's wait, and accept no frame and no viewer any more."""
        with self._changed:
            self.over = self.over or why
            self._encoded = None
            self._changed.notify_all()

    @contextmanager
    def viewer(self) -> Iterator[bool]:
        """Count somebody as looking within the block, and yield whether there was room for one more."""
        with self._changed:
            admitted = self._viewers < MOST_VIEWERS
            self._viewers += admitted
            self._clock.running = self._viewers > 0
        try:
            yield admitted
        finally:
            with self._changed:
                self._viewers -= admitted
                self._clock.running = self._viewers > 0
                if not self._viewers:
                    self._encoded = None  # nobody gets an old picture first
                    self.stage_times.clear()

    def newest(self) -> EncodedFrame | None:
        """Return the newest frame, if there is one."""
        return self._encoded

    def wait(self, after: int, timeout_s: float) -> EncodedFrame | None:
        """Return the newest frame once it is newer than number `after`; None if none came in time, or all is over."""
        with self._changed:
            self._changed.wait_for(lambda: self.over or (self._encoded and self._encoded.number > after), timeout_s)
            return self._encoded if self._encoded and self._encoded.number > after else None

    def rest(self, seconds: float) -> None:
        """Wait that long, or until all is over."""
        with self._changed:
            self._changed.wait_for(lambda: self.over, seconds)
