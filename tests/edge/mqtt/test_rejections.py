"""Which message is withheld when a broker closes the connection for it, and which is not."""

from __future__ import annotations

import pytest

from edge.mqtt.message import Outgoing
from edge.mqtt.outcome import End, Sent
from edge.mqtt.rejections import Rejection, RejectionFinder

EVENT, STATE, INFO = "event", "state", "info"
CLOSED = End("away", "the broker closed the connection", by_broker=True)


class Broker:
    """Connections, as the one who sends sees them."""

    def __init__(self) -> None:
        self.now = 0.0
        self.finder = RejectionFinder(EVENT, lambda: self.now, first_s=60.0)

    def connection(self, *arrived: Sent, underway: tuple[Sent, ...], end: End = CLOSED) -> Rejection | None:
        found = self.finder.began()
        for sent in arrived:
            self.finder.arrived(sent)
        self.finder.ended(end, underway)
        return found


def sent(topic: str, size: int = 100, sequence: int | None = None) -> Sent:
    return Sent(Outgoing(topic, ""), size, sequence)


@pytest.fixture
def broker() -> Broker:
    return Broker()


def test_a_topic_is_found_after_two_connections_on_which_it_was_alone(broker: Broker) -> None:
    alone = (sent(STATE),)
    assert broker.connection(sent(INFO), underway=(sent(STATE), sent(EVENT, sequence=1))) is None
    assert broker.finder.one_at_a_time
    assert broker.connection(sent(INFO), underway=alone) is None
    assert broker.connection(sent(INFO), underway=alone) is None
    assert broker.finder.began() == Rejection(STATE, None)
    assert broker.finder.withheld(STATE, 1)
    assert not broker.finder.withheld(INFO, 1000)
    broker.now = 61
    assert not broker.finder.withheld(STATE, 1)  # tried again


def test_a_size_is_found_where_nothing_as_large_arrived(broker: Broker) -> None:
    for _ in range(2):
        assert broker.connection(sent(INFO, 700), underway=(sent(STATE, 5000),)) is None
    assert broker.finder.began() == Rejection(STATE, 5000)
    assert broker.finder.withheld(STATE, 5000)
    assert not broker.finder.withheld(STATE, 4999)


def test_an_event_is_dropped_for_its_size_after_three_connections_only(broker: Broker) -> None:
    large = (sent(EVENT, 900, sequence=7),)
    for _ in range(3):
        assert broker.connection(sent(INFO, 700), underway=large) is None
    assert broker.finder.began() == Rejection(EVENT, 900)


def test_events_that_arrive_in_between_do_not_hide_the_one_that_is_too_large(broker: Broker) -> None:
    """The outbox sends what is old and what is new in turn."""
    large = (sent(EVENT, 900, sequence=7),)
    for number in range(3):
        assert broker.connection(sent(INFO, 700), sent(EVENT, 600, sequence=100 + number), underway=large) is None
    assert broker.finder.began() == Rejection(EVENT, 900)


@pytest.mark.parametrize(
    "end",
    [
        End("away", "keep alive timeout"),
        End("away", "server shutting down", by_broker=True, code="Server shutting down"),
        End("away", "message rate too high", by_broker=True, code="Message rate too high"),
        End("away", "quota exceeded", by_broker=True, code="Quota exceeded"),
        End("away", "receive maximum exceeded", by_broker=True, code="Receive maximum exceeded"),
        End("taken over", "session taken over", by_broker=True, code="Session taken over"),
    ],
)
def test_an_end_that_has_other_reasons_finds_nothing(broker: Broker, end: End) -> None:
    for _ in range(5):
        assert broker.connection(sent(INFO), underway=(sent(STATE),), end=end) is None
    assert not broker.finder.one_at_a_time


def test_a_broker_that_was_away_afterwards_has_restarted(broker: Broker) -> None:
    for _ in range(5):
        assert broker.connection(sent(INFO), underway=(sent(STATE),)) is None
        broker.finder.failed()


def test_a_broker_that_takes_nothing_at_all_finds_nothing(broker: Broker) -> None:
    for _ in range(5):
        assert broker.connection(underway=(sent(STATE),)) is None


def test_what_has_arrived_is_no_candidate(broker: Broker) -> None:
    for sequence in range(5):  # a broker that is restarted again and again, each time with another event on its way
        assert broker.connection(sent(EVENT, 90, sequence), underway=(sent(EVENT, 100, sequence + 1),)) is None
    for sequence in range(5):
        assert broker.connection(sent(INFO), underway=(sent(EVENT, 100, sequence),)) is None


def test_what_is_rejected_again_waits_longer_until_it_arrives(broker: Broker) -> None:
    denied = End("away", "not authorized", by_broker=True, code="Not authorized")
    waits = []
    for _ in range(6):
        broker.connection(sent(INFO), underway=(sent(STATE),), end=denied)
        assert broker.finder.began() == Rejection(STATE, None)
        began = broker.now
        while broker.finder.withheld(STATE, 100):
            broker.now += 1
        waits.append(broker.now - began)
    assert waits == [60, 120, 240, 480, 600, 600]
    broker.finder.arrived(sent(STATE))
    broker.connection(sent(INFO), underway=(sent(STATE),))
    assert broker.finder.began() is None


def reply(number: int) -> Sent:
    return Sent(Outgoing(f"asker/{number}", "", reply=True), 700, None)


def test_replies_are_one_kind_for_others_choose_their_topics(broker: Broker) -> None:
    assert broker.connection(sent(INFO), reply(1), underway=(reply(2), reply(3))) is None
    assert broker.connection(sent(INFO), reply(4), underway=(reply(5),)) is None  # one that is allowed hides none
    assert broker.connection(sent(INFO), underway=()) == Rejection("response topics", None)
    assert broker.finder.withheld(reply(6).message.kind, 1)
    assert not broker.finder.withheld(INFO, 1000)
    for wait_s in (120, 240, 480, 600, 600):
        broker.now += 601
        assert not broker.finder.withheld(reply(7).message.kind, 1)
        assert broker.connection(sent(INFO), reply(8), underway=(reply(9),)) is None
        assert broker.finder.began() == Rejection("response topics", None)
        broker.now += wait_s - 1
        assert broker.finder.withheld(reply(10).message.kind, 1)
        broker.now += 2
        assert not broker.finder.withheld(reply(11).message.kind, 1)


def test_a_reply_beside_something_else_is_no_proof(broker: Broker) -> None:
    for number in range(5):
        assert broker.connection(sent(INFO), underway=(reply(number), sent(STATE))) is None
    assert broker.finder.began() is None
