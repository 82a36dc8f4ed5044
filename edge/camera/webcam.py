"""USB cameras: Video4Linux through OpenCV."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from edge.camera.formats import choose, offers
from edge.camera.images import announced_size, decode
from edge.camera.opencv import silence, to_gray
from edge.camera.timestamps import LiveStamps, plausible
from edge.camera.v4l2 import check_node
from edge.errors import CameraError
from edge.files import is_there

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cv2.typing import MatLike
    from numpy.typing import NDArray

    from edge.camera.formats import Offer
    from edge.frame import Frame

log = logging.getLogger(__name__)

_PATIENCE = 10
"""Reads in a row that may fail or bring the last picture again: a damaged picture now and then is ordinary."""

_PATIENCE_S = 2.0
"""Seconds that such reads may take together: one of a camera that is silent takes 10 s in OpenCV."""

_BLOCK = 16
"""Pixels: some cameras encode whole blocks, so that their pictures are up to one larger than they say."""


class VideoCapture(Protocol):
    """What is used of ``cv2.VideoCapture``."""

    def get(self, prop: int, /) -> float:
        """Read a ``CAP_PROP_…``."""

    def set(self, prop: int, value: float, /) -> bool:
        """Ask for one; False where it is refused."""

    def grab(self) -> bool:
        """Wait for the next picture."""

    def retrieve(self) -> tuple[bool, MatLike]:
        """Return the picture that was grabbed."""

    def release(self) -> None:
        """Close the device."""


class Webcam:
    """A USB camera.

    Of what it offers, it is asked for the format that costs least at the wanted
    size and rate, see `edge.camera.formats`; of any only the gray part is
    unpacked. The camera gives what it can, so that size and rate are read back.

    An unplugged camera may bring its last picture for ever and call it a
    success (opencv issue 14044): a picture counts only if it, or the driver's
    time stamp, is new.

    Attributes:
        name: The device's path.
        width: Pixels that it gives.
        height: Pixels that it gives.
        fps: Frames per second that it promises; 0 where it promises nothing.
    """

    live = True
    synthetic = False

    def __init__(
        self,
        device: Path,
        size: tuple[int, int],
        fps: float,
        *,
        capture: VideoCapture | None = None,
        offered: Sequence[Offer] = (),
        stamps: LiveStamps | None = None,
    ) -> None:
        """Open a camera.

        Args:
            device: ``/dev/video0``, or a path below ``/dev/v4l/by-id``.
            size: Width and height asked for, in pixels.
            fps: Frames per second asked for.
            capture: An open capture, instead of opening the device.
            offered: What that capture offers.
            stamps: Makes the frames.

        Raises:
            CameraError: There is no such camera, it may not be used, or another program uses it.
        """
        self.name = str(device)
        self._device = device
        self._stamps = stamps or LiveStamps()
        if capture is None:
            self._capture: VideoCapture = _open(device)
            offered = offers(device, size)
        else:
            self._capture = capture
        self._ask_for(choose(offered, size, fps), fps)
        self.width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.fps = self._capture.get(cv2.CAP_PROP_FPS)
        self._fourcc = _fourcc_text(int(self._capture.get(cv2.CAP_PROP_FOURCC)))
        self._last: tuple[float, NDArray[np.uint8]] | None = None
        self._wrong_size: tuple[int, int] | None = None
        log.info("%s gives %dx%d %s at %g frames/s", self.name, self.width, self.height, self._fourcc, self.fps)

    def read(self) -> Frame | None:
        """Wait for the next frame and return it; a camera has no ordinary end.

        Raises:
            CameraError: The camera is gone, or gives nothing new, or nothing that can be unpacked.
        """
        self._wrong_size = None
        started_s = self._stamps.monotonic()
        for _ in range(_PATIENCE):
            grabbed = self._capture.grab()
            grabbed_s = self._stamps.monotonic()  # before the unpacking, which takes its time
            got, picture = self._capture.retrieve() if grabbed else (False, None)
            gray = self._unpack(picture) if got and picture is not None else None
            stamp_ms = self._capture.get(cv2.CAP_PROP_POS_MSEC)
            if gray is not None and self._is_new(gray, stamp_ms):
                driver_s = plausible(stamp_ms / 1000, grabbed_s)
                return self._stamps.frame(gray, grabbed_s if driver_s is None else driver_s)
            if grabbed_s - started_s > _PATIENCE_S:
                break
        trouble = "gives no new pictures"
        if not is_there(self._device):
            trouble = "is unplugged"
        elif self._wrong_size:
            width, height = self._wrong_size
            trouble = f"gives pictures of {width}x{height}, though it says {self.width}x{self.height}"
        message = f"{self.name}: the camera {trouble}; check its cable"
        raise CameraError(message)

    def close(self) -> None:
        """Release the device. Safe to call twice."""
        self._capture.release()

    def _ask_for(self, offer: Offer, fps: float) -> None:
        """Ask for format, size and rate; a camera that cannot do one takes another without an error."""
        self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*offer.fourcc))
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, offer.width)
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, offer.height)
        self._capture.set(cv2.CAP_PROP_FPS, fps)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest frame, not the oldest of four
        self._capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)  # the camera's own bytes

    def _unpack(self, picture: MatLike) -> NDArray[np.uint8] | None:
        """Return ``(H, W)`` gray levels of a picture in the camera's format; None where the picture is damaged."""
        if picture.dtype == np.uint8:
            raw = np.asarray(picture, np.uint8)
            if raw.ndim == 2 and raw.shape[0] == 1:
                return self._decode(raw)
            if raw.ndim == 2:  # GREY, or NV12 and its like, whose colours stand below the gray
                return raw[: self.height]
            if raw.shape[2] == 2:
                luma = 1 if self._fourcc in {"UYVY", "VYUY"} else 0
                return np.asarray(cv2.extractChannel(raw, luma), np.uint8)
            if raw.shape[2] == 3:  # a driver that converts all the same
                return to_gray(raw)
        message = f"{self.name}: pictures in its format {self._fourcc} cannot be read; use another camera"
        raise CameraError(message)

    def _decode(self, jpeg: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        """Return a JPEG's gray levels; None where it is damaged, also where its header announces another size."""
        content = jpeg.tobytes()
        size = announced_size(content)
        if size is None:
            return None
        if max(abs(size[0] - self.width), abs(size[1] - self.height)) >= _BLOCK:
            self._wrong_size = size  # decoding a larger one could take seconds and gigabytes
            return None
        return decode(content, cv2.IMREAD_GRAYSCALE)

    def _is_new(self, gray: NDArray[np.uint8], stamp_ms: float) -> bool:
        if self._last is not None and self._last[0] == stamp_ms and np.array_equal(self._last[1], gray):
            return False
        self._last = (stamp_ms, gray)
        return True


def _open(device: Path) -> cv2.VideoCapture:
    check_node(device)
    silence()
    capture = cv2.VideoCapture(str(device), cv2.CAP_V4L2)
    if not capture.isOpened():
        message = f"{device}: the camera does not open; another program may be using it"
        raise CameraError(message)
    return capture


def _fourcc_text(code: int) -> str:
    """Return the four letters of a pixel format."""
    return code.to_bytes(4, "little", signed=code < 0).decode("ascii", errors="replace").rstrip("\0 ")
