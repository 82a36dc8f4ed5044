from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.camera.supervisor import RELEASE_S, CameraSupervisor
from edge.config import CameraConfig
from edge.errors import CameraError, CameraHangError
from edge.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONFIG = CameraConfig(stall_s=5, give_up_s=60)


class Clock:
    """Moves when somebody sleeps or the test says so."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


class Script:
    """A camera that plays what the test wrote: "frame", "silence" until it is woken, or an error; then it ends."""

    name = "script"

    def __init__(self, *parts: Exception | str, live: bool = True, synthetic: bool = False) -> None:
        self.live = live
        self.synthetic = synthetic
        self.closed = False
        self.woken = threading.Event()
        self._parts = iter(parts)

    def read(self) -> Frame | None:
        part = next(self._parts, None)
        if isinstance(part, Exception):
            raise part
        if part == "silence":
            self.woken.wait()
            return None
        return Frame(np.zeros((4, 4), np.uint8), datetime.now(UTC), 0.0, 0) if part else None

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keep(clock: Clock) -> Iterator[Callable[..., CameraSupervisor]]:
    """Keep cameras that are opened in the order in which they are given; an exception fails to open."""
    keepers = []

    def make(*cameras: Script | Exception) -> CameraSupervisor:
        waiting = list(cameras)

        def opener() -> Script:
            camera = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            if isinstance(camera, Exception):
                raise camera
            return camera

        keepers.append(CameraSupervisor(opener, CONFIG, clock, clock.sleep))
        assert keepers[-1].open(5)
        return keepers[-1]

    yield make
    for supervisor in keepers:
        supervisor.close(1)


def frames(supervisor: CameraSupervisor, count: int) -> list[Frame]:
    """Take frames until there are `count`."""
    taken: list[Frame] = []
    for _ in range(1000):
        frame = supervisor.next_frame(0.1)
        if frame:
            taken.append(frame)
        if len(taken) == count:
            return taken
    pytest.fail(f"only {len(taken)} frames came")


def test_no_camera_at_the_start_is_an_error(keep: Callable[..., CameraSupervisor]) -> None:
    with pytest.raises(CameraError, match="no such camera"):
        keep(CameraError("no such camera"))


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


def test_a_clip_ends(keep: Callable[..., CameraSupervisor]) -> None:
    supervisor = keep(Script("frame", "frame", live=False))
    assert len(frames(supervisor, 2)) == 2
    assert supervisor.status == "online"
    assert supervisor.next_frame(1) is None
    assert supervisor.ended
    assert supervisor.captured == 2


def test_a_clip_that_cannot_be_read_is_an_error(keep: Callable[..., CameraSupervisor]) -> None:
    supervisor = keep(Script("frame", CameraError("broken"), live=False))
    frames(supervisor, 1)
    with pytest.raises(CameraError, match="broken"):
        supervisor.next_frame(1)


def test_a_camera_that_goes_is_opened_again(keep: Callable[..., CameraSupervisor]) -> None:
    first, second = Script("frame", CameraError("unplugged")), Script("frame", "frame")
    supervisor = keep(first, CameraError("still unplugged"), second)
    frames(supervisor, 1)
    assert supervisor.next_frame(1) is None
    assert (supervisor.status, supervisor.reason) == ("offline", "unplugged")
    assert first.closed
    frames(supervisor, 1)
    assert (supervisor.status, supervisor.reason) == ("online", None)
    assert supervisor.captured >= 2
    assert not supervisor.ended


def test_the_test_card_is_no_substitute_for_a_camera_that_went(keep: Callable[..., CameraSupervisor]) -> None:
    invented = Script("frame", synthetic=True)
    supervisor = keep(Script("frame", CameraError("unplugged")), invented)
    frames(supervisor, 1)
    with pytest.raises(CameraError, match=r"longer than camera\.give_up_s"):
        frames(supervisor, 1)
    assert invented.closed


def test_a_camera_that_is_gone_for_too_long_is_given_up(keep: Callable[..., CameraSupervisor], clock: Clock) -> None:
    supervisor = keep(Script("frame", CameraError("unplugged")), CameraError("unplugged"))
    frames(supervisor, 1)
    with pytest.raises(CameraError, match=r"longer than camera\.give_up_s"):
        frames(supervisor, 1)
    assert clock.now_s == pytest.approx(CONFIG.give_up_s, abs=2)


def test_a_camera_that_stalls_and_does_not_let_go_needs_a_new_process(
    keep: Callable[..., CameraSupervisor], clock: Clock
) -> None:
    hung = Script("frame", "silence")
    supervisor = keep(hung)
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


def test_a_camera_that_stalls_and_lets_go_is_opened_again(keep: Callable[..., CameraSupervisor], clock: Clock) -> None:
    stalled = Script("frame", "silence")
    supervisor = keep(stalled, Script("frame", "frame"))
    frames(supervisor, 1)
    clock.now_s += CONFIG.stall_s
    assert supervisor.next_frame(0.01) is None
    stalled.woken.set()
    frames(supervisor, 1)
    assert_is(supervisor, "online")


def test_a_clip_on_a_disk_that_hangs_needs_a_new_process(keep: Callable[..., CameraSupervisor], clock: Clock) -> None:
    hung = Script("frame", "silence", live=False)
    supervisor = keep(hung)
    frames(supervisor, 1)
    clock.now_s += CONFIG.give_up_s
    with pytest.raises(CameraHangError, match="nothing could be read"):
        supervisor.next_frame(0.01)
    hung.woken.set()


def test_a_camera_that_is_turned_off_is_closed_and_opened_again_on_demand(
    keep: Callable[..., CameraSupervisor], clock: Clock
) -> None:
    first = Script(*["frame"] * 5, "silence")
    supervisor = keep(first, Script(*["frame"] * 5))
    frames(supervisor, 1)
    supervisor.turn_off("nobody is to be seen")
    first.woken.set()
    wait_for(supervisor, "off")
    assert supervisor.reason == "nobody is to be seen"
    assert first.closed
    captured = supervisor.captured
    clock.now_s += 10 * CONFIG.give_up_s  # however long
    assert supervisor.next_frame(0.1) is None
    assert supervisor.captured == captured
    supervisor.turn_on()
    frames(supervisor, 1)
    assert_is(supervisor, "online")


def test_a_camera_that_does_not_come_back_is_given_up_from_then_on(
    keep: Callable[..., CameraSupervisor], clock: Clock
) -> None:
    supervisor = keep(Script(*["frame"] * 5), CameraError("unplugged"))
    frames(supervisor, 1)
    supervisor.turn_off("so")
    wait_for(supervisor, "off")
    clock.now_s += 10 * CONFIG.give_up_s
    began_s = clock.now_s
    supervisor.turn_on()
    with pytest.raises(CameraError, match=r"longer than camera\.give_up_s"):
        frames(supervisor, 1)
    assert clock.now_s - began_s == pytest.approx(CONFIG.give_up_s, abs=2)


def test_a_camera_that_is_off_at_the_start_is_not_opened_until_it_is_turned_on(clock: Clock) -> None:
    camera = Script("frame", synthetic=True)
    opened = []

    def opener() -> Script:
        opened.append(camera)
        return camera

    supervisor = CameraSupervisor(opener, CONFIG, clock, clock.sleep, off="so")
    assert supervisor.open(0.01)
    assert supervisor.next_frame(0.01) is None
    assert_is(supervisor, "off")
    assert (opened, supervisor.name) == ([], CONFIG.source)
    supervisor.turn_on()
    frames(supervisor, 1)
    assert (supervisor.name, supervisor.synthetic) == ("script", True)
    assert supervisor.close(1)


def test_off_and_on_in_one_breath_opens_the_camera_anew(keep: Callable[..., CameraSupervisor]) -> None:
    first = Script("frame", "silence")
    supervisor = keep(first, CameraError("still closing"), Script("frame", "frame"))
    frames(supervisor, 1)
    supervisor.turn_off("so")
    supervisor.turn_on()
    first.woken.set()
    frames(supervisor, 1)
    assert first.closed
    assert_is(supervisor, "online")


def test_a_camera_that_does_not_let_go_when_it_is_turned_off_needs_a_new_process(
    keep: Callable[..., CameraSupervisor], clock: Clock
) -> None:
    hung = Script("frame", "silence")
    supervisor = keep(hung)
    frames(supervisor, 1)
    supervisor.turn_off("so")
    assert supervisor.next_frame(0.01) is None
    assert_is(supervisor, "online")  # it is not off before it is
    clock.now_s += RELEASE_S
    with pytest.raises(CameraHangError, match="only a new process can close it"):
        supervisor.next_frame(0.01)
    hung.woken.set()


def test_a_clip_pauses_and_goes_on_where_it_was(keep: Callable[..., CameraSupervisor], clock: Clock) -> None:
    clip = Script(*["frame"] * 4, live=False)
    supervisor = keep(clip)
    frames(supervisor, 2)
    supervisor.turn_off("so")
    assert supervisor.next_frame(0.01) is None
    assert_is(supervisor, "off")
    clock.now_s += 10 * CONFIG.give_up_s
    supervisor.turn_on()
    assert len(frames(supervisor, 2)) == 2
    assert supervisor.next_frame(1) is None
    assert supervisor.ended
    assert supervisor.captured == 4


def wait_for(supervisor: CameraSupervisor, status: str) -> None:
    """Let the supervisor work until it says so."""
    for _ in range(1000):
        assert supervisor.next_frame(0.01) is None
        if supervisor.status == status:
            return
    pytest.fail(f"it is {supervisor.status}")


def assert_is(supervisor: CameraSupervisor, status: str) -> None:
    assert supervisor.status == status
