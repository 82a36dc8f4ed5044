"""Keeps frames coming: notices a camera that stalls or goes, opens it anew, and gives up in the end."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Literal

from edge.camera.capture import Capture
from edge.errors import CameraError, CameraHangError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.camera import Camera, Frame
    from edge.config import CameraConfig

log = logging.getLogger(__name__)

RELEASE_S = 2.0
"""Seconds that a camera has to let go before it counts as hung."""

RETRY_S = 1.0
"""Seconds between two attempts to open a camera that went."""

Status = Literal["online", "stalled", "offline"]


class CameraKeeper:
    """Gives the frames of one camera, however often it has to be opened anew for that.

    A camera that ends, a clip, ends here too. A live one is opened again until it
    was gone for `give_up_s`.
    """

    def __init__(
        self,
        opener: Callable[[], Camera],
        config: CameraConfig,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Open the camera.

        Args:
            opener: Opens it, each time anew.
            config: `stall_s` and `give_up_s`.
            monotonic: Seconds that never jump.
            sleep: Waits that many seconds, between two attempts to open the camera anew.

        Raises:
            CameraError: There is none.
        """
        self._opener = opener
        self._config = config
        self._monotonic = monotonic
        self._sleep = sleep
        self.status: Status | None = None
        """How the camera is; None before its first frame."""
        self.reason: str | None = None
        """Why it is not online, for a person."""
        self._captured_before = self._dropped_before = 0
        camera = opener()
        self.name, self.live, self.synthetic = camera.name, camera.live, camera.synthetic
        self._capture: Capture | None = Capture(camera, monotonic=monotonic)
        self._alive_s = self._tried_s = monotonic()
        self.ended = False
        """True once the last frame of a clip was given."""

    @property
    def captured(self) -> int:
        """Frames read since the start."""
        return self._captured_before + (self._capture.captured if self._capture else 0)

    @property
    def dropped(self) -> int:
        """Frames that nobody took before a newer one came."""
        return self._dropped_before + (self._capture.dropped if self._capture else 0)

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Wait for a frame; None if none came in time, or ever will where `ended`.

        Raises:
            CameraError: The clip cannot be read, or the camera was gone for longer than `give_up_s`.
            CameraHangError: The camera does not let go; only a new process can open it.
        """
        if self._capture is None:
            self._reopen(timeout_s)
            return None
        try:
            frame = self._capture.get(timeout_s)
        except TimeoutError:
            silent_s = self._monotonic() - self._capture.last_frame_s
            if self.live and silent_s >= self._config.stall_s:
                self._lose("stalled", f"no frame for {silent_s:.0f} s")
            return None
        except CameraError as error:
            if not self.live:
                raise
            self._lose("offline", str(error))
            return None
        if frame is not None:
            self._alive_s = self._monotonic()
            self._say("online", None)
        elif self.live:
            self._lose("offline", "the stream ended")
        else:
            self.ended = True
        return frame

    def close(self, timeout_s: float) -> bool:
        """Stop reading; False when the camera does not let go in time."""
        return self._capture.stop(timeout_s) if self._capture else True

    def _lose(self, status: Status, reason: str) -> None:
        capture = self._capture
        if capture is None:
            return
        self._say(status, reason)
        self._captured_before, self._dropped_before = self.captured, self.dropped
        self._capture = None
        self._tried_s = self._monotonic()
        if not capture.stop(RELEASE_S):
            message = f"{self.name}: {reason}, and it does not let go; only a new process can open it again"
            raise CameraHangError(message)

    def _reopen(self, timeout_s: float) -> None:
        gone_s = self._monotonic() - self._alive_s
        if gone_s >= self._config.give_up_s:
            message = f"{self.name}: gone for {gone_s:.0f} s, longer than camera.give_up_s; check its cable"
            raise CameraError(message)
        if self._monotonic() - self._tried_s < RETRY_S:
            self._sleep(timeout_s)
            return
        self._tried_s = self._monotonic()
        try:
            camera = self._opener()
        except CameraError as error:
            self._say("offline", str(error))
            return
        if camera.synthetic != self.synthetic:  # 'auto' found nothing but the test card: no substitute for a real one
            camera.close()
            return
        self._capture = Capture(camera, monotonic=self._monotonic)

    def _say(self, status: Status, reason: str | None) -> None:
        if status == self.status:
            return
        if status == "online":
            log.info("camera %s gives frames", self.name)
        else:
            log.warning("camera %s is %s: %s", self.name, status, reason)
        self.status, self.reason = status, reason
