"""Who is blamed when a broker closes the connection without a word, and who is not."""

from __future__ import annotations

import pytest

from edge.mqtt.culprits import Culprit, Culprits
from edge.mqtt.message import Outgoing
from edge.mqtt.outcome import End, Sent

EVENT, STATE, INFO = "event", "state", "info"
CLOSED = End("away", "the broker closed the connection", by_broker=True)


class Broker:
    """Connections, as the one who sends sees them."""

    def __init__(self) -> None:
        self.now = 0.0
        self.culprits = Culprits(EVENT, lambda: self.now, first_s=60.0)

    def connection(self, *arrived: Sent, underway: tuple[Sent, ...], end: End = CLOSED) -> Culprit | None:
        found = self.culprits.began()
        for sent in arrived:
            self.culprits.arrived(sent)
        self.culprits.ended(end, underway)
        return found


def sent(topic: str, size: int = 100, sequence: int | None = None) -> Sent:
    return Sent(Outgoing(topic, ""), size, sequence)


@pytest.fixture
def broker() -> Broker:
    return Broker()


def test_a_topic_is_blamed_after_two_connections_on_which_it_was_alone(broker: Broker) -> None:
    alone = (sent(STATE),)
    assert broker.connection(sent(INFO), underway=(sent(STATE), sent(EVENT, sequence=1))) is None
    assert broker.culprits.careful
    assert broker.connection(sent(INFO), underway=alone) is None
    assert broker.connection(sent(INFO), underway=alone) is None
    assert broker.culprits.began() == Culprit(STATE, None)
    assert broker.culprits.withheld(STATE, 1)
    assert not broker.culprits.withheld(INFO, 1000)
    broker.now = 61
    assert not broker.culprits.withheld(STATE, 1)  # tried again


def test_a_size_is_blamed_where_nothing_as_large_arrived(broker: Broker) -> None:
    for _ in range(2):
        assert broker.connection(sent(INFO, 700), underway=(sent(STATE, 5000),)) is None
    assert broker.culprits.began() == Culprit(STATE, 5000)
    assert broker.culprits.withheld(STATE, 5000)
    assert not broker.culprits.withheld(STATE, 4999)


def test_an_event_is_dropped_for_its_size_after_three_connections_only(broker: Broker) -> None:
    large = (sent(EVENT, 900, sequence=7),)
    for _ in range(3):
        assert broker.connection(sent(INFO, 700), underway=large) is None
    assert broker.culprits.began() == Culprit(EVENT, 900)


def test_events_that_arrive_in_between_do_not_hide_the_one_that_is_too_large(broker: Broker) -> None:
    """The outbox sends what is old and what is new in turn."""
    large = (sent(EVENT, 900, sequence=7),)
    for number in range(3):
        assert broker.connection(sent(INFO, 700), sent(EVENT, 600, sequence=100 + number), underway=large) is None
    assert broker.culprits.began() == Culprit(EVENT, 900)


@pytest.mark.parametrize(
    "end",
    [
        End("away", "keep alive timeout"),
        End("away", "server shutting down", by_broker=True, told="Server shutting down"),
        End("taken over", "session taken over", by_broker=True, told="Session taken over"),
    ],
)
def test_nobody_is_blamed_for_an_end_that_has_other_reasons(broker: Broker, end: End) -> None:
    for _ in range(5):
        assert broker.connection(sent(INFO), underway=(sent(STATE),), end=end) is None
    assert not broker.culprits.careful


def test_a_broker_that_was_away_afterwards_has_restarted(broker: Broker) -> None:
    for _ in range(5):
        assert broker.connection(sent(INFO), underway=(sent(STATE),)) is None
        broker.culprits.failed()


def test_a_broker_that_takes_nothing_at_all_is_no_reason_to_blame(broker: Broker) -> None:
    for _ in range(5):
        assert broker.connection(underway=(sent(STATE),)) is None


def test_what_has_arrived_is_above_suspicion(broker: Broker) -> None:
    for sequence in range(5):  # a broker that is restarted again and again, each time with another event on its way
        assert broker.connection(sent(EVENT, 90, sequence), underway=(sent(EVENT, 100, sequence + 1),)) is None
    for sequence in range(5):
        assert broker.connection(sent(INFO), underway=(sent(EVENT, 100, sequence),)) is None


def test_who_is_guilty_again_waits_longer_and_who_is_not_is_free(broker: Broker) -> None:
    told = End("away", "not authorized", by_broker=True, told="Not authorized")
    waits = []
    for _ in range(6):
        broker.connection(sent(INFO), underway=(sent(STATE),), end=told)
        assert broker.culprits.began() == Culprit(STATE, None)
        began = broker.now
        while broker.culprits.withheld(STATE, 100):
            broker.now += 1
        waits.append(broker.now - began)
    assert waits == [60, 120, 240, 480, 600, 600]
    broker.culprits.arrived(sent(STATE))
    broker.connection(sent(INFO), underway=(sent(STATE),))
    assert broker.culprits.began() is None
