from __future__ import annotations

import struct
from pathlib import Path

import pytest

from edge.camera.v4l2 import Capability, query, stable_path, usb_cameras

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
    assert capability == Capability(card="C920", bus="usb-0000:01:00.0-1.3", captures=True)


def test_only_usb_nodes_that_give_pictures_are_cameras(dev: Path) -> None:
    by_id = dev / "v4l" / "by-id" / "usb-046d_C920-video-index0"
    assert usb_cameras(dev, ask) == [by_id, dev / "video10"]


def test_nodes_that_do_not_answer_are_passed_over(dev: Path) -> None:
    assert usb_cameras(dev) == []
    assert query(dev / "video99") is None
    assert query(Path("/dev/null")) is None


def test_a_path_that_names_the_camera_is_preferred(dev: Path) -> None:
    by_id = dev / "v4l" / "by-id" / "usb-046d_C920-video-index0"
    assert stable_path(dev / "video2", dev) == by_id
    assert stable_path(by_id, dev) == by_id
    assert stable_path(dev / "video10", dev) == dev / "video10"


def test_without_such_paths_the_node_it_is(tmp_path: Path) -> None:
    assert stable_path(tmp_path / "video0", tmp_path) == tmp_path / "video0"
