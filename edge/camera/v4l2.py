"""USB cameras that are plugged in: Video4Linux device nodes and what the kernel says of them.

A camera has several nodes, of which one gives pictures and another only
metadata; a Raspberry Pi has a dozen more for its codecs and its own cameras.
"""

from __future__ import annotations

import fcntl
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import CameraError
from edge.files import is_there, natural_key

if TYPE_CHECKING:
    from collections.abc import Callable

DEV = Path("/dev")

JOIN_VIDEO = "sudo usermod -aG video $USER  # then log in again"
"""What lets a user open cameras."""

_QUERYCAP = 0x80685600
"""VIDIOC_QUERYCAP of linux/videodev2.h: _IOR('V', 0, struct v4l2_capability)."""

_CAPABILITY = struct.Struct("=16s32s32sIII12x")
"""struct v4l2_capability: driver, card, bus_info, version, capabilities, device_caps."""

_CAPTURE = 0x00000001
_CAPTURE_MULTIPLANAR = 0x00001000
_DEVICE_CAPS = 0x80000000

_PI_DRIVERS = frozenset({"unicam", "rp1-cfe", "bcm2835-isp", "pispbe", "bcm2835-codec", "rpivid", "rpi-hevc-dec"})
"""Drivers of a Raspberry Pi's own CSI path and codecs: their nodes give no picture without libcamera."""


class NodeDeniedError(CameraError):
    """This user may not open the device node."""


@dataclass(frozen=True)
class Capability:
    """What the kernel says of a device node."""

    driver: str
    """``uvcvideo``."""

    card: str
    """The camera's name: ``HD Pro Webcam C920``."""

    bus: str
    """Where it is plugged in: ``usb-0000:01:00.0-1.3``."""

    captures: bool
    """True: it gives pictures, and not only metadata."""

    @classmethod
    def from_bytes(cls, answer: bytes) -> Capability:
        """Return what the kernel's ``struct v4l2_capability`` says."""
        driver, card, bus, _, whole, node = _CAPABILITY.unpack(answer)
        # `whole` holds for all nodes of the camera, and `node` for this one, where the driver tells them apart.
        capabilities = node if whole & _DEVICE_CAPS else whole
        return cls(_text(driver), _text(card), _text(bus), bool(capabilities & (_CAPTURE | _CAPTURE_MULTIPLANAR)))


@dataclass(frozen=True)
class UsbCamera:
    """A USB camera that is plugged in."""

    path: Path
    """As `stable_path` returns it."""

    name: str
    """``HD Pro Webcam C920``."""


@dataclass(frozen=True)
class UsbSearch:
    """What a search for USB cameras found."""

    cameras: tuple[UsbCamera, ...] = ()
    """The lowest node number first."""

    nodes: int = 0
    """How many video nodes there are, those of codecs included."""

    refused: Path | None = None
    """A node that this user may not open, if there is one."""

    def __str__(self) -> str:
        """Return the cameras' paths, or why there is none."""
        if self.cameras:
            return ", ".join(str(camera.path) for camera in self.cameras)
        if self.refused:
            return f"{self.refused} may not be opened by this user"
        return f"no USB camera among {self.nodes} video nodes"


def query(node: Path) -> Capability | None:
    """Return what the kernel says of a device node; None for a node that is no Video4Linux device or is gone.

    Raises:
        PermissionError: This user may not open it.
    """
    try:
        descriptor = os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        raise
    except OSError:
        return None
    try:
        return Capability.from_bytes(fcntl.ioctl(descriptor, _QUERYCAP, bytes(_CAPABILITY.size)))
    except OSError:  # no Video4Linux device
        return None
    finally:
        os.close(descriptor)


def usb_cameras(dev: Path = DEV, ask: Callable[[Path], Capability | None] = query) -> UsbSearch:
    """Search for USB cameras.

    Args:
        dev: Where device nodes are.
        ask: Returns what a node is, as `query` does.
    """
    cameras, refused = [], None
    nodes = sorted(dev.glob("video[0-9]*"), key=natural_key)
    for node in nodes:
        try:
            capability = ask(node)
        except PermissionError:
            refused = node
            continue
        if capability and capability.captures and capability.bus.startswith("usb-"):
            cameras.append(UsbCamera(stable_path(node, dev), capability.card))
    return UsbSearch(tuple(cameras), len(nodes), refused)


def check_node(node: Path) -> None:
    """Check that a device node is a camera that this user may open; another program may still be using it.

    Raises:
        NodeDeniedError: This user may not open it; the message names the fix.
        CameraError: It is not there, or is no camera; the message says what to do.
    """
    if not is_there(node):
        message = f"{node}: there is no such camera; plugged in: {usb_cameras()}"
        raise CameraError(message)
    try:
        capability = query(node)
    except PermissionError:
        message = f"{node}: this user may not open it; {JOIN_VIDEO}"
        raise NodeDeniedError(message) from None
    if capability is None or not capability.captures:
        message = f"{node}: this device is no camera; plugged in: {usb_cameras()}"
        raise CameraError(message)
    if capability.driver in _PI_DRIVERS:
        message = f"{node}: this is a part of the Pi's own cameras; write picamera2 instead"
        raise CameraError(message)


def stable_path(node: Path, dev: Path = DEV) -> Path:
    """Return the path below ``/dev/v4l`` that leads to a node; the node itself where there is none.

    ``by-id`` names the camera, whatever port it is in; ``by-path`` the port, for a camera that has no such name.
    The node's number changes when the camera is unplugged and plugged in again.
    """
    target = node.resolve()
    links = [link for kind in ("by-id", "by-path") for link in sorted((dev / "v4l" / kind).glob("*"))]
    return next((link for link in links if link.resolve() == target), node)


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode(errors="replace")
