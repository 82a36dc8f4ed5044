"""Write what goes over the wire as an AsyncAPI 3.0 document: ``python -m edge.wire.asyncapi FILE``.

The specification: https://www.asyncapi.com/docs/reference/specification/v3.0.0, its MQTT bindings in version 0.2.0.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from edge.files import write_atomically
from edge.wire.payload_types import PAYLOADS
from edge.wire.topics import BASE, HOME_ASSISTANT, HomeAssistantTopics, Inbound, Topics

if TYPE_CHECKING:
    from edge.wire.topics import Topic

_BINDING = "0.2.0"

_INTRODUCTION = """\
Facial-expression recognition on a Raspberry Pi. Every device has its own topics; no message holds a picture.
Topics begin with mqtt.base_topic, which is emotion-edge unless set."""

_PARAMETERS = {
    "device": {"description": "The device's name, mqtt.device"},
    "object_id": {"description": "The device's topics in letters, digits and _, and eight digits of their hash"},
}


def text() -> str:
    """Return the document as JSON."""
    return json.dumps(document(), indent=1) + "\n"


def document() -> dict[str, Any]:
    """Return the document, made from the table of topics and the types that they carry."""
    device, home = Topics(BASE, "{device}"), HomeAssistantTopics(HOME_ASSISTANT, "{object_id}")
    # A name in the document cannot hold all that an address can.
    topics = {**device.named, **{re.sub(r"/({\w+}/)?", "_", topic): topic for topic in (home.config, home.status)}}
    availability = device.availability
    will = {"topic": availability, "qos": availability.qos, "message": "offline", "retain": availability.retained}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "emotion-edge", "version": "1", "description": _INTRODUCTION, "license": {"name": "MIT"}},
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "{host}",
                "protocol": "mqtt",
                "description": "Any MQTT 5 or 3.1.1 broker, with TLS for mqtts://.",
                "variables": {"host": {"default": "localhost", "description": "mqtt.url"}},
                "bindings": {"mqtt": {"cleanSession": True, "lastWill": will, "bindingVersion": _BINDING}},
            }
        },
        "channels": {name: _channel(name, topic) for name, topic in topics.items()},
        "operations": {name: _operation(name, topic, device.answers.get(name)) for name, topic in topics.items()},
        "components": {
            "parameters": _PARAMETERS,
            "messages": {name: _message(topic) for name, topic in topics.items()},
            "schemas": _schemas(),
        },
    }


def _channel(name: str, topic: Topic) -> dict[str, Any]:
    return {
        "address": topic,
        "description": topic.summary,
        "parameters": {part: {"$ref": f"#/components/parameters/{part}"} for part in re.findall(r"{(\w+)}", topic)},
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
    }


def _operation(name: str, topic: Topic, answer: str | None) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "action": "receive" if isinstance(topic, Inbound) else "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": topic.summary,
        "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
        "bindings": {"mqtt": {"qos": topic.qos, "retain": topic.retained, "bindingVersion": _BINDING}},
    }
    if answer:
        operation["reply"] = {"channel": {"$ref": f"#/channels/{answer}"}}
    return operation


def _message(topic: Topic) -> dict[str, Any]:
    if topic.carries is None:
        return {"contentType": "text/plain", "payload": {"type": "string"}}
    if isinstance(topic.carries, dict):
        return {"payload": topic.carries}
    if isinstance(topic.carries, tuple):
        return {"contentType": "text/plain", "payload": {"type": "string", "enum": list(topic.carries)}}
    return {"payload": {"$ref": f"#/components/schemas/{topic.carries.__name__}"}}


def _schemas() -> dict[str, Any]:
    """Return every type by its name, with references that hold within the document."""
    _, schemas = models_json_schema(
        [(kind, "serialization") for kind in PAYLOADS.values()],
        ref_template="#/components/schemas/{model}",
    )
    found: dict[str, Any] = schemas["$defs"]
    return found


if __name__ == "__main__":
    write_atomically(Path(sys.argv[1]), text())
