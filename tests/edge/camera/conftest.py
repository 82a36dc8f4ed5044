"""Pictures and clips made on the spot."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edge.camera.supervisor import CameraSupervisor
from edge.frame import Frame
from tests.edge.camera.films import film
from tests.edge.camera.script import CONFIG, Clock, Script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

START = datetime(2026, 11, 22, 3, 14, 15, tzinfo=UTC)


@pytest.fixture
def frame() -> Callable[[int], Frame]:
    """Make a frame that can be told by its number."""
    return lambda number: Frame(np.full((2, 3), number, np.uint8), START, number / 10, number)


@pytest.fixture
def video(tmp_path: Path) -> Callable[..., Path]:
    """Write a video whose n-th picture is of gray level 4 n."""

    def write(frames: int = 50, fps: float = 12.5, size: tuple[int, int] = (160, 120), name: str = "clip.avi") -> Path:
        pictures = ((index / fps, np.full((size[1], size[0]), 4 * index, np.uint8)) for index in range(frames))
        return film(tmp_path / name, pictures, rate=fps, codec="mjpeg", pixels="yuvj420p")

    return write


@pytest.fixture
def gif() -> Callable[..., bytes]:
    """Make an animated GIF whose n-th picture is of gray level 20 n, shown for the n-th delay, in 1/100 s."""

    def make(delays_cs: list[int], size: tuple[int, int] = (16, 12)) -> bytes:
        sizes = size[0].to_bytes(2, "little") + size[1].to_bytes(2, "little")
        palette = bytes(level for entry in range(128) for level in (2 * entry,) * 3)
        content = b"GIF89a" + sizes + b"\xf6\0\0" + palette
        for index, delay in enumerate(delays_cs):
            content += b"\x21\xf9\x04\0" + delay.to_bytes(2, "little") + b"\0\0"
            # 7-bit pixels as they are: cleared (128) before LZW's codes would outgrow 8 bits; 129 ends.
            pixels = (bytes([10 * index]) * 96 for _ in range(size[0] * size[1] // 96))
            codes = b"".join(b"\x80" + run for run in pixels) + b"\x81"
            content += b"\x2c\0\0\0\0" + sizes + b"\0\x07" + bytes([len(codes)]) + codes + b"\0"
        return content + b"\x3b"

    return make


@pytest.fixture
def save(tmp_path: Path) -> Callable[[str, NDArray[np.uint8]], Path]:
    """Write an image into a folder of its own."""

    def write(name: str, picture: NDArray[np.uint8]) -> Path:
        folder = tmp_path / "pictures"
        folder.mkdir(exist_ok=True)
        assert cv2.imwrite(str(folder / name), picture)
        return folder

    return write


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def supervise(clock: Clock) -> Iterator[Callable[..., CameraSupervisor]]:
    """Supervise cameras that are opened in the order in which they are given; an exception fails to open."""
    supervisors = []

    def make(*cameras: Script | Exception) -> CameraSupervisor:
        waiting = list(cameras)

        def opener() -> Script:
            camera = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            if isinstance(camera, Exception):
                raise camera
            return camera

        supervisors.append(CameraSupervisor(opener, CONFIG, clock, clock.sleep))
        assert supervisors[-1].open(5)
        return supervisors[-1]

    yield make
    for supervisor in supervisors:
        supervisor.close(1)
