"""The test card as a camera: it needs no hardware and shows no real person."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.testcard import Scene


class TestCard:
    """An endless synthetic person, at the pace of a real camera."""

    __test__ = False  # pytest: the name is the broadcaster's, not a test's

    name = "testcard"
    live = True
    synthetic = True

    def __init__(
        self,
        scene: Scene,
        fps: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Start at the scene's beginning.

        Args:
            scene: What is shown.
            fps: Frames per second. A machine too slow for it misses frames, as with a real camera.
            clock: Seconds that never jump.
            sleep: Waits that many seconds.
        """
        self.scene = scene
        self._fps = fps
        self._clock = clock
        self._sleep = sleep
        self._start_s = clock()
        self._next = 0

    def read(self) -> Frame:
        """Wait until the next frame is due, draw and return it."""
        late_s = self._clock() - self._start_s
        self._next = max(self._next, int(late_s * self._fps))
        due_s = self._next / self._fps
        if due_s > late_s:
            self._sleep(due_s - late_s)
        frame = Frame(self.scene.render(due_s), datetime.now(UTC), self._start_s + due_s, self._next)
        self._next += 1
        return frame

    def close(self) -> None:
        """Nothing to release."""
