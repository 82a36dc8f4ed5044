from __future__ import annotations

import contextlib
import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from edge.config import CameraConfig, HealthConfig, HomeAssistantConfig, MqttConfig, Settings
from edge.daemon.loop import STATE_EVERY_S
from edge.inference.bundle import SHIPPED, ModelBundle
from edge.mqtt import Topics
from edge.mqtt.client_id import object_id
from edge.mqtt.discovery import discovery
from edge.mqtt.discovery_events import NEW_S
from edge.mqtt.homeassistant import MOST_WAIT_S, HomeAssistant
from edge.summary import QUIET_EVERY_S
from edge.wire.messages import BrokerHealth, FrameCounts, Health, Latency, OutboxHealth, State
from tests import hass
from tests.broker import Subscriber, wait_until
from tests.in_process import daemon
from tests.payloads import event

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.mqtt import MqttClient
    from tests.broker import Mosquitto

ROOT = "emotion-edge/test"
CONFIG = f"homeassistant/device/{object_id(ROOT)}/config"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
LABELS = ("angry", "happy")


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def announced(health_every_s: float = 30) -> dict[str, Any]:
    payload = discovery(Topics("emotion-edge", "test"), LABELS, STATE_EVERY_S, health_every_s)
    return hass.check(CONFIG, json.dumps(payload).encode())


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


@pytest.fixture
def home(mosquitto: Mosquitto, publish_to: Callable[..., MqttClient]) -> Callable[..., HomeAssistant]:
    lives: list[MqttClient] = []

    def make(**options: Any) -> HomeAssistant:
        for earlier in lives:  # a device has one life at a time
            earlier.close()
        client = publish_to(mosquitto.url)
        lives.append(client)
        made = HomeAssistant(HomeAssistantConfig(enabled=options.pop("enabled", True)), client, **options)
        made.announce(LABELS, STATE_EVERY_S, 30)
        client.start()
        wait_until(lambda: client.connected)
        return made

    return make


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


def test_what_comes_late_is_no_news() -> None:
    components = announced()["components"]
    now = datetime.now(UTC)
    for age_s, is_news in ((0, True), (NEW_S - 10, True), (NEW_S + 10, False), (86_400, False), (-5, True)):
        told = event(at=now - timedelta(seconds=age_s)).to_json()
        assert (hass.shown(components["event"], told) is not None) == is_news
        assert hass.shown(components["begins_happy"], told) == ("happy" if is_news else "")


def test_a_trigger_is_for_faces_that_begin_to_have_its_emotion() -> None:
    trigger = announced()["components"]["begins_happy"]
    assert (trigger["subtype"], trigger["type"], trigger["payload"]) == ("Somebody", "begins to smile", "happy")
    for kind, emotion, fires in (
        ("changed", "happy", True), ("appeared", "happy", True), ("gone", "happy", False), ("changed", "sad", False)
    ):  # fmt: skip
        told = event(emotion=emotion, type=kind, at=datetime.now(UTC), lasted_s=1.0).to_json()
        assert (hass.shown(trigger, told) == "happy") == fires


def test_a_model_without_an_emotion_takes_its_trigger_back() -> None:
    def keys(labels: tuple[str, ...], before: tuple[str, ...] = ()) -> dict[str, bool]:
        payload = discovery(Topics("emotion-edge", "test"), labels, 30, 30, before=before)
        hass.check(CONFIG, json.dumps(payload).encode())
        parts = payload["components"].items()
        return {key: len(part) > 1 for key, part in parts if part["platform"] == "device_automation"}

    assert keys(("happy", "sad"))["begins_happy"]
    assert not keys(("happy", "sad"))["begins_contempt"]
    mine = keys(("très content", "tres_content"), ("müde", "tres_content"))
    assert [key for key, there in mine.items() if there] == ["begins_tr_e8_s_20_content", "begins_tres_5f_content"]
    assert mine["begins_m_fc_de"] is False


def test_without_a_summary_and_without_an_emotion_their_sensors_go() -> None:
    def sensors(labels: tuple[str, ...], *, summary: bool) -> dict[str, bool]:
        parts = discovery(Topics("emotion-edge", "test"), labels, 30, 30, summary=summary)["components"].items()
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
    messages = [discovery(topics, LABELS, 30, 30) for topics in (*devices, Topics("a_b", "c"))]
    names = [message["device"]["identifiers"][0] for message in messages]
    assert len(set(names)) == len(messages)
    for name, message in zip(names, messages, strict=True):
        hass.check(f"homeassistant/device/{name}/config", json.dumps(message).encode())


def test_home_assistants_birth_is_answered_once_after_a_short_wait(
    home: Callable[..., HomeAssistant], subscriber: Subscriber
) -> None:
    clock = Clock()
    device = home(share=lambda: 0.5, clock=clock)
    wait_until(lambda: len(subscriber.payloads(CONFIG)) == 1)
    for word in ("offline", "hello", "online"):
        subscriber.publish("homeassistant/status", word)
    wait_until(lambda: device._due_s is not None)  # noqa: SLF001  # nothing else shows that it was heard
    clock.now_s = MOST_WAIT_S / 2 - 0.01
    device.attend(clock.now_s)
    time.sleep(0.2)
    assert len(subscriber.payloads(CONFIG)) == 1
    clock.now_s += 0.01
    for _ in range(3):
        device.attend(clock.now_s)
    wait_until(lambda: len(subscriber.payloads(CONFIG)) == 2)
    time.sleep(0.2)
    assert subscriber.payloads(CONFIG) == [subscriber.payloads(CONFIG)[0]] * 2
    assert subscriber.payloads(f"{ROOT}/availability") == ["online", "online"]


def test_a_broker_that_forgot_everything_learns_of_the_device_again(
    home: Callable[..., HomeAssistant], mosquitto: Mosquitto
) -> None:
    home()
    mosquitto.restart()
    with contextlib.closing(Subscriber(mosquitto.port)) as late:
        wait_until(lambda: late.payloads(CONFIG))


def test_a_device_that_is_no_longer_announced_goes(
    home: Callable[..., HomeAssistant], mosquitto: Mosquitto, subscriber: Subscriber
) -> None:
    home()
    wait_until(lambda: subscriber.payloads(CONFIG))
    silent = home(enabled=False)

    def attended() -> list[str]:
        silent.attend(time.monotonic())
        return subscriber.payloads(CONFIG)

    wait_until(lambda: attended()[-1] == "")
    for _ in range(20):
        attended()
        time.sleep(0.01)
    assert len(subscriber.payloads(CONFIG)) == 2  # there, and gone: said once
    with contextlib.closing(Subscriber(mosquitto.port)) as late:
        wait_until(lambda: late.payloads(f"{ROOT}/availability"))
        assert late.payloads(CONFIG) == []


def test_where_nothing_was_announced_nothing_is_taken_back(
    home: Callable[..., HomeAssistant], subscriber: Subscriber
) -> None:
    silent = home(enabled=False)
    wait_until(lambda: subscriber.payloads(f"{ROOT}/availability"))
    for _ in range(20):
        silent.attend(time.monotonic())
        time.sleep(0.01)
    assert subscriber.payloads(CONFIG) == []
