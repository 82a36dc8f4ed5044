"""What Home Assistant is told of events: an entity that has them, and a trigger for each emotion.

https://www.home-assistant.io/integrations/event.mqtt/, https://www.home-assistant.io/integrations/device_trigger.mqtt/.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.wire.topics import Topics

NEW_S = 60
"""Seconds in which an event is news. Older ones come after the broker was away; no lamp may follow them."""

_NEW = f"as_timestamp(now()) - as_timestamp(value_json.captured_at) < {NEW_S}"

_PHRASES = {
    "angry": "begins to look angry",
    "contempt": "begins to show contempt",
    "disgust": "begins to show disgust",
    "fear": "begins to look afraid",
    "happy": "begins to smile",
    "neutral": "begins to look neutral",
    "sad": "begins to look sad",
    "surprise": "begins to look surprised",
}
"""Home Assistant shows a trigger as its subtype and its type. Automations name both: they must not change."""

_SUBTYPE = "Somebody"

KNOWN_EMOTIONS = tuple(_PHRASES)
"""What the shipped models know: an announcement of an earlier model may have named them."""


def event_entity(topics: Topics) -> dict[str, Any]:
    """Return the entity that has every new event, with its emotion, confidence and more as attributes."""
    attributes = {
        "event_type": "value_json.type",
        "emotion": "value_json.emotion",
        "confidence": "value_json.confidence",
        "previous": "value_json.previous | default(none)",
        "lasted_s": "value_json.lasted_s | default(none)",
        "face": "value_json.face.id",
        "captured_at": "value_json.captured_at",
    }
    told = ", ".join(f"'{name}': {value}" for name, value in attributes.items())
    return {
        "platform": "event",
        "name": "Event",
        "state_topic": topics.event,
        "event_types": ["appeared", "changed", "gone"],
        "value_template": f"{{% if {_NEW} %}}{{{{ {{{told}}} | to_json }}}}{{% endif %}}",
        "qos": topics.event.qos,
        "icon": "mdi:face-recognition",
    }


def triggers(topics: Topics, labels: Sequence[str], before: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return a trigger for each emotion, by its key: some face begins to have it, or appears with it.

    Args:
        topics: The device's.
        labels: The model's emotions.
        before: Emotions that may have a trigger from before; those that the model does not have are taken back.
    """
    gone = [label for label in (*KNOWN_EMOTIONS, *before) if label not in labels]
    return {
        **{f"begins_{component_key(label)}": {"platform": "device_automation"} for label in gone},
        **{f"begins_{component_key(label)}": _trigger(topics, label) for label in labels},
    }


def _trigger(topics: Topics, label: str) -> dict[str, Any]:
    return {
        "platform": "device_automation",
        "automation_type": "trigger",
        "topic": topics.event,
        "qos": topics.event.qos,
        "type": _PHRASES.get(label, f"begins to show {label}"),
        "subtype": _SUBTYPE,
        "payload": label,
        "value_template": f"{{{{ value_json.emotion if value_json.type != 'gone' and {_NEW} else '' }}}}",
    }


def component_key(label: str) -> str:
    """Return a part of a component's key: letters, digits, ``_`` and ``-`` alone, and another one for each label."""
    return re.sub(r"[^A-Za-z0-9-]", lambda found: f"_{ord(found[0]):x}_", label)
