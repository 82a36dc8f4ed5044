"""The Raspberry Pi's own cameras (CSI), through Picamera2."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.camera.controls import camera_controls
from edge.camera.csi import csi_cameras, load_picamera2, transform
from edge.camera.timestamps import LiveStamps, plausible
from edge.errors import CameraError, CameraHangError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.config import CameraConfig
    from edge.frame import Frame

log = logging.getLogger(__name__)

_LUMA_FIRST = frozenset({"YUV420", "YVU420", "NV12", "NV21"})
"""Formats whose buffer begins with the gray picture."""

_CLOSE_S = 5.0
"""Seconds that closing may take; it takes about half a second when all is well."""

_UPSIDE_DOWN = 180
"""Degrees by which the camera can turn its pictures itself; it cannot exchange rows and columns."""


class Picamera:
    """A CSI camera: one stream of YUV420, of which the gray plane is copied once, and nothing else of it.

    Without that copy a buffer would stay with the pipeline for as long as it compares frames: the camera would run out
    of buffers, and one that closes would take its memory away from under the pipeline. Copying the plane alone takes a
    fraction of copying the buffer first (``python -m tests.measure.pixel_formats``).

    Configured once: every change of mode leaks memory (picamera2 issues 887, 1125, 1183).
    Every wait has a deadline, as the camera stack may hang (picamera2 issues 962, 1065, 1295).

    Attributes:
        name: ``picamera2:0``.
        width: Pixels that it gives.
        height: Pixels that it gives.
        fps: Most frames per second that it gives.
        rotated: Degrees by which the camera turns its pictures itself: 180, where that is wanted and possible, else 0.
    """

    live = True
    synthetic = False

    def __init__(
        self, number: int, config: CameraConfig, *, close_s: float = _CLOSE_S, stamps: LiveStamps | None = None
    ) -> None:
        """Open, configure and start a camera.

        Args:
            number: Which one, counted from 0.
            config: What is asked for. A frame may take `stall_s`.
            close_s: Seconds that closing may take.
            stamps: Makes the frames.

        Raises:
            CameraError: There is no such camera, or Picamera2 is missing or broken.
        """
        self.name = f"picamera2:{number}"
        self._timeout_s = config.stall_s
        self._close_s = close_s
        self._stamps = stamps or LiveStamps()
        self._waits_on = False
        self._camera: Any = self._open(number)
        try:
            given = self._start(config)
        except CameraError:
            self.close()
            raise
        stream, turned = given["main"], given["transform"]
        self.width, self.height = stream["size"]
        self._stride = stream["stride"]
        self.rotated = _UPSIDE_DOWN if turned.hflip and turned.vflip else 0
        log.info(
            "%s gives %dx%d %s at %g frames/s", self.name, self.width, self.height, stream["format"], round(self.fps, 2)
        )

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
            with self._module.MappedArray(request, "main", reshape=False) as mapped:
                # No view may outlive the block, or the memory could not be unmapped.
                gray = self._gray(mapped.array)
            sensor_ns = request.get_metadata().get("SensorTimestamp")
        finally:
            request.release()
        sensor_s = None if sensor_ns is None else sensor_ns / 1e9
        return self._stamps.frame(gray, plausible(sensor_s, self._stamps.monotonic()))

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
            self._module = load_picamera2()
            return self._module.Picamera2(number)
        except IndexError:
            others = ", ".join(f"picamera2:{camera.number} ({camera.model})" for camera in csi_cameras()) or "none"
            message = f"{self.name}: there is no such camera; connected: {others}; check the ribbon cable"
            raise CameraError(message) from None
        except RuntimeError as error:
            message = f"{self.name}: it cannot be opened ({error}); another program may be using it"
            raise CameraError(message) from error

    def _start(self, config: CameraConfig) -> dict[str, Any]:
        """Configure and start the camera; return the configuration as the camera stack has it in the end."""
        size, upside_down = (config.width, config.height), config.rotate == _UPSIDE_DOWN
        try:
            asked = self._camera.create_video_configuration(
                main={"size": size, "format": "YUV420"}, transform=transform(hflip=upside_down, vflip=upside_down)
            )
            self._camera.configure(asked)
            given: dict[str, Any] = self._camera.camera_configuration()
            pixels = given["main"]["format"]
            if pixels not in _LUMA_FIRST:
                message = f"{self.name}: it gives {pixels}, which has no gray plane; use another camera"
                raise CameraError(message)
            # After configure(), as what a camera can do depends on its mode.
            wanted = camera_controls(config, self._camera.camera_controls, self.name)
            self._camera.set_controls(wanted)
            self.fps = 1e6 / wanted["FrameDurationLimits"][0] if "FrameDurationLimits" in wanted else config.fps
            self._camera.start()
        except RuntimeError as error:
            message = f"{self.name}: it does not start with {size[0]}x{size[1]} at {config.fps:g} frames/s: {error}"
            raise CameraError(message) from error
        return given

    def _gray(self, buffer: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a copy of the ``(H, W)`` gray plane, without the padding of its rows."""
        rows = buffer[: self.height * self._stride].reshape(self.height, self._stride)
        return np.array(rows[:, : self.width], np.uint8, order="C")


def _close(camera: Any, waits_on: bool) -> None:  # noqa: FBT001 - a thread's argument
    try:
        if waits_on:
            # A frame that did not come is still waited for in Picamera2's queue, and close() would wait behind it.
            camera.cancel_all_and_flush()
        camera.close()
    except RuntimeError as error:  # libcamera's; the camera is given up anyway, and no caller waits for this thread
        log.warning("the camera stack failed while closing: %s", error)
