"""What Home Assistant itself makes of the device: its MQTT integration, its registries and its states.

`tests/hass.py` holds every message against the documented rules, in every test run. Here the
messages go to the real integration, in the harness that its own developers test with.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from homeassistant.helpers import device_registry, entity_registry
from homeassistant.util import dt
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from edge.wire.messages import BrokerHealth, FrameCounts, Health, Latency, OutboxHealth
from tests.homeassistant.conftest import CONFIG, STATE_EVERY_S, TOPICS

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeassistant.core import HomeAssistant

    Tell = Callable[..., Any]

HAPPY = {"emotion": "happy", "confidence": 0.914, "faces": [{"id": 1}]}
NOBODY: dict[str, Any] = {"emotion": None, "confidence": None, "faces": []}
HEALTH = Health(
    device="kitchen",
    session="01JD",
    sent_at=datetime(2026, 11, 22, tzinfo=UTC),
    machine_uptime_s=9,
    daemon_uptime_s=1,
    temperature_c=51.2,
    throttled_now=False,
    throttled_since_boot=None,
    rss_mb=1,
    frames=FrameCounts(captured=1, dropped=0, processed=1, per_second=14.96),
    latency=Latency(p50_ms=None, p95_ms=None),
    outbox=OutboxHealth(depth=3, dropped=0),
    broker=BrokerHealth(reconnects=0, refused=None),
)


DAY = {f"sensor.kitchen_{name}_today" for name in ("visits", "somebody_there", "longest_stay", "happy", "angry")}


def states(hass: HomeAssistant) -> dict[str, str]:
    return {state.entity_id: state.state for state in hass.states.async_all()}


async def test_every_entity_shows_what_the_device_says(hass: HomeAssistant, tell: Tell) -> None:
    await tell(TOPICS.state, HAPPY)
    await tell(TOPICS.health, HEALTH.to_json())
    assert states(hass) == {
        "sensor.kitchen_emotion": "happy",
        "sensor.kitchen_confidence": "91.4",
        "binary_sensor.kitchen_face_present": "on",
        "sensor.kitchen_faces": "1",
        "switch.kitchen_detection": "on",
        "sensor.kitchen_frame_rate": "14.96",
        "sensor.kitchen_latency": "unknown",
        "sensor.kitchen_temperature": "51.2",
        "binary_sensor.kitchen_throttled": "off",
        "sensor.kitchen_outbox": "3",
        "event.kitchen_event": "unknown",
        "update.kitchen_model": "unknown",
        **dict.fromkeys(DAY, "unavailable"),  # until the first summary comes
    }
    await tell(TOPICS.state, NOBODY)
    assert states(hass)["sensor.kitchen_emotion"] == "nobody"
    assert states(hass)["sensor.kitchen_confidence"] == "unknown"
    assert states(hass)["binary_sensor.kitchen_face_present"] == "off"


async def test_without_a_camera_nobody_is_said_to_be_absent(hass: HomeAssistant, tell: Tell) -> None:
    await tell(TOPICS.state, NOBODY)
    await tell(TOPICS.camera, {"status": "off"})
    assert states(hass)["binary_sensor.kitchen_face_present"] == "unavailable"
    assert states(hass)["switch.kitchen_detection"] == "on"
    await tell(TOPICS.availability, "offline")
    assert set(states(hass).values()) == {"unavailable"}


async def test_a_frozen_daemon_leaves_no_emotion_standing(hass: HomeAssistant, tell: Tell) -> None:
    await tell(TOPICS.state, HAPPY)
    for seconds, shown in ((2.9 * STATE_EVERY_S, "happy"), (3.1 * STATE_EVERY_S, "unavailable")):
        async_fire_time_changed(hass, dt.utcnow() + timedelta(seconds=seconds))
        await hass.async_block_till_done()
        assert states(hass)["sensor.kitchen_emotion"] == shown


async def test_the_switch_commands_and_is_not_retained(hass: HomeAssistant, tell: Tell, mqtt_mock: Any) -> None:
    await hass.services.async_call("switch", "turn_off", {"entity_id": "switch.kitchen_detection"}, blocking=True)
    mqtt_mock.async_publish.assert_called_once_with(TOPICS.detection_set, "OFF", 1, False)  # noqa: FBT003  # its own order
    assert states(hass)["switch.kitchen_detection"] == "on"
    await tell(TOPICS.detection, "OFF")
    assert states(hass)["switch.kitchen_detection"] == "off"


async def test_a_device_that_is_taken_back_goes_with_its_entities(hass: HomeAssistant, tell: Tell) -> None:
    assert len(entity_registry.async_get(hass).entities) == 17
    await tell(CONFIG, "")
    assert states(hass) == {}
    assert not entity_registry.async_get(hass).entities
    assert not device_registry.async_get(hass).devices
