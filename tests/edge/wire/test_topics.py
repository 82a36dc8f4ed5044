from __future__ import annotations

from edge.wire.payload_types import PAYLOADS
from edge.wire.topics import HomeAssistantTopics, Inbound, Topics


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


def test_a_topic_knows_how_it_is_used() -> None:
    topics = Topics("emotion-edge", "kitchen")
    assert (topics.health.qos, topics.health.retained) == (0, True)
    assert (topics.event.qos, topics.event.retained) == (1, False)
    assert {name for name, topic in topics.named.items() if topic.qos == 0} == {"health", "frame"}
    assert {name for name, topic in topics.named.items() if isinstance(topic, Inbound)} == {
        "detection_set",
        "request_health",
    }
    assert all(topic.summary.endswith(".") for topic in topics.named.values())
    assert topics.answers.keys() | topics.answers.values() <= topics.named.keys()


def test_home_assistants_topics_are_its_own() -> None:
    home = HomeAssistantTopics("homeassistant", "emotion_edge_kitchen_1234abcd")
    assert home.config == "homeassistant/device/emotion_edge_kitchen_1234abcd/config"
    assert home.config.retained
    assert home.status == "homeassistant/status"
