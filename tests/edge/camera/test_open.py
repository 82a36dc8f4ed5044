from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edge.camera import csi, v4l2
from edge.camera.csi import CsiCamera
from edge.camera.open import open_camera
from edge.camera.source import Source, SourceKind
from edge.camera.v4l2 import UsbCamera, UsbSearch
from edge.config import Broker, CameraConfig
from edge.errors import CameraError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

NETWORK, EMBEDDED, NONE = Broker("network"), Broker("embedded"), Broker("none")


@pytest.fixture
def no_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unplug what this machine may have."""
    monkeypatch.setattr(v4l2, "usb_cameras", lambda _dev=None: UsbSearch())
    monkeypatch.setattr(csi, "csi_cameras", tuple)


@pytest.mark.usefixtures("no_camera")
def test_auto_without_a_camera_is_an_error_on_a_real_broker() -> None:
    with pytest.raises(CameraError, match="no camera found; plug one in, or write --camera testcard") as caught:
        open_camera(CameraConfig(), NETWORK)
    assert caught.value.exit_code == 3


@pytest.mark.usefixtures("no_camera")
@pytest.mark.parametrize("broker", [EMBEDDED, NONE], ids=str)
def test_auto_without_a_camera_shows_the_test_card_where_nobody_is_misled(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    camera = open_camera(CameraConfig(width=320, height=240), broker)
    frame = camera.read()
    camera.close()
    assert camera.synthetic
    assert frame is not None
    assert frame.gray.shape == (240, 320)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "no camera found, so the test card is shown" in caplog.text


@pytest.mark.usefixtures("no_camera")
def test_auto_says_why_a_csi_camera_could_not_be_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> tuple[CsiCamera, ...]:
        message = "the Python module libcamera is missing"
        raise CameraError(message)

    monkeypatch.setattr(csi, "csi_cameras", missing)
    with pytest.raises(CameraError, match="CSI: the Python module libcamera is missing"):
        open_camera(CameraConfig(), NETWORK)


@pytest.mark.usefixtures("no_camera")
def test_auto_takes_a_csi_camera_before_a_usb_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    found = UsbSearch((UsbCamera(Path("/dev/video97"), "C920"),))
    monkeypatch.setattr(v4l2, "usb_cameras", lambda _dev=None: found)
    with pytest.raises(CameraError, match="/dev/video97"):  # it is taken, and it is not there
        open_camera(CameraConfig(), EMBEDDED)
    monkeypatch.setattr(csi, "csi_cameras", lambda: (CsiCamera(3, "imx708"),))
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(CameraError, match="the Raspberry Pi's own cameras need"):
        open_camera(CameraConfig(), EMBEDDED)


def test_the_test_card_may_be_asked_for_on_any_broker(caplog: pytest.LogCaptureFixture) -> None:
    camera = open_camera(CameraConfig(source="testcard"), NETWORK)
    assert camera.synthetic
    assert not caplog.records
    camera.close()


def test_a_clip_is_opened_by_its_path(video: Callable[..., Path]) -> None:
    camera = open_camera(CameraConfig(source=str(video(frames=2))), NETWORK)
    assert (camera.name, camera.live) == ("clip.avi", False)
    camera.close()


def test_a_folder_is_opened_by_its_path_at_the_rate_that_is_set(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        assert cv2.imwrite(str(tmp_path / name), np.zeros((30, 40), np.uint8))
    camera = open_camera(CameraConfig(source=str(tmp_path), fps=4), NETWORK)
    assert [frame and frame.time_s for frame in (camera.read(), camera.read(), camera.read())] == [0, 0.25, None]


@pytest.mark.parametrize(("degrees", "shape"), [(0, (30, 40)), (90, (40, 30)), (180, (30, 40)), (270, (40, 30))])
def test_any_camera_is_turned(tmp_path: Path, degrees: int, shape: tuple[int, int]) -> None:
    picture = np.zeros((30, 40), np.uint8)
    picture[0, 0] = 255
    for name in ("a.png", "b.png"):
        assert cv2.imwrite(str(tmp_path / name), picture)
    config = CameraConfig.model_validate({"source": str(tmp_path), "rotate": degrees})
    frame = open_camera(config, NETWORK).read()
    assert frame is not None
    assert frame.gray.shape == shape
    corners = [frame.gray[0, 0], frame.gray[0, -1], frame.gray[-1, -1], frame.gray[-1, 0]]
    assert corners.index(255) == degrees // 90  # clockwise from the top left


@pytest.mark.parametrize(
    ("source", "error", "said"),
    [
        ("/dev/video97", CameraError, "/dev/video97: there is no such camera"),
        (f"/dev/video{'9' * 300}", CameraError, "99: there is no such camera"),
        ("gone.mkv", CameraError, "'gone.mkv': no camera has this name and no such file exists; write auto, "),
        ("webcam", CameraError, r"write auto, picamera2\[:N\], /dev/videoN, a clip's path"),
        ("rtsp://127.0.0.1:9/live", CameraError, "rtsp://127.0.0.1:9/…: no stream opens there"),
        ("gopher://me:hush@host/x", ConfigError, "such addresses are not known"),
        ("rtsp:/me:hush@host/x", CameraError, "'…': no camera has this name and no such file exists"),
        ("picamera2:front", ConfigError, "'picamera2:front': write picamera2, or picamera2:1"),
    ],
)
def test_what_cannot_be_opened_is_said(source: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said) as caught:
        open_camera(CameraConfig(source=source), EMBEDDED)
    assert "hush" not in str(caught.value)


def test_picamera2_takes_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    for source in ("picamera2", "picamera2:1"):
        with pytest.raises(CameraError, match="module picamera2, which is missing"):
            open_camera(CameraConfig(source=source), NETWORK)


def test_a_camera_loads_nothing_that_only_another_needs() -> None:
    code = "import sys, edge.camera, edge.camera.open; print(*(m for m in sys.modules if m.startswith('edge.camera.')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert set(loaded) == {"edge.camera.open", "edge.camera.source"}


def test_a_usb_camera_is_found_again_under_another_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []

    class Opened:
        def __init__(self, device: Path, *_: object) -> None:
            opened.append(device)

    by_id = tmp_path / "v4l" / "by-id" / "usb-046d_C920-video-index0"
    by_id.parent.mkdir(parents=True)
    node = tmp_path / "video0"
    node.touch()
    by_id.symlink_to(node)
    monkeypatch.setattr("edge.camera.webcam.Webcam", Opened)
    monkeypatch.setattr(v4l2, "stable_path", partial(v4l2.stable_path, dev=tmp_path))
    monkeypatch.setattr("edge.camera.open.parse_source", lambda _: Source(SourceKind.USB, path=node))
    open_camera(CameraConfig(source="/dev/video0"), NETWORK)
    node.rename(tmp_path / "video1")  # plugged in again
    open_camera(CameraConfig(source="/dev/video0"), NETWORK)
    assert opened == [by_id, by_id]
