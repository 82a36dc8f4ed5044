"""Measure what making a camera's pixel formats gray costs: ``python -m tests.measure.pixel_formats``."""

from __future__ import annotations

import statistics
import time
from functools import partial
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.testcard import Scene

if TYPE_CHECKING:
    from collections.abc import Callable

_TURNS = 200
_QUALITY = 90


def main() -> None:
    """Print milliseconds a picture, on one thread."""
    cv2.setNumThreads(1)
    for width, height in ((640, 480), (1280, 720)):
        gray = Scene(width, height).render(2.0)
        yuyv = np.full((height, width, 2), 128, np.uint8)
        yuyv[:, :, 0] = gray
        jpeg = cv2.imencode(".jpg", cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
        buffer = np.vstack([gray, np.full((height // 2, width), 128, np.uint8)]).reshape(-1)
        work: dict[str, Callable[[], object]] = {
            "YUYV": partial(cv2.extractChannel, yuyv, 0),
            "MJPG": partial(cv2.imdecode, jpeg, cv2.IMREAD_GRAYSCALE),
            "YUV420, the gray plane alone": buffer[: width * height].copy,
            "YUV420, the whole buffer and then the plane": lambda whole=buffer, end=width * height: (  # type: ignore[misc]
                whole.copy()[:end].copy()
            ),
        }
        for name, unpack in work.items():
            print(f"{width}x{height} {name}: {_milliseconds(unpack):.3f} ms")  # noqa: T201  # that is what it is for


def _milliseconds(work: Callable[[], object]) -> float:
    times_s = []
    for _ in range(_TURNS):
        began_s = time.perf_counter()
        work()
        times_s.append(time.perf_counter() - began_s)
    return 1000 * statistics.median(times_s)


if __name__ == "__main__":
    main()
