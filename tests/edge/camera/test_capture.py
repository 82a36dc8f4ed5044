from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from edge.camera.capture import Capture
from edge.errors import CameraError, CameraHangError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from edge.frame import Frame


class Scripted:
    """A camera that gives what it was told to, and then ends."""

    name = "scripted"
    synthetic = False

    def __init__(self, script: Iterable[Frame | Exception], *, live: bool) -> None:
        self.live = live
        self.closed = threading.Event()
        self._script = iter(script)

    def read(self) -> Frame | None:
        step = next(self._script, None)
        if isinstance(step, Exception):
            raise step
        return step

    def close(self) -> None:
        self.closed.set()


class Hanging(Scripted):
    """A camera whose stack does not answer until it is let go."""

    def __init__(self, *, while_closing: bool = False) -> None:
        super().__init__([], live=True)
        self.let_go = threading.Event()
        self._while_closing = while_closing

    def read(self) -> Frame | None:
        if not self._while_closing:
            self.let_go.wait(30)
        return None

    def close(self) -> None:
        if self._while_closing:
            self.let_go.wait(30)
        super().close()


class RefusesToClose(Scripted):
    def close(self) -> None:
        message = "scripted: the camera stack hangs while closing"
        raise CameraHangError(message)


def capturing(camera: Scripted, **options: Any) -> Capture:
    """Return a capture whose camera is open."""
    capture = Capture(lambda: camera, **options)
    assert capture.open(5)
    return capture


def test_a_camera_that_hangs_while_it_opens_does_not_hang_us() -> None:
    let_go = threading.Event()

    def opener() -> Scripted:
        let_go.wait(30)
        return Scripted([], live=True)

    capture = Capture(opener)
    assert not capture.open(0.02)
    assert not capture.stop(0.02)
    let_go.set()
    assert capture.stop(5)


def test_what_the_opener_raises_reaches_the_consumer() -> None:
    def opener() -> Scripted:
        message = "no such camera"
        raise CameraError(message)

    capture = Capture(opener)
    with pytest.raises(CameraError, match="no such camera"):
        capture.open(5)
    assert capture.stop(5)


def test_a_camera_stack_that_fails_on_its_way_out_takes_nothing_along(caplog: pytest.LogCaptureFixture) -> None:
    class Breaks(Scripted):
        def close(self) -> None:
            message = "Failed to stop camera"
            raise RuntimeError(message)

    capture = capturing(Breaks([], live=True))
    assert capture.get(5) is None
    assert not capture.stop(5)
    assert "Failed to stop camera" in caplog.text


def test_a_clip_arrives_whole_and_is_closed(frame: Callable[[int], Frame]) -> None:
    camera = Scripted([frame(number) for number in range(50)], live=False)
    capture = capturing(camera)
    taken = []
    while (got := capture.get(5)) is not None:
        taken.append(got.sequence)
    assert taken == list(range(50))
    assert (capture.captured, capture.dropped) == (50, 0)
    assert camera.closed.wait(5)
    assert capture.stop(5)


def test_of_a_live_camera_the_newest_frame_arrives(frame: Callable[[int], Frame]) -> None:
    camera = Scripted([frame(number) for number in range(5)], live=True)
    capture = capturing(camera)
    assert camera.closed.wait(5)  # the thread is through
    newest = capture.get(0)
    assert newest is not None
    assert newest.sequence == 4
    assert (capture.captured, capture.dropped) == (5, 4)
    assert capture.get(0) is None


@pytest.mark.parametrize("error", [CameraError("it is unplugged"), ZeroDivisionError("a defect of ours")])
def test_what_the_camera_raises_reaches_the_consumer_after_the_last_frame(
    frame: Callable[[int], Frame], error: Exception
) -> None:
    camera = Scripted([frame(0), error], live=False)
    capture = capturing(camera)
    assert capture.get(5) is not None
    with pytest.raises(type(error), match=str(error)):
        capture.get(5)
    assert camera.closed.wait(5)


def test_stop_ends_a_capture_that_nobody_takes_from(frame: Callable[[int], Frame]) -> None:
    camera = Scripted((frame(number % 256) for number in iter(int, 1)), live=False)
    capture = capturing(camera)
    assert capture.stop(5)
    assert camera.closed.is_set()
    assert capture.stop(5)


def test_a_hung_camera_does_not_hang_us() -> None:
    camera = Hanging()
    capture = capturing(camera)
    assert not capture.stop(0.02)
    camera.let_go.set()
    assert capture.stop(5)


def test_the_end_is_told_even_where_closing_hangs() -> None:
    camera = Hanging(while_closing=True)
    capture = capturing(camera)
    assert capture.get(5) is None
    assert not capture.stop(0.02)
    camera.let_go.set()
    assert capture.stop(5)


def test_a_camera_that_does_not_let_go_is_told(caplog: pytest.LogCaptureFixture) -> None:
    assert not capturing(RefusesToClose([], live=True)).stop(5)
    assert "hangs while closing" in caplog.text


def test_the_newest_frames_time_is_of_the_monotonic_clock(frame: Callable[[int], Frame]) -> None:
    times = iter([100.0, 100.5, 101.5, 103.0])
    camera = Scripted([frame(0), frame(1)], live=True)
    capture = capturing(camera, monotonic=lambda: next(times))
    assert camera.closed.wait(5)
    assert capture.last_frame_s == 103.0


def test_before_the_first_frame_it_is_when_reading_started() -> None:
    camera = Hanging()
    capture = capturing(camera, monotonic=lambda: 42.0)
    assert capture.last_frame_s == 42.0
    camera.let_go.set()
    assert capture.stop(5)
