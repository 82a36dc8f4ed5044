"""Keeps frames coming: notices a camera that stalls or goes, opens it anew, and gives up in the end.

No call waits longer than it was asked to, whatever the camera does: a camera is
opened, read and closed by a thread of its own.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Literal

from edge.camera.capture import Capture
from edge.errors import CameraError, CameraHangError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.camera import Camera
    from edge.config import CameraConfig
    from edge.frame import Frame

log = logging.getLogger(__name__)

RELEASE_S = 8.0
"""Seconds that a camera has to let go before it counts as hung: more than its adapter's own deadlines."""

RETRY_S = 1.0
"""Seconds between two attempts to open a camera that went."""

Status = Literal["online", "stalled", "offline", "off"]


class CameraSupervisor:
    """Gives the frames of one camera, however often it has to be opened anew for that.

    A camera that ends, a clip, ends here too. A live one is opened again until it
    was gone for `give_up_s`. One that is turned off is closed, and gone for as long
    as that is wanted; a clip pauses instead.
    """

    def __init__(
        self,
        opener: Callable[[], Camera],
        config: CameraConfig,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        *,
        off: str | None = None,
    ) -> None:
        """Begin to open the camera, unless it is off.

        Args:
            opener: Opens it, each time anew.
            config: `stall_s` and `give_up_s`.
            monotonic: Seconds that never jump.
            sleep: Waits that many seconds, between two attempts to open the camera anew.
            off: Why the camera is not to be opened until `turn_on`.
        """
        self._opener = opener
        self._config = config
        self._monotonic = monotonic
        self._sleep = sleep
        self.status: Status | None = None
        """How the camera is; None before its first frame."""

        self.reason: str | None = None
        """Why it is not online, for a person."""

        self.ended = False
        """True once the last frame of a clip was given."""

        self.name = config.source
        self.live = self.synthetic = False  # both are known once it is open
        self._met = False
        self._off = off
        self._captured_before = self._dropped_before = 0
        self._alive_s = self._lost_s = monotonic()
        self._capture = None if off else Capture(opener, monotonic=monotonic)
        self._releasing: Capture | None = None

    @property
    def captured(self) -> int:
        """Frames read since the start."""
        return self._captured_before + (self._capture.captured if self._capture else 0)

    @property
    def dropped(self) -> int:
        """Frames that nobody took before a newer one came."""
        return self._dropped_before + (self._capture.dropped if self._capture else 0)

    def open(self, timeout_s: float) -> bool:
        """Wait for the first opening; False if it is not over in time. A camera that is off need not open.

        Raises:
            CameraError: There is no camera.
            CameraHangError: Opening it takes longer than `give_up_s`.
        """
        if self._off is not None:
            return True
        if self._capture is None or not self._capture.open(timeout_s) or self._capture.camera is None:
            self._give_up_if_hung()
            return False
        self._meet(self._capture.camera)
        return True

    def turn_off(self, reason: str) -> None:
        """Close the camera, or pause the clip, until `turn_on`. `status` is "off" as soon as it has let go."""
        self._off = reason
        if self._capture and not self._pauses():
            self._let_go(self._capture)

    def turn_on(self) -> None:
        """Open the camera again; one that does not come has `give_up_s` from now."""
        if self._off and not self._pauses():
            self._say("off", self._off)  # where it had no time to: else a frame would be awaited of what is not open
        self._off = None
        self._alive_s = self._monotonic()
        if not self._releasing:
            self._lost_s = self._alive_s - RETRY_S

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Wait for a frame; None if none came in time, or ever will where `ended`.

        Raises:
            CameraError: The clip cannot be read, or the camera was gone for longer than `give_up_s`.
            CameraHangError: The camera does not let go, or does not open; only a new process can help.
        """
        if self._releasing:
            self._release(self._releasing, timeout_s)
        elif self._off is not None:
            self._say("off", self._off)
            self._sleep(timeout_s)
        elif self._capture is None:
            self._open_anew(timeout_s)
        elif self.status in (None, "online") or self._is_open(self._capture, timeout_s):
            return self._read(self._capture, timeout_s)
        return None

    def close(self, timeout_s: float) -> bool:
        """Stop reading; False when the camera does not let go in time."""
        capture = self._capture or self._releasing
        return capture.stop(timeout_s) if capture else True

    def _read(self, capture: Capture, timeout_s: float) -> Frame | None:
        try:
            frame = capture.get(timeout_s)
        except TimeoutError:
            silent_s = self._monotonic() - max(capture.last_frame_s, self._alive_s)
            if self.live and silent_s >= self._config.stall_s:
                self._lose(capture, "stalled", f"no frame for {silent_s:.0f} s")
            elif silent_s >= self._config.give_up_s:
                message = f"{self.name}: nothing could be read for {silent_s:.0f} s; check the disk that it is on"
                raise CameraHangError(message) from None
            return None
        except CameraError as error:
            if not self.live:
                raise
            self._lose(capture, "offline", str(error))
            return None
        if frame is not None:
            self._alive_s = self._monotonic()
            self._say("online", None)
        elif self.live:
            self._lose(capture, "offline", "the stream ended")
        else:
            self.ended = True
        return frame

    def _lose(self, capture: Capture, status: Status, reason: str) -> None:
        self._say(status, reason)
        self._let_go(capture)

    def _let_go(self, capture: Capture) -> None:
        self._captured_before, self._dropped_before = self.captured, self.dropped
        self._capture, self._releasing = None, capture
        self._lost_s = self._monotonic()

    def _pauses(self) -> bool:
        """Whether what is open is a clip: a file that shows nobody who is here, and goes on where it was."""
        return self._met and not self.live

    def _meet(self, camera: Camera) -> None:
        self.name, self.live, self.synthetic = camera.name, camera.live, camera.synthetic
        self._met = True

    def _release(self, capture: Capture, timeout_s: float) -> None:
        if capture.stop(timeout_s):
            self._releasing = None
        elif self._monotonic() - self._lost_s >= (RELEASE_S if capture.camera else self._config.give_up_s):
            reason = self._off or self.reason
            message = f"{self.name}: {reason}, and it does not let go; only a new process can close it"
            raise CameraHangError(message)

    def _open_anew(self, timeout_s: float) -> None:
        gone_s = self._monotonic() - self._alive_s
        if gone_s >= self._config.give_up_s:
            message = f"{self.name}: gone for {gone_s:.0f} s, longer than camera.give_up_s; check its cable"
            raise CameraError(message)
        if self._monotonic() - self._lost_s < RETRY_S:
            self._sleep(timeout_s)
        else:
            self._capture = Capture(self._opener, monotonic=self._monotonic)

    def _is_open(self, capture: Capture, timeout_s: float) -> bool:
        try:
            opened = capture.open(timeout_s)
        except CameraError as error:
            self._lose(capture, "offline", str(error))
            return False
        if opened and capture.camera and not self._met:  # it was off until now
            self._meet(capture.camera)
        elif opened and capture.camera and capture.camera.synthetic != self.synthetic:
            # 'auto' found nothing but the test card, which is no substitute for a real camera.
            self._lose(capture, "offline", "the camera is gone")
            return False
        if not opened:
            self._give_up_if_hung()
        return opened

    def _give_up_if_hung(self) -> None:
        waited_s = self._monotonic() - self._alive_s
        if waited_s >= self._config.give_up_s:
            message = f"{self.name}: it does not open within {waited_s:.0f} s, and only a new process can try again"
            raise CameraHangError(message)

    def _say(self, status: Status, reason: str | None) -> None:
        if (status, reason) == (self.status, self.reason):
            return
        if status == "online":
            log.info("camera %s gives frames", self.name)
        elif status == "off":
            log.info("camera %s is off: %s", self.name, reason)
        else:
            log.warning("camera %s is %s: %s", self.name, status, reason)
        self.status, self.reason = status, reason
