"""A message that came in, and one that goes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from edge.wire.topics import Topic


@dataclass(frozen=True)
class Incoming:
    """What somebody published to a topic that we subscribe to."""

    topic: str
    payload: bytes
    """Anything at all, of any length that the broker lets through."""

    retained: bool
    """The broker kept it, perhaps for years. With MQTT 5 also of one that was published just now, to be kept."""

    response_topic: str | None = None
    """Where an answer is wanted (MQTT 5)."""

    correlation: bytes | None = None
    """What the answer must carry, so that the asker knows it again (MQTT 5)."""


@dataclass(frozen=True)
class Outgoing:
    """What is published."""

    topic: str
    payload: str
    qos: Literal[0, 1] = 1
    retain: bool = False
    correlation: bytes | None = None
    """Correlation data (MQTT 5); left out on an older connection."""

    reply: bool = False
    """Whether it answers on a topic that somebody else chose."""

    @property
    def kind(self) -> str:
        """What a broker may reject as one: its topic, or all replies, as their topics may be any number."""
        return "response topics" if self.reply else self.topic

    @classmethod
    def on(cls, topic: Topic, payload: str) -> Outgoing:
        """Return a message with the QoS and retain of its topic."""
        return cls(topic, payload, topic.qos, topic.retained)
