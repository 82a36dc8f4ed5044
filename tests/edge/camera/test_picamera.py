from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest

from edge.camera.open import open_camera
from edge.camera.picamera import Picamera
from edge.camera.rotated import Rotated
from edge.camera.timestamps import LiveStamps
from edge.config import CameraConfig, parse_broker
from edge.errors import CameraError, CameraHangError
from tests.edge.camera.conftest import START
from tests.edge.camera.fake_picamera2 import MappedArray, Picamera2, Transform

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def picamera2(monkeypatch: pytest.MonkeyPatch) -> type[Picamera2]:
    """Put the fake where `import picamera2` finds it."""
    module = ModuleType("picamera2")
    fresh = type("Picamera2", (Picamera2,), {})
    vars(module).update(Picamera2=fresh, MappedArray=MappedArray)
    monkeypatch.setitem(sys.modules, "picamera2", module)
    libcamera = ModuleType("libcamera")
    vars(libcamera)["Transform"] = Transform
    monkeypatch.setitem(sys.modules, "libcamera", libcamera)
    return fresh


@pytest.fixture
def opened(picamera2: type[Picamera2]) -> Callable[..., tuple[Picamera, Picamera2]]:
    def open_(close_s: float = 5.0, **settings: Any) -> tuple[Picamera, Picamera2]:
        stamps = LiveStamps(now=lambda: START, monotonic=lambda: 100.0)
        camera = Picamera(0, CameraConfig(**settings), close_s=close_s, stamps=stamps)
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
    assert inside.set == {"FrameDurationLimits": (66_667, 66_667)}
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
    camera, inside = opened(stall_s=3)
    inside.silent = True
    with pytest.raises(CameraError, match="picamera2:0: no picture for 3 s"):
        camera.read()
    camera.close()
    assert inside.calls[-2:] == ["cancel", "close"]


@pytest.mark.parametrize(
    ("rotate", "can", "rotated"), [(0, "flip", 0), (180, "flip", 180), (180, "nothing", 0), (90, "flip", 0)]
)
def test_the_camera_turns_its_pictures_itself_where_it_can(
    picamera2: type[Picamera2], rotate: Literal[0, 90, 180], can: str, rotated: int
) -> None:
    picamera2.flips = can == "flip"
    asked = rotate == 180
    config = CameraConfig(source="picamera2", rotate=rotate)
    camera = open_camera(config, parse_broker("none"))
    inside = camera if isinstance(camera, Picamera) else vars(camera)["_camera"]
    assert inside.rotated == rotated
    assert picamera2.made.asked["transform"] == Transform(hflip=asked, vflip=asked)
    assert isinstance(camera, Rotated) == (rotate != rotated)  # what it cannot do is done here
    camera.close()


AUTOFOCUS = {"AfMode": (0, 2, 0), "LensPosition": (0.0, 32.0, 1.0)}


@pytest.mark.parametrize(
    ("settings", "controls"),
    [
        ({}, {"AfMode": 2}),
        ({"focus_m": 0.5}, {"AfMode": 0, "LensPosition": 2.0}),
        ({"focus_m": 0.01}, {"AfMode": 0, "LensPosition": 32.0}),
        ({"low_light_fps": 5}, {"AfMode": 2, "FrameDurationLimits": (66_667, 200_000)}),
        ({"fps": 30, "low_light_fps": 0.5}, {"AfMode": 2, "FrameDurationLimits": (33_333, 1_000_000)}),
    ],
)
def test_settings_become_controls_within_the_cameras_limits(
    picamera2: type[Picamera2],
    opened: Callable[..., tuple[Picamera, Picamera2]],
    settings: dict[str, float],
    controls: dict[str, object],
) -> None:
    picamera2.has = picamera2.has | AUTOFOCUS
    _, inside = opened(**settings)
    assert inside.set == {"FrameDurationLimits": (66_667, 66_667)} | controls


def test_a_rate_that_the_sensor_cannot_give_is_said(
    opened: Callable[..., tuple[Picamera, Picamera2]], caplog: pytest.LogCaptureFixture
) -> None:
    camera, inside = opened(fps=90)
    assert inside.set == {"FrameDurationLimits": (16_666, 16_666)}
    assert round(camera.fps) == 60
    assert "picamera2:0 gives at most 60 frames/s of this size, and not 90" in caplog.text


def test_a_camera_without_these_controls_works(
    picamera2: type[Picamera2],
    opened: Callable[..., tuple[Picamera, Picamera2]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    picamera2.has = {}
    camera, inside = opened(focus_m=1)
    assert inside.set == {}
    assert camera.read() is not None
    assert "has a fixed lens; camera.focus_m has no effect" in caplog.text
    assert "a frame rate of its own; camera.fps has no effect" in caplog.text


def test_a_camera_stack_that_fails_while_it_loads_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> ModuleType:
        message = "the camera manager did not start"
        raise RuntimeError(message)

    monkeypatch.setattr("edge.camera.csi.importlib.import_module", fail)
    with pytest.raises(CameraError, match=r"picamera2:0: it cannot be opened \(the camera manager did not start\)"):
        Picamera(0, CameraConfig())


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
        Picamera(number, CameraConfig())
    if hasattr(picamera2, "made"):
        assert picamera2.made.calls[-1:] == ["close"]
