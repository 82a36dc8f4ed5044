"""The camera supervisor: notices a camera that stalls or goes, opens it again, and gives up in the end.

No call waits longer than it was asked to, whatever the camera does: a camera is
opened, read and closed by a thread of its own.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Literal

from edge.camera.capture import Capture
from edge.camera.deadlines import Deadlines
from edge.camera.states import CLOSING_STATES, OFF_STATES, TRANSITIONS, CameraState, Signal
from edge.errors import CameraError
from edge.redaction import redact, redact_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.camera import Camera
    from edge.config import CameraConfig
    from edge.frame import Frame

log = logging.getLogger(__name__)

Status = Literal["online", "stalled", "offline", "off"]


class CameraSupervisor:
    """Returns the frames of one camera and opens it again whenever it goes.

    A clip ends here too. A live camera is opened again until it was gone for
    `give_up_s`. One that is turned off is closed until it is turned on; a clip
    pauses instead. `states.TRANSITIONS` lists what leads from one state to another.

    Attributes:
        state: What the supervisor is doing.
        status: How the camera is, for the topic `camera`; None before the first frame.
        reason: Why it is not online, for a person; redacted.
        name: The camera's name; what may be shown of `camera.source` until it was open for the first time.
        live: Whether it is a live camera; False until it was open.
        synthetic: Whether what it shows did not happen; False until it was open.
    """

    def __init__(
        self,
        opener: Callable[[], Camera],
        config: CameraConfig,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        *,
        off: str | None = None,
        patient: bool = False,
    ) -> None:
        """Begin to open the camera, unless it is off.

        Args:
            opener: Opens the camera; called again for each attempt.
            config: `stall_s` and `give_up_s`.
            monotonic: Seconds that never jump.
            sleep: Waits that many seconds, between two attempts to open the camera.
            off: Why the camera is not to be opened until `turn_on`.
            patient: Whether to wait for a camera that is not there yet, whatever time it takes.
        """
        self._opener = opener
        self._patient = patient
        self._deadlines = Deadlines(config, monotonic, patient=patient)
        self._monotonic = monotonic
        self._sleep = sleep
        self.status: Status | None = None
        self.reason: str | None = None
        self.name = redact(config.source)
        self.live = self.synthetic = False
        self._known = False  # whether name, live and synthetic are those of a camera that was open
        self._off_reason = off or ""
        self._captured_before = self._dropped_before = 0
        self._capture: Capture | None = None if off else Capture(opener, monotonic=monotonic)
        self.state = CameraState.OFF if off else CameraState.OPENING

    @property
    def ended(self) -> bool:
        """Whether the last frame of a clip was returned."""
        return self.state is CameraState.ENDED

    @property
    def is_off(self) -> bool:
        """Whether the camera is closed, or the clip paused, until `turn_on`."""
        return self.state in OFF_STATES - CLOSING_STATES

    @property
    def captured(self) -> int:
        """Frames read since the start."""
        return self._captured_before + (self._capture.captured if self._capture else 0)

    @property
    def dropped(self) -> int:
        """Frames that a newer one replaced before they were taken."""
        return self._dropped_before + (self._capture.dropped if self._capture else 0)

    def open(self, timeout_s: float) -> bool:
        """Wait for the first opening; return False if it is not over in time.

        A camera that is off need not open, and one that is waited for need not be there: `status` says so.

        Raises:
            CameraError: There is no camera, and it is not waited for.
            CameraHangError: Opening or closing it takes too long.
        """
        if self.state is CameraState.OPENING and self._capture:
            opened = self._reopened if self._patient else self._opened
            return opened(self._capture, timeout_s) or self.status is not None
        if self.state in OFF_STATES:
            return True
        self.next_frame(timeout_s)  # turned off and on again meanwhile
        return False

    def turn_off(self, reason: str) -> None:
        """Close the camera, or pause the clip, until `turn_on`. `status` is "off" once the camera is closed."""
        self._off_reason = reason
        # A clip shows nobody who is here, and goes on where it was.
        self._signal(Signal.PAUSE if self.state is CameraState.READING and not self.live else Signal.OFF)

    def turn_on(self) -> None:
        """Open the camera again; one that does not come has `give_up_s` from now."""
        if self.state is CameraState.TURNING_OFF:
            self._tell("off", self._off_reason)  # it is closed all the same, and frames will be missing
        self._signal(Signal.ON)
        self._deadlines.turned_on()

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Wait for a frame; return None if none came in time, or if `ended`.

        Raises:
            CameraError: The clip cannot be read, or the camera was gone for longer than `give_up_s`.
            CameraHangError: The camera does not close or open; only a new process can help.
        """
        match self.state:
            case CameraState.OPENING if self._capture:
                if self._reopened(self._capture, timeout_s):
                    return self._read(self._capture, timeout_s)
            case CameraState.READING if self._capture:
                return self._read(self._capture, timeout_s)
            case CameraState.LOSING | CameraState.TURNING_OFF if self._capture:
                self._close(self._capture, timeout_s)
            case CameraState.LOST:
                self._wait_to_retry(timeout_s)
            case CameraState.OFF | CameraState.PAUSED:
                self._tell("off", self._off_reason)
                self._sleep(timeout_s)
        return None

    def close(self, timeout_s: float) -> bool:
        """Stop reading; return False if the camera does not close in time."""
        return self._capture.stop(timeout_s) if self._capture else True

    def _signal(self, signal: Signal) -> None:
        before = self.state
        self.state = TRANSITIONS.get((before, signal), before)
        if self.state in CLOSING_STATES and before not in CLOSING_STATES:
            self._deadlines.closing()

    def _gone(self, status: Status, reason: str) -> None:
        self._tell(status, reason)
        self._signal(Signal.GONE)

    def _opened(self, capture: Capture, timeout_s: float) -> bool:
        """Wait until the camera is open; return False if it is not in time."""
        if not capture.open(timeout_s) or capture.camera is None:
            self._deadlines.check_opening(self.name)
            return False
        camera = capture.camera
        if self._known and camera.synthetic != self.synthetic:
            # 'auto' found nothing but the test card, which is no substitute for a real camera.
            self._gone("offline", "the camera is gone")
            return False
        self.name, self.live, self.synthetic = camera.name, camera.live, camera.synthetic
        self._known = True
        self._deadlines.opened()
        self._signal(Signal.OPENED)
        return True

    def _reopened(self, capture: Capture, timeout_s: float) -> bool:
        """As `_opened`, but a camera that does not open is tried again."""
        try:
            return self._opened(capture, timeout_s)
        except CameraError as error:
            self._gone("offline", str(error))
            return False

    def _read(self, capture: Capture, timeout_s: float) -> Frame | None:
        try:
            frame = capture.get(timeout_s)
        except TimeoutError:
            silent_s = self._deadlines.stalled_for(self.name, capture.last_frame_s, live=self.live)
            if silent_s is not None:
                self._gone("stalled", f"no frame for {silent_s:.0f} s")
            return None
        except CameraError as error:
            if not self.live:
                raise
            self._gone("offline", str(error))
            return None
        if frame is not None:
            self._deadlines.frame_came()
            self._tell("online", None)
        elif self.live:
            self._gone("offline", "the stream ended")
        else:
            self._signal(Signal.END)
        return frame

    def _close(self, capture: Capture, timeout_s: float) -> None:
        if capture.stop(timeout_s):
            self._captured_before, self._dropped_before = self.captured, self.dropped
            self._capture = None
            self._signal(Signal.CLOSED)
            return
        reason = self._off_reason if self.state is CameraState.TURNING_OFF else self.reason
        self._deadlines.check_closing(self.name, reason, opened=capture.camera is not None)

    def _wait_to_retry(self, timeout_s: float) -> None:
        self._deadlines.check_gone(self.name)
        if self._deadlines.may_retry:
            self._deadlines.retrying()
            self._capture = Capture(self._opener, monotonic=self._monotonic)
            self._signal(Signal.RETRY)
        else:
            self._sleep(timeout_s)

    def _tell(self, status: Status, reason: str | None) -> None:
        reason = reason and redact_text(reason)  # it may quote a library, and that the camera's address
        if (status, reason) == (self.status, self.reason):
            return
        if status == "online":
            log.info("camera %s gives frames", self.name)
        elif status == "off":
            log.info("camera %s is off: %s", self.name, reason)
        else:
            log.warning("camera %s is %s: %s", self.name, status, reason)
        self.status, self.reason = status, reason
