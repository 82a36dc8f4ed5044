from __future__ import annotations

import threading
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from edge.camera.deadlines import RELEASE_S, RETRY_S
from edge.camera.states import CameraState
from edge.camera.supervisor import CameraSupervisor
from edge.errors import CameraError, CameraHangError
from tests.edge.camera.script import CONFIG, Clock, Script, assert_is, frames

if TYPE_CHECKING:
    from edge.frame import Frame
    from tests.edge.camera.script import Supervise


def test_no_camera_at_the_start_is_an_error(supervise: Supervise) -> None:
    with pytest.raises(CameraError, match="no such camera"):
        supervise(CameraError("no such camera"))


def test_a_camera_that_hangs_while_it_opens_is_waited_for_but_not_for_ever(clock: Clock) -> None:
    let_go = threading.Event()

    def opener() -> Script:
        let_go.wait(30)
        return Script()

    supervisor = CameraSupervisor(opener, CONFIG, clock, clock.sleep)
    assert not supervisor.open(0.01)
    clock.now_s += CONFIG.give_up_s
    with pytest.raises(CameraHangError, match="does not open"):
        supervisor.open(0.01)
    let_go.set()


def test_a_clip_ends(supervise: Supervise) -> None:
    supervisor = supervise(Script("frame", "frame", live=False))
    assert len(frames(supervisor, 2)) == 2
    assert supervisor.status == "online"
    assert supervisor.next_frame(1) is None
    assert supervisor.ended
    assert supervisor.captured == 2


def test_a_clip_that_cannot_be_read_is_an_error(supervise: Supervise) -> None:
    supervisor = supervise(Script("frame", CameraError("broken"), live=False))
    frames(supervisor, 1)
    with pytest.raises(CameraError, match="broken"):
        supervisor.next_frame(1)


def test_a_camera_that_goes_is_opened_again(supervise: Supervise) -> None:
    first, second = Script("frame", CameraError("unplugged")), Script("frame", "frame")
    supervisor = supervise(first, CameraError("still unplugged"), second)
    frames(supervisor, 1)
    assert supervisor.next_frame(1) is None
    assert (supervisor.status, supervisor.reason) == ("offline", "unplugged")
    frames(supervisor, 1)
    assert first.closed
    assert (supervisor.status, supervisor.reason) == ("online", None)
    assert supervisor.captured >= 2
    assert not supervisor.ended


def test_the_test_card_is_no_substitute_for_a_camera_that_went(supervise: Supervise) -> None:
    invented = Script("frame", synthetic=True)
    supervisor = supervise(Script("frame", CameraError("unplugged")), invented)
    frames(supervisor, 1)
    with pytest.raises(CameraError, match=r"longer than camera\.give_up_s"):
        frames(supervisor, 1)
    assert invented.closed


def test_a_camera_that_is_gone_for_too_long_is_given_up(supervise: Supervise, clock: Clock) -> None:
    supervisor = supervise(Script("frame", CameraError("unplugged")), CameraError("unplugged"))
    frames(supervisor, 1)
    with pytest.raises(CameraError, match=r"longer than camera\.give_up_s"):
        frames(supervisor, 1)
    assert clock.now_s == pytest.approx(CONFIG.give_up_s, abs=2)


def test_a_camera_that_stalls_and_does_not_let_go_needs_a_new_process(supervise: Supervise, clock: Clock) -> None:
    hung = Script("frame", "silence")
    supervisor = supervise(hung)
    frames(supervisor, 1)
    clock.now_s += CONFIG.stall_s - 0.1
    assert supervisor.next_frame(0.01) is None
    assert supervisor.status == "online"
    clock.now_s += 0.2
    assert supervisor.next_frame(0.01) is None
    assert_is(supervisor, "stalled")
    clock.now_s += RELEASE_S - 0.1
    assert supervisor.next_frame(0.01) is None  # it may still let go
    clock.now_s += 0.2
    with pytest.raises(CameraHangError) as caught:
        supervisor.next_frame(0.01)
    assert caught.value.exit_code == 5
    hung.woken.set()


def test_a_camera_that_stalls_and_lets_go_is_opened_again(supervise: Supervise, clock: Clock) -> None:
    stalled = Script("frame", "silence")
    supervisor = supervise(stalled, Script("frame", "frame"))
    frames(supervisor, 1)
    clock.now_s += CONFIG.stall_s
    assert supervisor.next_frame(0.01) is None
    stalled.woken.set()
    frames(supervisor, 1)
    assert_is(supervisor, "online")


def test_a_clip_on_a_disk_that_hangs_needs_a_new_process(supervise: Supervise, clock: Clock) -> None:
    hung = Script("frame", "silence", live=False)
    supervisor = supervise(hung)
    frames(supervisor, 1)
    clock.now_s += CONFIG.give_up_s
    with pytest.raises(CameraHangError, match="nothing could be read"):
        supervisor.next_frame(0.01)
    hung.woken.set()


def test_a_camera_that_sends_one_picture_each_time_it_is_opened_is_given_up(supervise: Supervise, clock: Clock) -> None:
    supervisor = supervise(*(Script("frame") for _ in range(200)))
    with pytest.raises(CameraError, match=r"longer than camera\.give_up_s"):
        frames(supervisor, 200)
    assert clock.now_s == pytest.approx(CONFIG.give_up_s, abs=2)


def test_a_camera_that_is_not_there_yet_is_waited_for_with_growing_pauses(clock: Clock) -> None:
    tried_s: list[float] = []
    there = Script("frame", "frame")

    def opener() -> Script:
        tried_s.append(clock.now_s)
        if clock.now_s < 600:
            message = "no camera found"
            raise CameraError(message)
        return there

    supervisor = CameraSupervisor(opener, CONFIG, clock, clock.sleep, patient=True)
    while not supervisor.open(1):
        pass
    assert (supervisor.status, supervisor.reason) == ("offline", "no camera found")
    while supervisor.reason != "the stream ended":
        supervisor.next_frame(0.25)
    pauses = [after - before for before, after in pairwise(tried_s)]
    assert pauses[:6] == pytest.approx([1, 2, 4, 8, 16, 32], abs=0.5)
    assert set(pauses[6:-1]) == {60}
    assert supervisor.status == "offline"


def test_one_that_was_waited_for_and_goes_again_is_given_up(clock: Clock) -> None:
    cameras = iter((CameraError("no camera found"), Script("frame", CameraError("unplugged"))))

    def opener() -> Script:
        camera = next(cameras, CameraError("unplugged"))
        if isinstance(camera, Script):
            return camera
        raise camera

    supervisor = CameraSupervisor(opener, CONFIG, clock, clock.sleep, patient=True)
    while not supervisor.open(1):
        pass
    frames(supervisor, 1)
    with pytest.raises(CameraError, match=r"longer than camera\.give_up_s"):
        frames(supervisor, 1)


class Paced(Script):
    """Frames come ten times a second of the test's clock."""

    def __init__(self, clock: Clock, *parts: Exception | str) -> None:
        super().__init__(*parts)
        self._clock, self._due_s = clock, 0.0

    def read(self) -> Frame | None:
        while self._clock.now_s < self._due_s:
            time.sleep(0.001)
        self._due_s = self._clock.now_s + 0.1
        return super().read()


class Unsteady:
    """A camera that opens as the test wrote; None: it is unplugged. Notes when it was tried."""

    def __init__(self, clock: Clock, *parts: Script | None) -> None:
        self._clock, self._parts = clock, list(parts)
        self.newest: Script | None = None
        self.tried_s: list[float] = []

    def __call__(self) -> Script:
        self.tried_s.append(self._clock.now_s)
        self.newest = self._parts.pop(0)
        if self.newest is None:
            message = "script: it is unplugged"
            raise CameraError(message)
        return self.newest

    @property
    def over(self) -> bool:
        return not self._parts


def test_online_stalled_offline_and_online_again_with_growing_delays(clock: Clock) -> None:
    """The whole walk: frames, then none, then no camera at five attempts, then frames for long, then none again."""
    camera = Unsteady(clock, Script("frame", "silence"), *[None] * 5, Paced(clock, *["frame"] * 40, "silence"), None)
    supervisor = CameraSupervisor(camera, CONFIG, clock, clock.sleep)
    while not supervisor.open(1):
        pass
    frames(supervisor, 1)
    walked: list[str | None] = []
    lost_s: list[float] = []
    while not camera.over:
        assert clock.now_s < 200
        supervisor.next_frame(0.01)
        if supervisor.state is CameraState.READING:
            clock.now_s += 0.1
        elif supervisor.state is CameraState.LOSING and camera.newest:
            lost_s.append(clock.now_s)
            camera.newest.woken.set()  # the driver lets go of the read
        if walked[-1:] != [supervisor.status]:
            walked.append(supervisor.status)
    supervisor.close(1)
    assert walked[:5] == ["online", "stalled", "offline", "online", "stalled"]  # and perhaps that it is gone again
    assert [round(later - earlier) for earlier, later in pairwise(camera.tried_s)][1:6] == [2, 4, 8, 8, 8]
    assert camera.tried_s[1] - lost_s[0] == pytest.approx(RETRY_S, abs=0.1)
    # It was there for long, so the delays begin anew.
    assert camera.tried_s[-1] - lost_s[-1] == pytest.approx(RETRY_S, abs=0.1)
