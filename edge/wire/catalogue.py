"""How each topic is used: who publishes it, its payload, QoS and retain; `edge.wire.asyncapi` documents them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from edge.wire.messages import CameraStatus, FaceEvent, Health, Info, State

if TYPE_CHECKING:
    from edge.wire.messages import Payload


@dataclass(frozen=True)
class Usage:
    """How one topic is used."""

    summary: str
    """What it is for, in a sentence."""

    carries: type[Payload] | tuple[str, ...] | dict[str, Any] | None
    """The type of its JSON or its schema, the bare words that it may say, or None where the payload says nothing."""

    retained: bool = False
    """Whether the broker keeps the newest for whoever subscribes later."""

    qos: Literal[0, 1] = 1
    """The quality of service that the speaker asks for."""

    speaker: Literal["device", "others"] = "device"
    """Who publishes it."""

    answered_on: str | None = None
    """The property of `Topics` where the device answers."""


USAGE: dict[str, Usage] = {
    "availability": Usage(
        "Whether the device is connected; its last will says offline.", ("online", "offline"), retained=True
    ),
    "state": Usage("Who is there now: on every change, and every 30 s as a heartbeat.", State, retained=True),
    "event": Usage("A face appeared, its emotion changed, it is gone. Nothing is lost.", FaceEvent),
    "camera": Usage("How the camera is, and why.", CameraStatus, retained=True),
    "health": Usage("How the device is, every health.every_s.", Health, retained=True, qos=0),
    "info": Usage("What is running, and in which session.", Info, retained=True),
    "detection": Usage("Whether it looks; while OFF the camera is closed.", ("ON", "OFF"), retained=True),
    "detection_set": Usage(
        "Have it look, or not. The choice outlives a restart; a retained command is ignored.",
        ("ON", "OFF"),
        speaker="others",
    ),
    "request_health": Usage(
        "Have it tell how it is, now; with MQTT 5 where the response topic says, with the correlation data.",
        None,
        speaker="others",
        answered_on="response_health",
    ),
    "response_health": Usage("The answer, where the request named no topic for it.", Health),
}
"""By the property of `edge.wire.topics.Topics` that gives the topic."""

HOME_ASSISTANT: dict[str, Usage] = {
    "homeassistant/device/{object_id}/config": Usage(
        "Home Assistant's device discovery; empty once homeassistant.enabled is false.",
        {"type": "object", "required": ["device", "origin", "components"]},
        retained=True,
    ),
    "homeassistant/status": Usage(
        "Home Assistant has started, or stops; after its start the device says everything retained again.",
        ("online", "offline"),
        speaker="others",
    ),
}
"""By the topic, with the default of homeassistant.prefix and `edge.mqtt.client_id.object_id`."""
