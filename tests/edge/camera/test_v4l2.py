from __future__ import annotations

import struct
from pathlib import Path

import pytest

from edge.camera.v4l2 import Capability, UsbCamera, UsbSearch, check_node, query, stable_path, usb_cameras
from edge.errors import CameraError

CAPTURE, METADATA, M2M, TELLS_APART = 0x1, 0x00800000, 0x8000, 0x80000000


def answer(card: str, bus: str, whole: int, node: int) -> bytes:
    """Build what the kernel answers: struct v4l2_capability of linux/videodev2.h."""
    return struct.pack("=16s32s32s6I", b"uvcvideo", card.encode(), bus.encode(), 0x60C00, whole, node, 0, 0, 0)


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    """Lay out device nodes: a USB camera's two, another's, and a codec's."""
    by_id = tmp_path / "v4l" / "by-id"
    by_id.mkdir(parents=True)
    for number in (0, 1, 2, 10):
        (tmp_path / f"video{number}").touch()
    (by_id / "usb-046d_C920-video-index0").symlink_to("../../video2")
    (by_id / "usb-046d_C920-video-index1").symlink_to("../../video1")
    return tmp_path


def ask(node: Path) -> Capability | None:
    answers = {
        "video0": answer("bcm2835-codec", "platform:bcm2835-codec", M2M | TELLS_APART, M2M),
        "video1": answer("C920", "usb-0000:01:00.0-1.3", CAPTURE | METADATA | TELLS_APART, METADATA),
        "video2": answer("C920", "usb-0000:01:00.0-1.3", CAPTURE | METADATA | TELLS_APART, CAPTURE),
        "video10": answer("Old cam", "usb-0000:01:00.0-1.4", CAPTURE, 0),
    }
    return Capability.from_bytes(answers[node.name])


def test_the_kernels_answer_is_understood() -> None:
    capability = ask(Path("video2"))
    assert capability == Capability(driver="uvcvideo", card="C920", bus="usb-0000:01:00.0-1.3", captures=True)


def test_only_usb_nodes_that_give_pictures_are_cameras(dev: Path) -> None:
    by_id = dev / "v4l" / "by-id" / "usb-046d_C920-video-index0"
    search = usb_cameras(dev, ask)
    assert search.cameras == (UsbCamera(by_id, "C920"), UsbCamera(dev / "video10", "Old cam"))
    assert str(search) == f"{by_id}, {dev / 'video10'}"


def test_nodes_that_do_not_answer_are_passed_over(dev: Path) -> None:
    assert usb_cameras(dev) == UsbSearch(nodes=4)
    assert query(dev / "video99") is None
    assert query(Path("/dev/null")) is None


def test_a_node_that_may_not_be_opened_is_the_reason_why_there_is_none(dev: Path) -> None:
    def denied(node: Path) -> Capability | None:
        raise PermissionError(node)

    assert str(usb_cameras(dev, denied)) == f"{dev / 'video10'} may not be opened by this user"
    assert str(usb_cameras(dev / "empty", denied)) == "no USB camera among 0 video nodes"


@pytest.mark.parametrize(
    ("driver", "capabilities", "said"),
    [
        ("uvcvideo", METADATA, "this device is no camera"),
        ("bcm2835-codec", M2M, "this device is no camera"),
        ("unicam", CAPTURE, "a part of the Pi's own cameras; write picamera2"),
        ("uvcvideo", CAPTURE, None),
        ("vivid", CAPTURE, None),  # whoever names a node may name a virtual camera
    ],
)
def test_a_node_that_is_asked_for_must_be_a_camera(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, driver: str, capabilities: int, said: str | None
) -> None:
    kernel = struct.pack("=16s32s32s6I", driver.encode(), b"C", b"usb-1", 0, capabilities, 0, 0, 0, 0)
    monkeypatch.setattr("edge.camera.v4l2.query", lambda _node: Capability.from_bytes(kernel))
    if said is None:
        check_node(tmp_path)
    else:
        with pytest.raises(CameraError, match=said):
            check_node(tmp_path)


def test_a_node_that_is_asked_for_must_be_one_that_this_user_may_open(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def denied(node: Path) -> Capability | None:
        raise PermissionError(node)

    monkeypatch.setattr("edge.camera.v4l2.query", denied)
    with pytest.raises(CameraError, match=r"may not open it; sudo usermod -aG video"):
        check_node(tmp_path)


def test_a_path_that_names_the_camera_is_preferred(dev: Path) -> None:
    by_id = dev / "v4l" / "by-id" / "usb-046d_C920-video-index0"
    assert stable_path(dev / "video2", dev) == by_id
    assert stable_path(by_id, dev) == by_id
    assert stable_path(dev / "video10", dev) == dev / "video10"


def test_without_such_paths_the_node_it_is(tmp_path: Path) -> None:
    assert stable_path(tmp_path / "video0", tmp_path) == tmp_path / "video0"


def test_a_camera_without_a_name_of_its_own_is_known_by_its_port(dev: Path) -> None:
    by_path = dev / "v4l" / "by-path"
    by_path.mkdir()
    for number in (2, 10):
        (by_path / f"platform-usb-0:1.{number}-video-index0").symlink_to(f"../../video{number}")
    assert stable_path(dev / "video10", dev).name == "platform-usb-0:1.10-video-index0"
    assert stable_path(dev / "video2", dev).name == "usb-046d_C920-video-index0"  # the camera's own comes first
    assert stable_path(dev / "video0", dev) == dev / "video0"
