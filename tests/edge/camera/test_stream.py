from __future__ import annotations

import socket
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from edge.camera.stream import NetworkStream
from edge.camera.timestamps import LiveStamps
from edge.errors import CameraError
from tests.edge.camera.conftest import START

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Serve the test's folder."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    yield f"127.0.0.1:{http.server_port}"
    http.shutdown()
    http.server_close()
    thread.join()


def test_a_stream_gives_frames_as_they_come_and_its_end_is_an_error(video: Callable[..., Path], server: str) -> None:
    video(frames=10)
    ticks = iter(range(100, 200))
    stamps = LiveStamps(now=lambda: START, monotonic=lambda: float(next(ticks)))
    camera = NetworkStream(f"http://{server}/clip.avi?token=secret", 5, stamps=stamps)
    assert (camera.name, camera.live, camera.synthetic) == (f"http://{server}/…", True, False)
    frames = [camera.read() for _ in range(10)]
    assert [frame and frame.time_s for frame in frames] == [float(second) for second in range(100, 110)]
    assert [frame and frame.sequence for frame in frames] == list(range(10))
    assert {frame and frame.gray.shape for frame in frames} == {(120, 160)}
    with pytest.raises(CameraError, match="the stream ended"):
        camera.read()
    camera.close()
    camera.close()


def test_what_is_not_there_is_told_without_secrets(server: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CameraError, match="no stream opens there") as caught:
        NetworkStream(f"http://me:hush@{server}/gone.avi", 5)
    assert "hush" not in str(caught.value)
    assert "hush" not in capfd.readouterr().err


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_camera_that_does_not_answer_is_given_up_in_time(scheme: str) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(CameraError, match=r"within 0\.1 s"):
            NetworkStream(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/live", 0.1)
