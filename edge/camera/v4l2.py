"""Which USB cameras are plugged in: Video4Linux device nodes and what they say of themselves.

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

from edge.camera.folder import natural

if TYPE_CHECKING:
    from collections.abc import Callable

DEV = Path("/dev")

_QUERYCAP = 0x80685600
"""VIDIOC_QUERYCAP of linux/videodev2.h: _IOR('V', 0, struct v4l2_capability)."""

_CAPABILITY = struct.Struct("=16s32s32sIII12x")
"""struct v4l2_capability: driver, card, bus_info, version, capabilities, device_caps."""

_CAPTURE = 0x00000001
_CAPTURE_MULTIPLANAR = 0x00001000
_DEVICE_CAPS = 0x80000000


@dataclass(frozen=True)
class Capability:
    """What a device node says of itself."""

    card: str
    """Its name: ``HD Pro Webcam C920``."""

    bus: str
    """Where it is: ``usb-0000:01:00.0-1.3``."""

    captures: bool
    """True: it gives pictures, and not only metadata."""

    @classmethod
    def from_bytes(cls, answer: bytes) -> Capability:
        """Read the kernel's ``struct v4l2_capability``."""
        _, card, bus, _, whole, node = _CAPABILITY.unpack(answer)
        # `whole` speaks for all nodes of the camera, and `node` for this one, where the driver tells them apart.
        capabilities = node if whole & _DEVICE_CAPS else whole
        return cls(_text(card), _text(bus), bool(capabilities & (_CAPTURE | _CAPTURE_MULTIPLANAR)))


def query(node: Path) -> Capability | None:
    """Ask a device node what it is; None where it does not answer or may not be asked."""
    try:
        descriptor = os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return Capability.from_bytes(fcntl.ioctl(descriptor, _QUERYCAP, bytes(_CAPABILITY.size)))
    except OSError:  # no Video4Linux device
        return None
    finally:
        os.close(descriptor)


def usb_cameras(dev: Path = DEV, ask: Callable[[Path], Capability | None] = query) -> list[Path]:
    """Find the USB cameras.

    Args:
        dev: Where device nodes are.
        ask: How a node is asked what it is.

    Returns:
        One path per node that gives pictures, as `stable_path` gives it, the lowest number first.
    """
    found = []
    for node in sorted(dev.glob("video[0-9]*"), key=natural):
        capability = ask(node)
        if capability and capability.captures and capability.bus.startswith("usb-"):
            found.append(stable_path(node, dev))
    return found


def stable_path(node: Path, dev: Path = DEV) -> Path:
    """Give the path below ``/dev/v4l/by-id`` that leads to a node, where there is one.

    That path names the camera. The node's number changes when the camera is unplugged and plugged in again.
    """
    target = node.resolve()
    links = sorted((dev / "v4l" / "by-id").glob("*"))
    return next((link for link in links if link.resolve() == target), node)


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode(errors="replace")
