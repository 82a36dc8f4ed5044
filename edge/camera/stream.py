"""Cameras on the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.camera.timestamps import LiveStamps
from edge.camera.video import Video, VideoTimeoutError
from edge.errors import CameraError
from edge.redaction import redact

if TYPE_CHECKING:
    from edge.frame import Frame

_PROTOCOLS = "rtp,srtp,udp,tcp,tls,http,https,httpproxy,crypto"
"""What a stream may be made of: a playlist of another machine's must not name files of this one."""

_OPTIONS = {
    "rtsp_flags": "prefer_tcp",  # over UDP, packets get lost, and faces are smeared
    "fpsprobesize": "0",  # else FFmpeg waits for twenty pictures to tell the rate, which nothing needs here
}

_LIVE = frozenset({"hls", "dash", "mpjpeg"})
"""Formats that are live though what is at the address has a length: a playlist's, or one that a camera made up."""

_ONE_PICTURE = (
    "there is one picture, and no stream; look up the address of the camera's video, which often begins with rtsp://"
)


class NetworkStream:
    """A live stream from a camera on the network, over RTSP or HTTP.

    Frames are stamped when they arrive. What has an end is refused: a picture, as
    ``http://camera/snap.jpg`` gives it, is no stream, and a video file is a clip.

    Attributes:
        name: The address without what may be a secret in it.
    """

    live = True
    synthetic = False

    def __init__(self, url: str, timeout_s: float, *, stamps: LiveStamps | None = None) -> None:
        """Connect, and wait for the first two frames.

        Args:
            url: ``rtsp://[user:password@]host[:port]/path`` or ``http://…``.
            timeout_s: Seconds that connecting, and then each frame, may take.
            stamps: Makes the frames.

        Raises:
            CameraError: No live stream opens there.
        """
        self.name = redact(url)
        self._timeout_s = timeout_s
        self._stamps = stamps or LiveStamps()
        try:
            self._video = Video(url, _PROTOCOLS, timeout_s=timeout_s, options=_OPTIONS)
        except Exception as error:  # noqa: BLE001  # whatever a camera sends costs its connection alone
            message = (
                f"{self.name}: no stream opens there within {timeout_s:g} s ({error}); "
                "check that the camera is on, its address, and user and password"
            )
            raise CameraError(message) from None
        try:
            self._refuse_file(url)
            self._waiting = [self._next(), self._next()]
        except CameraError:
            self.close()
            raise

    def read(self) -> Frame | None:
        """Wait for the next frame and return it; a live stream has no ordinary end.

        Raises:
            CameraError: The stream ended, or nothing came in time.
        """
        return self._waiting.pop(0) if self._waiting else self._next()

    def close(self) -> None:
        """Disconnect. Safe to call twice."""
        self._video.close()

    def _next(self) -> Frame:
        ended = "the stream ended"
        try:
            picture = self._video.read()
        except VideoTimeoutError:
            message = f"{self.name}: the stream sent nothing for {self._timeout_s:g} s"
            raise CameraError(message) from None
        except Exception as error:  # noqa: BLE001  # as above
            picture, ended = None, f"the stream ended: {error}"
        if picture is None:
            message = f"{self.name}: {_ONE_PICTURE if self._stamps.count == 1 else ended}"
            raise CameraError(message)
        return self._stamps.frame(picture.gray)

    def _refuse_file(self, url: str) -> None:
        """Refuse what has an end; what comes over RTSP, comes at its own pace, whatever it is.

        Raises:
            CameraError: It is a picture or a video file.
        """
        video = self._video
        if not url.startswith("http"):
            return
        if video.format.endswith("_pipe") and video.size:
            message = f"{self.name}: {_ONE_PICTURE}"
            raise CameraError(message)
        if video.duration_s or (video.size and video.format not in _LIVE):
            message = f"{self.name}: there is a video file, and no live stream; download it and write its path instead"
            raise CameraError(message)
