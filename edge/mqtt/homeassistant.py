"""Home Assistant: the device appears there by itself, with its entities, and disappears when that is disabled.

One retained message announces all of them, the device discovery of
https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload.
"""

from __future__ import annotations

import json
import logging
import random
import time
from typing import TYPE_CHECKING, Any

from edge import __version__
from edge.mqtt.client_id import object_id
from edge.mqtt.message import Outgoing
from edge.wire.messages import UNCERTAIN
from edge.wire.topics import HomeAssistantTopics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge.config import HomeAssistantConfig
    from edge.mqtt.client import MqttClient
    from edge.mqtt.message import Incoming
    from edge.mqtt.subscriptions import Handler
    from edge.wire.topics import Topics

log = logging.getLogger(__name__)

NOBODY = "nobody"
"""The emotion sensor's value while nobody is there, which is not Home Assistant's `unknown`."""

MISSED = 3
"""A value expires when so many messages in a row are missing."""

MOST_WAIT_S = 5.0
"""Longest wait after Home Assistant's start, of which a random part is waited: a fleet must not answer at once."""


class HomeAssistant:
    """Announces the device, and again when Home Assistant has started; or takes the announcement back."""

    def __init__(
        self,
        config: HomeAssistantConfig,
        client: MqttClient,
        *,
        share: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Subscribe; call it before the client's start.

        Args:
            config: Whether, and below which prefix.
            client: Publishes and subscribes.
            share: A random number from 0 to 1.
            clock: Seconds that never jump, the same as of `attend`.
        """
        self._client = client
        self._share, self._clock = share, clock
        self._config = config
        self._topics = HomeAssistantTopics(config.prefix, object_id(client.topics.root))
        self._due_s: float | None = None
        self._left_over = False
        topic, handler = self._subscription()
        client.subscribe(topic, handler, retained=not config.enabled)

    def _subscription(self) -> tuple[str, Handler]:
        """Return what is listened to: Home Assistant's start, or an announcement from when this was enabled."""
        if self._config.enabled:
            return self._topics.status, self.handle_status
        return self._topics.config, self.handle_config

    def configure(self, config: HomeAssistantConfig) -> None:
        """Take another configuration over: an announcement that is no longer wanted is taken back."""
        if config == self._config:
            return
        listened, _ = self._subscription()
        if self._config.enabled:
            # Kept as what is so now: it is sent also where the broker comes back later.
            self._client.publish_retained(self._topics.config, "")
        self._config = config
        self._topics = HomeAssistantTopics(config.prefix, object_id(self._client.topics.root))
        topic, handler = self._subscription()
        self._client.replace_subscription(listened, topic, handler, retained=not config.enabled)

    def handle_status(self, message: Incoming) -> None:
        """Note that Home Assistant has started: its birth message."""
        if message.payload == b"online":
            self._due_s = self._clock() + MOST_WAIT_S * self._share()

    def handle_config(self, message: Incoming) -> None:
        """Note that the broker keeps an announcement from when this was enabled."""
        self._left_over = bool(message.payload)

    def announce(self, labels: Sequence[str], state_every_s: float, health_every_s: float) -> None:
        """Announce the device, if that is enabled.

        Args:
            labels: The model's emotions.
            state_every_s: Seconds between two `state` messages at most.
            health_every_s: The same of `health`.
        """
        if self._config.enabled:
            payload = discovery(self._client.topics, labels, state_every_s, health_every_s)
            self._client.publish_retained(self._topics.config, json.dumps(payload, ensure_ascii=False))

    def attend(self, now_s: float) -> None:
        """Do what is due. Called often."""
        if self._due_s is not None and now_s >= self._due_s:
            self._due_s = None
            self._client.publish_again()
        if self._left_over:
            self._left_over = False
            log.info("Home Assistant's announcement of this device is removed, as homeassistant.enabled is false")
            self._client.publish_once(Outgoing.on(self._topics.config, ""))


def discovery(topics: Topics, labels: Sequence[str], state_every_s: float, health_every_s: float) -> dict[str, Any]:
    """Return the announcement: the device, its software, and an entity for each value."""
    identity = object_id(topics.root)
    present = {"topic": topics.availability}
    seeing = {
        "topic": topics.camera,
        "value_template": "{{ 'online' if value_json.status == 'online' else 'offline' }}",
    }
    faces = {
        "state_topic": topics.state,
        "expire_after": round(MISSED * state_every_s),
        # If the camera is off or away, nobody is seen: that does not mean that nobody is there.
        "availability": [present, seeing],
        "availability_mode": "all",
    }
    health = {
        "state_topic": topics.health,
        "expire_after": round(MISSED * health_every_s),
        "entity_category": "diagnostic",
    }
    components: dict[str, dict[str, Any]] = {
        "emotion": {
            **faces,
            "platform": "sensor",
            "name": "Emotion",
            "device_class": "enum",
            "options": [*labels, UNCERTAIN, NOBODY],
            "value_template": f"{{{{ value_json.emotion | default('{NOBODY}', true) }}}}",
            "icon": "mdi:emoticon-outline",
        },
        "confidence": {
            **faces,
            **_measurement("value_json.confidence * 100", of="value_json.confidence", unit="%", digits=0),
            "name": "Confidence",
            "icon": "mdi:percent-outline",
        },
        "face_present": {
            **faces,
            "platform": "binary_sensor",
            "name": "Face present",
            "device_class": "occupancy",
            "value_template": "{{ 'ON' if value_json.faces else 'OFF' }}",
        },
        "face_count": {
            **faces,
            **_measurement("value_json.faces | count", unit="faces", digits=0),
            "name": "Faces",
            "icon": "mdi:account-multiple-outline",
        },
        "detection": {
            "platform": "switch",
            "name": "Detection",
            "state_topic": topics.detection,
            "command_topic": topics.detection_set,
            "payload_on": "ON",
            "payload_off": "OFF",
            "qos": topics.detection_set.qos,
            "retain": topics.detection_set.retained,
            "icon": "mdi:eye-outline",
        },
        "frame_rate": {
            **health,
            **_measurement("value_json.frames.per_second", unit="fps", digits=1),
            "name": "Frame rate",
            "icon": "mdi:filmstrip",
        },
        "latency": {
            **health,
            **_measurement("value_json.latency.p50_ms", unit="ms", digits=0),
            "name": "Latency",
            "device_class": "duration",
        },
        "temperature": {
            **health,
            **_measurement("value_json.temperature_c", unit="°C", digits=1),
            "name": "Temperature",
            "device_class": "temperature",
        },
        "throttled": {
            **health,
            "platform": "binary_sensor",
            "name": "Throttled",
            "device_class": "problem",
            "value_template": "{{ {true: 'ON', false: 'OFF'}.get(value_json.throttled_now) }}",
        },
        "outbox": {
            **health,
            **_measurement("value_json.outbox.depth", unit="events", digits=0),
            "name": "Outbox",
            "icon": "mdi:tray-full",
        },
    }
    return {
        "device": {
            "identifiers": [identity],
            "name": topics.device,
            "manufacturer": "emotion-edge",
            "model": "Facial expressions",
            "sw_version": __version__,
        },
        "origin": {"name": "emotion-edge", "sw_version": __version__},
        "availability": [present],
        "components": {key: {**entity, "unique_id": f"{identity}_{key}"} for key, entity in components.items()},
    }


def _measurement(value: str, *, of: str | None = None, unit: str, digits: int) -> dict[str, Any]:
    """Return the keys of a sensor for a number. A null becomes ``None``, which Home Assistant shows as unknown."""
    return {
        "platform": "sensor",
        "state_class": "measurement",
        "unit_of_measurement": unit,
        "suggested_display_precision": digits,
        "value_template": f"{{{{ {value} if ({of or value}) is number else none }}}}",
    }
