from __future__ import annotations

from pathlib import Path

import pytest

from edge.camera.csi import CsiCamera
from edge.camera.probe import Connected, connected_cameras
from edge.camera.source import Source, SourceKind
from edge.camera.v4l2 import UsbCamera, UsbSearch
from edge.config import Broker
from edge.errors import CameraError, CameraHangError, EdgeError

NETWORK, EMBEDDED = Broker("network"), Broker("embedded")
CSI = (CsiCamera(2, "imx708"),)
USB = UsbSearch((UsbCamera(Path("/dev/video0"), "C920"),), nodes=1)


@pytest.mark.parametrize(
    ("connected", "broker", "source"),
    [
        (Connected(CSI, None, USB), NETWORK, Source(SourceKind.CSI, number=2)),
        (Connected((), None, USB), NETWORK, Source(SourceKind.USB, path=Path("/dev/video0"))),
        (Connected((), CameraHangError("hangs"), USB), NETWORK, Source(SourceKind.USB, path=Path("/dev/video0"))),
        (Connected((), None, UsbSearch()), EMBEDDED, Source(SourceKind.TEST_CARD)),
        (Connected((), None, USB), EMBEDDED, Source(SourceKind.USB, path=Path("/dev/video0"))),
    ],
)
def test_auto_takes_a_csi_camera_else_a_usb_camera_else_the_test_card(
    connected: Connected, broker: Broker, source: Source
) -> None:
    assert connected.auto(broker) == source


def test_a_real_broker_gets_no_test_card() -> None:
    with pytest.raises(CameraError, match=r"\(USB: no USB camera among 3 video nodes; CSI: hangs\)"):
        Connected((), CameraHangError("hangs"), UsbSearch(nodes=3)).auto(NETWORK)


@pytest.mark.parametrize("error", [CameraError("no Picamera2"), CameraHangError("it hangs")])
def test_csi_cameras_that_cannot_be_listed_are_a_reason_and_no_end(error: EdgeError, tmp_path: Path) -> None:
    def fail() -> tuple[CsiCamera, ...]:
        raise error

    assert connected_cameras(fail, tmp_path) == Connected((), error, UsbSearch())
    assert connected_cameras(lambda: CSI, tmp_path) == Connected(CSI, None, UsbSearch())
