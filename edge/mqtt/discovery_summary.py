"""What Home Assistant is told of the day: sensors that it keeps statistics of.

Their values begin anew with each day of the device's time zone, which `last_reset` tells:
https://developers.home-assistant.io/docs/core/entity/sensor/#long-term-statistics.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from edge.mqtt.discovery_events import KNOWN_EMOTIONS, component_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.wire.topics import Topics

_DAY = "value_json.local.day"

_EXPIRE_S = 1800
"""A message comes each minute, and every 10 minutes while nobody is there."""


def summary_sensors(topics: Topics, labels: Sequence[str], before: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the sensors of the day, by their keys.

    Args:
        topics: The device's.
        labels: The model's emotions; none: no summary is published, and all sensors are taken back.
        before: Emotions that may have a sensor from before; those that the model does not have are taken back.
    """
    day = {
        "visits_today": _total(topics, "Visits today", "visits", "visits", "mdi:walk"),
        "present_today": _total(topics, "Somebody there today", "present_minutes", "min", "mdi:account-clock-outline"),
        "longest_stay_today": {
            **_total(topics, "Longest stay today", "longest_stay_s", "s", "mdi:timer-outline"),
            "state_class": "measurement",
        },
    }
    day["longest_stay_today"].pop("last_reset_value_template")
    emotions = {_key(label): _emotion(topics, label) for label in labels}
    gone = [_key(label) for label in (*KNOWN_EMOTIONS, *before) if label not in labels] + ([] if labels else list(day))
    return {**{key: {"platform": "sensor"} for key in gone}, **(day if labels else {}), **emotions}


def _emotion(topics: Topics, label: str) -> dict[str, Any]:
    # As JSON, the label is also a text of a template, whatever is in it.
    value = f"minutes.get({json.dumps(label)}, 0)"
    return _total(topics, f"{label.capitalize()} today", value, "min", "mdi:emoticon-outline")


def _total(topics: Topics, name: str, value: str, unit: str, icon: str) -> dict[str, Any]:
    return {
        "platform": "sensor",
        "name": name,
        "state_topic": topics.summary,
        "value_template": f"{{{{ {_DAY}.{value} }}}}",
        "state_class": "total",
        "last_reset_value_template": f"{{{{ {_DAY}.begin }}}}",
        "unit_of_measurement": unit,
        "suggested_display_precision": 0,
        "expire_after": _EXPIRE_S,
        "icon": icon,
        **({"device_class": "duration"} if unit in ("min", "s") else {}),
    }


def _key(label: str) -> str:
    return f"today_{component_key(label)}"
