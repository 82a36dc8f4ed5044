from __future__ import annotations

from edge.mqtt import Topics
from edge.wire.messages import PAYLOADS


def test_topics_are_those_of_the_contract() -> None:
    topics = Topics("emotion-edge", "kitchen")
    assert topics.availability == "emotion-edge/kitchen/availability"
    for name in PAYLOADS:
        assert getattr(topics, name) == f"emotion-edge/kitchen/{name}"


def test_a_wildcard_device_gives_filters() -> None:
    assert Topics("emotion-edge", "+").event == "emotion-edge/+/event"


def test_commands_and_their_answers_have_the_contracts_topics() -> None:
    topics = Topics("emotion-edge", "kitchen")
    assert topics.detection_set == "emotion-edge/kitchen/detection/set"
    assert topics.detection == "emotion-edge/kitchen/detection/state"
    assert topics.request_health == "emotion-edge/kitchen/request/health"
    assert topics.response_health == "emotion-edge/kitchen/response/health"
