"""Cameras on the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.camera.opencv import open_capture, to_gray
from edge.camera.timestamps import LiveStamps
from edge.errors import CameraError
from edge.redaction import redact

if TYPE_CHECKING:
    from edge.frame import Frame


class NetworkStream:
    """A stream from a camera on the network, over RTSP or HTTP.

    Frames are stamped when they arrive. A video *file* behind ``http://`` comes
    as fast as the network gives it; download it and open it as a clip instead.

    Attributes:
        name: The address without what may be a secret in it.
    """

    live = True
    synthetic = False

    def __init__(self, url: str, timeout_s: float, *, stamps: LiveStamps | None = None) -> None:
        """Connect.

        Args:
            url: ``rtsp://[user:password@]host[:port]/path`` or ``http://…``.
            timeout_s: Seconds that connecting, and then each frame, may take.
            stamps: Makes the frames.

        Raises:
            CameraError: The stream cannot be opened.
        """
        self.name = redact(url)
        self._timeout_s = timeout_s
        self._stamps = stamps or LiveStamps()
        milliseconds = max(1, round(1000 * timeout_s))
        deadlines = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, milliseconds, cv2.CAP_PROP_READ_TIMEOUT_MSEC, milliseconds)
        self._capture = open_capture(url, cv2.CAP_FFMPEG, deadlines)
        if not self._capture.isOpened():
            message = (
                f"{self.name}: no stream opens there within {timeout_s:g} s; "
                "check that the camera is on, its address, and user and password"
            )
            raise CameraError(message)

    def read(self) -> Frame | None:
        """Wait for the next frame and return it; a live stream has no ordinary end.

        Raises:
            CameraError: The stream ended, or nothing came in time.
        """
        got, picture = self._capture.read()
        if not got:
            message = f"{self.name}: the stream ended, or gave nothing for {self._timeout_s:g} s"
            raise CameraError(message)
        return self._stamps.frame(to_gray(np.asarray(picture, np.uint8)))

    def close(self) -> None:
        """Disconnect. Safe to call twice."""
        self._capture.release()
