"""What a Video4Linux camera offers: pixel formats, sizes and frame rates, and which of them is asked for."""

from __future__ import annotations

import fcntl
import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

CHEAPEST_FIRST = ("GREY", "NV12", "NV21", "YUYV", "UYVY", "MJPG")
"""Formats that are read, by what a gray picture costs. Of the first three it is a part of the buffer. At 640x480 YUYV
takes 0.06 ms and a JPEG 0.50, at 1280x720 0.16 and 1.62 (one x86 thread; ``python -m tests.measure.pixel_formats``)."""

_YUYV_PIXELS = 640 * 480
"""Largest picture asked for uncompressed of a camera that does not list what it offers: USB 2 gives few of larger ones
a second."""

_RATE_TOLERANCE = 0.1
"""Part of the wanted frame rate that may be missing: 14.985 is 15."""

_ENUM_FMT = 0xC0405602
"""VIDIOC_ENUM_FMT of linux/videodev2.h: _IOWR('V', 2, struct v4l2_fmtdesc)."""

_ENUM_SIZES = 0xC02C564A
"""VIDIOC_ENUM_FRAMESIZES: _IOWR('V', 74, struct v4l2_frmsizeenum)."""

_ENUM_INTERVALS = 0xC034564B
"""VIDIOC_ENUM_FRAMEINTERVALS: _IOWR('V', 75, struct v4l2_frmivalenum)."""

_FORMAT = struct.Struct("=III32s4sI12x")
"""struct v4l2_fmtdesc: index, buffer type, flags, description, pixel format, media bus code."""

_SIZE = struct.Struct("=I4sI6I8x")
"""struct v4l2_frmsizeenum: index, pixel format, type; width and height, or least, most and step of each."""

_INTERVAL = struct.Struct("=I4sIII6I8x")
"""struct v4l2_frmivalenum: index, pixel format, width, height, type; the interval in seconds as a fraction, or the
least, the most and the step."""

_CAPTURE = 1
"""V4L2_BUF_TYPE_VIDEO_CAPTURE."""

_DISCRETE = 1
"""V4L2_FRMSIZE_TYPE_DISCRETE, and the same of intervals: one value each, no range."""

_MOST = 256
"""Answers of one kind: a broken driver may never end."""


@dataclass(frozen=True)
class Offer:
    """One format in one size."""

    fourcc: str
    """``YUYV``."""

    width: int
    height: int
    fps: float
    """Most frames per second; 0 where the driver does not say."""


def offers(node: Path, size: tuple[int, int]) -> tuple[Offer, ...]:
    """Return what a camera offers; nothing where it does not say.

    Args:
        node: The device.
        size: Width and height that are wanted; of a range of sizes, the nearest to it is returned.
    """
    try:
        descriptor = os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ()
    try:
        return tuple(_offers(descriptor, size))
    finally:
        os.close(descriptor)


def choose(offered: Sequence[Offer], size: tuple[int, int], fps: float) -> Offer:
    """Return what to ask a camera for: the nearest size, then enough frames a second, then the cheapest format.

    Args:
        offered: What it offers; of nothing, YUYV or JPEGs are chosen by the size.
        size: Width and height that are wanted.
        fps: Frames per second that are wanted.
    """

    def cost(offer: Offer) -> tuple[int, float, int]:
        away = abs(offer.width - size[0]) + abs(offer.height - size[1])
        missing = max(0.0, fps - offer.fps) if offer.fps else 0.0
        return away, missing if missing > _RATE_TOLERANCE * fps else 0.0, CHEAPEST_FIRST.index(offer.fourcc)

    readable = [offer for offer in offered if offer.fourcc in CHEAPEST_FIRST]
    if readable:
        return min(readable, key=cost)
    return Offer("YUYV" if size[0] * size[1] <= _YUYV_PIXELS else "MJPG", *size, 0.0)


def _offers(descriptor: int, size: tuple[int, int]) -> Iterator[Offer]:
    for number in range(_MOST):
        if (answer := _ask(descriptor, _ENUM_FMT, _FORMAT, number, _CAPTURE, 0, b"", b"", 0)) is None:
            return
        code = answer[4]
        for width, height in _sizes(descriptor, code, size):
            yield Offer(code.decode("ascii", "replace").rstrip(), width, height, _rate(descriptor, code, width, height))


def _sizes(descriptor: int, code: bytes, size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    for number in range(_MOST):
        answer = _ask(descriptor, _ENUM_SIZES, _SIZE, number, code, 0, *(0,) * 6)
        if answer is None:
            return
        _, _, kind, *values = answer
        if kind == _DISCRETE:
            yield values[0], values[1]
            continue
        yield _nearest(size[0], *values[:3]), _nearest(size[1], *values[3:])
        return  # a range is one answer


def _rate(descriptor: int, code: bytes, width: int, height: int) -> float:
    """Return the most frames per second; 0 where the driver does not say."""
    rates = [0.0]
    for number in range(_MOST):
        answer = _ask(descriptor, _ENUM_INTERVALS, _INTERVAL, number, code, width, height, 0, *(0,) * 6)
        if answer is None:
            break
        kind, numerator, denominator = answer[4:7]  # of a range, the least interval comes first
        if numerator:
            rates.append(denominator / numerator)
        if kind != _DISCRETE:
            break
    return max(rates)


def _nearest(wanted: int, least: int, most: int, step: int) -> int:
    within = min(max(wanted, least), most)
    return least + (within - least) // max(step, 1) * max(step, 1)


def _ask(descriptor: int, request: int, layout: struct.Struct, *values: int | bytes) -> tuple[Any, ...] | None:
    """Return the kernel's answer; None where there is no further one, or the driver does not answer."""
    try:
        return layout.unpack(fcntl.ioctl(descriptor, request, layout.pack(*values)))
    except OSError:
        return None
