"""MQTT 5 where the broker speaks it, also when it was just starting; 3.1.1 where it does not."""

from __future__ import annotations

import itertools
import time

import pytest

from edge.config import OutboxConfig
from edge.mqtt import Outbox, connector
from edge.mqtt.outcome import LEFT, End
from edge.mqtt.version import VersionChoice
from tests.broker import wait_until
from tests.edge.mqtt.device import EVENT, MakeClient, MakeEvent
from tests.edge.mqtt.scripted import CONNACK, CONNACK_311, UNACCEPTABLE_VERSION, ScriptedBroker
from tests.logged import warnings_of

MUTE, AWAY, MALFORMED, OTHER = (
    End("mute", "no answer"),
    End("away", "lost"),
    End("malformed", "protocol error"),
    End("version", "unsupported protocol version"),
)


def spoken(*ends: tuple[End, bool]) -> list[int]:
    """Return the version of each connection, given how each ended and whether it was accepted."""
    choice = VersionChoice(mqtt5=True)
    versions = []
    for end, accepted in ends:
        versions.append(5 if choice.mqtt5 else 3)
        choice.ended(end, accepted=accepted)
    return versions


def test_a_broker_that_is_away_for_a_while_is_spoken_to_with_mqtt_5_again() -> None:
    away = [(MUTE, False)] * 4
    assert spoken((AWAY, True), *away, (AWAY, True), (AWAY, True)) == [5, 5, 3, 5, 3, 5, 5]
    # The broker is back when 3.1.1 is tried: that connection is given up for one with MQTT 5.
    assert spoken((AWAY, True), *away[:3], (LEFT, True), (AWAY, True), (AWAY, True))[-2:] == [5, 5]


def test_a_broker_without_mqtt_5_is_spoken_to_with_3_1_1() -> None:
    assert spoken((MUTE, False), (LEFT, True), (MUTE, False), (AWAY, True), (MUTE, False), (AWAY, True)) == [
        5, 3, 5, 3, 5, 3,
    ]  # fmt: skip
    assert spoken((OTHER, False), (AWAY, True), (OTHER, False), (AWAY, True)) == [5, 3, 5, 3]


def test_a_broker_that_cannot_be_read_twice_is_spoken_to_with_3_1_1() -> None:
    assert spoken((MALFORMED, True), (MALFORMED, True), (AWAY, True), (MALFORMED, True), (AWAY, True)) == [
        5, 5, 3, 5, 3,
    ]  # fmt: skip
    assert spoken((MALFORMED, True), (AWAY, True), (MALFORMED, True), (AWAY, True)) == [5, 5, 5, 5]


@pytest.mark.parametrize(("answer", "versions"), [(b"", [5, 4, 5, 4]), (UNACCEPTABLE_VERSION, [5, 4]), (CONNACK, [5])])
def test_events_arrive_whatever_the_broker_speaks(
    publish_to: MakeClient,
    event: MakeEvent,
    caplog: pytest.LogCaptureFixture,
    *,
    answer: bytes,
    versions: list[int],
) -> None:
    outbox = Outbox(OutboxConfig())
    with ScriptedBroker(connack=answer) as broker:
        client = publish_to(broker.url, outbox=outbox)
        client.publish_event(event(0), time.monotonic())
        client.start()
        wait_until(lambda: outbox.status.depth == 0)
        assert broker.versions == versions
        assert broker.topics().count(EVENT) == 1
        client.close(0.3)
    assert warnings_of(caplog) == []  # nothing was wrong


def test_a_broker_that_never_answers_is_told_once_both_versions_were_tried(
    publish_to: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    with ScriptedBroker(connack=b"") as broker:
        broker.connack_311 = b""
        client = publish_to(broker.url)
        client.start()
        wait_until(lambda: len(broker.versions) >= 4)
        assert broker.versions[:4] == [5, 4, 5, 4]
        client.close(0.3)
    (told,) = warnings_of(caplog)
    assert told.startswith(f"cannot reach {broker.url}: ")


@pytest.mark.parametrize("answer", [b"", UNACCEPTABLE_VERSION])
def test_asking_for_mqtt_5_first_makes_no_wait_longer(
    publish_to: MakeClient, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    """A cluster that comes back bit by bit would be found late: each attempt is two connections, and one failure."""
    failures: list[int] = []

    def wait(number: int, *_: object) -> float:
        failures.append(number)
        return 0.02

    with ScriptedBroker(connack=answer) as broker:
        client = publish_to(broker.url)
        client.start()
        wait_until(lambda: client.connected)
        monkeypatch.setattr(connector, "delay_s", wait)
        broker.connack_311 = b""
        broker.hang_up()
        wait_until(lambda: len(failures) > 4)
        broker.connack_311 = CONNACK_311
        wait_until(lambda: client.connected)
    assert [after - before for before, after in itertools.pairwise(failures[:4])] == [1, 1, 1]
