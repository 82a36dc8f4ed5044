"""Home Assistant's rules for device discovery, from its documentation, as strict as the strictest version.

https://www.home-assistant.io/integrations/mqtt/ and those of its sensor.mqtt, binary_sensor.mqtt and switch.mqtt;
device classes, their units and state classes: https://developers.home-assistant.io/docs/core/entity/sensor.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

if TYPE_CHECKING:
    from collections.abc import Callable

_TOPIC = re.compile(r"(?P<prefix>[^+#]+)/device/(?P<object_id>[a-zA-Z0-9_-]+)/config")
_PLAIN = re.compile(r"[^+#\0]+")

_AVAILABILITY = {
    "availability", "availability_mode", "availability_template", "availability_topic", "payload_available",
    "payload_not_available",
}  # fmt: skip
_ROOT = {"device", "origin", "components", "state_topic", "command_topic", "qos", "encoding", *_AVAILABILITY}
_DEVICE = {
    "identifiers", "connections", "manufacturer", "model", "model_id", "name", "hw_version", "serial_number",
    "sw_version", "via_device", "suggested_area", "configuration_url",
}  # fmt: skip
_ORIGIN = {"name", "sw_version", "support_url"}
_ENTITY = {
    "platform", "unique_id", "name", "icon", "entity_category", "entity_picture", "enabled_by_default",
    "default_entity_id", "json_attributes_topic", "json_attributes_template", "qos", "encoding", "state_topic",
    "value_template", "device_class", *_AVAILABILITY,
}  # fmt: skip
_PLATFORMS = {
    "sensor": {
        "expire_after", "force_update", "last_reset_value_template", "options", "suggested_display_precision",
        "state_class", "unit_of_measurement",
    },
    "binary_sensor": {"expire_after", "force_update", "off_delay", "payload_on", "payload_off"},
    "event": {"event_types"},
    "update": {"title", "release_url", "release_summary", "command_topic", "payload_install"},
    "switch": {"command_topic", "command_template", "optimistic", "payload_on", "payload_off", "retain", "state_on",
               "state_off"},
}  # fmt: skip
_UNITS: dict[str, set[str | None]] = {
    "enum": {None},
    "temperature": {"°C", "°F", "K"},
    "duration": {"d", "h", "min", "s", "ms", "μs"},
    "data_size": {"B", "kB", "MB", "GB"},
}
_BINARY_CLASSES = {
    "battery", "connectivity", "heat", "light", "motion", "occupancy", "power", "presence", "problem", "running",
    "safety", "sound", "update",
}  # fmt: skip

_TRIGGER = {"platform", "automation_type", "topic", "type", "subtype", "payload", "value_template", "qos"}

_TEMPLATES = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
_TEMPLATES.filters["to_json"] = json.dumps
_TEMPLATES.globals["as_timestamp"] = lambda moment: (
    datetime.fromisoformat(moment) if isinstance(moment, str) else moment
).timestamp()


def check(topic: str, payload: bytes) -> dict[str, Any]:
    """Hold a discovery message against the rules; gives it with the shared options merged into its components."""
    assert _TOPIC.fullmatch(topic), topic
    message: dict[str, Any] = json.loads(payload)
    _keys(message, _ROOT, {"device", "origin", "components"})
    _keys(message["device"], _DEVICE, {"name"})
    assert message["device"].get("identifiers") or message["device"].get("connections")
    assert all(isinstance(name, str) for name in message["device"]["identifiers"])
    _keys(message["origin"], _ORIGIN, {"name"})
    _check_availability(message)
    assert message["components"]
    shared = {key: message[key] for key in {*_AVAILABILITY, "state_topic", "command_topic", "qos"} & message.keys()}
    # What has a platform alone is taken back.
    there = {key: entity for key, entity in message["components"].items() if entity.keys() != {"platform"}}
    message["components"] = {key: shared | entity for key, entity in there.items()}
    for key, entity in message["components"].items():
        assert re.fullmatch(r"[a-zA-Z0-9_-]+", key)
        _check_entity(entity)
    unique = [entity.get("unique_id", key) for key, entity in message["components"].items()]
    assert len(set(unique)) == len(unique)
    return message


def shown(entity: dict[str, Any], payload: str, now: datetime | None = None) -> Any:
    """Give the state that Home Assistant makes of a message; None is its `unknown`."""
    text = render(entity["value_template"], payload, now) if "value_template" in entity else payload
    if entity["platform"] in _OF_PLATFORM:
        return _OF_PLATFORM[entity["platform"]](entity, text)
    assert text, f"{entity['name']}: an empty result is ignored, so the old value would stay"
    if text == "None":
        return None
    if entity["platform"] == "binary_sensor":
        assert text in (entity.get("payload_on", "ON"), entity.get("payload_off", "OFF")), text
        return text
    if "options" in entity:
        assert text in entity["options"], text
        return text
    number = float(text)
    assert math.isfinite(number)
    return number


def _event(entity: dict[str, Any], text: str) -> tuple[str, str, int] | None:
    if not text:  # no event
        return None
    told = json.loads(text)
    assert told["event_type"] in entity["event_types"]
    return told["event_type"], told["emotion"], told["face"]


def _switch(entity: dict[str, Any], text: str) -> str:
    assert text in (entity.get("state_on", entity["payload_on"]), entity.get("state_off", entity["payload_off"]))
    return text


def _update(_: dict[str, Any], text: str) -> str:
    told = json.loads(text)
    assert told.keys() <= {"installed_version", "latest_version", "title", "release_summary", "release_url"}
    assert told["installed_version"] == told["latest_version"]
    assert len(told["release_summary"]) <= 255
    version: str = told["installed_version"]
    return version


_OF_PLATFORM: dict[str, Callable[[dict[str, Any], str], Any]] = {
    "device_automation": lambda _, text: text,
    "event": _event,
    "switch": _switch,
    "update": _update,
}


def available(entity: dict[str, Any], payloads: dict[str, str]) -> bool:
    """Say whether the entity is available with these newest payloads by topic."""
    answers = []
    for source in entity["availability"]:
        text = payloads.get(source["topic"])
        if text is not None and "value_template" in source:
            text = render(source["value_template"], text)
        assert text in (None, "online", "offline"), text
        answers.append(text == "online")
    assert entity.get("availability_mode", "latest") == "all" or len(answers) == 1, "which would be the latest?"
    return all(answers)


def render(template: str, payload: str, now: datetime | None = None) -> str:
    """Render a value template as it is rendered there: `value` is the text, `value_json` what it says."""
    variables: dict[str, Any] = {"value": payload, "now": lambda: now or datetime.now(UTC)}
    try:
        variables["value_json"] = json.loads(payload)
    except ValueError:
        assert "value_json" not in template, payload
    return _TEMPLATES.from_string(template).render(variables).strip()


def _check_entity(entity: dict[str, Any]) -> None:
    if entity["platform"] == "device_automation":
        _keys(entity, _TRIGGER | _AVAILABILITY, _TRIGGER)
        assert entity["automation_type"] == "trigger"
        return
    _keys(entity, _ENTITY | _PLATFORMS[entity["platform"]], {"platform", "unique_id", "name", "state_topic"})
    _check_availability(entity)
    for key in ("state_topic", "command_topic"):
        assert _PLAIN.fullmatch(entity.get(key, "x")), entity[key]
    assert entity.get("entity_category") in (None, "diagnostic", "config")
    assert re.fullmatch(r"mdi:[a-z0-9-]+", entity.get("icon", "mdi:x"))
    assert entity.get("qos", 0) in (0, 1, 2)
    after = entity.get("expire_after", 1)
    assert isinstance(after, int)
    assert after > 0
    if entity["platform"] == "sensor":
        _check_sensor(entity)
    elif entity["platform"] == "binary_sensor":
        assert entity.get("device_class") in {None, *_BINARY_CLASSES}
    elif entity["platform"] == "switch":
        assert "command_topic" in entity
        assert entity.get("device_class") in (None, "outlet", "switch")
        assert entity.get("entity_category") != "diagnostic"  # of what can be changed


def _check_sensor(entity: dict[str, Any]) -> None:
    kind, unit, state_class = (entity.get(key) for key in ("device_class", "unit_of_measurement", "state_class"))
    assert kind is None or unit in _UNITS[kind], (kind, unit)
    assert state_class in (None, "measurement", "total", "total_increasing")
    assert entity.get("entity_category") != "config"
    if "options" in entity:
        assert kind == "enum"
        assert unit is state_class is None
        assert len(set(entity["options"])) == len(entity["options"]) > 0
        assert all(isinstance(option, str) for option in entity["options"])
    else:
        assert kind != "enum"


def _check_availability(holder: dict[str, Any]) -> None:
    assert not {"availability", "availability_topic"} <= holder.keys(), "they exclude each other"
    assert holder.get("availability_mode", "latest") in ("all", "any", "latest")
    for source in holder.get("availability", ()):
        _keys(source, {"topic", "payload_available", "payload_not_available", "value_template"}, {"topic"})
        assert _PLAIN.fullmatch(source["topic"])


def _keys(found: dict[str, Any], known: set[str], needed: set[str]) -> None:
    assert found.keys() <= known, f"unknown: {found.keys() - known}"
    assert needed <= found.keys(), f"missing: {needed - found.keys()}"
