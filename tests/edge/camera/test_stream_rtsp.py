from __future__ import annotations

import time

import numpy as np
import pytest

from edge.camera.stream import NetworkStream
from edge.errors import CameraError
from edge.testcard import Scene
from tests.edge.camera.rtsp import rtsp_camera

SCENE = Scene(320, 240)
PICTURES = [SCENE.render(index / 15) for index in range(8)]


def test_pictures_come_over_rtsp_in_order_and_the_end_is_an_error() -> None:
    with rtsp_camera(PICTURES) as place:
        camera = NetworkStream(f"rtsp://{place}/live", 5)
        frames = [frame for frame in (camera.read() for _ in PICTURES) if frame]
        with pytest.raises(CameraError, match="the stream ended"):
            camera.read()
        camera.close()
    for frame, picture in zip(frames, PICTURES, strict=True):
        assert frame.gray.shape == picture.shape
        assert np.abs(frame.gray.astype(int) - picture).mean() < 5


def test_a_camera_that_sends_few_pictures_opens_all_the_same() -> None:
    began_s = time.monotonic()
    with rtsp_camera(PICTURES, pause_s=2) as place:
        camera = NetworkStream(f"rtsp://{place}/live", 10)
        assert camera.read() is not None
        camera.close()
    assert time.monotonic() - began_s < 30  # FFmpeg alone would wait for twenty pictures


def test_a_camera_that_falls_silent_is_given_up_in_time() -> None:
    with rtsp_camera(PICTURES, silent_s=10) as place:
        camera = NetworkStream(f"rtsp://{place}/live", 0.5)
        for _ in PICTURES:
            assert camera.read() is not None
        began_s = time.monotonic()
        with pytest.raises(CameraError, match=r"rtsp://127\.0\.0\.1:\d+/…: the stream"):
            camera.read()
        assert time.monotonic() - began_s < 8
        camera.close()


def test_frames_are_stamped_when_they_come() -> None:
    with rtsp_camera(PICTURES[:4], pause_s=0.2) as place:
        camera = NetworkStream(f"rtsp://{place}/live", 2)
        times = [frame.time_s for frame in (camera.read() for _ in range(4)) if frame]
        camera.close()
    assert times == sorted(times)
    assert times[-1] - times[0] > 0.3  # of 0.6: a busy machine may take the first one late
