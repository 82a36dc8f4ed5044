"""A real Home Assistant whose broker is the harness's, and that knows the device."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pytest_homeassistant_custom_component.common import async_fire_mqtt_message

from edge.mqtt.client_id import object_id
from edge.mqtt.discovery import Announcement, discovery
from edge.wire.topics import HomeAssistantTopics, Topics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from homeassistant.core import HomeAssistant

    Tell = Callable[..., Any]

TOPICS = Topics("emotion-edge", "kitchen")
CONFIG = HomeAssistantTopics("homeassistant", object_id(TOPICS.root)).config
STATE_EVERY_S, HEALTH_EVERY_S = 30.0, 60.0
LABELS = ("angry", "happy")


def announcement(labels: Sequence[str] = LABELS, before: Sequence[str] = (), *, summary: bool = True) -> dict[str, Any]:
    return discovery(TOPICS, Announcement(labels, STATE_EVERY_S, HEALTH_EVERY_S, summary), before)


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what Home Assistant's MQTT integration, blueprints and automations warned of."""
    parts = tuple(
        f"homeassistant.{part}"
        for part in ("components.mqtt", "components.automation", "components.blueprint", "helpers.template")
    )
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith(parts) and record.levelname in {"WARNING", "ERROR"}
    ]


@pytest.fixture
def expected_lingering_timers() -> bool:
    """The integration's own timer outlives the harness's broker."""
    return True


@pytest.fixture
async def tell(hass: HomeAssistant, mqtt_mock: object, caplog: pytest.LogCaptureFixture) -> Tell:  # noqa: ARG001  # it is the broker
    """Return what publishes a message to Home Assistant, which knows the device and has heard that it is there."""

    async def publish(topic: str, payload: object) -> None:
        async_fire_mqtt_message(hass, topic, payload if isinstance(payload, str) else json.dumps(payload))
        await hass.async_block_till_done()

    await publish(CONFIG, announcement())
    await publish(TOPICS.availability, "online")
    await publish(TOPICS.camera, {"status": "online"})
    await publish(TOPICS.detection, "ON")
    assert complaints(caplog) == []
    return publish
