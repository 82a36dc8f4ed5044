"""Publishes which camera it is, how it is and whether detection is on, when that changes, and tells the preview."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.daemon.detection import TURNED_OFF
from edge.preview.status import CameraView

if TYPE_CHECKING:
    from edge.camera.supervisor import CameraSupervisor
    from edge.daemon.detection import DetectionSwitch
    from edge.daemon.publisher import Publisher
    from edge.preview.preview import OpenPreview, Preview


class CameraReport:
    """Compares the camera with what was published of it."""

    def __init__(self, supervisor: CameraSupervisor, publisher: Publisher, preview: Preview) -> None:
        self._supervisor, self._publisher, self._preview = supervisor, publisher, preview
        self._info: tuple[str, bool, OpenPreview | None] | None = None
        self._status: tuple[str, str | None] | None = None
        self._detection: bool | None = None

    def publish_info(self, *, anew: bool = False) -> None:
        """Publish `info` if the camera or the preview changed, or if something else in it did.

        A camera that was off at the start has a name only once it opens; the preview closes by itself.

        Args:
            anew: Whether something else did.
        """
        now = (self._supervisor.name, self._supervisor.synthetic, self._preview.opened)
        if now == self._info and not anew:
            return
        self._info = now
        self._publisher.set_synthetic(synthetic=self._supervisor.synthetic)
        self._publisher.publish_info(self._supervisor.name, self._preview.opened)

    def publish_status(self) -> bool:
        """Publish the camera's status if it or its reason changed, and return whether one did."""
        status, reason = self._supervisor.status, self._supervisor.reason
        if not status or (status, reason) == self._status:
            return False
        self._status = status, reason
        self._publisher.publish_camera(status, reason)
        self._show(status, reason)
        return True

    def publish_detection(self, switch: DetectionSwitch, *, ending: bool = False) -> None:
        """Publish whether detection is on, if that changed: that it is off once the camera is closed.

        Args:
            switch: Says whether.
            ending: Whether the process ends, which closes a camera that hangs.
        """
        if switch.on != self._detection and (switch.on or ending or self._supervisor.is_off):
            self._detection = switch.on
            self._publisher.publish_detection(str(switch))

    def describe(self, switch: DetectionSwitch) -> str:
        """Return what the daemon does, as a clause for the service manager."""
        if not switch.on:
            return TURNED_OFF
        if self._supervisor.status in ("offline", "stalled"):
            return f"without a camera: {self._supervisor.reason}"
        return f"watching {self._supervisor.name}"

    def turned_off(self, reason: str) -> None:
        """Have the preview forget the last picture at once; all else is published when the camera is closed."""
        self._detection = None
        self._show("off", reason)

    def _show(self, status: str, reason: str | None) -> None:
        self._preview.set_camera(CameraView(self._supervisor.name, status, reason, self._supervisor.synthetic))
