from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from edge.camera.latest import LatestFrame
from edge.errors import CameraError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.frame import Frame


def numbers(slot: LatestFrame) -> list[int]:
    taken = []
    while (frame := slot.get(5)) is not None:
        taken.append(frame.sequence)
    return taken


def test_live_the_newest_frame_wins_and_the_overtaken_are_counted(frame: Callable[[int], Frame]) -> None:
    slot = LatestFrame(live=True)
    assert all(slot.put(frame(number)) for number in range(4))
    slot.end()
    assert numbers(slot) == [3]
    assert slot.dropped == 3


def test_a_frame_that_was_taken_is_not_dropped(frame: Callable[[int], Frame]) -> None:
    slot = LatestFrame(live=True)
    for number in range(3):
        slot.put(frame(number))
        taken = slot.get(0)
        assert taken is not None
        assert taken.sequence == number
    assert slot.dropped == 0


def test_not_live_every_frame_arrives_in_order(frame: Callable[[int], Frame]) -> None:
    slot = LatestFrame(live=False)

    def produce() -> None:
        for number in range(200):
            assert slot.put(frame(number))
        slot.end()

    producer = threading.Thread(target=produce)
    producer.start()
    assert numbers(slot) == list(range(200))
    producer.join(5)
    assert slot.dropped == 0


def test_not_live_put_waits_for_the_slot_and_close_lets_it_go(frame: Callable[[int], Frame]) -> None:
    slot = LatestFrame(live=False)
    answers: list[bool] = []
    slot.put(frame(0))
    producer = threading.Thread(target=lambda: answers.append(slot.put(frame(1))))
    producer.start()
    producer.join(0.05)
    assert producer.is_alive()
    slot.close()
    producer.join(5)
    assert answers == [False]


def test_nothing_in_time_is_a_timeout(frame: Callable[[int], Frame]) -> None:
    slot = LatestFrame(live=True)
    with pytest.raises(TimeoutError, match=r"no frame in 0\.01 s"):
        slot.get(0.01)
    slot.put(frame(0))
    assert slot.get(0.01) is not None


def test_the_end_comes_after_the_last_frame_and_stays(frame: Callable[[int], Frame]) -> None:
    slot = LatestFrame(live=True)
    slot.put(frame(7))
    slot.end()
    assert slot.get(0) is not None
    assert slot.get(0) is None
    assert slot.get(0) is None


def test_an_error_comes_after_the_last_frame_and_stays(frame: Callable[[int], Frame]) -> None:
    slot = LatestFrame(live=True)
    slot.put(frame(7))
    slot.end(CameraError("the camera is unplugged"))
    assert slot.get(0) is not None
    for _ in range(2):
        with pytest.raises(CameraError, match="unplugged"):
            slot.get(0)


def test_close_lets_a_waiting_consumer_go_and_takes_no_more(frame: Callable[[int], Frame]) -> None:
    slot = LatestFrame(live=True)
    answers: list[Frame | None] = []
    consumer = threading.Thread(target=lambda: answers.append(slot.get(60)))
    consumer.start()
    slot.close()
    consumer.join(5)
    assert answers == [None]
    assert not slot.put(frame(0))
