from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.camera.deadlines import RELEASE_S
from edge.camera.supervisor import CameraSupervisor
from edge.errors import CameraError, CameraHangError
from tests.edge.camera.script import CONFIG, Clock, Script, assert_is, frames, wait_for

if TYPE_CHECKING:
    from tests.edge.camera.script import Supervise


def test_a_camera_that_is_turned_off_is_closed_and_opened_again_on_demand(supervise: Supervise, clock: Clock) -> None:
    first = Script(*["frame"] * 5, "silence")
    supervisor = supervise(first, Script(*["frame"] * 5))
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


def test_a_camera_that_does_not_come_back_is_given_up_from_then_on(supervise: Supervise, clock: Clock) -> None:
    supervisor = supervise(Script(*["frame"] * 5), CameraError("unplugged"))
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


def test_off_and_on_in_one_breath_opens_the_camera_anew(supervise: Supervise) -> None:
    first = Script("frame", "silence")
    supervisor = supervise(first, CameraError("still closing"), Script("frame", "frame"))
    frames(supervisor, 1)
    supervisor.turn_off("so")
    supervisor.turn_on()
    first.woken.set()
    frames(supervisor, 1)
    assert first.closed
    assert_is(supervisor, "online")


def test_a_camera_that_does_not_let_go_when_it_is_turned_off_needs_a_new_process(
    supervise: Supervise, clock: Clock
) -> None:
    hung = Script("frame", "silence")
    supervisor = supervise(hung)
    frames(supervisor, 1)
    supervisor.turn_off("so")
    assert supervisor.next_frame(0.01) is None
    assert_is(supervisor, "online")  # it is not off before it is
    clock.now_s += RELEASE_S
    with pytest.raises(CameraHangError, match="only a new process can close it"):
        supervisor.next_frame(0.01)
    hung.woken.set()


def test_a_clip_pauses_and_goes_on_where_it_was(supervise: Supervise, clock: Clock) -> None:
    clip = Script(*["frame"] * 4, live=False)
    supervisor = supervise(clip)
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
