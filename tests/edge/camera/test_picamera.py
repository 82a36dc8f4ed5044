from __future__ import annotations

import sys
import threading
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edge.camera.picamera import Picamera
from edge.camera.timestamps import LiveStamps
from edge.errors import CameraError, CameraHangError
from tests.edge.camera.conftest import START

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

CSI = "/base/axi/pcie@120000/rp1/i2c@88000/imx708@1a"
USB = "/base/axi/pcie@120000/rp1/usb@200000-1:1.0-046d:0825"
STRIDE = 768  # of a row of 640 pixels: the hardware pads


class Request:
    """A completed request, as picamera2/request.py has it."""

    def __init__(self, camera: Picamera2, number: int) -> None:
        self._camera, self._number = camera, number
        camera.held += 1

    def make_buffer(self, name: str) -> NDArray[np.uint8]:
        assert self._camera.held, "used after release"
        width, height = self._camera.main["size"]
        rows = np.full((height * 3 // 2, STRIDE), 255, np.uint8)  # padding and colours: never to be seen
        rows[:height, :width] = np.arange(width) % 100 + self._number
        assert name == "main"
        return rows.reshape(-1)

    def get_metadata(self) -> dict[str, Any]:
        return dict(self._camera.metadata)

    def release(self) -> None:
        self._camera.held -= 1


class Picamera2:
    """The documented behaviour of Picamera2 that matters here, padded rows included."""

    cameras: tuple[dict[str, Any], ...] = (
        {"Id": CSI, "Num": 0, "Model": "imx708"},
        {"Id": USB, "Num": 1, "Model": "C920"},
    )
    made: Picamera2
    gives: tuple[str, tuple[int, int]] | None = None
    refuses = ""

    def __init__(self, camera_num: int = 0) -> None:
        self.info = self.cameras[camera_num]
        if self.refuses == "open":
            message = "Camera __init__ sequence did not complete."
            raise RuntimeError(message)
        self.main: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {"SensorTimestamp": 99_750_000_000}
        self.calls: list[str] = []
        self.held = 0
        self.silent = False
        self.hangs = threading.Event()
        self.hangs.set()
        self._frames = 0
        type(self).made = self

    @classmethod
    def global_camera_info(cls) -> list[dict[str, Any]]:
        return list(cls.cameras)

    def create_video_configuration(self, main: dict[str, Any], controls: dict[str, Any]) -> dict[str, Any]:
        return {"main": main, "controls": controls}

    def configure(self, config: dict[str, Any]) -> None:
        self.calls.append("configure")
        self.asked = config
        pixels, size = self.gives or (config["main"]["format"], config["main"]["size"])
        self.main = {"format": pixels, "size": size, "stride": STRIDE, "framesize": STRIDE * size[1] * 3 // 2}

    def camera_configuration(self) -> dict[str, Any]:
        return {"main": self.main, "lores": None}

    def start(self) -> None:
        if self.refuses == "start":
            message = "Failed to start camera"
            raise RuntimeError(message)
        self.calls.append("start")

    def capture_request(self, wait: float) -> Request:
        assert wait > 0
        if self.silent:
            raise TimeoutError
        self._frames += 1
        return Request(self, self._frames - 1)

    def cancel_all_and_flush(self) -> None:
        self.calls.append("cancel")

    def close(self) -> None:
        self.hangs.wait(30)
        self.calls.append("close")


@pytest.fixture
def picamera2(monkeypatch: pytest.MonkeyPatch) -> type[Picamera2]:
    """Put the fake where `import picamera2` finds it."""
    module = ModuleType("picamera2")
    fresh = type("Picamera2", (Picamera2,), {})
    vars(module)["Picamera2"] = fresh
    monkeypatch.setitem(sys.modules, "picamera2", module)
    return fresh


@pytest.fixture
def opened(picamera2: type[Picamera2]) -> Callable[..., tuple[Picamera, Picamera2]]:
    def open_(**settings: Any) -> tuple[Picamera, Picamera2]:
        stamps = LiveStamps(now=lambda: START, monotonic=lambda: 100.0)
        camera = Picamera(0, (640, 480), 15, stamps=stamps, **settings)
        return camera, picamera2.made

    return open_


def test_the_gray_plane_comes_without_its_padding(opened: Callable[..., tuple[Picamera, Picamera2]]) -> None:
    camera, inside = opened()
    assert (camera.name, camera.live, camera.synthetic) == ("picamera2:0", True, False)
    for number in range(3):
        frame = camera.read()
        assert frame is not None
        assert frame.gray.shape == (480, 640)
        assert frame.gray.flags.c_contiguous
        assert np.array_equal(frame.gray[7], np.arange(640) % 100 + number)
        assert frame.sequence == number
    assert inside.held == 0
    assert inside.asked["main"] == {"size": (640, 480), "format": "YUV420"}
    assert inside.asked["controls"] == {"FrameRate": 15}
    assert inside.calls == ["configure", "start"]


def test_the_size_is_what_the_camera_gives(
    picamera2: type[Picamera2], opened: Callable[..., tuple[Picamera, Picamera2]]
) -> None:
    picamera2.gives = ("NV12", (638, 478))
    camera, _ = opened()
    frame = camera.read()
    assert frame is not None
    assert frame.gray.shape == (camera.height, camera.width) == (478, 638)
    assert frame.gray.max() < 255


@pytest.mark.parametrize(
    ("metadata", "time_s"),
    [({"SensorTimestamp": 99_750_000_000}, 99.75), ({"SensorTimestamp": 5_000_000_000_000}, 100.0), ({}, 100.0)],
    ids=["the sensor's", "of another clock", "none"],
)
def test_a_frame_was_taken_when_the_sensor_says(
    opened: Callable[..., tuple[Picamera, Picamera2]], metadata: dict[str, int], time_s: float
) -> None:
    camera, inside = opened()
    inside.metadata = metadata
    frame = camera.read()
    assert frame is not None
    assert frame.time_s == time_s
    assert (START - frame.captured_at).total_seconds() == 100.0 - time_s


def test_no_frame_in_time_is_an_error_and_close_does_not_wait_for_it(
    opened: Callable[..., tuple[Picamera, Picamera2]],
) -> None:
    camera, inside = opened(timeout_s=3)
    inside.silent = True
    with pytest.raises(CameraError, match="picamera2:0: no picture for 3 s"):
        camera.read()
    camera.close()
    assert inside.calls[-2:] == ["cancel", "close"]


def test_close_happens_once(opened: Callable[..., tuple[Picamera, Picamera2]]) -> None:
    camera, inside = opened()
    camera.close()
    camera.close()
    assert inside.calls == ["configure", "start", "close"]


def test_a_close_that_hangs_is_told_and_only_a_new_process_helps(
    opened: Callable[..., tuple[Picamera, Picamera2]],
) -> None:
    camera, inside = opened(close_s=0.02)
    inside.hangs.clear()
    with pytest.raises(CameraHangError, match="hangs while closing") as caught:
        camera.close()
    assert caught.value.exit_code == 5
    inside.hangs.set()


@pytest.mark.parametrize(
    ("number", "settings", "said"),
    [
        (7, {}, r"picamera2:7: there is no such camera; connected: picamera2:0 \(imx708\);"),
        (0, {"refuses": "open"}, "picamera2:0: it cannot be opened .*another program may be using it"),
        (0, {"refuses": "start"}, "picamera2:0: it does not start with 640x480 at 15 frames/s: Failed"),
        (0, {"gives": ("XBGR8888", (640, 480))}, "picamera2:0: it gives XBGR8888, which has no gray plane"),
    ],
)
def test_what_goes_wrong_while_opening_is_told(
    picamera2: type[Picamera2], number: int, settings: dict[str, Any], said: str
) -> None:
    for name, value in settings.items():
        setattr(picamera2, name, value)
    with pytest.raises(CameraError, match=said):
        Picamera(number, (640, 480), 15)
    if hasattr(picamera2, "made"):
        assert picamera2.made.calls[-1:] == ["close"]
