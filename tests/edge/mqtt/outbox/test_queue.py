from __future__ import annotations

import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config import OutboxConfig
from edge.mqtt import Outbox


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def sequences(outbox: Outbox, window: int = 20) -> list[int]:
    return [entry.sequence for entry in outbox.take(window)]


def test_an_event_is_given_once_and_leaves_when_acknowledged() -> None:
    outbox = Outbox(OutboxConfig())
    assert [outbox.add(payload, 1.5) for payload in "ab"] == [0, 1]
    assert [(entry.payload, entry.captured_s) for entry in outbox.take()] == [("a", 1.5), ("b", 1.5)]
    assert outbox.take() == []
    assert outbox.depth == 2
    first = outbox.acknowledge(0)
    assert first is not None
    assert first.payload == "a"
    assert outbox.acknowledge(0) is None
    assert outbox.depth == 1


def test_no_more_than_the_window_is_in_flight() -> None:
    outbox = Outbox(OutboxConfig())
    for _ in range(50):
        outbox.add("", 0)
    assert sequences(outbox) == list(range(20))
    outbox.acknowledge(3)
    assert sequences(outbox) == [20]
    assert sequences(outbox) == []


def test_after_a_rewind_the_unacknowledged_come_again_in_order() -> None:
    outbox = Outbox(OutboxConfig())
    for _ in range(6):
        outbox.add("", 0)
    assert sequences(outbox, 4) == [0, 1, 2, 3]
    outbox.acknowledge(0)
    outbox.acknowledge(2)
    outbox.rewind()
    assert sequences(outbox) == [1, 3, 4, 5]


def test_the_oldest_goes_when_it_is_full_and_is_counted() -> None:
    outbox = Outbox(OutboxConfig(max_events=3))
    for _ in range(5):
        outbox.add("", 0)
    assert (outbox.depth, outbox.dropped) == (3, 2)
    assert sequences(outbox) == [2, 3, 4]


def test_the_old_go_and_are_counted() -> None:
    clock = Clock()
    outbox = Outbox(OutboxConfig(max_age_h=1), clock)
    outbox.add("", 0)
    clock.now = 3000
    outbox.add("", 0)
    clock.now = 3601
    assert (outbox.depth, outbox.dropped) == (1, 1)
    assert sequences(outbox) == [1]


def test_what_was_dropped_in_flight_still_takes_its_place_in_the_window() -> None:
    outbox = Outbox(OutboxConfig(max_events=1))
    for _ in range(3):
        outbox.add("", 0)
        sequences(outbox, 2)
    assert outbox.dropped == 2
    assert sequences(outbox, 2) == []
    assert outbox.acknowledge(0) is None
    assert sequences(outbox, 2) == [2]


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


@settings(deadline=None)  # a busy machine is no failure
@given(STEPS, st.integers(1, 10))
def test_order_bounds_and_count_hold_whatever_happens(steps: list[str | tuple[str, int]], most: int) -> None:
    clock = Clock()
    outbox = Outbox(OutboxConfig(max_events=most, max_age_h=2), clock)
    added = acknowledged = 0
    flight: list[int] = []
    for step in steps:
        name, number = (step, 0) if isinstance(step, str) else step
        if name == "add":
            assert outbox.add(str(added), clock.now) == added
            added += 1
        elif name == "rewind":
            outbox.rewind()
            flight.clear()
        elif name == "take":
            before = len(flight)
            flight += (new := sequences(outbox, number))
            assert len(new) <= max(0, number - before)
        elif name == "acknowledge" and flight:
            acknowledged += outbox.acknowledge(flight.pop(number % len(flight))) is not None
        elif name == "wait":
            clock.now += number
        assert flight == sorted(set(flight))
        assert outbox.depth <= most
        assert outbox.depth + outbox.dropped + acknowledged == added
    outbox.rewind()
    left = outbox.take(most)
    assert len(left) == outbox.depth
    assert [entry.sequence for entry in left] == sorted(entry.sequence for entry in left)
    assert all(clock.now - entry.added_s <= 7200 for entry in left)


def test_threads_lose_nothing() -> None:
    outbox = Outbox(OutboxConfig())
    threads = [threading.Thread(target=lambda: [outbox.add("", 0) for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    seen: list[int] = []
    while len(seen) < 2000:
        for sequence in sequences(outbox):
            seen.append(sequence)
            outbox.acknowledge(sequence)
    for thread in threads:
        thread.join()
    assert seen == list(range(2000))
    assert outbox.depth == 0
