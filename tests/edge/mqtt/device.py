"""The device ``test``: its topics, and what the fixtures `publish_to` and `event` return."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from edge.mqtt import MqttClient
from edge.wire.messages import FaceEvent

if TYPE_CHECKING:
    from tests.broker import Subscriber

MakeClient = Callable[..., MqttClient]
MakeEvent = Callable[[int], FaceEvent]

ROOT = "emotion-edge/test"
AVAILABILITY = f"{ROOT}/availability"
EVENT = f"{ROOT}/event"
INFO = f"{ROOT}/info"
STATE = f"{ROOT}/state"
SET = f"{ROOT}/detection/set"


def sequences(subscriber: Subscriber) -> list[int]:
    """Return the sequences of the events that were received, in order."""
    return [json.loads(payload)["sequence"] for payload in subscriber.payloads(EVENT)]
