"""Video files and animated GIFs."""

from __future__ import annotations

import logging
import mmap
from typing import TYPE_CHECKING

from edge.camera.folder import SINGLE
from edge.camera.gif import index_gif
from edge.camera.images import SUFFIXES
from edge.camera.timestamps import ClipStamps, utc_now
from edge.camera.video import Video, VideoTimeoutError
from edge.errors import CameraError
from edge.files import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from edge.camera.gif import GifIndex
    from edge.camera.video import Picture
    from edge.frame import Frame

log = logging.getLogger(__name__)

_READ_S = 15.0
"""Seconds that opening the file, and then each frame, may take; a disk that has to spin up takes ten, and FFmpeg would
search gigabytes of zeros for a picture."""

_TOLERANCE_S = 0.25
"""How much earlier than announced a whole clip may end: sound outlasts pictures, counts are rounded durations."""


class Clip:
    """A file of moving pictures: every frame counts, and their times are the file's own.

    A clip that breaks off ends like its end, with a logged warning. That it
    breaks off is seen where the container announces a duration (Matroska, AVI,
    MP4) or has an end mark (GIF); not where less than a quarter of a second is
    missing, and not in bare streams (.h264, .ts, .mjpeg), which announce nothing.
    An MP4 that has its index at the end, as most have, cannot be read at all
    when it breaks off.

    Attributes:
        name: The file's name.
        rate: Frames per second; of a clip whose rate varies, the announced one.
        frames: How many frames the file announces, or None; Matroska announces a duration only, so that it may be one
            too many.
    """

    live = False
    synthetic = False

    def __init__(self, path: Path, *, fallback_fps: float = 15.0, now: Callable[[], datetime] = utc_now) -> None:
        """Open a clip and decode its first two frames.

        Args:
            path: The file.
            fallback_fps: Frames per second, for a file that does not say.
            now: The wall clock, for when the clip starts.

        Raises:
            CameraError: There is no such file, or it holds fewer than two pictures that can be decoded.
        """
        self.name = path.name
        self._path = path
        self._gif = _index(path)
        if path.suffix.lower() in SUFFIXES:
            message = f"{path}: this is a photo, and no clip; {SINGLE}"
            raise CameraError(message)
        try:
            # Absolute, as FFmpeg takes what stands before a colon for a protocol. A playlist may name files only.
            self._video = Video(f"file:{path.absolute()}", "file", timeout_s=_READ_S)
        except CameraError as error:
            message = f"{path}: not a video, or cut off before it begins ({error}); write the path of a clip that plays"
            raise CameraError(message) from None
        self.rate, self.frames = self._announced(fallback_fps)
        self._stamps = ClipStamps(self.rate, tick_s=self._video.tick_s, now=now)
        self._ends_s = 0.0
        try:
            self._next = [
                self._decode_or("not one picture in it can be decoded; it may be cut off or of an unknown kind"),
                self._decode_or(f"it holds only one picture that can be decoded; {SINGLE}"),
            ]
        except CameraError:
            self.close()
            raise

    def read(self) -> Frame | None:
        """Return the next frame; None at the end.

        Raises:
            CameraError: The disk gives nothing any more.
        """
        if not self._next:
            return None
        picture = self._next.pop(0)
        frame = self._stamps.frame(picture.gray, picture.time_s)
        self._ends_s = frame.time_s + 1 / self.rate
        following = self._decode()
        if following:
            self._next.append(following)
        elif not self._next:
            self._warn_if_cut()
        return frame

    def close(self) -> None:
        """Release the file. Safe to call twice."""
        self._next = []
        self._video.close()

    def _decode_or(self, problem: str) -> Picture:
        """Return the next picture; raise CameraError with what is wrong with the clip if there is none."""
        picture = self._decode()
        if picture is None:
            message = f"{self._path}: {problem}"
            raise CameraError(message)
        return picture

    def _announced(self, fallback_fps: float) -> tuple[float, int | None]:
        """Return what the container says: frames per second and their count."""
        if self._gif:
            return self._gif.rate, self._gif.frames
        if self._video.rate is None:
            log.warning("%s does not say how many frames a second it has; %g are assumed", self._path, fallback_fps)
            return fallback_fps, None
        return self._video.rate, self._video.frames

    def _decode(self) -> Picture | None:
        try:
            return self._video.read()
        except VideoTimeoutError:
            message = f"{self._path}: no picture could be read for {_READ_S:g} s; check the file and the disk it is on"
            raise CameraError(message) from None
        except CameraError:  # damaged, or cut off
            return None

    def _warn_if_cut(self) -> None:
        count = self._stamps.count
        if self._gif:
            if not self._gif.complete:
                log.warning("%s breaks off after %d frames; that is taken for its end", self._path, count)
        elif self.frames:
            # Both must be short: counts are off where the rate varies, time stamps where a file has none.
            announced_s = max(self._video.duration_s or 0, self.frames / self.rate)
            missing_s = min((self.frames - count) / self.rate, announced_s - self._ends_s)
            if missing_s > _TOLERANCE_S:
                log.warning(
                    "%s breaks off after %d of %d frames; that is taken for its end", self._path, count, self.frames
                )


def _index(path: Path) -> GifIndex | None:
    """Return what a GIF holds; None for another file.

    Raises:
        CameraError: It is not there, may not be read, is empty or no regular file, or a GIF without a whole picture.
    """
    try:
        with open_regular(path) as file:
            if not file.read(1):
                message = f"{path}: the file is empty; write the path of a clip that plays"
                raise CameraError(message)
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                index = index_gif(content)
    except OSError as error:
        message = f"{path}: {error.strerror}; write the path of a clip that can be read"
        raise CameraError(message) from None
    if index and not index.frames:
        message = f"{path}: not one whole picture in it, it is cut off; write the path of a clip that plays"
        raise CameraError(message)
    return index
