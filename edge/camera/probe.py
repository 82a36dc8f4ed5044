"""Which cameras are connected to this machine, and which of them ``auto`` takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.camera import csi, v4l2
from edge.camera.source import Source, SourceKind
from edge.errors import CameraError, CameraHangError

if TYPE_CHECKING:
    from pathlib import Path

    from edge.camera.csi import CsiCamera, ListCsi
    from edge.camera.v4l2 import UsbSearch
    from edge.config import Broker
    from edge.errors import EdgeError


@dataclass(frozen=True)
class Connected:
    """The cameras that are connected to this machine."""

    csi: tuple[CsiCamera, ...]

    csi_error: EdgeError | None
    """Why the CSI cameras could not be listed, where that failed."""

    usb: UsbSearch

    def __str__(self) -> str:
        """Return why there is no camera, for a person."""
        return f"USB: {self.usb}; CSI: {self.csi_error or 'none is connected'}"

    def auto(self, broker: Broker) -> Source:
        """Return the source that ``auto`` stands for.

        That is the first CSI camera, else the first USB camera. Without either it is the
        test card if the broker is embedded or there is none: a device on a real broker
        never invents emotions.

        Raises:
            CameraError: There is no camera, and the broker is a real one.
        """
        if self.csi:
            return Source(SourceKind.CSI, number=self.csi[0].number)
        if self.usb.cameras:
            return Source(SourceKind.USB, path=self.usb.cameras[0].path)
        if broker.kind == "network":
            message = f"no camera found; plug one in, or write --camera testcard to try without ({self})"
            raise CameraError(message)
        return Source(SourceKind.TEST_CARD)


def connected_cameras(list_csi: ListCsi | None = None, dev: Path = v4l2.DEV) -> Connected:
    """Return the cameras that are connected; none is opened.

    Args:
        list_csi: Lists the CSI cameras: `csi.csi_cameras`, or its form for a process of its own.
        dev: Where device nodes are.
    """
    csi_found: tuple[CsiCamera, ...] = ()
    csi_error: EdgeError | None = None
    try:
        csi_found = (list_csi or csi.csi_cameras)()
    except (CameraError, CameraHangError) as error:
        csi_error = error
    return Connected(csi_found, csi_error, v4l2.usb_cameras(dev))
