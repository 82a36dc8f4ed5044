"""What a device announces to Home Assistant, checked as Home Assistant checks it."""

from __future__ import annotations

import json
from typing import Any

from edge.daemon.loop import STATE_EVERY_S
from edge.mqtt import Topics
from edge.mqtt.client_id import object_id
from edge.mqtt.discovery import Announcement, discovery
from tests import hass
from tests.edge.mqtt.device import ROOT

CONFIG = f"homeassistant/device/{object_id(ROOT)}/config"
LABELS = ("angry", "happy")


def announced(health_every_s: float = 30) -> dict[str, Any]:
    payload = discovery(Topics("emotion-edge", "test"), Announcement(LABELS, STATE_EVERY_S, health_every_s))
    return hass.check(CONFIG, json.dumps(payload).encode())
