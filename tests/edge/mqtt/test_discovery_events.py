"""What Home Assistant makes of events: the event entity, and a trigger for each emotion."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from edge.mqtt import Topics
from edge.mqtt.discovery import Announcement, discovery
from edge.mqtt.discovery_events import NEW_S
from tests import hass
from tests.edge.mqtt.announced import CONFIG, announced
from tests.payloads import event


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
        payload = discovery(Topics("emotion-edge", "test"), Announcement(labels, 30, 30), before)
        hass.check(CONFIG, json.dumps(payload).encode())
        parts = payload["components"].items()
        return {key: len(part) > 1 for key, part in parts if part["platform"] == "device_automation"}

    assert keys(("happy", "sad"))["begins_happy"]
    assert not keys(("happy", "sad"))["begins_contempt"]
    mine = keys(("très content", "tres_content"), ("müde", "tres_content"))
    assert [key for key, there in mine.items() if there] == ["begins_tr_e8_s_20_content", "begins_tres_5f_content"]
    assert mine["begins_m_fc_de"] is False
