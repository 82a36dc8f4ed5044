"""The capture thread: opens a camera, reads it into a slot and closes it; nothing else uses the camera."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from edge.camera.latest import LatestFrame

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.camera import Camera
    from edge.frame import Frame

log = logging.getLogger(__name__)

THREAD = "capture"
"""The name of the thread."""


class Capture:
    """Opens, reads and closes a camera in a thread of its own.

    The thread owns the camera, as releasing a device under a running ``read()``
    crashes camera stacks. A camera that hangs, while it opens, reads or closes,
    therefore hangs that thread alone, and `stop` returns False::

        capture = Capture(lambda: open_camera(config, broker))
        while not capture.open(timeout_s=0.25):
            ...
        while (frame := capture.get(timeout_s=1)) is not None:
            ...
        capture.stop(timeout_s=2)
    """

    def __init__(self, opener: Callable[[], Camera], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Start opening.

        Args:
            opener: Opens the camera, which from then on belongs to the thread.
            monotonic: The clock of `last_frame_s`.
        """
        self._opener = opener
        self._monotonic = monotonic
        self.camera: Camera | None = None
        """The camera once it is open: its name and kind may be read, but only the thread uses it."""

        self._slot = LatestFrame(live=True)  # until the camera says what it is
        self._failure: Exception | None = None
        self._captured = 0
        self._last_frame_s = monotonic()
        self._tried = threading.Event()
        self._stopping = threading.Event()
        self._released = threading.Event()
        # A daemon, so that a hung camera does not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=THREAD, daemon=True)
        self._thread.start()

    @property
    def captured(self) -> int:
        """Frames read so far."""
        return self._captured

    @property
    def dropped(self) -> int:
        """Frames that a newer one replaced before they were taken."""
        return self._slot.dropped

    @property
    def last_frame_s(self) -> float:
        """When the newest frame was read, on the monotonic clock; before the first, when reading or opening started."""
        return self._last_frame_s

    def open(self, timeout_s: float) -> bool:
        """Wait until the camera is open; return False if it is not in time.

        Raises:
            Exception: What the opener raised.
        """
        if not self._tried.wait(timeout_s):
            return False
        if self._failure:
            raise self._failure
        return True

    def get(self, timeout_s: float) -> Frame | None:
        """Wait for the next frame of the open camera and return it; None at the end of the clip.

        Raises:
            TimeoutError: Nothing came in time.
            Exception: What the camera raised, after its last frame.
        """
        return self._slot.get(timeout_s)

    def stop(self, timeout_s: float) -> bool:
        """Stop reading and close the camera; return False if it does not close in time. May be called again."""
        self._stopping.set()
        self._slot.close()
        self._thread.join(timeout_s)
        return not self._thread.is_alive() and self._released.is_set()

    def _run(self) -> None:
        try:
            camera = self._opener()
        except Exception as failure:  # noqa: BLE001  # whatever it is, `open` raises it
            self._failure = failure
            self._released.set()
            self._tried.set()
            return
        self._slot = LatestFrame(live=camera.live)
        self.camera = camera
        self._last_frame_s = self._monotonic()
        self._tried.set()
        error: Exception | None = None
        try:
            self._read_all(camera)
        except Exception as caught:  # noqa: BLE001  # whatever it is, `get` raises it
            error = caught
        self._slot.end(error)  # before close(), which may hang
        try:
            camera.close()
        except Exception as failure:  # noqa: BLE001  # a camera stack that fails while closing must not end the daemon
            log.error("%s: %s", camera.name, failure)  # noqa: TRY400  # a sentence for the user, no defect of ours
        else:
            self._released.set()

    def _read_all(self, camera: Camera) -> None:
        while not self._stopping.is_set():
            frame = camera.read()
            if frame is None:
                return
            self._last_frame_s = self._monotonic()
            self._captured += 1
            if not self._slot.put(frame):
                return
