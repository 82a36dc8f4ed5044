"""Stands in for Picamera2 and libcamera: their documented behaviour that matters here, padded rows included."""

from __future__ import annotations

import mmap
import threading
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

CSI = "/base/axi/pcie@120000/rp1/i2c@88000/imx708@1a"
USB = "/base/axi/pcie@120000/rp1/usb@200000-1:1.0-046d:0825"
STRIDE = 768  # of a row of 640 pixels: the hardware pads


class Request:
    """A completed request, as picamera2/request.py has it."""

    def __init__(self, camera: Picamera2, number: int) -> None:
        self._camera, self._number = camera, number
        camera.held += 1

    def memory(self) -> mmap.mmap:
        """The camera's own memory: it can be unmapped only where nobody looks at it any more."""
        assert self._camera.held, "used after release"
        width, height = self._camera.main["size"]
        rows = np.full((height * 3 // 2, STRIDE), 255, np.uint8)  # padding and colours: never to be seen
        rows[:height, :width] = np.arange(width) % 100 + self._number
        memory = mmap.mmap(-1, rows.nbytes)
        memory.write(rows.tobytes())
        return memory

    def get_metadata(self) -> dict[str, Any]:
        return dict(self._camera.metadata)

    def release(self) -> None:
        self._camera.held -= 1


class MappedArray:
    """A request's buffer, as picamera2/request.py maps it."""

    def __init__(self, request: Request, stream: str, reshape: bool = True) -> None:  # noqa: FBT001, FBT002  # as there
        assert (stream, reshape) == ("main", False)
        self._request = request

    def __enter__(self) -> Self:
        self._memory = self._request.memory()
        self.array = np.frombuffer(self._memory, np.uint8)
        return self

    def __exit__(self, *_: object) -> None:
        del self.array
        self._memory.close()  # raises BufferError where a view is left


@dataclass
class Transform:
    """libcamera's."""

    hflip: bool = False
    vflip: bool = False


class Picamera2:
    """A camera; what a class of its own sets is what the hardware does."""

    cameras: tuple[dict[str, Any], ...] = (
        {"Id": CSI, "Num": 0, "Model": "imx708"},
        {"Id": USB, "Num": 1, "Model": "C920"},
    )
    made: Picamera2
    gives: tuple[str, tuple[int, int]] | None = None
    refuses = ""
    flips = True
    has: ClassVar[dict[str, tuple[Any, Any, Any]]] = {"FrameDurationLimits": (16_666, 1_000_000, 33_333)}

    def __init__(self, camera_num: int = 0) -> None:
        self.info = self.cameras[camera_num]
        if self.refuses == "open":
            message = "Camera __init__ sequence did not complete."
            raise RuntimeError(message)
        self.main: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {"SensorTimestamp": 99_750_000_000}
        self.calls: list[str] = []
        self.held = 0
        self.set: dict[str, Any] = {}
        self.camera_controls: dict[str, tuple[Any, Any, Any]] = {}
        self.silent = False
        self.hangs = threading.Event()
        self.hangs.set()
        self._frames = 0
        type(self).made = self

    @classmethod
    def global_camera_info(cls) -> list[dict[str, Any]]:
        return list(cls.cameras)

    def create_video_configuration(self, main: dict[str, Any], transform: Transform) -> dict[str, Any]:
        return {"main": main, "transform": transform}

    def set_controls(self, controls: dict[str, Any]) -> None:
        assert self.calls == ["configure"], "configure() sets them all anew"
        for name in controls:
            if name not in self.camera_controls:
                message = f"Control {name} is not advertised by libcamera"
                raise RuntimeError(message)
        self.set = controls

    def configure(self, config: dict[str, Any]) -> None:
        self.calls.append("configure")
        self.asked = config
        self.camera_controls = self.has
        pixels, size = self.gives or (config["main"]["format"], config["main"]["size"])
        self.main = {"format": pixels, "size": size, "stride": STRIDE, "framesize": STRIDE * size[1] * 3 // 2}

    def camera_configuration(self) -> dict[str, Any]:
        transform = self.asked["transform"] if self.flips else Transform()
        return {"main": self.main, "lores": None, "transform": transform}

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
