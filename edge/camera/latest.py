"""A slot for one frame, between the capture thread and the pipeline."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.frame import Frame


class LatestFrame:
    """A slot for one frame, between one thread that puts and one that gets.

    Live: a new frame replaces an old one that was not taken. Not live: `put`
    waits until the slot is free, so that every frame counts.
    """

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._error: Exception | None = None
        self._ended = False
        self._closed = False
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Frames that were replaced before they were taken."""
        return self._dropped

    def put(self, frame: Frame) -> bool:
        """Put a frame into the slot; return False once the slot is closed, for then nobody will take it."""
        with self._changed:
            if not self._live:
                self._changed.wait_for(lambda: self._frame is None or self._closed)
            if self._closed:
                return False
            if self._frame is not None:
                self._dropped += 1
            self._frame = frame
            self._changed.notify_all()
        return True

    def end(self, error: Exception | None = None) -> None:
        """Note that no frame will follow, and why, where that is no ordinary end."""
        with self._changed:
            self._ended = True
            self._error = error
            self._changed.notify_all()

    def close(self) -> None:
        """End every wait in `put` and `get`. Safe to call twice."""
        with self._changed:
            self._closed = True
            self._frame = None
            self._changed.notify_all()

    def get(self, timeout_s: float) -> Frame | None:
        """Wait for a frame and return it; None at the end.

        The last frame comes before the end or the error; both stay for the next call.

        Raises:
            TimeoutError: Nothing came in time.
            Exception: What `end` was given.
        """
        with self._changed:
            if not self._changed.wait_for(self._has_news, timeout_s):
                message = f"no frame in {timeout_s:g} s"
                raise TimeoutError(message)
            frame, self._frame = self._frame, None
            if frame is not None:
                self._changed.notify_all()
                return frame
            if self._error is not None and not self._closed:
                raise self._error
            return None

    def _has_news(self) -> bool:
        return self._frame is not None or self._ended or self._closed
