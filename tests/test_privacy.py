"""No picture leaves the process: neither by the broker, nor by the log, nor by a file.

There is one way out, which the owner opens: the preview's stream. It is open here, and somebody looks.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from edge.camera.testcard import TestCard
from edge.config import HealthConfig, MqttConfig, PreviewConfig, Settings
from edge.daemon import run
from edge.preview.pages import page_files
from edge.testcard import Scene
from edge.vision import reader, views
from tests.broker import Mosquitto, Subscriber, free_port, wait_until
from tests.edge.preview.viewer import Viewer, ask
from tests.pixels import Pictures

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from edge.frame import Frame
    from edge.geometry import Rect
    from edge.inference.card import Card
    from edge.vision.views import View

ROOT = "emotion-edge/test"
MOST_BYTES = {"emotion-edge": 2000, "homeassistant": 16_000}
"""Of a payload, below these topics. The smallest crop has 2304 pixels."""


class Remembered(TestCard):
    """The test card; what it showed is known afterwards."""

    def __init__(self, shown: list[NDArray[np.uint8]]) -> None:
        super().__init__(Scene(), 15)
        self._shown = shown

    def read(self) -> Frame:
        frame = super().read()
        self._shown.append(frame.gray.copy())
        return frame


class Owner(threading.Thread):
    """Looks at the preview until it closes; what it showed is known afterwards."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self.records: list[tuple[dict[str, Any], bytes]] = []

    def run(self) -> None:
        with Viewer(self._port) as viewer:
            self.records.extend(viewer.records())


def files_of(*folders: Path) -> dict[str, bytes]:
    """Return the content of each file below the folders; one that is renamed or removed meanwhile is left out."""
    found = {}
    for path in (path for top in folders for path in top.rglob("*")):
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            found[str(path)] = path.read_bytes()
    return found


def written_elsewhere(*folders: Path) -> set[str]:
    """Give the files that this process holds open for writing outside of the folders."""
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        try:
            path, info = link.readlink(), Path(f"/proc/self/fdinfo/{link.name}").read_text()
        except FileNotFoundError:  # closed since, or no file behind it
            continue
        flags = int(next(line for line in info.splitlines() if line.startswith("flags:")).split()[1], 8)
        if flags & (os.O_WRONLY | os.O_RDWR) and path.is_file() and not any(top in path.parents for top in folders):
            found.add(str(path))
    return found


def test_a_whole_run_leaves_no_pixel_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    home, logs = tmp_path / "home", tmp_path / "broker"
    home.mkdir()
    logs.mkdir()
    monkeypatch.chdir(home)
    for name in ("HOME", "TMPDIR", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "STATE_DIRECTORY", "RUNTIME_DIRECTORY"):
        monkeypatch.setenv(name, str(home))
    shown: list[NDArray[np.uint8]] = []
    cut_out: list[NDArray[np.uint8]] = []
    cut = views.view_crop

    def remember(gray: NDArray[np.uint8], face: Rect, card: Card, view: View, tilt: float) -> NDArray[np.uint8]:
        cut_out.append(cut(gray, face, card, view, tilt))
        return cut_out[-1]

    monkeypatch.setattr(reader, "view_crop", remember)
    monkeypatch.setattr(run, "open_camera", lambda *_: Remembered(shown))
    broker = Mosquitto(logs, persistence=True)
    open_before = written_elsewhere()
    stop = threading.Event()
    settings = Settings(
        mqtt=MqttConfig(url=broker.url, device="test"),
        health=HealthConfig(every_s=1),
        preview=PreviewConfig(enabled=True, address=f"127.0.0.1:{(port := free_port())}"),
    )
    thread, owner = threading.Thread(target=run.run, args=(settings, stop)), Owner(port)
    thread.start()
    try:
        wait_until(lambda: any(b'"appeared"' in content for content in files_of(home).values()))
        owner.start()
        while_away = files_of(home)
        elsewhere = written_elsewhere(home, logs) - open_before
        with broker:
            subscriber = Subscriber(broker.port)
            wait_until(lambda: any('"changed"' in p for p in subscriber.payloads(f"{ROOT}/event")))
            wait_until(lambda: len(subscriber.payloads(f"{ROOT}/health")) > 1)
            beside = [(f"the preview's {path}", ask(port, path)[2]) for path in (*page_files(), "/picture.jpg")]
            stop.set()
            thread.join(10)
            wait_until(lambda: subscriber.payloads(f"{ROOT}/availability")[-1:] == ["offline"])
            subscriber.close()
    finally:
        stop.set()
        thread.join(10)
    owner.join(10)
    assert elsewhere == set()

    pictures = Pictures([*shown[::5], *cut_out[::5]])
    assert len(pictures) > 10_000
    assert len({message.topic for message in subscriber.messages}) >= 6
    told = [("the log", record.getMessage().encode()) for record in caplog.records]
    told += [(f"a payload of {message.topic}", bytes(message.payload)) for message in subscriber.messages]
    told += [*while_away.items(), *files_of(home, logs).items(), *beside]
    told += [
        ("what is said beside the preview's pictures", json.dumps(message).encode()) for message, _ in owner.records
    ]
    assert {name: found for name, content in told if (found := pictures.find(content))} == {}
    assert any(is_of(picture, shown) for _, picture in owner.records), (
        "the stream, which is the way out, has no picture"
    )
    for message in subscriber.messages:
        assert len(message.payload) <= MOST_BYTES[message.topic.partition("/")[0]], message.topic


def is_of(jpeg: bytes, shown: list[NDArray[np.uint8]]) -> bool:
    """Return whether a JPEG is one of the pictures, but for what it loses."""
    if not jpeg:
        return False
    found = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert found is not None
    return any(float(cv2.absdiff(found, gray).mean()) < 3 for gray in shown)


def as_png(picture: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


@pytest.mark.parametrize(
    "hide",
    [
        lambda crop: b"x" * 7 + crop[20].tobytes() + b"\0" * 9,
        lambda crop: json.dumps({"face": crop.tobytes().hex()}).encode(),
        lambda crop: json.dumps({"face": base64.b64encode(b"?" + crop.tobytes()).decode()}).encode(),
        lambda crop: b"f=" + base64.urlsafe_b64encode(crop[30:32].tobytes()),
        lambda crop: json.dumps({"face": crop.tolist()}).encode(),
        lambda crop: json.dumps({"row": crop[17].tolist()}, indent=1).encode(),
        as_png,
        lambda crop: json.dumps({"face": "data:image/png;base64," + base64.b64encode(as_png(crop)).decode()}).encode(),
    ],
    ids=["plain", "hex", "base64", "urlsafe", "numbers", "lines of numbers", "PNG", "data URL"],
)
def test_a_planted_picture_is_found(hide: Callable[[NDArray[np.uint8]], bytes]) -> None:
    frame = Scene().render(3.0)
    crop = np.ascontiguousarray(frame[100:148, 200:248])
    planted = hide(crop)
    assert Pictures([frame, crop]).find(planted)
    assert (
        Pictures([frame, crop]).find(json.dumps({"faces": [], "frame": {"width": 640, "height": 480}}).encode()) is None
    )
