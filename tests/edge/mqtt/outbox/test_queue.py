from __future__ import annotations

import threading
import time

from hypothesis import given
from hypothesis import strategies as st

from edge.config import OutboxConfig
from edge.mqtt.outbox.queue import EventQueue


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def sequences(queue: EventQueue, window: int = 20) -> list[int]:
    return [entry.sequence for entry in queue.take(window)]


def test_an_event_is_given_once_and_leaves_when_acknowledged() -> None:
    queue = EventQueue(OutboxConfig(), Clock())
    assert [queue.add(payload, 1.5) for payload in "ab"] == [0, 1]
    assert [(entry.payload, entry.captured_s) for entry in queue.take()] == [("a", 1.5), ("b", 1.5)]
    assert queue.take() == []
    assert queue.status.depth == 2
    first = queue.acknowledge(0)
    assert first is not None
    assert first.payload == "a"
    assert queue.acknowledge(0) is None
    assert queue.status.depth == 1


def test_no_more_than_the_window_is_in_flight() -> None:
    queue = EventQueue(OutboxConfig(), Clock())
    for _ in range(50):
        queue.add("", 0)
    assert sequences(queue) == list(range(20))
    queue.acknowledge(3)
    assert sequences(queue) == [20]
    assert sequences(queue) == []


def test_after_a_rewind_the_unacknowledged_come_again_in_order() -> None:
    queue = EventQueue(OutboxConfig(), Clock())
    for _ in range(6):
        queue.add("", 0)
    assert sequences(queue, 4) == [0, 1, 2, 3]
    queue.acknowledge(0)
    queue.acknowledge(2)
    queue.rewind()
    assert sequences(queue) == [1, 3, 4, 5]


def test_the_oldest_goes_when_it_is_full_and_is_counted() -> None:
    queue = EventQueue(OutboxConfig(max_events=3), Clock())
    for _ in range(5):
        queue.add("", 0)
    assert (queue.status.depth, queue.status.dropped) == (3, 2)
    assert sequences(queue) == [2, 3, 4]


def test_the_old_go_and_are_counted() -> None:
    clock = Clock()
    queue = EventQueue(OutboxConfig(max_age_h=1), clock)
    queue.add("", 0)
    clock.now = 3000
    queue.add("", 0)
    clock.now = 3601
    assert (queue.status.depth, queue.status.dropped) == (1, 1)
    assert sequences(queue) == [1]


def test_what_was_dropped_in_flight_still_takes_its_place_in_the_window() -> None:
    queue = EventQueue(OutboxConfig(max_events=1), Clock())
    for _ in range(3):
        queue.add("", 0)
        sequences(queue, 2)
    assert queue.status.dropped == 2
    assert sequences(queue, 2) == []
    assert queue.acknowledge(0) is None
    assert sequences(queue, 2) == [2]


STEPS = st.lists(
    st.one_of(
        st.just("add"),
        st.just("rewind"),
        st.tuples(st.just("take"), st.integers(1, 5)),
        st.tuples(st.just("acknowledge"), st.integers(0, 4)),
        st.tuples(st.just("wait"), st.integers(1, 4000)),
    ),
    max_size=80,
)


@given(STEPS, st.integers(1, 10))
def test_order_bounds_and_count_hold_whatever_happens(steps: list[str | tuple[str, int]], most: int) -> None:
    clock = Clock()
    queue = EventQueue(OutboxConfig(max_events=most, max_age_h=2), clock)
    added = acknowledged = 0
    flight: list[int] = []
    for step in steps:
        name, number = (step, 0) if isinstance(step, str) else step
        if name == "add":
            assert queue.add(str(added), clock.now) == added
            added += 1
        elif name == "rewind":
            queue.rewind()
            flight.clear()
        elif name == "take":
            before = len(flight)
            flight += (new := sequences(queue, number))
            assert len(new) <= max(0, number - before)
        elif name == "acknowledge" and flight:
            acknowledged += queue.acknowledge(flight.pop(number % len(flight))) is not None
        elif name == "wait":
            clock.now += number
        assert flight == sorted(set(flight))
        assert queue.status.depth <= most
        assert queue.status.depth + queue.status.dropped + acknowledged == added
    queue.rewind()
    left = queue.take(most)
    assert len(left) == queue.status.depth
    assert [entry.sequence for entry in left] == sorted(entry.sequence for entry in left)
    assert all(clock.now - entry.added_s <= 7200 for entry in left)


def test_threads_lose_nothing() -> None:
    queue = EventQueue(OutboxConfig(), time.monotonic)
    threads = [threading.Thread(target=lambda: [queue.add("", 0) for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    seen: list[int] = []
    while len(seen) < 2000:
        for sequence in sequences(queue):
            seen.append(sequence)
            queue.acknowledge(sequence)
    for thread in threads:
        thread.join()
    assert seen == list(range(2000))
    assert queue.status.depth == 0
