"""The Raspberry Pi's own cameras (CSI), through Picamera2."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.camera.csi import csi_cameras, load_picamera2
from edge.camera.timestamps import LiveStamps
from edge.errors import CameraError, CameraHangError

if TYPE_CHECKING:
    from edge.frame import Frame

log = logging.getLogger(__name__)

_LUMA_FIRST = frozenset({"YUV420", "YVU420", "NV12", "NV21"})
"""Formats whose buffer begins with the gray picture."""

_CLOSE_S = 5.0
"""Seconds that closing may take; it takes about half a second when all is well."""

_OLDEST_S = 5.0
"""A sensor's time stamp that is older than this, or in the future, comes from another clock."""


class Picamera:
    """A CSI camera: one stream of YUV420, of which the gray plane is taken as it is.

    Configured once: every change of mode leaks memory (picamera2 issues 887, 1125, 1183).
    Every wait has a deadline, as the camera stack may hang (picamera2 issues 962, 1065, 1295).

    Attributes:
        name: ``picamera2:0``.
        width: Pixels that it gives.
        height: Pixels that it gives.
    """

    live = True
    synthetic = False

    def __init__(
        self,
        number: int,
        size: tuple[int, int],
        fps: float,
        *,
        timeout_s: float = 5.0,
        close_s: float = _CLOSE_S,
        stamps: LiveStamps | None = None,
    ) -> None:
        """Open, configure and start a camera.

        Args:
            number: Which one, counted from 0.
            size: Width and height asked for, in pixels.
            fps: Frames per second asked for.
            timeout_s: Seconds that a frame may take.
            close_s: Seconds that closing may take.
            stamps: Makes the frames.

        Raises:
            CameraError: There is no such camera, or Picamera2 is missing or broken.
        """
        self.name = f"picamera2:{number}"
        self._timeout_s = timeout_s
        self._close_s = close_s
        self._stamps = stamps or LiveStamps()
        self._waits_on = False
        self._camera: Any = self._open(number)
        try:
            stream = self._start(size, fps)
        except CameraError:
            self.close()
            raise
        self.width, self.height = stream["size"]
        self._stride = stream["stride"]

    def read(self) -> Frame | None:
        """Wait for the next frame and return it; a camera has no ordinary end.

        Raises:
            CameraError: No frame came in time, or the camera stack failed.
        """
        try:
            request = self._camera.capture_request(wait=self._timeout_s)
        except TimeoutError:
            self._waits_on = True
            message = f"{self.name}: no picture for {self._timeout_s:g} s; check the ribbon cable"
            raise CameraError(message) from None
        except RuntimeError as error:
            message = f"{self.name}: the camera stack failed: {error}"
            raise CameraError(message) from error
        try:
            buffer = request.make_buffer("main")  # a copy: the camera may have its memory back
            sensor_ns = request.get_metadata().get("SensorTimestamp")
        finally:
            request.release()
        rows = buffer[: self.height * self._stride].reshape(self.height, self._stride)
        gray = np.ascontiguousarray(rows[:, : self.width], np.uint8)
        return self._stamps.frame(gray, self._captured_s(sensor_ns))

    def close(self) -> None:
        """Release the camera. Safe to call twice.

        Raises:
            CameraHangError: It does not close; only a new process helps.
        """
        camera, self._camera = self._camera, None
        if camera is None:
            return
        # In a thread, as the call may never return, and no signal interrupts it.
        closing = threading.Thread(target=_close, args=(camera, self._waits_on), name="close-camera", daemon=True)
        closing.start()
        closing.join(self._close_s)
        if closing.is_alive():
            message = f"{self.name}: the camera stack hangs while closing; only a new process helps"
            raise CameraHangError(message)

    def _open(self, number: int) -> Any:
        try:
            return load_picamera2().Picamera2(number)
        except IndexError:
            others = ", ".join(f"picamera2:{camera.number} ({camera.model})" for camera in csi_cameras()) or "none"
            message = f"{self.name}: there is no such camera; connected: {others}; check the ribbon cable"
            raise CameraError(message) from None
        except RuntimeError as error:
            message = f"{self.name}: it cannot be opened ({error}); another program may be using it"
            raise CameraError(message) from error

    def _start(self, size: tuple[int, int], fps: float) -> dict[str, Any]:
        """Configure and start the camera; return the stream as the camera stack configured it."""
        try:
            asked = self._camera.create_video_configuration(
                main={"size": size, "format": "YUV420"}, controls={"FrameRate": fps}
            )
            self._camera.configure(asked)
            stream: dict[str, Any] = self._camera.camera_configuration()["main"]
            if stream["format"] not in _LUMA_FIRST:
                message = f"{self.name}: it gives {stream['format']}, which has no gray plane; use another camera"
                raise CameraError(message)
            self._camera.start()
        except RuntimeError as error:
            message = f"{self.name}: it does not start with {size[0]}x{size[1]} at {fps:g} frames/s: {error}"
            raise CameraError(message) from error
        return stream

    def _captured_s(self, sensor_ns: int | None) -> float | None:
        """Return the sensor's time stamp; None where it is not of the monotonic clock, as after a suspend."""
        if sensor_ns is None:
            return None
        sensor_s = sensor_ns / 1e9
        return sensor_s if 0 <= self._stamps.monotonic() - sensor_s <= _OLDEST_S else None


def _close(camera: Any, waits_on: bool) -> None:  # noqa: FBT001 - a thread's argument
    try:
        if waits_on:
            # A frame that did not come is still waited for in Picamera2's queue, and close() would wait behind it.
            camera.cancel_all_and_flush()
        camera.close()
    except RuntimeError as error:  # libcamera's; the camera is given up anyway, and no caller waits for this thread
        log.warning("the camera stack failed while closing: %s", error)
