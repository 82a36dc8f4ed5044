"""What a V4L2 camera offers, asked of a driver that answers as the kernel does."""

from __future__ import annotations

import errno
import fcntl
import struct
from typing import TYPE_CHECKING, TypeAlias

import pytest

from edge.camera.formats import Offer, choose, offers

if TYPE_CHECKING:
    from pathlib import Path

    Sizes: TypeAlias = dict[tuple[int, int], list[tuple[int, int]]]

WANTED = (640, 480)
C920 = {
    b"YUYV": {(640, 480): [(1, 30), (1, 15)], (1280, 720): [(1, 10), (1, 5)]},
    b"H264": {(640, 480): [(1, 30)]},
    b"MJPG": {(640, 480): [(1, 30)], (1280, 720): [(1, 30)]},
}


class Driver:
    """The three ioctls of linux/videodev2.h; numbers and layouts are written out, not taken from the code."""

    def __init__(self, formats: dict[bytes, Sizes], *, endless: bool = False) -> None:
        self._formats = formats
        self._endless = endless

    def __call__(self, _descriptor: int, request: int, argument: bytes) -> bytes:
        kind, number, size = request >> 8 & 0xFF, request & 0xFF, request >> 16 & 0x3FFF
        assert (request >> 30, kind, size) == (3, ord("V"), len(argument))
        index, code = struct.unpack_from("=I4s", argument)
        try:
            return {2: self._format, 74: self._size, 75: self._interval}[number](index, code, argument)
        except IndexError:
            raise OSError(errno.EINVAL, "Invalid argument") from None

    def _format(self, index: int, _code: bytes, argument: bytes) -> bytes:
        assert struct.unpack_from("=I", argument, 4) == (1,)
        codes = list(self._formats)
        code = codes[0] if self._endless else codes[index]
        return struct.pack("=III32s4sI12x", index, 1, 0, b"a camera's own words", code, 0)

    def _size(self, index: int, code: bytes, _argument: bytes) -> bytes:
        width, height = list(self._formats[code])[index]
        return struct.pack("=I4sIII16x8x", index, code, 1, width, height)

    def _interval(self, index: int, code: bytes, argument: bytes) -> bytes:
        width, height = struct.unpack_from("=II", argument, 8)
        numerator, denominator = self._formats[code][width, height][index]
        return struct.pack("=I4sIIIII16x8x", index, code, width, height, 1, numerator, denominator)


class RangeDriver(Driver):
    """One that gives any size and rate, as vivid and some capture cards do."""

    def _size(self, index: int, code: bytes, _argument: bytes) -> bytes:
        if index:
            raise IndexError
        return struct.pack("=I4sI6I8x", index, code, 3, 320, 1920, 16, 180, 1080, 4)

    def _interval(self, index: int, code: bytes, argument: bytes) -> bytes:
        if index:
            raise IndexError
        width, height = struct.unpack_from("=II", argument, 8)
        return struct.pack("=I4sIII6I8x", index, code, width, height, 2, 1, 60, 1, 1, 1, 1)


@pytest.fixture
def node(tmp_path: Path) -> Path:
    (tmp_path / "video0").touch()
    return tmp_path / "video0"


def test_what_a_camera_offers_is_listed(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "ioctl", Driver(C920))
    assert offers(node, WANTED) == (
        Offer("YUYV", 640, 480, 30),
        Offer("YUYV", 1280, 720, 10),
        Offer("H264", 640, 480, 30),
        Offer("MJPG", 640, 480, 30),
        Offer("MJPG", 1280, 720, 30),
    )


def test_of_a_range_the_nearest_size_is_taken(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "ioctl", RangeDriver({b"NV12": {}}))
    assert offers(node, (645, 480)) == (Offer("NV12", 640, 480, 60),)
    assert offers(node, (4000, 100)) == (Offer("NV12", 1920, 180, 60),)


def test_a_driver_that_says_nothing_or_never_stops_is_survived(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert offers(node, WANTED) == ()  # a file is no driver
    assert offers(node.with_name("gone"), WANTED) == ()
    monkeypatch.setattr(fcntl, "ioctl", Driver(C920, endless=True))
    assert len(offers(node, WANTED)) == 2 * 256


@pytest.mark.parametrize(
    ("size", "fps", "chosen"),
    [
        ((640, 480), 15, Offer("YUYV", 640, 480, 30)),
        ((640, 480), 30, Offer("YUYV", 640, 480, 30)),
        ((1280, 720), 15, Offer("MJPG", 1280, 720, 30)),  # YUYV gives 10 of this size
        ((1280, 720), 10, Offer("YUYV", 1280, 720, 10)),
        ((1280, 720), 10.5, Offer("YUYV", 1280, 720, 10)),  # nearly
        ((1280, 720), 60, Offer("MJPG", 1280, 720, 30)),  # the most there is
        ((800, 600), 15, Offer("YUYV", 640, 480, 30)),
    ],
)
def test_the_cheapest_format_that_is_fast_enough_is_chosen(
    node: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], fps: float, chosen: Offer
) -> None:
    monkeypatch.setattr(fcntl, "ioctl", Driver(C920))
    assert choose(offers(node, size), size, fps) == chosen


def test_gray_is_taken_before_colour_and_what_cannot_be_read_never() -> None:
    every = [Offer(code, 640, 480, 30) for code in ("H264", "MJPG", "YUYV", "GREY")]
    assert choose(every, WANTED, 15).fourcc == "GREY"
    assert choose(every[:1], WANTED, 15).fourcc == "YUYV"
    assert choose([], (1280, 720), 15).fourcc == "MJPG"


def test_a_camera_that_does_not_say_its_rate_may_have_any() -> None:
    assert choose([Offer("YUYV", 640, 480, 0.0), Offer("MJPG", 640, 480, 30)], WANTED, 15).fourcc == "YUYV"
