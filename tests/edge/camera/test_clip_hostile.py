"""Files that are no clips, or say of themselves what is not true."""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edge.camera.clip import Clip
from edge.camera.open import open_camera
from edge.config import Broker, CameraConfig
from edge.errors import CameraError
from edge.testcard import Scene
from tests.edge.camera.films import film
from tests.edge.camera.test_images import enlarged

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.camera import Camera

RAMP = np.tile(np.arange(160, dtype=np.uint8), (120, 1))


def frames_of(path: Path) -> int:
    camera = Clip(path)
    count = sum(1 for _ in iter(camera.read, None))
    camera.close()
    return count


def by_its_source(path: Path) -> Camera:
    return open_camera(CameraConfig(source=str(path)), Broker("none"))


@pytest.mark.parametrize("kind", [".jpg", ".png", ".bmp"])
def test_a_single_photo_is_no_clip(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"photo{kind}"
    assert cv2.imwrite(str(path), RAMP)
    with pytest.raises(CameraError, match=r"this is a photo, .*: write the path of a clip, or of a folder") as caught:
        Clip(path)
    assert caught.value.exit_code == 3


def test_a_gif_of_one_picture_is_no_clip(tmp_path: Path, gif: Callable[..., bytes]) -> None:
    path = tmp_path / "still.gif"
    path.write_bytes(gif([10]))
    with pytest.raises(CameraError, match="only one picture"):
        Clip(path)


@pytest.mark.parametrize("kind", [".jpg", ".png", ".bmp", ".pgm"])
def test_a_photo_that_says_it_is_huge_takes_no_memory(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"huge{kind}"
    path.write_bytes(enlarged(kind))
    with pytest.raises(CameraError, match="huge"):
        Clip(path)


def test_a_clip_that_says_it_is_huge_takes_no_memory(tmp_path: Path, video: Callable[..., Path]) -> None:
    content = video(frames=3, size=(160, 120)).read_bytes()
    path = tmp_path / "huge.avi"
    # In the main header and the stream's: AVI's fields are 32 bits wide. The JPEGs say what they are themselves.
    path.write_bytes(content.replace(struct.pack("<II", 160, 120), struct.pack("<II", 60000, 60000)))
    assert frames_of(path) == 3


@pytest.mark.parametrize(
    ("name", "codec", "unknown"), [("clip.avi", b"MJPG", b"QQQQ"), ("clip.mkv", b"V_MJPEG", b"V_XJPEG")]
)
def test_a_video_of_an_unknown_kind_is_no_clip(
    video: Callable[..., Path], name: str, codec: bytes, unknown: bytes
) -> None:
    path = video(frames=3, name=name)
    path.write_bytes(path.read_bytes().replace(codec, unknown))
    with pytest.raises(CameraError, match="of a kind that FFmpeg cannot decode"):
        Clip(path)


def test_a_clip_whose_pictures_are_too_wide_for_opencv_is_none(tmp_path: Path) -> None:
    pictures = ((index / 10, np.zeros((32, 32_768), np.uint8)) for index in range(2))
    path = film(tmp_path / "wide.mkv", pictures, rate=10, codec="ffv1", pixels="gray")
    with pytest.raises(CameraError, match="not one picture in it can be decoded"):
        Clip(path)


@pytest.mark.parametrize("name", ["sparse.mkv", "sparse.gif", "sparse.mp4", "sparse.mjpeg", "sparse.jpg"])
def test_a_sparse_file_of_20_gb_is_no_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr("edge.camera.clip._READ_S", 0.2)
    path = tmp_path / name
    path.touch()
    os.truncate(path, 20 * 1024**3)
    with pytest.raises(CameraError, match="sparse"):
        Clip(path)


@pytest.mark.parametrize("kind", ["fifo", "endless", "socket", "dangling"])
@pytest.mark.parametrize("opener", [Clip, by_its_source])
def test_what_is_no_regular_file_is_told_at_once(tmp_path: Path, kind: str, opener: Callable[[Path], Camera]) -> None:
    path = tmp_path / "clip.mkv"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "endless":
        path.symlink_to("/dev/zero")
    elif kind == "dangling":
        path.symlink_to(tmp_path / "gone.mkv")
    else:
        with socket.socket(socket.AF_UNIX) as unix:
            unix.bind(str(path))
    with pytest.raises(CameraError, match=r"clip\.mkv"):
        opener(path)


def test_a_playlist_opens_no_address(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        path = tmp_path / "list.m3u8"
        path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{address}\n#EXT-X-ENDLIST\n")
        with pytest.raises(CameraError, match=r"list\.m3u8"):
            Clip(path)
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_damaged_part_costs_its_pictures_and_not_the_rest(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    scene = Scene(320, 240)
    pictures = ((index / 10, scene.render(index / 10)) for index in range(40))
    path = film(tmp_path / "scratched.mkv", pictures, rate=10, codec="mjpeg", pixels="yuvj420p")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = b"\xaa" * 4000
    path.write_bytes(content)
    assert frames_of(path) >= 35
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", ["ein Fräulein 100%.avi", "frame%03d.avi", os.fsdecode(b"caf\xe9.avi"), "-i.avi"])
def test_a_file_may_have_any_name(
    tmp_path: Path, video: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    video(frames=4).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert frames_of(Path(name)) == 4
