"""Video files and animated GIFs."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.camera.gif import index_gif
from edge.camera.opencv import open_capture, to_gray
from edge.camera.timestamps import ClipStamps, utc_now
from edge.errors import CameraError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from numpy.typing import NDArray

    from edge.frame import Frame

log = logging.getLogger(__name__)

_TOLERANCE_S = 0.25
"""How much earlier than announced a whole clip may end: sound outlasts pictures, counts are rounded durations."""


class Clip:
    """A file of moving pictures: every frame counts, and their times are the same on any machine.

    A clip that breaks off ends like its end, with a logged warning. That it
    breaks off is seen where the container announces a duration (Matroska, AVI,
    MP4) or has an end mark (GIF); not where less than a quarter of a second is
    missing, and not in bare streams (.h264, .ts, .mjpeg), which announce nothing.
    An MP4 that has its index at the end, as most have, cannot be read at all
    when it breaks off.

    Attributes:
        name: The file's name.
        rate: Frames per second.
        frames: How many frames the file announces (Matroska: its duration times
            its rate, which may be one too many), or None.
    """

    live = False
    synthetic = False

    def __init__(self, path: Path, *, fallback_fps: float = 15.0, now: Callable[[], datetime] = utc_now) -> None:
        """Open a clip and decode its first frame.

        Args:
            path: The file.
            fallback_fps: Frames per second, for a file that does not say.
            now: The wall clock, for when the clip starts.

        Raises:
            CameraError: There is no such file, or no picture in it that can be decoded.
        """
        self.name = path.name
        self._path = path
        content = _read_bytes(path) if path.suffix.lower() == ".gif" else _read_bytes(path, 1)
        self._gif = index_gif(content)
        # Absolute, as FFmpeg takes what stands before a colon for a protocol.
        self._capture = open_capture(str(path.absolute()), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            message = f"{path}: not a video, or cut off before it begins; write the path of a clip that plays"
            raise CameraError(message)
        self.rate, self.frames = self._announced(fallback_fps)
        self._stamps = ClipStamps(self.rate, now=now)
        self._ends_s = 0.0
        self._next = self._decode()
        if self._next is None:
            self.close()
            message = f"{path}: not one picture in it can be decoded; it may be cut off or of an unknown kind"
            raise CameraError(message)

    def read(self) -> Frame | None:
        """Decode the next frame; None at the end."""
        gray = self._next
        if gray is None:
            return None
        frame = self._stamps.frame(gray)
        self._next = self._decode()
        if self._next is None:
            self._warn_if_cut()
        return frame

    def close(self) -> None:
        """Release the file. Safe to call twice."""
        self._next = None
        self._capture.release()

    def _announced(self, fallback_fps: float) -> tuple[float, int | None]:
        """Give what the container says: frames per second and their count."""
        if self._gif:
            return self._gif.rate, self._gif.frames
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if not (math.isfinite(rate) and 0.1 <= rate <= 1000):
            log.warning("%s does not say how many frames a second it has; %g are taken", self._path, fallback_fps)
            return fallback_fps, None
        return rate, int(count) if count >= 1 else None

    def _decode(self) -> NDArray[np.uint8] | None:
        got, picture = self._capture.read()
        if not got:
            return None
        self._ends_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 + 1 / self.rate
        return to_gray(np.asarray(picture, np.uint8))

    def _warn_if_cut(self) -> None:
        read = self._stamps.count
        if self._gif:
            if not self._gif.complete:
                log.warning("%s breaks off after %d frames; that is taken for its end", self._path, read)
        elif self.frames:
            # Both must be short: counts are off where the rate varies, positions where a file has none.
            missing_s = min((self.frames - read) / self.rate, self.frames / self.rate - self._ends_s)
            if missing_s > _TOLERANCE_S:
                log.warning(
                    "%s breaks off after %d of %d frames; that is taken for its end", self._path, read, self.frames
                )


def _read_bytes(path: Path, size: int = -1) -> bytes:
    """Read a file, to its end or so many bytes, with a sentence for every way that fails."""
    try:
        with path.open("rb") as file:
            content = file.read(size)
    except OSError as error:
        message = f"{path}: {error.strerror}; write the path of a clip that can be read"
        raise CameraError(message) from None
    if not content:
        message = f"{path}: the file is empty; write the path of a clip that plays"
        raise CameraError(message)
    return content
