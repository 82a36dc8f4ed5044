from __future__ import annotations

import contextlib
import dataclasses
import json
from typing import TYPE_CHECKING

from rich.console import Console

from edge.mqtt import Backoff
from tests.broker import wait_until
from tests.fleet.__main__ import table
from tests.fleet.consumer import Consumer
from tests.fleet.play import Plan, play

if TYPE_CHECKING:
    from tests.broker import Mosquitto, Subscriber

QUICK = Backoff(first_s=0.2, most_s=0.5)


def test_a_small_fleet_loses_nothing_when_its_broker_restarts() -> None:
    figures = play(Plan(20, rest_s=1, away_s=1, tempo=10, retry=QUICK, fps=2, per_process=10))
    assert (figures.lost, figures.dropped, figures.disordered) == (0, 0, 0)
    assert figures.whole
    assert not dataclasses.replace(figures, lost=1).whole
    assert figures.events > 20
    assert figures.storms[0].waited > 0
    assert figures.storms[0].back.max_s < 10
    assert figures.rest.bytes_per_device_hour
    assert figures.rest.bytes_per_device_hour > figures.rest.messages_per_device_hour * 100
    assert {"event", "state", "info", "availability"} <= figures.bytes_per_message.keys()
    console = Console(record=True, width=120)
    console.print(table(figures))
    assert "lost" in console.export_text()


def test_the_consumer_counts_what_is_lost_twice_or_late(mosquitto: Mosquitto, subscriber: Subscriber) -> None:
    with contextlib.closing(Consumer(mosquitto.port, "emotion-edge")) as consumer:
        for sequence in (0, 1, 1, 4, 3):
            event = {"device": "hall", "session": "S", "sequence": sequence}
            subscriber.publish("emotion-edge/hall/event", json.dumps(event))
        wait_until(lambda: consumer.messages["event"] == 5)
        assert (consumer.tally.events, consumer.tally.duplicated, consumer.tally.disordered) == (4, 1, 1)
        assert consumer.tally.lost({("hall", "S"): 6, ("attic", "T"): 2}) == 4
        assert consumer.tally.lost({("hall", "S"): 2}) == 0
