"""The capture thread: reads a camera into a slot, and is the only one that touches it."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from edge.camera.latest import LatestFrame
from edge.errors import EdgeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.camera import Camera, Frame

log = logging.getLogger(__name__)


class Capture:
    """Reads a camera in a thread of its own.

    The thread owns the camera: it also closes it, as releasing a device under
    a running ``read()`` crashes camera stacks. A camera that hangs therefore
    hangs that thread alone, and `stop` says so::

        capture = Capture(open_camera(config, broker))
        while (frame := capture.get(timeout_s=1)) is not None:
            ...
        capture.stop(timeout_s=2)
    """

    def __init__(self, camera: Camera, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Start reading.

        Args:
            camera: An open camera, which from now on belongs to the thread.
            monotonic: The clock of `last_frame_s`.
        """
        self._camera = camera
        self._monotonic = monotonic
        self._slot = LatestFrame(live=camera.live)
        self._captured = 0
        self._last_frame_s = monotonic()
        self._stopping = threading.Event()
        self._released = threading.Event()
        # A daemon, so that a hung camera does not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._thread.start()

    @property
    def captured(self) -> int:
        """Frames read so far."""
        return self._captured

    @property
    def dropped(self) -> int:
        """Frames read but overtaken by a newer one before anybody took them."""
        return self._slot.dropped

    @property
    def last_frame_s(self) -> float:
        """When the newest frame was read, on the monotonic clock; before the first, when reading started."""
        return self._last_frame_s

    def get(self, timeout_s: float) -> Frame | None:
        """Wait for the next frame; None at the end of the clip.

        Raises:
            TimeoutError: Nothing came in time.
            Exception: What the camera raised, after its last frame.
        """
        return self._slot.get(timeout_s)

    def stop(self, timeout_s: float) -> bool:
        """Stop reading and close the camera; False when it does not let go in time. Safe to call twice."""
        self._stopping.set()
        self._slot.close()
        self._thread.join(timeout_s)
        return not self._thread.is_alive() and self._released.is_set()

    def _run(self) -> None:
        error: Exception | None = None
        try:
            self._read_all()
        except Exception as caught:  # noqa: BLE001 - whatever it is, the consumer must hear of it
            error = caught
        self._slot.end(error)  # before close(), which may hang
        try:
            self._camera.close()
        except EdgeError as failure:
            log.error("%s: %s", self._camera.name, failure)  # noqa: TRY400 - a sentence for the user, no defect of ours
        else:
            self._released.set()

    def _read_all(self) -> None:
        while not self._stopping.is_set():
            frame = self._camera.read()
            if frame is None:
                return
            self._last_frame_s = self._monotonic()
            self._captured += 1
            if not self._slot.put(frame):
                return
