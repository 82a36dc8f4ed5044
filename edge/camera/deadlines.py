"""How long a camera may take to open, to send a frame, to close and to come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.errors import CameraError, CameraHangError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.config import CameraConfig

RELEASE_S = 8.0
"""Seconds that a camera has to close before it counts as hung: more than its adapter's own deadlines."""

RETRY_S = 1.0
"""Seconds between the loss of a camera and the first attempt to open it; the delay doubles with each further one."""

MOST_RETRY_S = 8.0
"""The longest delay: a camera that is plugged in again is seen soon, and one that is broken costs little."""

MOST_WAITING_S = 60.0
"""The longest delay where a camera is waited for that was never open."""

BACK_S = 2.0
"""Seconds of frames after which a camera that went counts as back: one that sends a picture and ends, each time it is
opened, is gone."""


class Deadlines:
    """The deadlines of one camera, however often it is opened again."""

    def __init__(self, config: CameraConfig, monotonic: Callable[[], float], *, patient: bool = False) -> None:
        """Start the time for opening the camera.

        Args:
            config: `stall_s` and `give_up_s`.
            monotonic: Seconds that never jump.
            patient: Whether a camera that was never open may take any time to come.
        """
        self._waiting = patient
        self._delay_s = RETRY_S
        self._config = config
        self._monotonic = monotonic
        self._alive_s = self._closing_s = self._retry_s = self._opening_s = monotonic()
        self._back_s: float | None = self._alive_s  # when frames count as proof that the camera is there

    def opened(self) -> None:
        """Note that the camera is open: if it goes now, only a new process may help."""
        if self._waiting:
            self._waiting = False
            self._delay_s = RETRY_S

    def retrying(self) -> None:
        """Note that the camera is opened once more."""
        self._opening_s = self._monotonic()
        if self._waiting:
            self._alive_s = self._opening_s  # each attempt has its own time

    def frame_came(self) -> None:
        """Note that the camera sent a frame."""
        now_s = self._monotonic()
        if self._back_s is None:
            self._back_s = now_s + BACK_S
        if now_s >= self._back_s:
            self._alive_s = now_s
            self._delay_s = RETRY_S

    def closing(self) -> None:
        """Note that the camera is being closed from now on."""
        self._closing_s = self._monotonic()
        self._retry_s = self._closing_s + self._delay_s
        self._delay_s = min(2 * self._delay_s, MOST_WAITING_S if self._waiting else MOST_RETRY_S)
        self._back_s = None

    def turned_on(self) -> None:
        """Note that the camera is wanted from now on; it may be opened at once."""
        self._alive_s = self._retry_s = self._monotonic()
        self._delay_s = RETRY_S

    @property
    def may_retry(self) -> bool:
        """Whether the delay between two attempts to open the camera is over."""
        return self._monotonic() >= self._retry_s

    def check_opening(self, name: str) -> None:
        """Check how long this attempt takes. How long the camera is gone is checked once it has failed.

        Raises:
            CameraHangError: Longer than `give_up_s`.
        """
        waited_s = self._monotonic() - self._opening_s
        if waited_s >= self._config.give_up_s:
            message = f"{name}: it does not open within {waited_s:.0f} s, and only a new process can try again"
            raise CameraHangError(message)

    def stalled_for(self, name: str, last_frame_s: float, *, live: bool) -> float | None:
        """Return for how many seconds a live camera has sent nothing, if that is too long; else None.

        Args:
            name: Whose deadline it is.
            last_frame_s: When the newest frame came.
            live: False for a clip, which has no frame rate to keep.

        Raises:
            CameraHangError: Nothing could be read of a clip for `give_up_s`.
        """
        silent_s = self._monotonic() - max(last_frame_s, self._alive_s)
        if live:
            return silent_s if silent_s >= self._config.stall_s else None
        if silent_s >= self._config.give_up_s:
            message = f"{name}: nothing could be read for {silent_s:.0f} s; check the disk that it is on"
            raise CameraHangError(message)
        return None

    def check_closing(self, name: str, reason: str | None, *, opened: bool) -> None:
        """Check how long closing takes.

        Args:
            name: Whose deadline it is.
            reason: Why the camera is being closed.
            opened: False for one that may still be opening, which may take longer.

        Raises:
            CameraHangError: It takes too long.
        """
        if self._monotonic() - self._closing_s >= (RELEASE_S if opened else self._config.give_up_s):
            message = f"{name}: {reason}, and it does not close; only a new process can close it"
            raise CameraHangError(message)

    def check_gone(self, name: str) -> None:
        """Check how long the camera has been gone.

        Raises:
            CameraError: Longer than `give_up_s`, and it is not waited for.
        """
        if self._waiting:
            return
        gone_s = self._monotonic() - self._alive_s
        if gone_s >= self._config.give_up_s:
            message = f"{name}: gone for {gone_s:.0f} s, longer than camera.give_up_s; check its cable"
            raise CameraError(message)
