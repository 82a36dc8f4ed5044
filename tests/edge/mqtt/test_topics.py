from __future__ import annotations

from edge.events import PAYLOADS
from edge.mqtt import Topics


def test_topics_are_those_of_the_contract() -> None:
    topics = Topics("emotion-edge", "kitchen")
    assert topics.availability == "emotion-edge/kitchen/availability"
    for name in PAYLOADS:
        assert getattr(topics, name) == f"emotion-edge/kitchen/{name}"


def test_a_wildcard_device_gives_filters() -> None:
    assert Topics("emotion-edge", "+").event == "emotion-edge/+/event"
