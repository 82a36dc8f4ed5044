"""Turn the pictures of a camera that is mounted on its side or upside down."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from edge.camera import Camera
    from edge.frame import Frame

_CODES = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


class Rotated:
    """A camera around a camera, whose pictures it turns."""

    def __init__(self, camera: Camera, degrees: int) -> None:
        """Wrap an open camera.

        Args:
            camera: Any camera.
            degrees: 90, 180 or 270, clockwise.
        """
        self.name = camera.name
        self.live = camera.live
        self.synthetic = camera.synthetic
        self._camera = camera
        self._code = _CODES[degrees]

    def read(self) -> Frame | None:
        """Wait for the next frame and return it; None at the end.

        Raises:
            CameraError: There will be no more frames, for the reason in its message.
        """
        frame = self._camera.read()
        return frame and replace(frame, gray=np.asarray(cv2.rotate(frame.gray, self._code), np.uint8))

    def close(self) -> None:
        """Release the camera inside. Safe to call twice."""
        self._camera.close()
