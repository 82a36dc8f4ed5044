"""Write what goes over the wire as an AsyncAPI 3.0 document: ``python -m edge.wire.asyncapi FILE``.

The specification: https://www.asyncapi.com/docs/reference/specification/v3.0.0, its MQTT bindings in version 0.2.0.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from edge.config.tree import MqttConfig
from edge.files import write_atomically
from edge.wire.catalogue import HOME_ASSISTANT, USAGE, Usage
from edge.wire.messages import PAYLOADS
from edge.wire.topics import Topics

_BINDING = "0.2.0"

_INTRODUCTION = """\
Facial-expression recognition on a Raspberry Pi. Every device has its own topics; no message holds a picture.
Topics begin with mqtt.base_topic, which is emotion-edge unless set."""

_PARAMETERS = {
    "device": {"description": "The device's name, mqtt.device"},
    "object_id": {"description": "The device's topics in letters, digits and _, and eight digits of their hash"},
}


def text() -> str:
    """Give the document as JSON."""
    return json.dumps(document(), indent=1) + "\n"


def document() -> dict[str, Any]:
    """Give the document, made from the topics, their `USAGE` and the types they carry."""
    topics = Topics(MqttConfig.model_fields["base_topic"].default, "{device}")
    addresses = {name: str(getattr(topics, name)) for name in USAGE}
    # A name in the document cannot hold all that a topic can.
    addresses |= {re.sub(r"/({\w+}/)?", "_", address): address for address in HOME_ASSISTANT}
    usages = dict(zip(addresses, [*USAGE.values(), *HOME_ASSISTANT.values()], strict=True))
    will = {"topic": topics.availability, "qos": 1, "message": "offline", "retain": True}
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
        "channels": {name: _channel(name, addresses[name], usage) for name, usage in usages.items()},
        "operations": {name: _operation(name, usage) for name, usage in usages.items()},
        "components": {
            "parameters": _PARAMETERS,
            "messages": {name: _message(usage) for name, usage in usages.items()},
            "schemas": _schemas(),
        },
    }


def _channel(name: str, address: str, usage: Usage) -> dict[str, Any]:
    return {
        "address": address,
        "description": usage.summary,
        "parameters": {part: {"$ref": f"#/components/parameters/{part}"} for part in re.findall(r"{(\w+)}", address)},
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
    }


def _operation(name: str, usage: Usage) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "action": "send" if usage.speaker == "device" else "receive",
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": usage.summary,
        "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
        "bindings": {"mqtt": {"qos": usage.qos, "retain": usage.retained, "bindingVersion": _BINDING}},
    }
    if usage.answered_on:
        operation["reply"] = {"channel": {"$ref": f"#/channels/{usage.answered_on}"}}
    return operation


def _message(usage: Usage) -> dict[str, Any]:
    if usage.carries is None:
        return {"contentType": "text/plain", "payload": {"type": "string"}}
    if isinstance(usage.carries, dict):
        return {"payload": usage.carries}
    if isinstance(usage.carries, tuple):
        return {"contentType": "text/plain", "payload": {"type": "string", "enum": list(usage.carries)}}
    return {"payload": {"$ref": f"#/components/schemas/{usage.carries.__name__}"}}


def _schemas() -> dict[str, Any]:
    """Give every type by its name, with references that hold within the document."""
    _, schemas = models_json_schema(
        [(kind, "serialization") for kind in PAYLOADS.values()],
        ref_template="#/components/schemas/{model}",
    )
    found: dict[str, Any] = schemas["$defs"]
    return found


if __name__ == "__main__":
    write_atomically(Path(sys.argv[1]), text())
