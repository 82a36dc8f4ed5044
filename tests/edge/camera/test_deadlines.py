from __future__ import annotations

import pytest

from edge.camera.deadlines import BACK_S, Deadlines
from edge.errors import CameraError, CameraHangError
from tests.edge.camera.script import CONFIG, Clock


def come_back(each_time_s: float) -> None:
    """Go and come back for so long, until the camera is given up or was there for ten times as long as that takes."""
    clock = Clock()
    deadlines = Deadlines(CONFIG, clock)
    while clock.now_s < 10 * CONFIG.give_up_s:
        deadlines.closing()
        deadlines.check_gone("camera")
        deadlines.frame_came()
        clock.now_s += each_time_s
        deadlines.frame_came()


def test_a_camera_that_comes_back_for_a_moment_each_time_is_gone() -> None:
    with pytest.raises(CameraError, match=r"gone for 6\d s, longer than camera\.give_up_s"):
        come_back(BACK_S - 0.1)


def test_a_camera_that_comes_back_for_a_while_each_time_is_there() -> None:
    come_back(BACK_S)


def test_a_camera_that_is_turned_on_has_its_time_from_then_on() -> None:
    clock = Clock()
    deadlines = Deadlines(CONFIG, clock)
    deadlines.closing()
    assert not deadlines.may_retry
    clock.now_s += 2 * CONFIG.give_up_s
    deadlines.turned_on()
    assert deadlines.may_retry
    deadlines.check_gone("camera")
    clock.now_s += CONFIG.give_up_s
    with pytest.raises(CameraError):
        deadlines.check_gone("camera")


def test_whether_an_attempt_hangs_is_counted_from_its_start() -> None:
    """A camera that is gone takes its time to fail: that is no reason for another exit code."""
    clock = Clock()
    deadlines = Deadlines(CONFIG, clock)
    deadlines.closing()
    clock.now_s += CONFIG.give_up_s - 2
    deadlines.retrying()
    clock.now_s += 5
    deadlines.check_opening("camera")
    with pytest.raises(CameraError, match=r"longer than camera\.give_up_s"):
        deadlines.check_gone("camera")
    clock.now_s += CONFIG.give_up_s
    with pytest.raises(CameraHangError, match="does not open within 65 s"):
        deadlines.check_opening("camera")
