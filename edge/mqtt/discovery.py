"""What Home Assistant is told of the device: its entities and its triggers, in one message.

The device discovery of https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge import __version__
from edge.mqtt.client_id import object_id
from edge.mqtt.discovery_events import event_entity, triggers
from edge.mqtt.discovery_summary import summary_sensors
from edge.wire.messages import UNCERTAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.wire.topics import Topics

NOBODY = "nobody"
"""The emotion sensor's value while nobody is there, which is not Home Assistant's `unknown`."""

MISSED = 3
"""A value expires when so many messages in a row are missing."""


@dataclass(frozen=True)
class Announcement:
    """What Home Assistant is told of a device, beside its topics."""

    labels: Sequence[str]
    """The model's emotions."""

    state_every_s: float
    """Seconds between two `state` messages at most."""

    health_every_s: float
    """The same of `health`."""

    summary: bool = True
    """Whether the topic `summary` is published."""


def discovery(topics: Topics, announcement: Announcement, before: Sequence[str] = ()) -> dict[str, Any]:
    """Return the announcement's payload: the device, its software, an entity for each value, and its triggers.

    Args:
        topics: The device's.
        announcement: What it says.
        before: Emotions that an announcement before may have named, whose triggers and sensors are taken back.
    """
    labels = announcement.labels
    entities = {
        **_face_entities(topics, labels, expire_after=round(MISSED * announcement.state_every_s)),
        "detection": _detection_switch(topics),
        **_health_entities(topics, expire_after=round(MISSED * announcement.health_every_s)),
        "model": _model(topics),
        "event": event_entity(topics),
        **summary_sensors(topics, labels if announcement.summary else (), before),
    }
    identity = object_id(topics.root)
    for key, entity in entities.items():
        if len(entity) > 1:  # the others are taken back, by their key alone
            entity["unique_id"] = f"{identity}_{key}"
    return {
        "device": {
            "identifiers": [identity],
            "name": topics.device,
            "manufacturer": "emotion-edge",
            "model": "Facial expressions",
            "sw_version": __version__,
        },
        "origin": {"name": "emotion-edge", "sw_version": __version__},
        "availability": [{"topic": topics.availability}],
        "components": entities | triggers(topics, labels, before),
    }


def _face_entities(topics: Topics, labels: Sequence[str], expire_after: int) -> dict[str, dict[str, Any]]:
    """Return the entities of who is there, by key; they expire after so many seconds without a message."""
    camera_is_on = {
        "topic": topics.camera,
        "value_template": "{{ 'online' if value_json.status == 'online' else 'offline' }}",
    }
    shared = {
        "state_topic": topics.state,
        "expire_after": expire_after,
        # If the camera is off or away, nobody is seen: that does not mean that nobody is there.
        "availability": [{"topic": topics.availability}, camera_is_on],
        "availability_mode": "all",
    }
    return {
        "emotion": {
            **shared,
            "platform": "sensor",
            "name": "Emotion",
            "device_class": "enum",
            "options": [*labels, UNCERTAIN, NOBODY],
            "value_template": f"{{{{ value_json.emotion | default('{NOBODY}', true) }}}}",
            "icon": "mdi:emoticon-outline",
        },
        "confidence": {
            **shared,
            **_measurement("value_json.confidence * 100", of="value_json.confidence", unit="%", digits=0),
            "name": "Confidence",
            "icon": "mdi:percent-outline",
        },
        "face_present": {
            **shared,
            "platform": "binary_sensor",
            "name": "Face present",
            "device_class": "occupancy",
            "value_template": "{{ 'ON' if value_json.faces else 'OFF' }}",
        },
        "face_count": {
            **shared,
            **_measurement("value_json.faces | count", unit="faces", digits=0),
            "name": "Faces",
            "icon": "mdi:account-multiple-outline",
        },
    }


def _detection_switch(topics: Topics) -> dict[str, Any]:
    """Return the switch that turns detection on and off."""
    return {
        "platform": "switch",
        "name": "Detection",
        "state_topic": topics.detection,
        "command_topic": topics.detection_set,
        "payload_on": "ON",
        "payload_off": "OFF",
        "qos": topics.detection_set.qos,
        "retain": topics.detection_set.retained,
        "icon": "mdi:eye-outline",
    }


def _health_entities(topics: Topics, expire_after: int) -> dict[str, dict[str, Any]]:
    """Return the entities of the device's health, by key; they expire after so many seconds without a message."""
    shared = {
        "state_topic": topics.health,
        "expire_after": expire_after,
        "entity_category": "diagnostic",
    }
    return {
        "frame_rate": {
            **shared,
            **_measurement("value_json.frames.per_second", unit="fps", digits=1),
            "name": "Frame rate",
            "icon": "mdi:filmstrip",
        },
        "latency": {
            **shared,
            **_measurement("value_json.latency.p50_ms", unit="ms", digits=0),
            "name": "Latency",
            "device_class": "duration",
        },
        "temperature": {
            **shared,
            **_measurement("value_json.temperature_c", unit="°C", digits=1),
            "name": "Temperature",
            "device_class": "temperature",
        },
        "throttled": {
            **shared,
            "platform": "binary_sensor",
            "name": "Throttled",
            "device_class": "problem",
            "value_template": "{{ {true: 'ON', false: 'OFF'}.get(value_json.throttled_now) }}",
        },
        "outbox": {
            **shared,
            **_measurement("value_json.outbox.depth", unit="events", digits=0),
            "name": "Outbox",
            "icon": "mdi:tray-full",
        },
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


def _model(topics: Topics) -> dict[str, Any]:
    """Return the entity that shows which bundle is in use; no newer one is ever known here."""
    version = "value_json.model.name ~ ' ' ~ value_json.model.version"
    about = "value_json.runtime ~ ', SHA-256 ' ~ value_json.model.sha256[:12]"
    told = f"{{'installed_version': {version}, 'latest_version': {version}, 'release_summary': {about}}}"
    return {
        "platform": "update",
        "name": "Model",
        "title": "Model",
        "state_topic": topics.info,
        "value_template": f"{{{{ {told} | to_json }}}}",
        "entity_category": "diagnostic",
        "icon": "mdi:brain",
    }
