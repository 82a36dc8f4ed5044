"""Decoded video, through PyAV: FFmpeg's own time stamps, rotations and pixel shapes."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import av
import av.error

from edge.camera.opencv import check_sides
from edge.camera.upright import UprightGray
from edge.errors import CameraError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    import numpy as np
    from av import VideoFrame
    from numpy.typing import NDArray

MOST_PIXELS = 8192 * 8192
"""Pixels of the largest picture that is decoded: 8K video has half of them, and a file may announce anything."""

_DAMAGED = 100
"""Packets in a row that may be damaged; a stream that begins between two key frames has a few dozen."""


class VideoTimeoutError(CameraError):
    """Nothing came in time."""


@dataclass(frozen=True, eq=False)
class Picture:
    """One decoded picture."""

    gray: NDArray[np.uint8]
    """``(H, W)`` gray levels, upright, with square pixels. The size may change within a stream."""

    time_s: float | None
    """The file's own time stamp, in seconds; None where it has none."""


class Video:
    """The first video stream of a file or an address.

    Attributes:
        format: FFmpeg's name of the container: ``matroska,webm``, ``jpeg_pipe``.
        rate: Frames per second that it announces; None where it announces nothing plausible.
        tick_s: Resolution of its time stamps, in seconds.
        duration_s: How long it announces to be, in seconds; None for a live stream and where it announces nothing.
        frames: How many frames it announces; None where it announces nothing plausible.
        size: Bytes; 0 for a live stream.
    """

    def __init__(
        self, url: str, protocols: str, *, timeout_s: float | None = None, options: Mapping[str, str] | None = None
    ) -> None:
        """Open it; nothing is decoded yet.

        Args:
            url: ``file:/path`` or an address.
            protocols: What FFmpeg may open, separated by commas: a playlist may name anything.
            timeout_s: Seconds that opening, and then each picture, may take.
            options: More of FFmpeg's options.

        Raises:
            VideoTimeoutError: Nothing came in time.
            CameraError: It cannot be opened, or holds no video; the message is FFmpeg's, without the address.
        """
        options = {**(options or {}), "protocol_whitelist": protocols, "max_pixels": str(MOST_PIXELS)}
        try:
            self._container = av.open(url, options=options, timeout=timeout_s, metadata_errors="replace")
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise _camera_error(error) from None
        if not self._container.streams.video:
            self._container.close()
            message = "there is no video in it"
            raise CameraError(message)
        self._stream = self._container.streams.video[0]
        if self._stream.codec_context is None:
            self._container.close()
            message = "its video is of a kind that FFmpeg cannot decode"
            raise CameraError(message)
        self._stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
        self._upright = UprightGray()
        self.format = self._container.format.name
        rate = float(self._stream.guessed_rate or 0)
        self.rate = rate if math.isfinite(rate) and 0.1 <= rate <= 1000 else None
        self.tick_s = float(self._stream.time_base or 0)
        self.duration_s = self._duration_s()
        self.frames = self._frames()
        self.size = max(0, self._container.size)
        self._timeout_s = math.inf if timeout_s is None else timeout_s
        self._pictures = self._decode()

    def read(self) -> Picture | None:
        """Return the next picture; None at the end.

        Raises:
            VideoTimeoutError: Nothing came in time.
            CameraError: It cannot be read any further; the message is FFmpeg's, without the address.
        """
        self._began_s = time.monotonic()
        try:
            return next(self._pictures, None)
        except (av.error.FFmpegError, OSError) as error:
            raise _camera_error(error) from None

    def close(self) -> None:
        """Release the file or the connection. Safe to call twice."""
        self._pictures.close()
        self._container.close()

    def _duration_s(self) -> float | None:
        if self._stream.duration and self._stream.time_base:
            return float(self._stream.duration * self._stream.time_base)
        return self._container.duration / av.time_base if self._container.duration else None

    def _frames(self) -> int | None:
        count, average = self._stream.frames, self._stream.average_rate
        # AVI files of a varying rate count the frames that are not there, too.
        if count and self.rate and average and average <= 2 * self.rate:
            return count
        return round(self.duration_s * self.rate) if self.duration_s and self.rate else None

    def _decode(self) -> Generator[Picture]:
        damaged = 0
        # Of all streams: PyAV limits the time of each packet alone, and sound may go on where the pictures stop.
        for packet in self._container.demux():
            frames: list[VideoFrame] = []
            if packet.stream is self._stream:
                try:
                    frames = self._stream.decode(packet)
                except av.error.InvalidDataError:
                    damaged += 1  # one damaged packet costs its pictures, not the rest of the clip
                    if damaged > _DAMAGED:
                        raise
            for frame in frames:
                damaged = 0
                yield self._picture(frame)
            if not frames and time.monotonic() - self._began_s > self._timeout_s:
                message = "nothing came in time"
                raise VideoTimeoutError(message)

    def _picture(self, frame: VideoFrame) -> Picture:
        gray = self._upright.convert(frame, self._stream.sample_aspect_ratio)
        check_sides(gray)
        # AVI holds no presentation times; frames are decoded in order, so that the decoding times tell the distances.
        stamp = frame.dts if self.format == "avi" else frame.pts
        tick = self._stream.time_base
        return Picture(gray, None if stamp is None or tick is None else float(stamp * tick))


def _camera_error(error: Exception) -> CameraError:
    if isinstance(error, av.error.ExitError):
        return VideoTimeoutError("nothing came in time")
    return CameraError(getattr(error, "strerror", None) or "it cannot be read")
