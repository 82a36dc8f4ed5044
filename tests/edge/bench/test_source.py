"""Where the frames of a benchmark come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge import config
from edge.bench.source import FrameSource
from edge.bench.stages import Stages
from edge.camera.testcard import TestCard
from edge.testcard import Scene

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config import Settings


def test_the_test_card_can_begin_at_any_moment(settings: Settings) -> None:
    source = FrameSource(settings.camera)
    frame = next(source.frames(Stages(), begin_s=31.0))
    assert frame.time_s == 31
    assert np.array_equal(frame.gray, Scene().render(31.0))


def test_a_clip_is_shown_from_its_first_frame_on(video: Path) -> None:
    source = FrameSource(config.load(None, {}, {"camera.source": str(video)}).camera)
    frames = source.frames(Stages())
    shown = [next(frames).sequence for _ in range(32)]
    assert shown == [*range(30), 0, 1]
    assert next(source.frames(Stages())).sequence == 0
    source.close()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("rtsp://ann.example/garden", "rtsp stream"),
        ("/dev/v4l/by-id/usb-Maker_Camera_0815-video-index0", "webcam"),
        ("clip.mkv", "clip.mkv"),
        ("picamera2:0", "picamera2:0"),
    ],
)
def test_a_report_tells_no_address_and_no_serial_number(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str, shown: str
) -> None:
    camera = TestCard(Scene(), 15)
    monkeypatch.setattr(camera, "name", name)
    monkeypatch.setattr("edge.bench.source.open_camera", lambda *_: camera)
    assert FrameSource(settings.camera).name == shown
