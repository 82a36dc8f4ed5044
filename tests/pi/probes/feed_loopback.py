"""Feed a v4l2loopback device with raw pictures again and again, as a camera that somebody stands before.

Usage: feed_loopback.py DEVICE WIDTH HEIGHT FPS PICTURES, a file of YUYV pictures.
"""

from __future__ import annotations

import fcntl
import struct
import sys
import time
from pathlib import Path

S_FMT = 0xC0D05605
"""VIDIOC_S_FMT on 64 bits."""

OUTPUT, FIELD_NONE, SRGB = 2, 1, 8


def set_format(device: int, width: int, height: int) -> None:
    """Say what will be written, in a ``struct v4l2_format``."""
    (yuyv,) = struct.unpack("<I", b"YUYV")
    pix = (width, height, yuyv, FIELD_NONE, 2 * width, 2 * width * height, SRGB)
    fcntl.ioctl(device, S_FMT, struct.pack("<I4x7I172x", OUTPUT, *pix))


def main(device: str, width: str, height: str, fps: str, pictures: str) -> None:
    size = 2 * int(width) * int(height)
    content = Path(pictures).read_bytes()
    with Path(device).open("wb", buffering=0) as camera:
        set_format(camera.fileno(), int(width), int(height))
        while True:
            for begin in range(0, len(content), size):
                camera.write(content[begin : begin + size])
                time.sleep(1 / float(fps))


if __name__ == "__main__":
    main(*sys.argv[1:])
