from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.camera.clip import Clip
from edge.errors import CameraError
from tests.edge.camera.conftest import START
from tests.footage import clip

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.frame import Frame

FOOTAGE = {
    # file: frames, frames per second, (height, width), mean gray of the first and of the last frame
    "bird.mkv": (63, 30.0, (480, 640), 131.4, 131.6),
    "classroom.gif": (45, 15.05, (270, 480), 123.6, 123.4),
    "eat.mkv": (47, 30.0, (480, 640), 132.0, 132.5),
    "head-pose-face-detection-female-and-male.gif": (56, 12.02, (270, 480), 112.2, 109.8),
    "head-pose-face-detection-male.gif": (62, 12.02, (270, 480), 147.2, 147.3),
    "help.mkv": (58, 30.0, (480, 640), 131.8, 128.4),
    "thanks.mkv": (51, 30.0, (480, 640), 131.9, 132.1),
}


def frames_of(camera: Clip) -> list[Frame]:
    frames = []
    while (frame := camera.read()) is not None:
        frames.append(frame)
    camera.close()
    return frames


def cut(path: Path, part: float) -> Path:
    shorter = path.with_stem(f"cut-{path.stem}")
    content = path.read_bytes()
    shorter.write_bytes(content[: int(len(content) * part)])
    return shorter


def test_every_frame_comes_gray_in_order_and_at_its_time(
    video: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    camera = Clip(video(frames=50, fps=12.5), now=lambda: START)
    assert (camera.name, camera.live, camera.synthetic) == ("clip.avi", False, False)
    assert (camera.rate, camera.frames) == (12.5, 50)
    frames = frames_of(camera)
    assert [frame.sequence for frame in frames] == list(range(50))
    assert [frame.time_s for frame in frames] == [index / 12.5 for index in range(50)]
    assert (frames[25].captured_at - START).total_seconds() == pytest.approx(2)
    assert {(frame.gray.shape, frame.gray.dtype.name) for frame in frames} == {((120, 160), "uint8")}
    assert [frame.gray.mean() for frame in frames] == pytest.approx([4.0 * index for index in range(50)], abs=2)
    assert not caplog.records


def test_a_gif_has_the_rate_of_its_delays(tmp_path: Path, gif: Callable[..., bytes]) -> None:
    path = tmp_path / "few.gif"
    path.write_bytes(gif([10, 10, 100]))
    camera = Clip(path)
    assert camera.rate == pytest.approx(2.5)
    assert [frame.gray.mean() for frame in frames_of(camera)] == pytest.approx([0, 20, 40], abs=1)


def test_after_close_there_is_no_frame(video: Callable[..., Path]) -> None:
    camera = Clip(video(frames=3))
    camera.close()
    camera.close()
    assert camera.read() is None


@pytest.mark.parametrize("name", ["clip.avi", "clip.mkv"])
def test_a_clip_that_breaks_off_ends_there_with_a_warning(
    video: Callable[..., Path], caplog: pytest.LogCaptureFixture, name: str
) -> None:
    camera = Clip(cut(video(name=name), 0.5))
    frames = frames_of(camera)
    assert 10 < len(frames) < 40
    assert f"breaks off after {len(frames)} of 50 frames" in caplog.text
    assert len(caplog.records) == 1


def test_a_gif_that_breaks_off_ends_there_with_a_warning(
    tmp_path: Path, gif: Callable[..., bytes], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "few.gif"
    path.write_bytes(gif([10] * 8)[:-300])
    frames = frames_of(Clip(path))
    assert 4 <= len(frames) < 8
    assert f"breaks off after {len(frames)} frames" in caplog.text


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notes.mkv", b"no video\n" * 100, "not a video"),
        ("notes.gif", b"no video\n" * 100, "not a video"),
        ("empty.mkv", b"", "the file is empty"),
    ],
)
def test_what_is_no_video_is_said_with_its_name_and_nothing_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, content: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CameraError, match=f"{name}: .*{said}") as caught:
        Clip(path)
    assert caught.value.exit_code == 3
    assert capfd.readouterr() == ("", "")


def test_a_missing_file_is_said_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match=r"gone\.mkv: No such file"):
        Clip(tmp_path / "gone.mkv")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_said(video: Callable[..., Path]) -> None:
    path = video(frames=2)
    path.chmod(0)
    with pytest.raises(CameraError, match=r"clip\.avi: Permission denied"):
        Clip(path)


@pytest.mark.parametrize("part", [0.01, 0.05])
def test_a_clip_cut_off_before_its_first_frame_is_an_error(video: Callable[..., Path], part: float) -> None:
    with pytest.raises(CameraError, match=r"cut-clip\.avi: not "):
        Clip(cut(video(), part))


def test_of_a_gif_cut_off_within_its_first_frame_nothing_is_made_up(
    tmp_path: Path, gif: Callable[..., bytes], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "few.gif"
    path.write_bytes(gif([10])[:450])
    shown, said = [], ""
    try:
        shown = frames_of(Clip(path))  # OpenCV 4.14 gives what there is of the picture, 4.11 nothing
    except CameraError as error:
        said = str(error)
    assert len(shown) <= 1
    assert "few.gif" in said + caplog.text


def test_a_name_that_looks_like_an_address_is_a_file(
    video: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video(frames=2).rename(tmp_path / "tcp:evening.avi")
    monkeypatch.chdir(tmp_path)
    assert len(frames_of(Clip(Path("tcp:evening.avi")))) == 2


@pytest.mark.footage
@pytest.mark.parametrize("name", FOOTAGE)
def test_real_footage_is_read_to_its_end_and_the_same_each_time(name: str, caplog: pytest.LogCaptureFixture) -> None:
    count, rate, shape, first, last = FOOTAGE[name]
    path = clip(name)
    camera = Clip(path)
    frames = frames_of(camera)
    assert len(frames) == count
    assert camera.rate == pytest.approx(rate, abs=0.01)
    assert {frame.gray.shape for frame in frames} == {shape}
    assert frames[0].gray.mean() == pytest.approx(first, abs=0.5)
    assert frames[-1].gray.mean() == pytest.approx(last, abs=0.5)
    again = frames_of(Clip(path))
    assert [frame.time_s for frame in again] == [frame.time_s for frame in frames]
    assert all(np.array_equal(one.gray, other.gray) for one, other in zip(frames, again, strict=True))
    assert not caplog.records


@pytest.mark.footage
@pytest.mark.parametrize("name", FOOTAGE)
def test_real_footage_cut_in_half_ends_with_a_warning(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    content = clip(name).read_bytes()
    path = tmp_path / name
    path.write_bytes(content[: len(content) // 2])
    assert 10 < len(frames_of(Clip(path))) < FOOTAGE[name][0]
    assert "breaks off" in caplog.text
    assert capfd.readouterr().err == ""


@pytest.mark.footage
@pytest.mark.parametrize("name", ["bird.mkv", "classroom.gif"])
def test_real_footage_cut_before_its_first_frame_is_an_error(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(clip(name).read_bytes()[:1500])
    with pytest.raises(CameraError, match="not "):
        Clip(path)
