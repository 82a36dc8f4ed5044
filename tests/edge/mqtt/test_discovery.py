"""What the announcement says of each entity: what it shows, for how long, and when it is unavailable."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from edge.config import CameraConfig, HealthConfig, MqttConfig, Settings
from edge.daemon.loop import STATE_EVERY_S
from edge.inference.bundle import SHIPPED, ModelBundle
from edge.mqtt import Topics
from edge.mqtt.client_id import object_id
from edge.mqtt.discovery import Announcement, discovery
from edge.summary import QUIET_EVERY_S
from edge.wire.messages import BrokerHealth, FrameCounts, Health, Latency, OutboxHealth, State
from tests import hass
from tests.broker import Mosquitto, Subscriber, wait_until
from tests.edge.mqtt.announced import CONFIG, LABELS, announced
from tests.edge.mqtt.device import ROOT
from tests.in_process import daemon

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def health(**changes: Any) -> str:
    values: dict[str, Any] = {
        "device": "test",
        "session": "01JD",
        "sent_at": NOW,
        "machine_uptime_s": 9,
        "daemon_uptime_s": 1,
        "temperature_c": None,
        "throttled_now": None,
        "throttled_since_boot": None,
        "rss_mb": 1,
        "frames": FrameCounts(captured=0, dropped=0, processed=0, per_second=0),
        "latency": Latency(p50_ms=None, p95_ms=None),
        "outbox": OutboxHealth(depth=0, dropped=0),
        "broker": BrokerHealth(reconnects=0, refused=None),
    }
    return Health(**values | changes).to_json()


def test_everything_that_a_live_daemon_says_is_what_its_entities_allow(
    mosquitto: Mosquitto, subscriber: Subscriber
) -> None:
    settings = Settings(
        camera=CameraConfig(source="testcard"),
        mqtt=MqttConfig(url=mosquitto.url, device="test"),
        health=HealthConfig(every_s=1),
    )
    began = datetime.now(UTC)
    with daemon(settings):
        wait_until(lambda: len(subscriber.payloads(f"{ROOT}/event")) > 1)
        subscriber.publish(f"{ROOT}/detection/set", "OFF")
        wait_until(lambda: '"off"' in (subscriber.payloads(f"{ROOT}/camera") or [""])[-1])
        wait_until(lambda: len(subscriber.payloads(f"{ROOT}/health")) > 2)
    wait_until(lambda: subscriber.payloads(f"{ROOT}/availability")[-1] == "offline")  # its last word
    (payload,) = subscriber.payloads(CONFIG)
    device = hass.check(CONFIG, payload.encode())

    seen: dict[str, set[Any]] = {}
    for key, entity in device["components"].items():
        payloads = subscriber.payloads(entity.get("state_topic", entity.get("topic")))
        seen[key] = {hass.shown(entity, text, began) for text in payloads}
    labels = set(ModelBundle.load(SHIPPED).card.labels)
    assert seen["emotion"] > {"nobody"}
    assert seen["emotion"] <= {*labels, "uncertain", "nobody"}
    assert None in seen["confidence"]
    assert any(50 < value <= 100 for value in seen["confidence"] - {None})
    assert seen["face_present"] == {"ON", "OFF"}
    assert seen["face_count"] == {0.0, 1.0}
    assert seen["detection"] == {"ON", "OFF"}
    assert max(seen["frame_rate"]) > 1
    assert max(seen["latency"] - {None}) > 0
    assert seen["outbox"] >= {0.0}
    assert ("appeared", 1) in {(kind, face) for kind, _, face in seen["event"]}
    told = [json.loads(text) for text in subscriber.payloads(f"{ROOT}/event")]
    for label in labels:
        assert (label in seen[f"begins_{label}"]) == (
            label in {each["emotion"] for each in told if each["type"] != "gone"}
        )
        assert max(seen[f"today_{label}"]) >= 0
    assert max(seen["visits_today"]) == 1
    assert max(seen["longest_stay_today"]) > 0
    card = ModelBundle.load(SHIPPED).card
    assert seen["model"] == {f"{card.name} {card.version}"}


def test_nulls_and_extremes_are_what_the_entities_allow() -> None:
    components = announced()["components"]
    nothing = health()
    hot = health(temperature_c=85.5, throttled_now=True, latency=Latency(p50_ms=12.5, p95_ms=99))
    assert hass.shown(components["temperature"], nothing) is None
    assert hass.shown(components["temperature"], hot) == 85.5
    assert hass.shown(components["throttled"], nothing) is None
    assert hass.shown(components["throttled"], hot) == "ON"
    assert hass.shown(components["throttled"], health(throttled_now=False)) == "OFF"
    assert hass.shown(components["latency"], nothing) is None
    assert hass.shown(components["latency"], hot) == 12.5
    nobody = State(
        device="test", session="01JD", captured_at=NOW, frame=None, emotion=None, confidence=None, faces=()
    ).to_json()
    found = [hass.shown(components[key], nobody) for key in ("emotion", "confidence", "face_present", "face_count")]
    assert found == ["nobody", None, "OFF", 0.0]


def test_a_frozen_daemon_leaves_nothing_standing_and_a_steady_face_does_not_expire() -> None:
    for every_s in (1.0, 30.0, 300.0):
        components = announced(every_s)["components"]
        for entity in components.values():
            if entity["platform"] not in ("switch", "event", "update", "device_automation"):
                last = entity["state_topic"].rpartition("/")[2]
                heartbeat_s = {"state": STATE_EVERY_S, "summary": QUIET_EVERY_S, "health": every_s}[last]
                assert 2 * heartbeat_s < entity["expire_after"] <= 4 * heartbeat_s
    assert components["emotion"]["expire_after"] == 90


@pytest.mark.parametrize(("status", "sees"), [("online", True), ("stalled", False), ("offline", False), ("off", False)])
def test_what_is_not_seen_is_not_said_to_be_absent(status: str, *, sees: bool) -> None:
    components = announced()["components"]
    newest = {f"{ROOT}/availability": "online", f"{ROOT}/camera": json.dumps({"status": status})}
    assert hass.available(components["face_present"], newest) is sees
    assert hass.available(components["detection"], newest)
    assert hass.available(components["temperature"], newest)
    newest[f"{ROOT}/availability"] = "offline"
    assert not any(hass.available(entity, newest) for entity in components.values())


def test_without_a_summary_and_without_an_emotion_their_sensors_go() -> None:
    def sensors(labels: tuple[str, ...], *, summary: bool) -> dict[str, bool]:
        parts = discovery(Topics("emotion-edge", "test"), Announcement(labels, 30, 30, summary))["components"].items()
        return {key: len(part) > 1 for key, part in parts if "today" in key}

    both = sensors(("happy", "sad"), summary=True)
    assert [key for key, there in both.items() if there] == [
        "visits_today", "present_today", "longest_stay_today", "today_happy", "today_sad"
    ]  # fmt: skip
    assert not both["today_contempt"]
    none = sensors(("happy", "sad"), summary=False)
    assert both.keys() == none.keys()
    assert not any(none.values())


def test_the_identity_is_the_devices_alone_and_stays() -> None:
    assert object_id("emotion-edge/kitchen") == "emotion_edge_kitchen_f365ab3c"
    devices = [Topics(base, device) for base, device in (("a", "b"), ("a", "B"), ("a", "b "), ("a/b", "c"), ("a", "é"))]
    messages = [discovery(topics, Announcement(LABELS, 30, 30)) for topics in (*devices, Topics("a_b", "c"))]
    names = [message["device"]["identifiers"][0] for message in messages]
    assert len(set(names)) == len(messages)
    for name, message in zip(names, messages, strict=True):
        hass.check(f"homeassistant/device/{name}/config", json.dumps(message).encode())
