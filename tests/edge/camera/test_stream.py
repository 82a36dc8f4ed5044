from __future__ import annotations

import contextlib
import socket
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import av
import cv2
import numpy as np
import pytest

from edge.camera.stream import NetworkStream
from edge.camera.timestamps import LiveStamps
from edge.camera.upright import UprightGray
from edge.errors import CameraError
from tests.edge.camera.conftest import START

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

SIZE = 160, 120


def jpeg(index: int) -> bytes:
    """Return a noisy picture whose gray levels are about 20 times its index."""
    noise = np.random.default_rng(index).integers(0, 20, (SIZE[1], SIZE[0]))
    return cv2.imencode(".jpg", (noise + 20 * index).astype(np.uint8))[1].tobytes()


class NetworkCamera(SimpleHTTPRequestHandler):
    """Serves files, and what cameras have: a stream that ends after ten pictures, one that goes silent, a snapshot."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/live.mjpg":
            self._stream(10)
        elif path == "/lies.mjpg":
            self._stream(10, {"Content-Length": "99999999"})
        elif path == "/silent.mjpg":
            self._stream(3)
            time.sleep(10)
        elif path == "/sound.ts":
            self._send_sound()
        elif path == "/snap":  # without a length, as it is made on demand
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.end_headers()
            self.wfile.write(jpeg(1))
        else:
            super().do_GET()

    def _stream(self, pictures: int, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        for index in range(pictures):
            content = jpeg(index)
            head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(content)}\r\n\r\n"
            self.wfile.write(head.encode() + content + b"\r\n")

    def _send_sound(self) -> None:
        """Send ten pictures with sound, and then the sound alone for some seconds."""
        self.send_response(200)
        self.send_header("Content-Type", "video/mp2t")
        self.end_headers()
        silence = np.zeros((1, 1152), np.int16)
        options = {"max_interleave_delta": "1"}  # else the sound waits ten seconds for pictures
        with contextlib.suppress(OSError), av.open(self.wfile, "w", format="mpegts", options=options) as container:
            pictures: Any = container.add_stream("mpeg2video", 25)
            pictures.width, pictures.height, pictures.pix_fmt = *SIZE, "yuv420p"
            sound: Any = container.add_stream("mp2", 48000, layout="mono")
            for index in range(4000):
                if index < 10:
                    picture = av.VideoFrame.from_ndarray(np.full(SIZE[::-1], 20 * index, np.uint8), format="gray")
                    container.mux(pictures.encode(picture.reformat(format="yuv420p")))
                part: Any = av.AudioFrame.from_ndarray(silence, format="s16", layout="mono")
                part.sample_rate, part.pts = 48000, 1152 * index
                container.mux(sound.encode(part))
                if index > 100:
                    time.sleep(0.003)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Serve the test's folder, and a network camera's addresses."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(NetworkCamera, directory=str(tmp_path)))
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    yield f"127.0.0.1:{http.server_port}"
    http.shutdown()
    http.server_close()
    thread.join()


def test_a_stream_gives_frames_as_they_come_and_its_end_is_an_error(server: str) -> None:
    ticks = iter(range(100, 200))
    stamps = LiveStamps(now=lambda: START, monotonic=lambda: float(next(ticks)))
    camera = NetworkStream(f"http://{server}/live.mjpg?token=secret", 5, stamps=stamps)
    assert (camera.name, camera.live, camera.synthetic) == (f"http://{server}/…", True, False)
    frames = [frame for frame in (camera.read() for _ in range(10)) if frame]
    assert [frame.time_s for frame in frames] == [float(second) for second in range(100, 110)]
    assert [frame.sequence for frame in frames] == list(range(10))
    assert [frame.gray.mean() for frame in frames] == pytest.approx([20 * index + 9.5 for index in range(10)], abs=2)
    assert {frame.gray.shape for frame in frames} == {(SIZE[1], SIZE[0])}
    with pytest.raises(CameraError, match="the stream ended"):
        camera.read()
    camera.close()
    camera.close()


def test_a_stream_that_goes_silent_is_given_up_in_time(server: str) -> None:
    camera = NetworkStream(f"http://{server}/silent.mjpg", 0.5)
    for _ in range(3):
        assert camera.read() is not None
    began_s = time.monotonic()
    with pytest.raises(CameraError, match=r"sent nothing for 0\.5 s"):
        camera.read()
    assert time.monotonic() - began_s < 8
    camera.close()


def test_a_stream_whose_sound_alone_goes_on_is_given_up_in_time(server: str) -> None:
    camera = NetworkStream(f"http://{server}/sound.ts", 0.5)
    began_s = time.monotonic()
    with pytest.raises(CameraError, match=r"sent nothing for 0\.5 s"):
        list(iter(camera.read, None))
    assert time.monotonic() - began_s < 8
    camera.close()


def test_a_stream_to_which_the_camera_gives_a_length_is_a_stream(server: str) -> None:
    camera = NetworkStream(f"http://{server}/lies.mjpg", 5)
    assert len([camera.read() for _ in range(10)]) == 10
    camera.close()


def test_a_stream_of_an_unknown_kind_is_told(server: str, video: Callable[..., Path], tmp_path: Path) -> None:
    content = video(frames=10, name="clip.mkv").read_bytes()
    (tmp_path / "unknown.mkv").write_bytes(content.replace(b"V_MJPEG", b"V_XJPEG"))
    with pytest.raises(CameraError, match=r"no stream opens there .*of a kind that FFmpeg cannot decode"):
        NetworkStream(f"http://{server}/unknown.mkv", 5)


def test_a_picture_that_cannot_be_converted_ends_the_stream_alone(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = NetworkStream(f"http://{server}/live.mjpg", 5)
    monkeypatch.setattr(UprightGray, "convert", Mock(side_effect=MemoryError("out of memory")))
    assert [camera.read() is not None for _ in range(2)] == [True, True]
    with pytest.raises(CameraError, match="the stream ended: out of memory"):
        camera.read()
    camera.close()


@pytest.mark.parametrize("address", ["snap.jpg", "snap.png", "snap"])
def test_one_picture_is_no_stream(server: str, tmp_path: Path, address: str) -> None:
    for name in ("snap.jpg", "snap.png"):
        assert cv2.imwrite(str(tmp_path / name), np.zeros((120, 160), np.uint8))
    with pytest.raises(CameraError, match="there is one picture, and no stream; look up the address"):
        NetworkStream(f"http://{server}/{address}", 5)


@pytest.mark.parametrize("name", ["clip.avi", "clip.mp4", "clip.mkv"])
def test_a_video_file_is_no_stream(server: str, video: Callable[..., Path], name: str) -> None:
    video(frames=10, name=name)
    with pytest.raises(CameraError, match="there is a video file, and no live stream; download it"):
        NetworkStream(f"http://{server}/{name}", 5)


def test_a_playlist_on_the_network_opens_no_file_of_this_machine(
    server: str, video: Callable[..., Path], tmp_path: Path
) -> None:
    clip = video(frames=10, name="clip.ts")
    lines = ("#EXTM3U", "#EXT-X-TARGETDURATION:1", "#EXTINF:1,", f"file://{clip}", "")
    (tmp_path / "list.m3u8").write_text("\n".join(lines))
    with pytest.raises(CameraError):
        NetworkStream(f"http://{server}/list.m3u8", 1)


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
