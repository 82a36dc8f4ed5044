"""A message that came in, and one that goes out once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Incoming:
    """What somebody published to a topic that we listen to."""

    topic: str
    payload: bytes
    """Anything at all, of any length that the broker lets through."""

    retained: bool
    """The broker kept it, perhaps for years. With MQTT 5 also of one that was published just now, to be kept."""

    response_topic: str | None = None
    """Where an answer is wanted (MQTT 5)."""

    correlation: bytes | None = None
    """What the answer shall carry so that the asker knows it again (MQTT 5)."""


@dataclass(frozen=True)
class Once:
    """What is sent once and then forgotten, unlike events and retained topics."""

    topic: str
    payload: str
    qos: int = 1
    retain: bool = False
    correlation: bytes | None = None
    """Correlation data (MQTT 5); left out on an older connection."""
