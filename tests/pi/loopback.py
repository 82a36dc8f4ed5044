"""v4l2loopback, a camera that a program feeds: its kernel module, and pictures of a real face."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import cv2

from tests.pi.cache import cached, scratch
from tests.pi.rootfs import Rootfs

if TYPE_CHECKING:
    from pathlib import Path

WIDTH, HEIGHT, FPS = 640, 480, 10
"""Of the pictures; an emulated processor copies no more of them."""


def module(kernel: str) -> Path:
    """Return the module for a kernel of Trixie, which takes minutes to build where it is not there yet.

    Raises:
        CalledProcessError: Debian has no headers of that kernel any more, or they do not build.
    """
    return cached(f"v4l2loopback-{kernel}.ko", lambda file: _build(kernel, file))


def _build(kernel: str, file: Path) -> None:
    hook = (
        f'chroot "$1" sh -c "dkms autoinstall -k {kernel} && '
        f'xz -dc /var/lib/dkms/v4l2loopback/*/{kernel}/x86_64/module/v4l2loopback.ko.xz >/module.ko"'
    )
    packages = (f"linux-headers-{kernel}", "dkms", "v4l2loopback-dkms", "xz-utils")
    builder = Rootfs("trixie", ("amd64",), packages, variant="minbase", hook=hook)
    with scratch() as work:
        builder.make(work / "root.tar")
        extract = ("tar", "--extract", "--file", work / "root.tar", "--to-stdout", "./module.ko")
        with file.open("wb") as out:
            subprocess.run(extract, check=True, stdout=out)


def pictures(clip: Path, count: int) -> bytes:
    """Return the first pictures of a clip as YUYV, one after the other.

    Raises:
        ValueError: It has none.
    """
    capture = cv2.VideoCapture(str(clip))
    found: list[bytes] = []
    while len(found) < count:
        got, picture = capture.read()
        if not got:
            break
        found.append(cv2.cvtColor(cv2.resize(picture, (WIDTH, HEIGHT)), cv2.COLOR_BGR2YUV_YUYV).tobytes())
    capture.release()
    if not found:
        message = f"{clip}: no picture can be read"
        raise ValueError(message)
    return b"".join(found)
