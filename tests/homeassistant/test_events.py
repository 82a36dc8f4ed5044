"""Events in Home Assistant: the entity that has them, the triggers of the device, and the model in use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from homeassistant.components import automation
from homeassistant.components.device_automation import DeviceAutomationType, async_get_device_automations
from homeassistant.helpers import device_registry
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import async_mock_service

from edge.camera.testcard import TestCard
from edge.config import EmotionConfig, FacesConfig
from edge.daemon import payloads
from edge.daemon.payloads import Origin
from edge.inference.bundle import SHIPPED, ModelBundle
from edge.pipeline import Pipeline
from edge.testcard import Scene
from edge.vision.detector import HaarDetector
from edge.wire.messages import Info, InfoModel
from tests.homeassistant.conftest import CONFIG, LABELS, TOPICS, announcement, complaints
from tests.payloads import event

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeassistant.core import HomeAssistant

    from edge.wire.messages import FaceEvent

    Tell = Callable[..., Any]


def told(kind: str = "changed", emotion: str = "happy", age_s: float = 0.0, **values: Any) -> str:
    return event(emotion=emotion, type=kind, at=datetime.now(UTC) - timedelta(seconds=age_s), **values).to_json()


async def triggers(hass: HomeAssistant) -> dict[str, dict[str, Any]]:
    """Return what the editor of automations offers for the device, by what a person reads there."""
    (device,) = device_registry.async_get(hass).devices.values()
    found = await async_get_device_automations(hass, DeviceAutomationType.TRIGGER, [device.id])
    return {
        f"{each['subtype']} {each['type']}": {key: value for key, value in each.items() if key != "metadata"}
        for each in found[device.id]
        if each["domain"] == "mqtt"
    }


async def test_an_event_has_its_type_and_its_attributes(hass: HomeAssistant, tell: Tell) -> None:
    def shown() -> dict[str, Any]:
        state = hass.states.get("event.kitchen_event")
        return dict(state.attributes) if state else {}

    await tell(TOPICS.event, told("appeared", "sad"))
    assert shown()["event_types"] == ["appeared", "changed", "gone"]
    assert (shown()["event_type"], shown()["emotion"], shown()["previous"]) == ("appeared", "sad", None)
    await tell(TOPICS.event, told("changed", previous="sad", lasted_s=2.5))
    assert shown()["event_type"] == "changed"
    assert (shown()["emotion"], shown()["previous"], shown()["lasted_s"], shown()["confidence"], shown()["face"]) == (
        "happy", "sad", 2.5, 0.9, 3
    )  # fmt: skip
    await tell(TOPICS.event, told("gone", "happy", lasted_s=7.5))
    assert (shown()["event_type"], shown()["emotion"], shown()["lasted_s"]) == ("gone", "happy", 7.5)
    await tell(TOPICS.event, told("appeared", age_s=3600))  # the broker was away for an hour
    assert shown()["event_type"] == "gone"


async def test_somebody_begins_to_smile(hass: HomeAssistant, tell: Tell, caplog: pytest.LogCaptureFixture) -> None:
    known = await triggers(hass)
    assert known.keys() == {"Somebody begins to smile", "Somebody begins to look angry"}
    calls = async_mock_service(hass, "test", "smiled")
    smiled = {
        "alias": "smile",
        "triggers": [known["Somebody begins to smile"]],
        "actions": [{"action": "test.smiled", "data": {"face": "{{ trigger.payload_json.face.id }}"}}],
    }
    assert await async_setup_component(hass, automation.DOMAIN, {automation.DOMAIN: smiled})
    for kind, emotion, age_s, count in (
        ("changed", "angry", 0, 0),
        ("changed", "happy", 0, 1),
        ("gone", "happy", 0, 1),
        ("appeared", "happy", 0, 2),
        ("changed", "happy", 3600, 2),
        ("changed", "uncertain", 0, 2),
    ):
        await tell(TOPICS.event, told(kind, emotion, age_s))
        assert len(calls) == count, (kind, emotion, age_s)
    assert calls[0].data["face"] == 3
    assert complaints(caplog) == []


async def test_another_model_has_other_triggers(
    hass: HomeAssistant, tell: Tell, caplog: pytest.LogCaptureFixture
) -> None:
    await tell(CONFIG, announcement(("happy", "bored"), before=(*LABELS, "bored")))
    assert (await triggers(hass)).keys() == {"Somebody begins to smile", "Somebody begins to show bored"}
    await tell(CONFIG, announcement(LABELS, before=(*LABELS, "bored")))
    assert (await triggers(hass)).keys() == {"Somebody begins to smile", "Somebody begins to look angry"}
    await tell(CONFIG, "")
    assert not device_registry.async_get(hass).devices
    assert complaints(caplog) == []


@pytest.mark.parametrize(("name", "version"), [("emotion", "0.1.0"), ("my face", "2026-11")])
async def test_the_model_in_use_is_an_update_that_is_done(
    hass: HomeAssistant, tell: Tell, name: str, version: str
) -> None:
    info = Info(
        device="kitchen",
        session="01JD",
        software="0.1.0",
        model=InfoModel(name=name, version=version, sha256="d5ea6d2f361d" + 52 * "0", labels=LABELS),
        runtime="litert 2.3.0",
        camera="c",
        started_at=datetime.now(UTC),
    )
    await tell(TOPICS.info, info.to_json())
    state = hass.states.get("update.kitchen_model")
    assert state is not None
    assert state.state == "off"
    assert state.attributes["installed_version"] == state.attributes["latest_version"] == f"{name} {version}"
    assert state.attributes["release_summary"] == "litert 2.3.0, SHA-256 d5ea6d2f361d"


def smiling_test_card() -> list[FaceEvent]:
    """Return the events of the test card's person, up to the first smile, as the daemon makes them."""
    now_s = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now_s
        now_s += seconds

    camera = TestCard(Scene(), 15, clock=lambda: now_s, sleep=sleep)
    bundle = ModelBundle.load(SHIPPED)
    pipeline = Pipeline(HaarDetector(72), bundle, FacesConfig(), EmotionConfig())
    found: list[FaceEvent] = []
    while now_s < 120:
        for transition in pipeline.step(camera.read()):
            found.append(payloads.event(transition, Origin("kitchen", "01JD", synthetic=True), len(found)))
            if found[-1].emotion == "happy":
                return found
    pytest.fail("it does not smile in two minutes")


async def test_the_test_card_smiles(hass: HomeAssistant, tell: Tell) -> None:
    calls = async_mock_service(hass, "test", "smiled")
    smiled = {
        "alias": "smile",
        "triggers": [(await triggers(hass))["Somebody begins to smile"]],
        "actions": [{"action": "test.smiled", "data": {"synthetic": "{{ trigger.payload_json.synthetic }}"}}],
    }
    assert await async_setup_component(hass, automation.DOMAIN, {automation.DOMAIN: smiled})
    *before, smile = smiling_test_card()
    for each in before:
        await tell(TOPICS.event, each.to_json())
    assert calls == []
    await tell(TOPICS.event, smile.to_json())
    assert [call.data["synthetic"] for call in calls] == [True]
