"""Clips as phones and recorders write them: on their side, with oblong pixels, at no constant rate."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edge.camera.clip import Clip
from edge.testcard import Scene
from tests.edge.camera.conftest import START
from tests.edge.camera.films import film

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edge.frame import Frame

    Gray = NDArray[np.uint8]

WIDTH, HEIGHT = 320, 240
UPRIGHT = Scene(WIDTH, HEIGHT).render(0)


def frames_of(path: Path) -> list[Frame]:
    camera = Clip(path, now=lambda: START)
    frames = [frame for frame in iter(camera.read, None) if frame]
    camera.close()
    return frames


def still(path: Path, picture: Gray, rotation: int = 0, aspect: tuple[int, int] = (1, 1)) -> list[Frame]:
    """Return the frames of a clip that shows one picture five times."""
    stored = np.ascontiguousarray(picture)
    times = [(index / 10, stored) for index in range(5)]
    return frames_of(film(path, times, rate=10, rotation=rotation, aspect=aspect))


def assert_same(shown: Gray, picture: Gray, levels: float) -> None:
    assert shown.shape == picture.shape
    assert np.abs(shown.astype(int) - picture).mean() < levels


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_clip_from_a_phone_held_anyhow_is_upright(tmp_path: Path, suffix: str, degrees: int) -> None:
    stored = np.rot90(UPRIGHT, -degrees // 90)  # the sensor's picture; the player turns it counterclockwise
    for frame in still(tmp_path / f"phone.{suffix}", stored, rotation=degrees):
        assert_same(frame.gray, UPRIGHT, 2)
        assert frame.gray.flags.c_contiguous


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("aspect", [(2, 1), (4, 3), (8, 9)])
def test_pixels_become_square(tmp_path: Path, suffix: str, aspect: tuple[int, int]) -> None:
    size = round(WIDTH * aspect[1] / aspect[0]), HEIGHT
    stored = np.asarray(cv2.resize(UPRIGHT, size, interpolation=cv2.INTER_AREA), np.uint8)
    for frame in still(tmp_path / f"oblong.{suffix}", stored, aspect=aspect):
        assert_same(frame.gray, UPRIGHT, 4)


def test_a_turned_clip_with_oblong_pixels_is_upright_and_square(tmp_path: Path) -> None:
    stored = np.asarray(cv2.resize(np.rot90(UPRIGHT, -1), (HEIGHT // 2, WIDTH), interpolation=cv2.INTER_AREA), np.uint8)
    assert_same(still(tmp_path / "both.mp4", stored, rotation=90, aspect=(2, 1))[0].gray, UPRIGHT, 4)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_at_a_varying_rate_every_frame_has_the_time_stamp_of_its_own(tmp_path: Path, suffix: str) -> None:
    times = [index / 30 for index in range(30)] + [1 + index / 3 for index in range(15)] + [6, 9.5, 15.4]
    path = film(tmp_path / f"varying.{suffix}", ((time_s, UPRIGHT) for time_s in times), rate=30)
    frames = frames_of(path)
    assert [frame.time_s for frame in frames] == pytest.approx(times, abs=0.001)
    assert [(frame.captured_at - START).total_seconds() for frame in frames] == pytest.approx(times, abs=0.001)
    assert [frame.sequence for frame in frames] == list(range(len(times)))


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "ts"])
def test_at_a_constant_rate_the_rounding_of_the_container_is_undone(tmp_path: Path, suffix: str) -> None:
    path = film(tmp_path / f"steady.{suffix}", ((index / 30, UPRIGHT) for index in range(60)), rate=30)
    assert [frame.time_s for frame in frames_of(path)] == [index / 30 for index in range(60)]


@pytest.mark.parametrize("suffix", ["ts", "h264"])
def test_each_frame_has_its_own_size_where_that_changes_within_the_stream(tmp_path: Path, suffix: str) -> None:
    half = np.asarray(cv2.resize(UPRIGHT, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA), np.uint8)
    large = film(tmp_path / f"large.{suffix}", ((index / 10, UPRIGHT) for index in range(10)), rate=10)
    small = film(tmp_path / f"small.{suffix}", ((1 + index / 10, half) for index in range(10)), rate=10)
    large.write_bytes(large.read_bytes() + small.read_bytes())
    frames = frames_of(large)
    assert len(frames) == 20
    for number, frame in enumerate(frames):
        assert_same(frame.gray, UPRIGHT if number < 10 else half, 2)


def test_motion_jpeg_that_changes_its_chroma_subsampling_is_read_to_its_end(tmp_path: Path) -> None:
    picture = cv2.cvtColor(Scene(1920, 1080).render(0), cv2.COLOR_GRAY2BGR)
    samplings = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420)
    jpegs = [
        cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling])[1].tobytes()
        for sampling in samplings
    ]
    path = tmp_path / "change.mjpeg"
    path.write_bytes(jpegs[0] * 5 + jpegs[1] * 5)
    frames = frames_of(path)
    assert len(frames) == 10
    for frame in frames:
        assert_same(frame.gray, np.asarray(picture[:, :, 0], np.uint8), 3)


def test_the_memory_of_a_frame_does_not_wait_for_the_garbage_collector(tmp_path: Path) -> None:
    path = film(tmp_path / "long.mp4", ((index / 30, UPRIGHT) for index in range(60)), rate=30, rotation=90)
    camera = Clip(path)
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        frames = sum(1 for _ in iter(camera.read, None))
        gc.collect()
        waiting = [each for each in gc.garbage if type(each).__module__.startswith("av")]  # others make garbage, too
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    camera.close()
    assert frames == 60
    assert len(waiting) < frames
