from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edge.camera.formats import Offer
from edge.camera.timestamps import LiveStamps
from edge.camera.webcam import Webcam
from edge.errors import CameraError
from tests.edge.camera.conftest import START

if TYPE_CHECKING:
    from collections.abc import Callable

    from cv2.typing import MatLike

WIDTH, HEIGHT = 32, 24
RAMP = np.tile(np.arange(WIDTH, dtype=np.uint8) * 8, (HEIGHT, 1))


class Driver:
    """What OpenCV makes of a V4L2 camera: pictures in the camera's own format, and properties."""

    def __init__(self, pictures: list[MatLike | None], fourcc: str = "YUYV") -> None:
        self.asked: dict[int, float] = {}
        self.released = self.grabbed = 0
        self.stamp_ms = 0.0
        self.stamp_step_ms = 66.0
        self._pictures = pictures
        self._fourcc = fourcc
        self._now: MatLike | None = None

    def get(self, prop: int, /) -> float:
        return {
            cv2.CAP_PROP_FRAME_WIDTH: float(WIDTH),
            cv2.CAP_PROP_FRAME_HEIGHT: float(HEIGHT),
            cv2.CAP_PROP_FPS: 15.0,
            cv2.CAP_PROP_FOURCC: float(cv2.VideoWriter.fourcc(*self._fourcc)),
            cv2.CAP_PROP_POS_MSEC: self.stamp_ms,
        }[prop]

    def set(self, prop: int, value: float, /) -> bool:
        self.asked[prop] = value
        return True

    def grab(self) -> bool:
        self.grabbed += 1
        if not self._pictures:
            return False
        self._now = self._pictures.pop(0)
        self.stamp_ms += self.stamp_step_ms
        return True

    def retrieve(self) -> tuple[bool, MatLike]:
        return self._now is not None, np.empty(0) if self._now is None else self._now

    def release(self) -> None:
        self.released += 1


def yuyv(gray: MatLike, luma: int = 0) -> MatLike:
    picture = np.full((*gray.shape, 2), 128, np.uint8)
    picture[:, :, luma] = gray
    return picture


def jpeg(gray: MatLike) -> MatLike:
    return cv2.imencode(".jpg", cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR))[1].reshape(1, -1)


def announcing(picture: MatLike, width: int, height: int) -> MatLike:
    """Return a JPEG whose header announces another size, as flipped bits do."""
    content = picture.tobytes()
    at = content.index(b"\xff\xc0") + 5
    return np.frombuffer(content[:at] + struct.pack(">HH", height, width) + content[at + 4 :], np.uint8).reshape(1, -1)


def straying(picture: MatLike) -> MatLike:
    """Return a JPEG with a stray byte between two segments, which libjpeg passes over."""
    content = picture.tobytes()
    at = content.index(b"\xff\xdb")
    return np.frombuffer(content[:at] + b"\x12" + content[at:], np.uint8).reshape(1, -1)


def nv12(gray: MatLike) -> MatLike:
    return np.vstack([gray, np.full((HEIGHT // 2, WIDTH), 128, np.uint8)])


def webcam(driver: Driver, device: Path = Path("/dev/null")) -> Webcam:
    return Webcam(device, (WIDTH, HEIGHT), 15, capture=driver)


@pytest.mark.parametrize(
    ("picture", "fourcc"),
    [
        (yuyv(RAMP), "YUYV"),
        (yuyv(RAMP, luma=1), "UYVY"),
        (jpeg(RAMP), "MJPG"),
        (nv12(RAMP), "NV12"),
        (RAMP, "GREY"),
        (cv2.cvtColor(RAMP, cv2.COLOR_GRAY2BGR), "BGR3"),
    ],
)
def test_of_each_format_the_gray_picture_is_taken(picture: MatLike, fourcc: str) -> None:
    frame = webcam(Driver([picture], fourcc)).read()
    assert frame is not None
    assert frame.gray.shape == (HEIGHT, WIDTH)
    assert frame.gray.dtype == np.uint8
    assert np.abs(frame.gray.astype(int) - RAMP).max() <= (4 if fourcc == "MJPG" else 0)


def test_a_format_without_gray_is_named() -> None:
    camera = webcam(Driver([RAMP.astype(np.uint16)], "Y16 "))
    with pytest.raises(CameraError, match="/dev/null: pictures in its format Y16 cannot be read"):
        camera.read()


@pytest.mark.parametrize(("size", "fourcc"), [((640, 480), "YUYV"), ((1280, 720), "MJPG")])
def test_it_asks_for_what_usb_can_carry(size: tuple[int, int], fourcc: str) -> None:
    driver = Driver([])
    camera = Webcam(Path("/dev/null"), size, 15, capture=driver)
    assert driver.asked == {
        cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*fourcc),
        cv2.CAP_PROP_FRAME_WIDTH: size[0],
        cv2.CAP_PROP_FRAME_HEIGHT: size[1],
        cv2.CAP_PROP_FPS: 15,
        cv2.CAP_PROP_BUFFERSIZE: 1,
        cv2.CAP_PROP_CONVERT_RGB: 0,
    }
    assert (camera.width, camera.height, camera.fps) == (WIDTH, HEIGHT, 15)  # what it gives


def test_a_frame_is_stamped_when_it_was_grabbed_not_when_it_is_unpacked() -> None:
    ticks = iter([99.9, 100.0, 100.25])
    stamps = LiveStamps(now=lambda: START, monotonic=lambda: next(ticks))
    frame = Webcam(Path("/dev/null"), (WIDTH, HEIGHT), 15, capture=Driver([yuyv(RAMP)]), stamps=stamps).read()
    assert frame is not None
    assert frame.time_s == 100.0
    assert (START - frame.captured_at).total_seconds() == 0.25


@pytest.mark.parametrize(("stamp_s", "time_s"), [(99.95, 99.95), (94.0, 100.0), (100.1, 100.0), (0.0, 100.0)])
def test_a_frame_was_taken_when_the_driver_says_if_that_can_be(stamp_s: float, time_s: float) -> None:
    driver = Driver([yuyv(RAMP)])
    driver.stamp_ms, driver.stamp_step_ms = 1000 * stamp_s, 0
    stamps = LiveStamps(now=lambda: START, monotonic=lambda: 100.0)
    frame = Webcam(Path("/dev/null"), (WIDTH, HEIGHT), 15, capture=driver, stamps=stamps).read()
    assert frame is not None
    assert frame.time_s == time_s


def test_it_asks_for_what_the_camera_offers() -> None:
    driver = Driver([], "MJPG")
    offered = (Offer("YUYV", 1280, 720, 10), Offer("MJPG", 1280, 720, 30), Offer("YUYV", 640, 480, 30))
    Webcam(Path("/dev/null"), (1280, 720), 15, capture=driver, offered=offered)
    assert driver.asked[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc(*"MJPG")
    Webcam(Path("/dev/null"), (620, 480), 15, capture=driver, offered=offered)
    assert driver.asked[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc(*"YUYV")
    assert driver.asked[cv2.CAP_PROP_FRAME_WIDTH] == 640


@pytest.mark.parametrize(
    "broken",
    [
        np.frombuffer(b"no jpeg at all", np.uint8).reshape(1, -1),
        np.empty((1, 0), np.uint8),
        announcing(jpeg(RAMP), WIDTH, HEIGHT | 1 << 8),
        straying(announcing(jpeg(RAMP), WIDTH, HEIGHT | 1 << 8)),
        announcing(jpeg(RAMP), WIDTH - 16, HEIGHT),
        announcing(jpeg(RAMP), WIDTH | 1 << 15, HEIGHT | 1 << 15),  # more than OpenCV decodes
    ],
    ids=["no jpeg", "empty", "higher", "higher, with a stray byte", "narrower", "enormous"],
)
def test_a_damaged_picture_now_and_then_is_passed_over(broken: MatLike) -> None:
    frame = webcam(Driver([None, broken, jpeg(RAMP)], "MJPG")).read()
    assert frame is not None
    assert frame.sequence == 0
    assert frame.gray.shape == (HEIGHT, WIDTH)


def test_a_picture_with_a_stray_byte_is_taken() -> None:
    assert webcam(Driver([straying(jpeg(RAMP))], "MJPG")).read() is not None


def test_a_picture_of_whole_blocks_is_taken() -> None:
    higher = np.vstack([RAMP, RAMP[:8]])
    frame = webcam(Driver([jpeg(higher)], "MJPG")).read()
    assert frame is not None
    assert frame.gray.shape == higher.shape


def test_a_camera_whose_pictures_all_have_another_size_is_told() -> None:
    with pytest.raises(CameraError, match="/dev/null: the camera gives pictures of 64x24, though it says 32x24"):
        webcam(Driver([announcing(jpeg(RAMP), 64, HEIGHT)] * 20, "MJPG")).read()


@pytest.mark.parametrize(
    "pictures",
    [list, lambda: [None] * 50, lambda: [yuyv(RAMP)] * 50],
    ids=["grab fails", "nothing to retrieve", "the last picture for ever"],
)
def test_an_unplugged_camera_is_an_error(pictures: Callable[[], list[MatLike | None]], tmp_path: Path) -> None:
    driver = Driver([yuyv(RAMP), *pictures()])
    driver.stamp_step_ms = 0
    camera = webcam(driver, tmp_path / "unplugged")
    assert camera.read() is not None
    with pytest.raises(CameraError, match="unplugged: the camera is unplugged; check its cable"):
        camera.read()


def test_a_camera_that_is_there_but_gives_nothing_new_is_said_to() -> None:
    with pytest.raises(CameraError, match="/dev/null: the camera gives no new pictures"):
        webcam(Driver([])).read()


def test_a_silent_camera_is_not_waited_for_again_and_again() -> None:
    driver = Driver([None] * 50)
    ticks = iter(range(0, 1000, 10))  # as long as OpenCV waits for a picture
    camera = Webcam(
        Path("/dev/null"), (WIDTH, HEIGHT), 15, capture=driver, stamps=LiveStamps(monotonic=lambda: float(next(ticks)))
    )
    with pytest.raises(CameraError, match="gives no new pictures"):
        camera.read()
    assert driver.grabbed == 1


def test_a_covered_lens_is_no_unplugged_camera() -> None:
    camera = webcam(Driver([yuyv(RAMP * 0)] * 50))  # the same black again and again, but newly taken
    assert [frame.sequence for frame in (camera.read() for _ in range(50)) if frame] == list(range(50))


def test_close_releases_the_device() -> None:
    driver = Driver([])
    camera = webcam(driver)
    camera.close()
    assert driver.released == 1


def test_a_device_that_does_not_exist_is_told_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CameraError, match="/dev/video97: there is no such camera; plugged in: ") as caught:
        Webcam(Path("/dev/video97"), (640, 480), 15)
    assert caught.value.exit_code == 3
    assert capfd.readouterr().err == ""


def test_a_device_that_is_no_camera_is_told_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CameraError, match="/dev/null: this device is no camera; plugged in: "):
        Webcam(Path("/dev/null"), (640, 480), 15)
    assert capfd.readouterr().err == ""
