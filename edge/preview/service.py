"""A preview on a port: open for some minutes, then closed."""

from __future__ import annotations

import errno
import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from edge.errors import ConfigError
from edge.pipeline.stages import StageClock
from edge.preview.access import Access
from edge.preview.feed import Feed
from edge.preview.handler import handler_of
from edge.preview.preview import OpenPreview
from edge.preview.server import BoundedServer
from edge.preview.status import StatusReport
from edge.preview.token import required_token

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from edge.config import ListenAddress, PreviewConfig
    from edge.frame import Frame
    from edge.pipeline import Snapshot, Transition
    from edge.preview.status import CameraView, ModelView

log = logging.getLogger(__name__)

_LOOK_S = 1.0
"""Longest wait for a connection, so that slow requests are ended."""

_GOODBYE_S = 0.3
"""Seconds that viewers have to receive the last record."""

_CLOSE_S = 1.0

_MISSING = (
    "this machine does not have this address now; the preview opens when the network gives it. "
    "127.0.0.1 is for this machine alone, 0.0.0.0 for all addresses that it has"
)


class PreviewService:
    """A preview on a port, which closes by itself.

    Example:
        >>> preview = PreviewService(settings.preview, state, "kitchen", CameraView("testcard"), model)
        >>> preview.show(frame, pipeline.snapshot, waited_ms=0.4)
        >>> preview.close()
    """

    def __init__(self, config: PreviewConfig, state: Path, device: str, camera: CameraView, model: ModelView) -> None:
        """Open it, and log where it is and when it closes.

        Args:
            config: Where, for how long, and with which token.
            state: The state directory, where a token is kept.
            device: The device's name.
            camera: How the camera is now.
            model: What reads the faces.

        Raises:
            ConfigError: The address or the token cannot be used.
        """
        token = required_token(config, state)
        self.clock = StageClock(running=False)
        self._closes_s = time.monotonic() + 60 * config.minutes
        self._feed = Feed(self.clock)
        self._status = StatusReport(self._feed, device, camera, model, self._closes_s)
        listen = config.listen
        access = Access(token.text if token else None)
        try:
            self._server = BoundedServer(listen, handler_of(access, self._feed, self._status))
        except OSError as error:
            message = f"preview.address: {listen}: {_why(error, listen)}"
            raise ConfigError(message) from None
        at = type(listen)(listen.host, self._server.port)
        closes_at = datetime.now(UTC) + timedelta(minutes=config.minutes)
        self._opened: OpenPreview | None = OpenPreview(str(at), token is not None, closes_at)
        where = f" with the token in {token.file}" if token else ""
        log.info("preview: open %s in a browser%s; it closes in %g minutes", _page(at), where, config.minutes)
        if self._server.address_is_missing:
            log.warning("preview.address: %s: %s", listen, _MISSING)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="preview", daemon=True)
        self._thread.start()

    @property
    def opened(self) -> OpenPreview | None:
        """What is open; None once it is closed."""
        return self._opened

    def show(self, frame: Frame, snapshot: Callable[[], Snapshot | None], waited_ms: float | None) -> None:
        """Show a processed frame to those who look; while nobody does, that costs nothing."""
        if not self._feed.viewers:
            return
        laps_ms = self.clock.end_frame()
        if waited_ms is not None:
            laps_ms["waiting"] = waited_ms
        self._feed.add(frame, snapshot, laps_ms)

    def note(self, transitions: Sequence[Transition]) -> None:
        """Add to the last ten minutes what changed."""
        if transitions and self._opened:
            self._feed.history.note(transitions, time.monotonic())

    def set_camera(self, camera: CameraView) -> None:
        """Say how the camera is; if it is not online, its last picture is forgotten at once."""
        self._status.camera = camera
        if camera.status != "online":
            self._feed.clear()

    def set_model(self, model: ModelView) -> None:
        """Say what reads the faces from now on."""
        self._status.model = model

    def close(self) -> None:
        """Close it within a second; safe to call twice."""
        self._stopping.set()
        self._server.stop_listening()
        self._thread.join(_CLOSE_S)

    def _serve(self) -> None:
        while not self._stopping.is_set() and (left_s := self._closes_s - time.monotonic()) > 0:
            self._server.serve(min(_LOOK_S, left_s))
        self._opened = None
        by_itself = not self._stopping.is_set()
        self._feed.close("time" if by_itself else "stopped")
        self._server.stop_listening()
        self._server.server_close()
        self._server.end_connections(_GOODBYE_S)
        if by_itself:
            log.info("the preview closed by itself; restart the daemon to open it again")


def _page(listen: ListenAddress) -> str:
    """Return the page's address; where it listens everywhere, people have to fill in the device's own."""
    everywhere = listen.host in ("0.0.0.0", "::")  # noqa: S104  # compared
    return f"http://ADDRESS-OF-THIS-DEVICE:{listen.port}/" if everywhere else f"http://{listen}/"


def _why(error: OSError, listen: ListenAddress) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"another program uses port {listen.port}; name another: --preview {type(listen)(listen.host, 8091)}"
        case errno.EACCES:
            return "ports below 1024 are for root; name a larger one"
    return error.strerror or str(error)
